"""Compressed audio files as an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import DecoderTraits, hookimpl

if TYPE_CHECKING:
    from active_call.plugin.registry import Register


@hookimpl
def register_decoders(register: "Register") -> None:
    register(
        "soundfile",
        "active_call_soundfile.decoder:open_decoder",
        DecoderTraits(
            summary="MP3, FLAC, Ogg Vorbis, Ogg Opus, AIFF, AU by libsndfile",
            offline=True,
            suffixes=("mp3", "flac", "ogg", "oga", "opus", "aiff", "aif", "au"),
            content_types=(
                *("audio/mpeg", "audio/mp3", "audio/flac", "audio/x-flac", "audio/ogg", "application/ogg"),
                *("audio/opus", "audio/vorbis", "audio/aiff", "audio/x-aiff", "audio/basic"),
            ),
        ),
    )
