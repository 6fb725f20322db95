"""`/metrics`: Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/), by its own client.

Labels come from closed sets: no id, no text of a client, a caller or a model.
"""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from active_call.call.manager import Manager
from active_call.protocol.events import Error, Event, Hangup, Metrics
from active_call.protocol.reasons import HangupReason

SENDERS = frozenset(
    (
        "command",
        "invite",
        "playbook",
        "asr",
        "tts",
        "vad",
        "eou",
        "llm",
        "realtime",
        "play",
        "engine",
        "leg",
        "recorder",
    )
)
"""Parts of a call that report errors; any other is `other`."""
STAGES = ("turn", "ttfb.", "completed.")
MOST_STAGES = 200
"""Different names of stages; each has the name of an installed provider in it."""
BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 10.0)
CALL_TYPES = ("webSocket", "webrtc", "sip", "b2bua")


class Tally:
    """Counts what the calls report."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = CounterMetric(
            "active_call_calls_ended", "Calls that have ended.", ("type", "reason"), registry=registry
        )
        self._errors = CounterMetric(
            "active_call_errors", "Error events, by the part of the call that failed.", ("sender",), registry=registry
        )
        self._stages = Histogram(
            "active_call_stage_seconds",
            "Stages of turns, as the metrics events have them.",
            ("stage",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._names: set[str] = set()

    def observe(self, call_type: str, event: Event) -> None:
        match event:
            case Hangup(refer=refer, reason=reason) if not refer:
                self._ended.labels(_one_of(call_type, CALL_TYPES), _reason(reason)).inc()
            case Error(sender=sender):
                self._errors.labels(_one_of(sender, SENDERS)).inc()
            case Metrics(key=key, duration=duration_ms) if key.startswith(STAGES):
                if key in self._names or len(self._names) < MOST_STAGES:
                    self._names.add(key)
                    self._stages.labels(key).observe(duration_ms / 1000)


class _Gauges(Collector):
    """Read when asked."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def collect(self) -> Iterable[Metric]:
        calls = GaugeMetricFamily("active_call_calls", "Calls that are running.", labels=("type",))
        running = Counter(
            _one_of(str(call.summary().get("callType")), CALL_TYPES) for call in self._manager.directory.all()
        )
        for call_type in sorted({*CALL_TYPES[:3], *running}):
            calls.add_metric((call_type,), running[call_type])
        yield calls
        yield GaugeMetricFamily("active_call_calls_limit", "Calls that may run at a time.", value=self._manager.limit)
        late_ms = sorted(self._manager.services.clock.late_ms)
        late = GaugeMetricFamily(
            "active_call_clock_late_seconds",
            "How late the media clock woke up, over its last wake-ups: an overloaded process is late.",
            labels=("quantile",),
        )
        for quantile in (0.5, 0.99, 1.0):
            value_ms = late_ms[min(len(late_ms) - 1, int(quantile * len(late_ms)))] if late_ms else 0.0
            late.add_metric((f"{quantile:g}",), value_ms / 1000)
        yield late


class MetricsPage:
    """One registry per application."""

    def __init__(self, manager: Manager) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        manager.services.observers.append(Tally(self._registry).observe)
        self._registry.register(_Gauges(manager))

    async def page(self, request: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


def _one_of(value: str, known: Iterable[str]) -> str:
    return value if value in known else "other"


def _reason(reason: str | None) -> str:
    parsed = HangupReason.parse(reason) if reason else "other"
    return parsed.value if isinstance(parsed, HangupReason) else "other"
