"""Providers opened once per process, whoever asks, and closed in the task that opened them."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from active_call.plugin import ErrorKind, MissingModel, ProviderError, TtsTraits
from active_call.plugin.errors import UnknownPlugin
from active_call.plugin.registry import Distribution, Kind, Offer, Registry
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool


class Vendor:
    """A factory that notes what happens to it."""

    def __init__(self) -> None:
        self.opened: list[Mapping[str, Any]] = []
        self.closed = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.tasks: list[object] = []

    @contextlib.asynccontextmanager
    async def open(self, host: Any, settings: Mapping[str, Any]) -> AsyncIterator[object]:
        self.host = host
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.opened.append(settings)
        self.tasks.append(asyncio.current_task())
        yield object()
        self.tasks.append(asyncio.current_task())
        self.closed += 1


def registry(vendor: Vendor, **traits: Any) -> Registry:
    filled = Registry()
    origin = Distribution(name="acme", version="1")
    offer = Offer(
        kind=Kind.TTS,
        name="acme",
        factory=vendor.open,
        traits=TtsTraits(**traits),
        distribution=origin,
        api=1,
        plugin="acme-plugin",
    )
    filled.add(offer)
    return filled


@pytest.fixture
async def host() -> AsyncIterator[CoreHost]:
    core = CoreHost(models=None, environ={"ACME_KEY": "k", "OTHER_KEY": "hush"}, threads=1)  # type: ignore[arg-type]
    yield core
    await core.aclose()


async def test_a_provider_is_opened_once_for_all_calls_and_closed_by_the_task_that_opened_it(host: CoreHost) -> None:
    vendor = Vendor()
    async with ProviderPool(registry(vendor), host) as pool:
        first, second = await asyncio.gather(pool.open(Kind.TTS, "acme"), pool.open(Kind.TTS, "acme"))
        assert first is second
        assert len(vendor.opened) == 1
        assert vendor.closed == 0
    assert vendor.closed == 1
    assert vendor.tasks[0] is vendor.tasks[1]


async def test_other_settings_are_another_provider_and_the_operators_are_among_them(host: CoreHost) -> None:
    vendor = Vendor()
    settings = {"acme-plugin": {"threads": 2}}
    async with ProviderPool(registry(vendor), host, lambda plugin: settings.get(plugin, {})) as pool:
        await pool.open(Kind.TTS, "acme", {"rate_hz": 8000})
        await pool.open(Kind.TTS, "acme", {"rate_hz": 16000})
    assert vendor.opened == [{"threads": 2, "rate_hz": 8000}, {"threads": 2, "rate_hz": 16000}]


async def test_a_failed_opening_is_told_to_everybody_who_waits_and_is_not_remembered(host: CoreHost) -> None:
    vendor = Vendor()
    vendor.error = MissingModel("weights")
    async with ProviderPool(registry(vendor), host) as pool:
        results = await asyncio.gather(*(pool.open(Kind.TTS, "acme") for _ in range(3)), return_exceptions=True)
        for error in results:
            assert isinstance(error, ProviderError)
            assert error.kind is ErrorKind.BAD_REQUEST
            assert "active-call models pull weights" in str(error)
        vendor.error = None
        assert await pool.open(Kind.TTS, "acme") is not None


async def test_who_goes_away_does_not_cancel_the_opening_for_the_others(host: CoreHost) -> None:
    vendor = Vendor()
    vendor.gate.clear()
    async with ProviderPool(registry(vendor), host) as pool:
        leaving, staying = (asyncio.create_task(pool.open(Kind.TTS, "acme")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        vendor.gate.set()
        assert await staying is not None


async def test_a_provider_that_hangs_when_it_is_opened_does_not_hang_who_waits_when_the_server_closes(
    host: CoreHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = Vendor()
    vendor.gate.clear()
    monkeypatch.setattr("active_call.providers.pool.CLOSE_S", 0.01)
    async with ProviderPool(registry(vendor), host) as pool:
        waiting = asyncio.create_task(pool.open(Kind.TTS, "acme"))
        await asyncio.sleep(0.01)
    with pytest.raises(ProviderError, match="closing"):
        await asyncio.wait_for(waiting, 1)


async def test_a_provider_that_does_not_close_cleanly_is_named_in_the_log(host: CoreHost, caplog: Any) -> None:
    @contextlib.asynccontextmanager
    async def fails(host: Any, settings: Any) -> AsyncIterator[object]:
        yield object()
        raise RuntimeError("boom")

    vendor = Vendor()
    vendor.open = fails  # type: ignore[method-assign]
    async with ProviderPool(registry(vendor), host) as pool:
        await pool.open(Kind.TTS, "acme")
    assert "tts acme did not close cleanly" in caplog.text


async def test_an_unknown_name_is_told_with_what_is_installed(host: CoreHost) -> None:
    async with ProviderPool(registry(Vendor()), host) as pool:
        with pytest.raises(UnknownPlugin, match="installed: acme"):
            await pool.open(Kind.TTS, "nobody")


async def test_a_plugin_sees_only_the_variables_that_its_traits_name(host: CoreHost) -> None:
    vendor = Vendor()
    async with ProviderPool(registry(vendor, needs=("ACME_KEY",), reads=("ACME_URL",)), host) as pool:
        await pool.open(Kind.TTS, "acme")
        assert dict(vendor.host.environ) == {"ACME_KEY": "k"}


async def test_blocking_work_runs_in_the_bounded_pool_and_not_in_the_thread_of_the_loop(host: CoreHost) -> None:
    threads = await asyncio.gather(*(host.run(threading.current_thread) for _ in range(8)))
    assert {thread.name for thread in threads} == {"inference_0"}
    assert threading.current_thread() not in threads


async def test_an_error_in_blocking_work_reaches_who_asked_for_it(host: CoreHost) -> None:
    with pytest.raises(ZeroDivisionError):
        await host.run(lambda: 1 / 0)
