"""The core without any plugin: small, complete, and able to hold a conversation."""

import json
import urllib.request

import pytest
from tests.packaging.environments import ROOT, Environment

from active_call.cli import COMMANDS

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

PLAYBOOK = """---
greeting: Hello, this is the bakery.
llm: {provider: scripted, language: en}
script:
  rules:
    - when: [opening hours, when are you open]
      say: We are open from seven to noon.
    - when: bye
      say: Good bye.
      hangup: true
  fallback: I only know our opening hours.
---
You are a baker.
"""


def test_it_has_fewer_than_30_packages_and_100_mb(core: Environment) -> None:
    packages, size_mb = core.packages(), core.site_packages_mb()
    print(f"{len(packages)} packages, {size_mb:.1f} MB: {', '.join(sorted(packages))}")
    assert "active-call" in packages
    assert not [name for name in packages if name.startswith("active-call-")]
    assert len(packages) < 30
    assert size_mb < 100


def test_every_module_of_it_can_be_imported(core: Environment) -> None:
    script = """
import importlib, pkgutil, active_call
names = [module.name for module in pkgutil.walk_packages(active_call.__path__, "active_call.")]
names = [name for name in names if not name.endswith(("__main__", "pytest_plugin"))]  # run by others
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    assert int(core.run("python", "-W", "error", "-c", script).stdout) > 50


def test_it_says_what_it_can_do(core: Environment) -> None:
    assert "usage: active-call" in core.run("active-call", "--help").stdout
    assert core.run("active-call", "--version").stdout.startswith("active-call 0.")
    for command in COMMANDS:
        assert f"active-call {command}" in core.run("active-call", command, "--help").stdout


def test_it_lists_what_ships_with_it_and_nothing_else(core: Environment) -> None:
    listed = json.loads(core.run("active-call", "plugins", "--json").stdout)
    names = {(plugin["kind"], plugin["name"]) for plugin in listed["plugins"]}
    assert {("transport", "websocket"), ("llm", "scripted"), ("llm", "openai")} <= names
    assert {plugin["distribution"] for plugin in listed["plugins"]} == {"active-call"}
    assert not listed["failures"]


def test_it_serves_and_answers_list(core: Environment) -> None:
    with core.serving() as address, urllib.request.urlopen(f"http://{address}/list", timeout=10) as answer:
        assert json.load(answer) == {"active_calls": []}


def test_it_holds_a_scripted_conversation_in_text(core: Environment) -> None:
    (core.home / "bakery.md").write_text(PLAYBOOK)
    lines = "when are you open?\nwhat do you sell?\nbye\nthis is never read\n"
    said = core.run("active-call", "chat", "bakery.md", stdin=lines).stdout
    answers = ["Hello, this is the bakery.", "open from seven to noon", "I only know our opening hours.", "Good bye."]
    places = [said.find(answer) for answer in answers]
    assert -1 not in places, said
    assert places == sorted(places)
    assert said.rstrip().endswith("(the agent hangs up)")


def test_a_playbook_that_names_what_is_not_installed_is_told_what_is(core: Environment) -> None:
    hello = (ROOT / "playbook-examples" / "hello.md").read_text("utf-8")
    (core.home / "hello.md").write_text(hello, "utf-8")
    told = core.run("active-call", "check", "hello.md", status=None)
    assert "whisper" in told.stdout + told.stderr
