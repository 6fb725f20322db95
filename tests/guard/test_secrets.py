import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.guard.secrets import MIN_CHARS, RedactSecrets, redact

KEY = 'sk-a/b "ü" 123'


@pytest.fixture
def redactor() -> RedactSecrets:
    return RedactSecrets()


@pytest.fixture
def log(redactor: RedactSecrets) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(redactor)
    logger = logging.getLogger("test.secrets")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    assert redact("key=hunter22&again=hunter22", ["hunter22"]) == "key=***&again=***"


def test_it_is_found_quoted_and_escaped_too() -> None:
    text = 'x?key=sk-a%2Fb%20%22%C3%BC%22%20123 {"k": "sk-a/b \\"\\u00fc\\" 123"} {"k":"sk-a/b \\"ü\\" 123"}'
    assert redact(text, [KEY]) == 'x?key=*** {"k": "***"} {"k":"***"}'


def test_a_secret_that_begins_like_a_longer_one_uncovers_nothing() -> None:
    assert redact("abcdefgh", ["abcd", "abcdefgh"]) == "***"


def test_very_short_values_are_left_alone() -> None:
    assert redact("key k", ["k", ""]) == "key k"


@given(st.text(), st.lists(st.text(min_size=MIN_CHARS).filter(lambda text: "*" not in text), max_size=3))
def test_no_secret_survives(text: str, secrets: list[str]) -> None:
    hidden = redact(f"{text}{''.join(secrets)}{text}", secrets)
    assert not [secret for secret in secrets if secret in hidden]


def test_log_messages_and_their_arguments_are_redacted(
    redactor: RedactSecrets, log: tuple[logging.Logger, io.StringIO]
) -> None:
    redactor.register("hunter22")
    logger, stream = log
    logger.warning("login with %s and %d", {"password": "hunter22"}, 7)
    logger.warning("nothing to hide: %s", "x")
    assert stream.getvalue() == "login with {'password': '***'} and 7\nnothing to hide: x\n"


def test_tracebacks_and_attributes_are_redacted(
    redactor: RedactSecrets, log: tuple[logging.Logger, io.StringIO]
) -> None:
    redactor.register("hunter22")
    logger, stream = log
    try:
        raise ValueError("bad key hunter22")
    except ValueError:
        logger.exception("failed", extra={"call": "s.hunter22"})
    assert "bad key ***" in stream.getvalue()
    assert "hunter22" not in stream.getvalue()


def test_attributes_of_a_record_are_redacted(redactor: RedactSecrets) -> None:
    redactor.register("hunter22")
    record = logging.makeLogRecord({"msg": "x", "url": "https://u:hunter22@example.com", "call": 5})
    assert redactor.filter(record)
    assert record.__dict__["url"] == "https://u:***@example.com"
    assert record.__dict__["call"] == 5


def test_a_broken_log_call_still_hides_the_secret(redactor: RedactSecrets) -> None:
    redactor.register("hunter22")
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%d", ("hunter22",), None)
    assert redactor.filter(record)
    assert record.getMessage() == "%d ('***',)"


def test_a_secret_is_hidden_until_its_last_user_has_forgotten_it(redactor: RedactSecrets) -> None:
    redactor.register("hunter22", "hunter23")
    redactor.register("hunter22")
    redactor.forget("hunter22", "hunter23")
    record = logging.makeLogRecord({"msg": "hunter22 hunter23"})
    redactor.filter(record)
    assert record.getMessage() == "*** hunter23"
    redactor.forget("hunter22")
    record = logging.makeLogRecord({"msg": "hunter22"})
    redactor.filter(record)
    assert record.getMessage() == "hunter22"
