"""What discovery sees: the turn model, and where its weights come from."""

import subprocess
import sys

import active_call_smart_turn
from active_call.plugin import HubSource, PackageSource
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind


def test_the_turn_model_is_offered_with_its_weights():
    registry = discover(points=(), extra=(active_call_smart_turn,))

    offer = registry.find(Kind.TURN, "smart-turn")

    assert registry.failures == []
    assert offer.traits.offline
    assert offer.traits.window_ms == 8000
    assert all(name in registry.models for name in offer.traits.models)
    assert offer.load().__name__ == "open_turn"


def test_the_weights_are_pinned_and_come_from_a_hub_or_a_package():
    entry = discover(points=(), extra=(active_call_smart_turn,)).models["smart-turn"]
    (file,) = entry.files
    hub, package = file.sources

    assert "embedded" in entry.groups
    assert (len(file.sha256), file.size) == (64, 8679182)
    assert isinstance(hub, HubSource)
    assert isinstance(package, PackageSource)
    assert [part.requirement for part in package.parts] == ["pipecat-ai==1.14.0"]
    assert hub.path == file.name
    assert package.parts[0].path.endswith(file.name)


def test_discovery_loads_nothing_heavy():
    script = "import sys, active_call_smart_turn; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"numpy", "onnxruntime"} & set(done.stdout.split()) == set()
