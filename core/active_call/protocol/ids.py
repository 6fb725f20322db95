"""Session ids. They name files and stand in URLs, so one rule holds for all of them."""

import re
import uuid

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}")


def valid_session_id(text: str) -> bool:
    """At most 128 of letters, digits and `._:@+=-`, the first a letter or digit, and no `..`."""
    return _ID.fullmatch(text) is not None and ".." not in text


def new_session_id() -> str:
    return f"s.{uuid.uuid4()}"
