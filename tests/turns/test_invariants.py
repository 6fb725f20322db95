"""What must hold whatever happens: nonsense in any order, and whole calls with a simulated engine."""

import itertools
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from active_call.turns import Brain, Endpointing, FakeClock, Interruption, Policy, Strategy, TurnMachine, TurnState
from active_call.turns import effects as do
from active_call.turns import events as ev

WORDS = st.sampled_from(["", "stop", "uh-huh", "one two", "one two three", "嗯", "你好", "好的 thanks"])
EVENTS = st.one_of(
    st.integers(-400, 0).map(ev.SpeechStarted),
    st.integers(-400, 0).map(ev.SpeechPaused),
    st.floats(0, 1).map(ev.TurnModelSaid),
    WORDS.map(ev.PartialText),
    WORDS.map(ev.FinalText),
    WORDS.map(ev.TypedText),
    st.builds(ev.AgentBegins, interruptible=st.booleans(), complete=st.booleans()),
    st.sampled_from(
        [
            *(ev.RecogniserEndedTurn(), ev.ReplyReady(), ev.ReplyDone(), ev.ReplyFailed(), ev.PlaybackStarted()),
            *(ev.PlaybackDry(), ev.PlaybackHeard(), ev.InterruptCommand(), ev.SceneChanged(), ev.Tick()),
        ]
    ),
)
POLICIES = st.builds(
    Policy,
    brain=st.sampled_from(Brain),
    early_start=st.booleans(),
    interruption=st.builds(
        Interruption,
        strategy=st.sampled_from(Strategy),
        filler_filter=st.booleans(),
        proof_words=st.integers(1, 3),
        ignore_first_ms=st.sampled_from([0, 800]),
    ),
    endpointing=st.builds(Endpointing, max_turn_ms=st.sampled_from([3000, 60_000])),
)
GAPS_MS = st.sampled_from([0, 0, 1, 50, 200, 300, 700, 1500, 3100, 9000])


class Books:
    """Keeps what the effects mean, and objects to what they must never mean."""

    def __init__(self) -> None:
        self.history: dict[str, str] = {}
        self.open: set[str] = set()
        self.early: dict[str, str] = {}
        self.began: set[str] = set()
        self.held_back = False
        self.follow_up = False

    def enter(self, effect: do.Effect) -> None:
        match effect:
            case do.TurnBegan(turn_id):
                assert turn_id not in self.began
                self.began.add(turn_id)
                self.open.add(turn_id)
            case do.Commit(turn_id, text, early):
                assert turn_id not in self.history, "a turn is committed twice"
                assert turn_id in self.open
                assert early == (turn_id in self.early), "an early start was neither adopted nor discarded"
                self.early.pop(turn_id, None)
                self.open.remove(turn_id)
                self.history[turn_id] = text
            case do.Uncommit(turn_id):
                del self.history[turn_id]
                self.open.add(turn_id)
            case do.Amend(turn_id, text):
                assert turn_id in self.history
                self.history[turn_id] = text
            case do.DropTurn(turn_id):
                assert turn_id not in self.early
                self.open.remove(turn_id)
            case do.StartEarly(turn_id, text):
                assert turn_id in self.open
                assert turn_id not in self.early
                self.early[turn_id] = text
            case do.DiscardEarly(turn_id):
                del self.early[turn_id]
            case do.EndOfTurn(turn_id) | do.AskTurnModel(turn_id):
                assert turn_id in self.open
            case do.HoldBack():
                assert not self.held_back
                self.held_back = True
            case do.Resume():
                assert self.held_back
                self.held_back = False
            case do.Cut():
                self.held_back = False
            case do.StartFollowUp():
                assert not self.follow_up
                self.follow_up = True
            case do.StopFollowUp():
                self.follow_up = False

    def agree_with(self, machine: TurnMachine) -> None:
        assert self.held_back == (machine.state is TurnState.HELD_BACK)
        assert len(self.open) <= 1
        if machine.state is TurnState.IDLE:
            assert not self.open
            assert not self.early
            assert machine.deadline_ms is None
        if machine.state in (TurnState.USER_SPEAKING, TurnState.DECIDING):
            assert self.open


