"""The JSON schema of the front matter."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from active_call.playbook.model import PlaybookConfig
from active_call.playbook.schema import json_schema

EXAMPLES = Path(__file__).parents[2] / "playbook-examples"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def test_it_has_every_key_with_its_words_and_refuses_others(schema: dict[str, Any]) -> None:
    assert {field.alias for field in PlaybookConfig.model_fields.values()} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["inactivityTimeout"]["description"] == "Seconds."
    assert json.loads(json.dumps(schema)) == schema


def test_another_spelling_is_known_but_not_offered(schema: dict[str, Any]) -> None:
    assert schema["properties"]["follow_up"]["deprecated"] is True
    assert schema["properties"]["followup"]["deprecated"] is True
    assert "deprecated" not in schema["properties"]["followUp"]
    assert schema["$defs"]["FollowUp"]["required"] == ["timeout"]  # `max` may stand for `maxCount`


def test_the_examples_pass_and_a_mistyped_key_does_not(schema: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    for path in EXAMPLES.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if not text.startswith("---"):
            continue
        data = yaml.safe_load(text.split("\n---\n")[0])
        assert list(validator.iter_errors(data)) == []
        assert [error.message for error in validator.iter_errors({**data, "greting": "x"})] != []
