"""Random commands, callers, phones and failing engines on real calls: what no sequence may break.

By default a few dozen sequences; two thousand with `pytest tests/call/test_stateful.py --hypothesis-profile=thorough`.
"""

import asyncio
import base64
import contextlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.audio import RATE_HZ
from active_call.audio.wav import WavWriter
from active_call.plugin.leg import Answered, Dtmf, Ended, Hold, MediaReady, Ringing, TextMessage, Transfer
from active_call.protocol.commands import BadCommand
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION, book, virtual_server
from active_call.testing.virtual_time import VirtualLoop

FOLDER = Path(tempfile.mkdtemp(prefix="active-call-stateful-"))
with WavWriter(FOLDER / "a.wav", rate_hz=RATE_HZ, channels=1) as wav:
    wav.write(tone(0.6))

BOOKS = [
    None,
    None,
    book(),
    book(more="greeting: Hello there."),
    book(more="followUp: {timeout: 2000, max: 2}"),
    book(more="dtmf: {'5': {action: hangup}}"),
    book(more="dtmfCollectors: {code: {digits: 2, timeout: 3}}"),
]
OPTIONS = [
    *[dict(FAKE_OPTION)] * 4,
    {},
    {**FAKE_OPTION, "asr": {"provider": "fake-stream"}, "eou": {"type": "fake"}},
    {**FAKE_OPTION, "inactivityTimeout": 2},
    {**FAKE_OPTION, "ambiance": {"path": "a.wav"}},
    {**FAKE_OPTION, "codec": "pcmu", "callee": "sip:bob@example.com"},
    {"asr": {"provider": "nobody"}, "vad": {"type": "nobody"}, "eou": {"type": "nobody"}},
    {"codec": "opus"},
]
TEXTS = ["", "Hi.", "One. Two is longer. Three", "😀", "A sentence of some length, with a clause, that goes on."]
REPLIES = [
    "Yes.",
    "",
    "Well. Let me <play file='a.wav'/> see. And so on, and so on.",
    "Bye. <hangup/>",
    "The code, please. <collect type='code' var='code' prompt='Now.'/>",
    "<goto scene='nowhere'/>Hm.",
    ConnectionError("refused"),
    ["Half a sen", TimeoutError("gone")],
]
PLACES = [f"{kind} {place}" for kind in ("vad", "turn", "asr", "tts", "llm") for place in ("open", "session", "stream")]
PLACES += ["asr midstream", "tts midstream", "llm midstream"]
PLAIN: list[dict[str, Any]] = [
    {"command": "interrupt"},
    {"command": "interrupt", "fadeOutMs": 100},
    {"command": "interrupt", "graceful": True},
    {"command": "pause"},
    {"command": "resume"},
    {"command": "mute"},
    {"command": "unmute"},
    {"command": "mute", "trackId": "server-side-track"},
    {"command": "unmute", "trackId": "nobody"},
    {"command": "accept"},
    {"command": "ringing", "ringtone": "a.wav"},
    {"command": "reject", "reason": "no"},
    {"command": "refer", "callee": "sip:a@example.com"},
    {"command": "message", "body": "x"},
    {"command": "addIceCandidate", "candidate": ""},
    {"command": "hangup", "refer": True},
]
NEWS = [
    Ringing(early_media=True),
    Answered(sdp="v=0"),
    Answered(),
    MediaReady(),
    Dtmf(digit="5"),
    Hold(on=True),
    Hold(on=False),
    Transfer(to="sip:c@example.com"),
    TextMessage(body="Hi"),
]
ENDS = [
    {"command": "hangup"},
    {"command": "hangup", "reason": "caller", "initiator": "callee"},
    "lost",
    "killed",
    Ended(code=486, cause="busy"),
    Ended(code=503, by_remote=False),
]
SETTLED_S = 0.02


