"""The shared HTTP client is judged by who wrote the address that the running task uses."""

import asyncio
import contextlib
import socket

import httpx
import pytest

from active_call.guard.outbound import OutboundPolicy, OutboundRefused
from active_call.plugin.registry import Distribution, Kind, Offer, Registry
from active_call.plugin.traits import TtsTraits
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.providers.trust import Trust, act_for, current_trust


async def test_a_task_that_says_nothing_may_what_a_client_may():
    assert current_trust() is Trust.CLIENT


async def test_a_task_acts_for_itself_and_for_those_it_starts():
    seen = []

    async def child():
        seen.append(current_trust())

    async def task():
        act_for(Trust.OPERATOR)
        await asyncio.create_task(child())

    await asyncio.create_task(task())
    assert (seen, current_trust()) == ([Trust.OPERATOR], Trust.CLIENT)


async def test_the_client_refuses_for_one_task_what_it_allows_for_another():
    policy = OutboundPolicy()
    host = CoreHost(None, environ={}, threads=1, http=lambda: policy.client(current_trust))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"

    async def ask(trust):
        act_for(trust)
        await host.http.get(url)

    with pytest.raises(OutboundRefused):
        await asyncio.create_task(ask(Trust.CLIENT))
    with pytest.raises(httpx.ConnectError):
        await asyncio.create_task(ask(Trust.OPERATOR))
    await host.aclose()
    await policy.aclose()


async def test_a_provider_is_opened_for_the_operator_whoever_needs_it_first():
    seen = []

    @contextlib.asynccontextmanager
    async def opening(host, settings):
        seen.append(current_trust())
        yield object()

    registry = Registry()
    origin = Distribution(name="acme", version="1")
    registry.add(
        Offer(kind=Kind.TTS, name="v", factory=opening, traits=TtsTraits(), distribution=origin, api=1, plugin="acme")
    )
    host = CoreHost(None, environ={}, threads=1)
    async with ProviderPool(registry, host) as pool:
        await pool.open(Kind.TTS, "v")
    await host.aclose()
    assert seen == [Trust.OPERATOR]
