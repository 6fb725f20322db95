"""Reads one stream of a provider: one task, a timer beside the reader, and an orderly close."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from active_call.plugin.errors import ErrorKind, ProviderError

from .errors import classify

T = TypeVar("T")
CLOSE_S = 0.1
"""A cancelled stream has this long to let go of its vendor."""


async def read(
    stream: AsyncIterator[T], take: Callable[[T], object], *, what: str, first_ms: int | None, idle_ms: int | None
) -> None:
    """Hand every item to `take`, a plain call. Raises `ProviderError` only; cancelling this task cancels the stream.

    `first_ms` bounds the wait for the first item and `idle_ms` each further one (None: no bound). Only the wait for
    the vendor counts, not the time spent in `take`.
    """
    loop = asyncio.get_running_loop()
    timer = asyncio.timeout(None if first_ms is None else first_ms / 1000)
    try:
        async with timer:
            async for item in stream:
                timer.reschedule(None)
                take(item)
                timer.reschedule(None if idle_ms is None else loop.time() + idle_ms / 1000)
    except TimeoutError as error:
        if timer.expired():
            raise ProviderError(ErrorKind.TIMEOUT, f"{what} did not answer in time") from error
        raise classify(error) from error
    except Exception as error:
        raise classify(error) from error
    finally:
        await _close(stream)


async def _close(stream: AsyncIterator[object]) -> None:
    close = getattr(stream, "aclose", None)
    if close is None:
        return
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await close()