class Unexpected(logging.Handler):
    """Keeps what the code logged as a fault of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(logging.Formatter().format(record))


class Calls(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.fakes, self.exchange = Fakes(), Exchange()
        self.parties: list[Party] = []
        self.faults = Unexpected()
        logging.getLogger("active_call.call").addHandler(self.faults)
        logging.getLogger("asyncio").addHandler(self.faults)
        self._server = virtual_server(self.fakes, self.exchange, folder=FOLDER)
        self.manager = self.runner.run(self._server.__aenter__())

    def run(self, work: Any) -> Any:
        """Do it, and let everything that it caused at once come to rest."""

        async def settled() -> Any:
            result = await work
            await asyncio.sleep(SETTLED_S)
            return result

        result = self.runner.run(settled())
        for party in self.parties:
            if not party.ended and party.call in self.manager.directory.all():
                party.due = len(party.noted)
        return result

    def party(self, draw: int) -> Party:
        return self.parties[draw % len(self.parties)]

    async def nothing(self) -> None:
        pass

    async def send(self, party: Party, *commands: dict[str, Any]) -> None:
        for command in commands:
            party.send(command)

    # ------------------------------------------------------------ what happens

    @precondition(lambda self: len(self.parties) < 3)
    @rule(phone=st.booleans(), content=st.sampled_from(BOOKS), option=st.sampled_from(OPTIONS), early=st.booleans())
    def begin(self, phone: bool, content: str | None, option: dict[str, Any], early: bool) -> None:
        async def begin() -> None:
            self.parties.append(Party(self.manager, self.exchange, len(self.parties), phone=phone, content=content))
            if early:
                return
            self.parties[-1].send({"command": "invite", "option": option})
            await asyncio.sleep(SETTLED_S)
            if phone and self.parties[-1].phone is not None:
                self.parties[-1].phone.tell(Answered(sdp="v=0"))

        self.run(begin())

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), option=st.sampled_from(OPTIONS))
    def invite(self, who: int, option: dict[str, Any]) -> None:
        self.run(self.send(self.party(who), {"command": "invite", "option": option}))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), kinds=st.lists(st.booleans(), min_size=1, max_size=30))
    def note(self, who: int, kinds: list[bool]) -> None:
        """A burst, at once."""
        party = self.party(who)
        commands: list[dict[str, Any]] = []
        for spoken in kinds:
            text = str(len(party.noted))
            party.noted.append(text)
            given = {"command": "history", "speaker": "note", "text": text}
            commands.append(given if spoken else {"command": "custom", "data": text})
        self.run(self.send(party, *commands))

    @precondition(lambda self: self.parties)
    @rule(
        who=st.integers(0, 2),
        text=st.sampled_from(TEXTS),
        more=st.fixed_dictionaries(
            {},
            optional={
                "playId": st.sampled_from(["p", "q"]),
                "streaming": st.booleans(),
                "endOfStream": st.booleans(),
                "autoHangup": st.sampled_from([False, False, True]),
                "waitInputTimeout": st.sampled_from([0, 300]),
                "option": st.sampled_from([{"provider": "fake"}, {"provider": "nobody"}]),
            },
        ),
        times=st.integers(1, 3),
    )
    def speak(self, who: int, text: str, more: dict[str, Any], times: int) -> None:
        self.run(self.send(self.party(who), *[{"command": "tts", "text": text, **more}] * times))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), samples=st.integers(0, 3000))
    def speak_samples(self, who: int, samples: int) -> None:
        text = base64.b64encode(np.full(samples, 5000, "<i2").tobytes()).decode()
        self.run(self.send(self.party(who), {"command": "tts", "text": text, "base64": True, "playId": "b"}))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), url=st.sampled_from(["a.wav", "missing.wav"]), offset=st.sampled_from([0, 300, 9000]))
    def play(self, who: int, url: str, offset: int) -> None:
        self.run(self.send(self.party(who), {"command": "play", "url": url, "offsetMs": offset}))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), commands=st.lists(st.sampled_from(PLAIN), min_size=1, max_size=3))
    def control(self, who: int, commands: list[dict[str, Any]]) -> None:
        self.run(self.send(self.party(who), *commands))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), other=st.integers(0, 2), name=st.sampled_from(["bridge", "bridge", "unbridge"]))
    def bridge(self, who: int, other: int, name: str) -> None:
        target = self.party(other).call.id
        self.run(self.send(self.party(who), {"command": name, "targetSessionId": target}))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2))
    def complain(self, who: int) -> None:
        self.party(who).call.complain(BadCommand("text", "not JSON", "send one object"))
        self.run(self.nothing())

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), seconds=st.sampled_from([0.1, 0.4, 0.9]), heard=st.sampled_from(["", "tell me more"]))
    def the_caller_speaks(self, who: int, seconds: float, heard: str) -> None:
        if heard:
            self.fakes.transcripts.append(heard)
        self.run(self.party(who).say(seconds))

    @precondition(lambda self: any(party.phone is not None for party in self.parties))
    @rule(who=st.integers(0, 2), news=st.lists(st.sampled_from(NEWS), min_size=1, max_size=4))
    def the_phone_tells(self, who: int, news: list[Any]) -> None:
        party = self.party(who)
        if party.phone is not None:
            for event in news:
                party.phone.tell(event)
        self.run(self.nothing())

    @rule(reply=st.sampled_from(REPLIES))
    def the_brain_will_say(self, reply: Any) -> None:
        self.fakes.replies.append(list(reply) if isinstance(reply, list) else reply)

    @rule(place=st.sampled_from(PLACES), error=st.sampled_from([ConnectionError("refused"), ValueError("odd"), None]))
    def trouble(self, place: str, error: Exception | None) -> None:
        self.fakes.trouble[place] = error

    @rule()
    def trouble_is_over(self) -> None:
        self.fakes.trouble.clear()
        self.fakes.released.set()
        self.fakes.released = asyncio.Event()

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.4, 1.5, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @precondition(lambda self: self.parties)
    @rule(who=st.integers(0, 2), end=st.sampled_from(ENDS), notes=st.integers(0, 3), sure=st.integers(0, 3))
    def end(self, who: int, end: Any, notes: int, sure: int) -> None:
        """One time in four; with commands right before it and behind it."""
        if sure < 3:
            return
        party = self.party(who)

        async def end_it() -> None:
            for _ in range(notes):
                party.noted.append(str(len(party.noted)))
                party.send({"command": "custom", "data": party.noted[-1]})
            match end:
                case dict():
                    if not party.ended and party.due + notes == len(party.noted):
                        party.due = len(party.noted)
                    party.send(end)
                case "lost":
                    party.call.lost()
                case "killed":
                    party.call.end("bySystem", "system")
                case Ended() if party.phone is not None:
                    party.phone.tell(end)
            party.noted.append(str(len(party.noted)))
            party.send({"command": "custom", "data": party.noted[-1]})

        self.run(end_it())

    # ------------------------------------------------------------ what must hold

    @invariant()
    def every_call_keeps_its_word(self) -> None:
        for party in self.parties:
            party.check()
        assert not self.faults.records, "\n".join(self.faults.records)

    def teardown(self) -> None:
        try:
            for party in self.parties:
                self.runner.run(party.close())
                party.check_end()
            self.runner.run(asyncio.sleep(SETTLED_S))
            assert not len(self.manager.directory)
            assert self.manager.services.clock.channels == 0
            assert self.fakes.open_streams == 0
            self.runner.run(self._server.__aexit__(None, None, None))
            alive = [task.get_name() for task in asyncio.all_tasks(self.runner.get_loop())]
            assert not alive
            assert not self.faults.records, "\n".join(self.faults.records)
        finally:
            logging.getLogger("active_call.call").removeHandler(self.faults)
            logging.getLogger("asyncio").removeHandler(self.faults)
            with contextlib.suppress(Exception):
                self.runner.close()


THOROUGH = settings.get_current_profile_name() == "thorough"
TestCalls = Calls.TestCase
TestCalls.settings = settings(
    max_examples=2000 if THOROUGH else 40,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
TestCalls.pytestmark = pytest.mark.timeout(1800 if THOROUGH else 120)
