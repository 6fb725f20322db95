"""Silero voice activity detection as an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import SettingsKey, VadTraits, hookimpl

if TYPE_CHECKING:
    from active_call.plugin.keys import RegisterSettings
    from active_call.plugin.registry import Register


@hookimpl
def register_vad(register: "Register") -> None:
    register(
        "silero",
        "active_call_silero.detector:open_detector",
        VadTraits(summary="Silero v6, all calls in one batch", offline=True, rates_hz=(16000, 8000)),
    )


@hookimpl
def register_settings(register: "RegisterSettings") -> None:
    register(SettingsKey(name="engine", choices=("numpy", "onnx"), summary="who computes: numpy is faster"))
