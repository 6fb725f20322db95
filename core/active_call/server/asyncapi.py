"""The WebSocket as an AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

from collections.abc import Mapping
from typing import Any

from active_call.protocol.schema import definitions_of_wire, names_of

VERSION = "1.0"
"""Of the wire."""
SCHEMAS = "#/components/schemas/"
CHANNELS = {
    "call": ("/call", "Audio over the WebSocket itself."),
    "callWebrtc": ("/call/webrtc", "The caller is a browser: the offer comes with `invite`."),
    "callSip": ("/call/sip", "The caller is on the telephone."),
}
_BOOLEAN = {"type": "string", "enum": ["true", "false", "1", "0"]}
QUERY: Mapping[str, Mapping[str, Any]] = {
    "id": {
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}$",
        "description": "Session id. Default: `s.` and a UUID; a staged playbook runs under its own.",
    },
    "dump": {**_BOOLEAN, "default": "true", "description": "Write the dump file. Also `dump_events`."},
    "ping": {
        "type": "string",
        "pattern": "^[0-9]{1,10}$",
        "default": "20",
        "description": "Seconds between pings; 0: none. Also `ping_interval`.",
    },
    "serverSideTrack": {
        "type": "string",
        "default": "server-side-track",
        "description": "`trackId` of playback. Also `server_side_track`.",
    },
    "forward": {**_BOOLEAN, "description": "Sent by another node: answer for this node alone."},
    "token": {"type": "string", "description": "API token, for browsers, which cannot set headers."},
}
SECURITY: Mapping[str, Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "httpApiKey", "name": "X-API-Key", "in": "header"},
    "token": {"type": "httpApiKey", "name": "token", "in": "query"},
}


def asyncapi() -> dict[str, Any]:
    definitions = definitions_of_wire(SCHEMAS)
    commands, events = names_of("Command", definitions), names_of("Event", definitions)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "active-call",
            "version": VERSION,
            "description": "Commands go to the server, events come from it; on `/call` binary messages are audio.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(*about, commands, events) for name, about in CHANNELS.items()},
        "operations": {
            **{f"{name}Commands": _operation("receive", name, commands) for name in CHANNELS},
            **{f"{name}Events": _operation("send", name, events) for name in CHANNELS},
            "callAudioIn": _audio("receive"),
            "callAudioOut": _audio("send"),
        },
        "components": {
            "messages": {
                **{name: _message(tag, name, definitions) for tag, name in (*commands.items(), *events.items())},
                "Audio": {
                    "name": "audio",
                    "contentType": "application/octet-stream",
                    "payload": {"type": "string", "format": "binary"},
                    "description": "A binary message: 16-bit little-endian mono PCM at 16 kHz, or G.711 at 8 kHz "
                    "(`option.codec`).",
                },
            },
            "schemas": definitions,
            "securitySchemes": {name: dict(scheme) for name, scheme in SECURITY.items()},
        },
    }


def _channel(address: str, about: str, commands: Mapping[str, str], events: Mapping[str, str]) -> dict[str, Any]:
    names = [*commands.values(), *events.values(), *(["Audio"] if address == "/call" else [])]
    return {
        "address": address,
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": dict(QUERY)}}},
    }


def _operation(action: str, channel: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in kinds.values()],
    }


def _audio(action: str) -> dict[str, Any]:
    return _operation(action, "call", {"audio": "Audio"})


def _message(tag: str, name: str, definitions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": tag,
        "summary": definitions[name].get("description", tag),
        "contentType": "application/json",
        "payload": {"$ref": SCHEMAS + name},
    }