def make(policy: Policy, turn_model: bool, recogniser: bool) -> TurnMachine:
    numbers = itertools.count(1)
    return TurnMachine(policy, has_turn_model=turn_model, has_recogniser=recogniser, ids=lambda: f"t{next(numbers)}")


def at(event: ev.Event, now_ms: int) -> ev.Event:
    """Voice edges are drawn relative to the present."""
    match event:
        case ev.SpeechStarted(ago):
            return ev.SpeechStarted(now_ms + ago)
        case ev.SpeechPaused(ago):
            return ev.SpeechPaused(now_ms + ago)
    return event


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(POLICIES, st.booleans(), st.booleans(), st.lists(st.tuples(EVENTS, GAPS_MS, st.booleans()), max_size=40))
def test_no_sequence_of_events_breaks_the_books(policy, turn_model, recogniser, sequence):
    machine, clock, books = make(policy, turn_model, recogniser), FakeClock(10_000), Books()
    said = Counter()

    def step(event: ev.Event) -> None:
        for effect in machine.step(event, clock.now_ms()):
            books.enter(effect)
        books.agree_with(machine)
        deadline_ms = machine.deadline_ms
        assert (deadline_ms is None) == (machine.state in (TurnState.IDLE, TurnState.ENDED))
        assert deadline_ms is None or deadline_ms > clock.now_ms()

    for event, gap_ms, punctual in sequence:
        until_ms = clock.now_ms() + gap_ms
        while punctual and machine.deadline_ms is not None and machine.deadline_ms <= until_ms:
            clock.advance(machine.deadline_ms - clock.now_ms())
            step(ev.Tick())
        clock.advance(until_ms - clock.now_ms())
        if isinstance(event, ev.PartialText | ev.FinalText | ev.TypedText):
            said.update(event.text.replace("-", " ").split())
        step(at(event, clock.now_ms()))
        written = Counter(" ".join(books.history.values()).replace("，", " ").replace("-", " ").split())
        assert written <= said, "the history has words that were not said so often"

    # Left alone, every state ends by its timers.
    for _ in range(60):
        if machine.deadline_ms is None:
            break
        clock.advance(machine.deadline_ms - clock.now_ms())
        step(ev.Tick())
    assert machine.state is TurnState.IDLE

    assert machine.step(ev.HangUp(), clock.now_ms()) == []
    for event, _, _ in sequence:
        assert machine.step(at(event, clock.now_ms()), clock.now_ms()) == []
    assert machine.state is TurnState.ENDED


