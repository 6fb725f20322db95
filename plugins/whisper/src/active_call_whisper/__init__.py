"""Whisper speech recognition as an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import AsrTraits, SettingsKey, hookimpl

from .catalogue import WHISPER_BASE, WHISPER_TINY_EN
from .languages import CODES

if TYPE_CHECKING:
    from active_call.plugin.keys import RegisterSettings
    from active_call.plugin.models import RegisterModel
    from active_call.plugin.registry import Register


@hookimpl
def register_asr(register: "Register") -> None:
    register(
        "whisper",
        "active_call_whisper.recogniser:open_recogniser",
        AsrTraits(
            summary="Whisper base on the CPU (int8), begins to decode while the caller pauses",
            offline=True,
            models=(WHISPER_BASE.name,),
            languages=CODES,
            interim=True,
            wants_pauses=True,
            stream="utterance",
            final_p99_ms=1500,
        ),
    )


@hookimpl
def register_models(register: "RegisterModel") -> None:
    register(WHISPER_BASE)
    register(WHISPER_TINY_EN)


@hookimpl
def register_settings(register: "RegisterSettings") -> None:
    register(
        SettingsKey(name="model", choices=(WHISPER_BASE.name, WHISPER_TINY_EN.name), summary="which weights"),
        SettingsKey(name="threads", kind="int", summary="decodes at a time, one thread each"),
        SettingsKey(name="partials", kind="bool", summary="whether to guess while the caller speaks"),
    )
