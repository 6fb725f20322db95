"""Which keys are accepted but do nothing yet: the one table of it. A line leaves when its key comes to life."""

from collections.abc import Mapping

from .origins import Origins

_SIP = "there is no SIP in this version"
_WAV = "recordings are WAV files of 16 kHz, written as they come"
_LATER = "not built yet"

WITHOUT_EFFECT: Mapping[str, str] = {
    "sip": _SIP,
    "addr": _SIP,
    "udp_port": _SIP,
    "auto_learn_public_address": _SIP,
    "external_ip": _SIP,
    "useragent": _SIP,
    "accept_timeout": _SIP,
    "codecs": _SIP,
    "rtp_start_port": _SIP,
    "rtp_end_port": _SIP,
    "rtp_bind_ip": _SIP,
    "enable_rtp_latching": _SIP,
    "enable_ice_lite": "there is no WebRTC in this version",
    "tls_port": _SIP,
    "tls_cert_file": _SIP,
    "tls_key_file": _SIP,
    "enable_srtp": _SIP,
    "enable_options_response": _SIP,
    "register_users": _SIP,
    "handler": _SIP,
    "rewrites": _SIP,
    "trunk_rules": _SIP,
    "recording.samplerate": _WAV,
    "recording.ptime": _WAV,
    "recording.format": _WAV,
    "http_gzip": _LATER,
    "http_access_skip_paths": _LATER,
}
"""Dotted keys, each with all that is inside it, and the reason."""


def without_effect(origins: Origins) -> tuple[str, ...]:
    """Those keys of the table that were given."""
    return tuple(key for key in WITHOUT_EFFECT if origins.given(key))


def warning(keys: tuple[str, ...]) -> str | None:
    """One line that names them with the reasons; None when there is nothing to say."""
    reasons: dict[str, list[str]] = {}
    for key in keys:
        reasons.setdefault(WITHOUT_EFFECT[key], []).append(key)
    said = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())
    return f"settings without effect: {said}" if said else None
