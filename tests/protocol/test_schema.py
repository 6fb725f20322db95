import json
from typing import Any

from active_call.protocol.commands import COMMANDS
from active_call.protocol.schema import commands_schema, events_schema


def _named(schema: dict[str, Any], tag: str) -> dict[str, dict[str, Any]]:
    kinds = (schema["$defs"][ref.rpartition("/")[2]] for ref in schema["discriminator"]["mapping"].values())
    return {kind["properties"][tag]["const"]: kind for kind in kinds}


def test_the_schema_of_commands_has_every_command_with_the_wires_keys() -> None:
    schema = commands_schema()
    commands = _named(schema, "command")
    assert set(commands) == set(COMMANDS)
    assert "waitInputTimeout" in commands["tts"]["properties"]
    assert commands["tts"]["required"] == ["text"]
    assert "hangup_headers" in schema["$defs"]["SipOption"]["properties"]
    json.dumps(schema)


def test_the_schema_of_events_says_what_is_sent() -> None:
    events = _named(events_schema(), "event")
    assert {"startTime", "endTime"} <= set(events["asrFinal"]["required"])
    assert {"completed", "complete"} <= set(events["eou"]["properties"])
    assert events["hangup"]["properties"]["startTime"]["format"] == "date-time"
    assert events["trackEnd"]["properties"]["duration"]["type"] == "integer"
