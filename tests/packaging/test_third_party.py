"""The plugin of docs/how-to/write-a-plugin.md, as a stranger would make and install it, speaks in a call."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from tests.packaging.environments import ROOT, Environment, build_wheels
from websockets.sync.client import connect

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

PLAYBOOK = """---
tts: {provider: tone, speaker: high}
llm: {provider: scripted}
script: {rules: [{when: hello, say: hello}]}
greeting: Good morning to you
---
You whistle.
"""
HIGH_HZ = 880


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, as they stand on the page."""
    page = (ROOT / "docs/how-to/write-a-plugin.md").read_text("utf-8")
    folder = tmp_path_factory.mktemp("tone-voice")
    files = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', page, flags=re.DOTALL)
    assert len(files) == 4
    for name, text in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def stranger(project: Path, wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the core and that plugin, each from its wheel."""
    environment = Environment.make(tmp_path_factory.mktemp("stranger"))
    (wheel,) = build_wheels([project], tmp_path_factory.mktemp("tone-wheel")).values()
    environment.install(wheels["active-call"], wheel)
    return environment


def test_its_own_tests_pass(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=src", "tests"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_is_listed_with_its_traits(stranger: Environment) -> None:
    listed = json.loads(stranger.run("active-call", "plugins", "--json").stdout)
    (tone,) = [plugin for plugin in listed["plugins"] if plugin["kind"] == "tts"]
    assert (tone["name"], tone["distribution"], tone["version"]) == ("tone", "tone-voice", "1.0.0")
    assert tone["traits"]["voices"] == ["low", "high"]
    assert "whistles a tone for each word" in stranger.run("active-call", "plugins").stdout


def test_a_broken_neighbour_does_not_stop_it(stranger: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "broken_voice-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-voice\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[active_call]\nbroken = broken_voice\n")
    (tmp_path / "broken_voice.py").write_text("import module_that_is_nowhere\n")
    listed = json.loads(stranger.run("active-call", "plugins", "--json", status=1, PYTHONPATH=str(tmp_path)).stdout)
    (failure,) = listed["failures"]
    assert failure["distribution"] == "broken-voice"
    assert "module_that_is_nowhere" in failure["reason"]
    assert "tone" in {plugin["name"] for plugin in listed["plugins"]}


def test_a_playbook_names_it_and_the_caller_hears_it(stranger: Environment) -> None:
    with stranger.serving() as address:
        session = _stage(address, PLAYBOOK)
        heard, events = _listen(address, session)
    assert [event["event"] for event in events if event["event"] in ("answer", "hangup")] == ["answer", "hangup"]
    samples = np.frombuffer(heard, dtype="<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    loudest_hz = np.fft.rfftfreq(len(samples), 1 / 16000)[spectrum.argmax()]
    assert loudest_hz == pytest.approx(HIGH_HZ, abs=20)
    # 16 letters at 80 ms each: the whole greeting, not only its beginning.
    assert np.count_nonzero(np.abs(samples) > 100) / 16000 > 1.0


def _stage(address: str, content: str) -> str:
    request = urllib.request.Request(
        f"http://{address}/api/playbook/run",
        data=json.dumps({"content": content}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        session: str = json.load(answer)["session_id"]
    return session


def _listen(address: str, session: str) -> tuple[bytes, list[dict[str, object]]]:
    """Invite, hear the greeting, hang up: what came, to the close."""
    heard, events = bytearray(), []
    with connect(f"ws://{address}/call?id={session}", open_timeout=10) as socket:
        socket.send(json.dumps({"command": "invite", "option": {}}))
        for message in socket:
            if isinstance(message, bytes):
                heard += message
                continue
            event = json.loads(message)
            events.append(event)
            if event["event"] == "trackEnd" and event["trackId"] == "server-side-track":
                socket.send(json.dumps({"command": "hangup"}))
    return bytes(heard), events