class Calls(RuleBasedStateMachine):
    """A caller who never says the same word twice, a recogniser in order, a brain, and a playback that obeys."""

    policy = Policy()
    turn_model = False

    def __init__(self) -> None:
        super().__init__()
        self.machine = make(self.policy, self.turn_model, True)
        self.clock, self.books = FakeClock(1000), Books()
        self.numbers = itertools.count(1)
        self.voice = False
        self.unheard_words: list[str] = []
        """Spoken, and not yet in a final."""
        self.said: list[str] = []
        self.final_due_ms: int | None = None
        """The recogniser may be too late, but not by more than this."""
        self.brain: str | None = None
        """The turn the brain works on; "" for an utterance of its own."""
        self.ready = False
        self.samples: str | None = None
        """The turn whose answer is being played; "" as above."""
        self.fixed = False
        self.done = self.playing = self.paused = False
        self.answers: Counter[str] = Counter()

    def send(self, event: ev.Event) -> None:
        for effect in self.machine.step(event, self.clock.now_ms()):
            self.books.enter(effect)
            self.carry_out(effect)
        self.books.agree_with(self.machine)

    def carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.Commit(turn_id, _):
                assert self.brain is None, "two answers are being made at once"
                assert self.answers[turn_id] == 0, "a turn is answered twice"
                self.brain, self.ready = turn_id, False
            case do.Uncommit(turn_id):
                assert self.answers[turn_id] == 0, "a turn is taken back although its answer was heard"
            case do.CancelReply(turn_id):
                assert self.brain in (turn_id or "", None)
                self.brain = None
            case do.Cut():
                self.samples, self.playing, self.paused = None, False, False
            case do.EndOfTurn():
                self.final_due_ms = self.final_due_ms or self.clock.now_ms() + 3000
            case do.HoldBack():
                self.paused = True
            case do.Resume():
                self.paused = False
            case do.Apologise():
                self.brain, self.samples, self.playing, self.done = None, "apology", False, True

    def pass_time(self, ms: int) -> None:
        until_ms = self.clock.now_ms() + ms
        while True:
            alarms = [at_ms for at_ms in (self.machine.deadline_ms, self.final_due_ms) if at_ms is not None]
            if min(alarms, default=until_ms + 1) > until_ms:
                break
            self.clock.advance(max(0, min(alarms) - self.clock.now_ms()))
            if self.clock.now_ms() == self.final_due_ms:
                self.give_final()
            self.send(ev.Tick())
        self.clock.advance(until_ms - self.clock.now_ms())

    # -- the caller

    @rule(ms=st.sampled_from([10, 100, 250, 400, 800, 1600, 4000]))
    def time_passes(self, ms):
        self.pass_time(ms)

    @precondition(lambda self: not self.voice)
    @rule(ago_ms=st.sampled_from([0, 60, 250]))
    def voice_on(self, ago_ms):
        self.voice = True
        self.send(ev.SpeechStarted(self.clock.now_ms() - ago_ms))

    @precondition(lambda self: self.voice)
    @rule()
    def a_word(self):
        self.unheard_words.append(f"w{next(self.numbers)}")
        self.pass_time(200)

    @precondition(lambda self: self.voice)
    @rule(ago_ms=st.sampled_from([0, 60, 250]))
    def voice_off(self, ago_ms):
        self.voice = False
        self.send(ev.SpeechPaused(self.clock.now_ms() - ago_ms))

    @precondition(lambda self: self.unheard_words)
    @rule()
    def partial(self):
        self.send(ev.PartialText(" ".join(self.unheard_words)))

    @rule()
    def final(self):
        self.give_final()

    def give_final(self):
        self.final_due_ms = None
        text, self.unheard_words = " ".join(self.unheard_words), []
        self.said += text.split()
        self.send(ev.FinalText(text))

    @precondition(lambda self: not self.voice)
    @rule(with_final=st.booleans(), ms=st.sampled_from([200, 500, 2500]))
    def a_whole_turn(self, with_final, ms):
        """What would take luck to be drawn step by step."""
        self.send(ev.SpeechStarted(self.clock.now_ms()))
        self.unheard_words.append(f"w{next(self.numbers)}")
        self.send(ev.PartialText(" ".join(self.unheard_words)))
        self.pass_time(ms)
        self.send(ev.SpeechPaused(self.clock.now_ms()))
        self.pass_time(800)
        if with_final:
            self.give_final()
        else:
            self.pass_time(1600)

    @precondition(lambda self: not self.voice)
    @rule(more=st.booleans())
    def a_final_after_the_voice(self, more):
        if more:
            self.unheard_words.append(f"w{next(self.numbers)}")
        self.give_final()

    @rule(probability=st.sampled_from([0.1, 0.9]))
    def verdict(self, probability):
        self.send(ev.TurnModelSaid(probability))

    @rule()
    def typed(self):
        self.said.append(f"w{next(self.numbers)}")
        self.unheard_words, words = [], self.unheard_words
        self.said[-1:-1] = words
        if words:
            self.send(ev.FinalText(" ".join(words)))
        self.send(ev.TypedText(self.said[-1]))

    # -- the agent

    @precondition(lambda self: self.brain is None and self.samples is None)
    @rule(interruptible=st.booleans(), complete=st.booleans())
    def agent_begins(self, interruptible, complete):
        if complete:
            self.samples, self.playing, self.done = "", False, True
        else:
            self.brain, self.ready = "", False
        self.send(ev.AgentBegins(interruptible=interruptible, complete=complete))

    @precondition(lambda self: self.brain is not None and not self.ready)
    @rule(ms=st.sampled_from([0, 500, 1500]), done=st.booleans())
    def the_agent_answers(self, ms, done):
        self.give_sentence()
        if self.samples is not None and not self.paused:
            self.start_playing()
        self.pass_time(ms)
        if done and self.brain is not None:
            self.end_reply()

    @precondition(lambda self: self.brain is not None)
    @rule()
    def brain_speaks(self):
        self.give_sentence()

    def give_sentence(self):
        if not self.ready:
            self.ready, self.done = True, False
            self.samples, self.playing = self.brain, False
            self.send(ev.ReplyReady())

    @precondition(lambda self: self.brain is not None)
    @rule()
    def brain_ends(self):
        self.end_reply()

    def end_reply(self):
        ready = self.ready
        self.brain, self.ready, self.done = None, False, True
        self.send(ev.ReplyDone())
        if not ready:
            self.send(ev.PlaybackHeard())

    @precondition(lambda self: self.brain is not None)
    @rule()
    def brain_fails(self):
        self.brain, self.ready = None, False
        self.send(ev.ReplyFailed())

    @precondition(lambda self: self.samples is not None and not self.playing and not self.paused)
    @rule()
    def first_sample(self):
        self.start_playing()

    def start_playing(self):
        self.playing = True
        if self.samples:
            self.answers[self.samples] += self.samples != "apology"
        self.send(ev.PlaybackStarted())

    @precondition(lambda self: self.playing and not self.paused)
    @rule()
    def all_heard(self):
        self.play_to_the_end()

    def play_to_the_end(self):
        self.send(ev.PlaybackDry())
        if self.done:
            self.samples, self.playing = None, False
        self.send(ev.PlaybackHeard())

    @rule()
    def interrupt(self):
        self.send(ev.InterruptCommand())

    @rule()
    def scene_changes(self):
        self.send(ev.SceneChanged())

    # -- what holds

    @invariant()
    def there_is_a_way_out(self):
        waiting = self.machine.deadline_ms is None
        assert waiting == (self.machine.state is TurnState.IDLE)

    @invariant()
    def no_word_is_written_twice_or_out_of_thin_air(self):
        words = " ".join(self.books.history.values()).split()
        assert len(words) == len(set(words)), words
        assert set(words) <= set(self.said) | set(self.unheard_words)

    @invariant()
    def no_final_word_is_lost(self):
        kept = " ".join([*self.books.history.values(), self.machine.pending_text]).split()
        assert set(self.said) <= set(kept), (self.said, kept)

    @invariant()
    def a_silent_agent_is_not_said_to_speak(self):
        if self.machine.state is TurnState.AGENT_SPEAKING:
            assert self.samples is not None or self.brain is not None

    def teardown(self):
        if self.voice:
            self.voice = False
            self.send(ev.SpeechPaused(self.clock.now_ms()))
        self.give_final()
        # The brain has nothing more to say and playback ends: the call comes to rest.
        for _ in range(8):
            if self.brain is not None:
                self.end_reply()
            if self.samples is not None and not self.paused:
                if not self.playing:
                    self.start_playing()
                self.play_to_the_end()
            self.pass_time(5000)
        assert self.machine.state is TurnState.IDLE
        self.no_final_word_is_lost()


class PatientCalls(Calls):
    turn_model = True
    policy = Policy(early_start=True, interruption=Interruption(strategy=Strategy.NONE))


TestCalls = Calls.TestCase
TestPatientCalls = PatientCalls.TestCase
TestCalls.settings = TestPatientCalls.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
