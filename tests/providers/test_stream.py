"""One stream of a provider: read to its end, bounded in time, closed whatever happens."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.errors import MissingModel
from active_call.providers.errors import classify
from active_call.providers.stream import read
from active_call.testing.virtual_time import in_virtual_time


class Stream:
    """Yields after each delay; notes that it was closed."""

    def __init__(self, *delays: float, error: Exception | None = None) -> None:
        self.closed = False
        self._delays = delays
        self._error = error

    async def __call__(self) -> AsyncIterator[int]:
        try:
            for number, delay in enumerate(self._delays):
                await asyncio.sleep(delay)
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


async def collect(stream: Stream, **limits: int | None) -> list[int]:
    items: list[int] = []
    await read(stream(), items.append, what="acme", **{"first_ms": 100, "idle_ms": 50, **limits})
    return items


@in_virtual_time
async def test_everything_is_handed_over_in_order() -> None:
    assert await collect(Stream(0.09, 0.04, 0.04)) == [0, 1, 2]


@pytest.mark.parametrize("delays", [(0.11,), (0.01, 0.06)])
@in_virtual_time
async def test_a_stream_that_is_too_slow_is_given_up_and_closed(delays: tuple[float, ...]) -> None:
    stream = Stream(*delays)
    with pytest.raises(ProviderError, match="acme did not answer in time") as caught:
        await collect(stream)
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert stream.closed


@in_virtual_time
async def test_without_limits_it_may_take_for_ever() -> None:
    assert await collect(Stream(1000.0, 1000.0), first_ms=None, idle_ms=None) == [0, 1]


@in_virtual_time
async def test_a_time_out_inside_the_stream_is_its_own_failure() -> None:
    with pytest.raises(ProviderError) as caught:
        await collect(Stream(0.01, error=TimeoutError("vendor")))
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert "vendor" in str(caught.value)


@in_virtual_time
async def test_a_failure_of_the_taker_closes_the_stream() -> None:
    stream = Stream(0.01, 0.01)
    with pytest.raises(ProviderError):
        await read(stream(), lambda item: 1 / 0, what="acme", first_ms=None, idle_ms=None)
    assert stream.closed


@in_virtual_time
async def test_cancelling_closes_the_stream() -> None:
    stream = Stream(10.0)
    reading = asyncio.create_task(collect(stream, first_ms=None))
    await asyncio.sleep(1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert stream.closed


@in_virtual_time
async def test_a_stream_that_does_not_let_go_is_not_waited_for() -> None:
    class Clingy:
        def __aiter__(self) -> "Clingy":
            return self

        async def __anext__(self) -> int:
            raise ConnectionError("gone")

        async def aclose(self) -> None:
            await asyncio.Event().wait()

    began = asyncio.get_running_loop().time()
    with pytest.raises(ProviderError):
        await read(Clingy(), print, what="acme", first_ms=None, idle_ms=None)
    assert asyncio.get_running_loop().time() - began < 0.2


@in_virtual_time
async def test_what_is_no_stream_is_an_error_of_the_provider() -> None:
    with pytest.raises(ProviderError, match="TypeError"):
        await read([1, 2], print, what="acme", first_ms=None, idle_ms=None)  # type: ignore[arg-type]


# ---------------------------------------------------------------- classes of errors


def response(status: int, **headers: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://acme")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, headers=headers))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (response(401), ErrorKind.AUTH),
        (response(403), ErrorKind.AUTH),
        (response(402), ErrorKind.QUOTA),
        (response(400), ErrorKind.BAD_REQUEST),
        (response(404), ErrorKind.BAD_REQUEST),
        (response(408), ErrorKind.TIMEOUT),
        (response(429), ErrorKind.UNREACHABLE),
        (response(503), ErrorKind.UNREACHABLE),
        (httpx.ConnectError("refused"), ErrorKind.UNREACHABLE),
        (httpx.ReadTimeout("slow"), ErrorKind.TIMEOUT),
        (TimeoutError(), ErrorKind.TIMEOUT),
        (ConnectionResetError(), ErrorKind.UNREACHABLE),
        (ConnectionClosedError(None, None), ErrorKind.UNREACHABLE),
        (OSError("no route"), ErrorKind.UNREACHABLE),
        (FileNotFoundError("weights"), ErrorKind.BAD_REQUEST),
        (MissingModel("weights"), ErrorKind.BAD_REQUEST),
        (KeyError("text"), ErrorKind.INTERNAL),
    ],
)
def test_every_error_has_a_kind_and_a_text(error: Exception, kind: ErrorKind) -> None:
    classified = classify(error)
    assert classified.kind is kind
    assert str(classified)
    assert classify(classified) is classified


def test_what_is_not_understood_keeps_its_type_in_the_text() -> None:
    assert str(classify(KeyError("text"))) == "KeyError: 'text'"


def test_a_vendor_may_say_when_to_come_back() -> None:
    assert classify(response(429, **{"retry-after": "7"})).retry_after_s == 7.0
    assert classify(response(429, **{"retry-after": "tomorrow"})).retry_after_s is None


def test_only_what_may_pass_is_tried_again() -> None:
    assert {kind for kind in ErrorKind if kind.retryable} == {
        ErrorKind.UNREACHABLE,
        ErrorKind.TIMEOUT,
        ErrorKind.INTERNAL,
    }
