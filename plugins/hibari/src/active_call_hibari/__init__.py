"""The hibari voice as an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import TtsTraits, hookimpl

if TYPE_CHECKING:
    from active_call.plugin.registry import Register


@hookimpl
def register_tts(register: "Register") -> None:
    register(
        "hibari",
        "active_call_hibari.voice:open_voice",
        TtsTraits(
            summary="English, 24 kHz, weights in the package, 100 times faster than real time on one core",
            offline=True,
            rate_hz=24000,
            languages=frozenset({"en"}),
            voices=("heart",),
            marks="sentence",
        ),
    )
