import pytest

import active_call_whisper
from active_call.plugin import MissingModel, ProviderError
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind
from active_call.plugin.values import AsrOptions
from active_call_whisper.languages import ENGLISH, Language
from active_call_whisper.reader import Reader
from active_call_whisper.reading import Reading
from active_call_whisper.recogniser import Options, WhisperRecogniser, open_recogniser


def test_the_plugin_is_found_and_describes_its_weights():
    registry = discover(points=[], extra=[active_call_whisper])
    assert not registry.failures
    offer = registry.find(Kind.ASR, "whisper")
    assert offer.traits.wants_pauses
    assert offer.traits.interim
    assert offer.traits.stream == "utterance"
    assert {"en", "zh"} <= offer.traits.languages
    base = registry.models[offer.traits.models[0]]
    assert base.groups == ("embedded",)
    assert base.size == 147_882_941
    weights = next(file for file in base.files if file.name == "model.bin")
    assert [len(getattr(source, "parts", ())) for source in weights.sources] == [0, 2]


def test_the_factory_can_be_loaded_by_its_dotted_name():
    registry = discover(points=[], extra=[active_call_whisper])
    assert registry.find(Kind.ASR, "whisper").load() is open_recogniser


async def test_without_weights_it_says_which_are_missing(host, tmp_path, monkeypatch):
    monkeypatch.setenv("OFFLINE_MODELS_DIR", str(tmp_path))
    with pytest.raises(MissingModel, match="models pull whisper-base"):
        async with open_recogniser(host, {}):
            pass


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"thread": 2}, "unknown setting thread"),
        ({"threads": -1}, "threads is -1"),
        ({"threads": "2"}, "threads is '2'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, complaint):
    with pytest.raises(ProviderError, match=complaint):
        Options.parse(settings)


def test_there_is_a_lane_for_every_core_but_four_at_most(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert Options.parse({}).lanes == 4
    assert Options.parse({"threads": 9}).lanes == 9


def test_a_language_it_does_not_know_is_refused(host, decoder):
    recogniser = WhisperRecogniser(Reader(host, decoder, lanes=1), model="whisper-base")
    with pytest.raises(ProviderError, match="does not know the language 'tlh'"):
        recogniser.session(AsrOptions(language="tlh"))


def test_a_second_model_in_one_process_is_refused(host, decoder):
    recogniser = WhisperRecogniser(Reader(host, decoder, lanes=1), model="whisper-base")
    with pytest.raises(ProviderError, match="one Whisper model serves all calls"):
        recogniser.session(AsrOptions(model="whisper-tiny-en"))


async def test_an_english_model_hears_english_only(host, scripted):
    recogniser = WhisperRecogniser(Reader(host, scripted(multilingual=False), lanes=1), model="whisper-tiny-en")
    with pytest.raises(ProviderError, match="hears English only, not 'de'"):
        recogniser.session(AsrOptions(language="de"))
    async with recogniser.session(AsrOptions()) as session:
        assert session.language == ENGLISH


async def _one_turn(session, sounds):
    caller = sounds.Caller().listen(session)
    await caller.say(sounds.speech(0.5), sounds.END)
    return await caller.result()


async def test_the_first_utterance_that_is_understood_decides_the_language(host, scripted, sounds):
    readings = iter(
        [
            Reading(text="", language=Language("cy"), language_probability=0.9),
            Reading(text="hm", language=Language("nn"), language_probability=0.4, tokens=1),
            Reading(text="guten Tag", language=Language("de"), language_probability=0.9, tokens=3),
            Reading(text="ja", language=Language("de"), tokens=1),
        ]
    )
    decoder = scripted(reading=lambda text, language: next(readings))
    async with WhisperRecogniser(Reader(host, decoder, lanes=1), model="m").session(
        AsrOptions(language="auto")
    ) as session:
        finals = [await _one_turn(session, sounds) for _ in range(4)]
    assert [language for _, language in decoder.asked] == [None, None, None, Language("de")]
    assert finals[-1].language == "de"


async def test_two_calls_have_their_own_language(host, decoder, sounds):
    recogniser = WhisperRecogniser(Reader(host, decoder, lanes=2), model="m")
    async with (
        recogniser.session(AsrOptions(language="en")) as one,
        recogniser.session(AsrOptions(language="fr")) as two,
    ):
        await _one_turn(one, sounds)
        await _one_turn(two, sounds)
    assert [language.code for _, language in decoder.asked] == ["en", "fr"]
