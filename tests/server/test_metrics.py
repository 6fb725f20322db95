"""`/metrics`, read by Prometheus' own parser."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import Running, Serve

from active_call.protocol import events
from active_call.server import metrics
from active_call.server.metrics import Tally


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Running]:
    """One whose counts begin at zero."""
    async with serve() as running:
        yield running


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(server: Running) -> Samples:
    answer = await server.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_calls_are_counted_while_they_run_and_when_they_end(server: Running) -> None:
    running = ("active_call_calls", (("type", "webSocket"),))
    killed = ("active_call_calls_ended_total", (("reason", "bySystem"), ("type", "webSocket")))
    left = ("active_call_calls_ended_total", (("reason", "byCaller"), ("type", "webSocket")))
    assert (await scraped(server))[running] == 0
    async with server.call("a"), server.call("b"):
        assert (await scraped(server))[running] == 2
        await server.client.post("/kill/a")
    for call in server.manager.directory.all():
        await call.done()
    after = await scraped(server)
    assert (after[running], after[killed], after[left]) == (0, 1, 1)
    assert after["active_call_calls_limit", ()] == 100


async def test_stages_and_errors_are_counted(server: Running) -> None:
    async with server.call("a") as caller:
        await caller.send("tts", text="Hello there.")
        assert await caller.until("trackEnd", 5)
        await caller.send("tts", text="Hi.", option={"provider": "nobody"})
        assert await caller.until("error", 3)
    after = await scraped(server)
    stages = {dict(labels)["stage"] for name, labels in after if name == "active_call_stage_seconds_count"}
    assert "completed.tts.fake" in stages
    assert sum(value for (name, _), value in after.items() if name == "active_call_errors_total") == 1


async def test_the_clocks_lateness_is_shown(server: Running) -> None:
    server.manager.services.clock.late_ms.extend([1.0] * 98 + [50.0, 900.0])
    after = await scraped(server)
    late = {dict(labels)["quantile"]: value for (name, labels), value in after.items() if "clock_late" in name}
    assert late["0.5"] < 0.05
    assert late["0.5"] <= late["0.99"] <= late["1"] >= 0.9


def tallied(*given: events.Event, call_type: str = "webSocket") -> Counter[tuple[str, ...]]:
    registry = CollectorRegistry()
    tally = Tally(registry)
    for event in given:
        tally.observe(call_type, event)
    return Counter(
        {
            (sample.name, *sample.labels.values()): sample.value
            for family in registry.collect()
            for sample in family.samples
            if sample.name.endswith(("_total", "_count"))
        }
    )


def hangup(reason: str | None, refer: bool | None = None) -> events.Hangup:
    return events.Hangup(track_id="t", timestamp=1, start_time=1, hangup_time=1, reason=reason, refer=refer)


@pytest.mark.parametrize(
    ("reason", "label"),
    [("byCaller", "byCaller"), ("noAnswer", "noAnswer"), ("my own words, +15550100", "other"), (None, "other")],
)
def test_a_reason_is_one_of_those_we_know(reason: str | None, label: str) -> None:
    assert tallied(hangup(reason)) == {("active_call_calls_ended_total", "webSocket", label): 1}


def test_what_a_client_says_makes_no_label() -> None:
    errors = [events.Error(track_id="t", timestamp=1, sender=f"task {n}", error="x") for n in range(50)]
    stages = [events.Metrics(timestamp=1, key=f"call {n}", duration=1) for n in range(50)]
    assert tallied(*errors, *stages) == {("active_call_errors_total", "other"): 50}
    assert tallied(hangup("byCaller"), call_type="mine") == {("active_call_calls_ended_total", "other", "byCaller"): 1}


def test_the_end_of_a_transferred_leg_is_not_the_calls() -> None:
    assert not tallied(hangup("byCallee", refer=True))


def test_stages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_STAGES", 3)
    keys = [events.Metrics(timestamp=1, key=f"ttfb.tts.{n}", duration=1) for n in range(10)]
    assert len(tallied(*keys, keys[0])) == 3
