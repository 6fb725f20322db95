"""`/health` and `/ready`."""

from tests.server.conftest import Running

from active_call.server.probes import Readiness


async def test_a_server_is_ready_when_its_engines_are_and_until_it_drains(server: Running) -> None:
    answer = await server.client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    for state in ("loading", "draining"):
        setattr(server.readiness, state, True)
        answer = await server.client.get("/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": state})
        assert answer.headers["retry-after"]
    assert (await server.client.get("/health")).status_code == 200


def test_draining_is_told_before_loading() -> None:
    readiness = Readiness(loading=True, draining=True)
    assert readiness.state == "draining"
    readiness.loaded()
    assert not readiness.loading


async def test_health_says_how_many_calls_and_how_late_the_clock_is(server: Running) -> None:
    async with server.call("a"):
        answer = (await server.client.get("/health/")).json()
    assert (answer["status"], answer["calls"]) == ("ok", 1)
    assert answer["clock_late_ms"] >= 0
