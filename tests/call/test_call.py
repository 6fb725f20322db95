"""The life of a call: commands in order, bad ones answered, and an end that comes exactly once."""

import asyncio
import json

import pytest

from active_call.call.call import HANG_UP_S
from active_call.call.manager import TooManyCalls
from active_call.protocol.commands import COMMANDS, BadCommand, History, command_from, parse_command
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION, Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time

# ---------------------------------------------------------------- commands


@in_virtual_time
async def test_a_second_invite_is_an_error_and_the_call_goes_on():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("invite", option={})
        error = await s.until("error")
        assert (error["sender"], error["trackId"], "code" in error) == ("command", s.call.id, False)
        assert len(s.all("answer")) == 1
        await s.send("tts", text="Still here.", playId="p")
        await s.until("trackEnd", playId="p")


@pytest.mark.parametrize("command", ["accept", "ringing"])
@pytest.mark.parametrize("invited", [False, True])
@in_virtual_time
async def test_what_only_an_inbound_call_knows_is_an_error_and_the_call_goes_on(command, invited):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        if invited:
            await s.invite(**FAKE_OPTION)
        await s.send(command)
        error = await s.until("error")
        assert error["sender"] == "command"
        assert command in error["error"]
        assert "invite" in error["error"]
        if not invited:
            await s.invite()
        assert not s.ended


@pytest.mark.parametrize("command", [{"command": "reject", "reason": "no"}, {"command": "hangup", "refer": True}])
@in_virtual_time
async def test_what_has_nothing_to_act_on_says_nothing(command):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        await s.send(**command)
        await s.call_time(1)
        assert s.story() == ["trackStart caller", "answer"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
@in_virtual_time
async def test_no_command_ends_the_call_but_hangup(name):
    needs = {
        "tts": {"text": "Hi"},
        "play": {"url": "x.wav"},
        "refer": {"callee": "sip:a@b.c"},
        "message": {"body": "x"},
        "bridge": {"targetSessionId": "x"},
        "unbridge": {"targetSessionId": "x"},
        "history": {"speaker": "user", "text": "x"},
        "custom": {"data": 1},
        "addIceCandidate": {"candidate": ""},
        "reject": {"reason": "x"},
    }
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send(name, **needs.get(name, {}))
        await s.call_time(2)
        assert s.ended == (name == "hangup")


@in_virtual_time
async def test_a_text_that_is_no_command_is_an_error_event_and_the_call_goes_on():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        with pytest.raises(BadCommand) as bad:
            parse_command('{"command":"fly"}')
        s.call.complain(bad.value)
        error = await s.until("error")
        assert (error["sender"], error["trackId"]) == ("command", s.call.id)
        assert "fly" in error["error"]
        await s.invite()


@in_virtual_time
async def test_history_and_custom_come_back_as_events():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        await s.send("history", speaker="user", text="Hi")
        await s.send("custom", data={"a": [1, None]}, sender="me")
        history, custom = await s.until("addHistory"), await s.until("custom")
        assert (history["sender"], history["speaker"], history["text"]) == (s.call.id, "user", "Hi")
        assert (custom["data"], custom["sender"]) == ({"a": [1, None]}, "me")


@in_virtual_time
async def test_a_burst_of_commands_is_carried_out_in_order_and_nothing_is_refused():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        for number in range(10_000):
            s.call.command(History(speaker="user", text=str(number)))
            await s.call.room()
        await s.until("addHistory", 10_000)
        assert [int(event["text"]) for event in s.all("addHistory")] == list(range(10_000))
        assert not s.ended


@in_virtual_time
async def test_many_pieces_of_speech_in_one_burst_are_spoken_in_order():
    async with virtual_server(fakes := Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        for number in range(60):
            await s.send("tts", text=f"Word {number}. ", playId="p", streaming=True)
        await s.send("tts", text="", playId="p", streaming=True, endOfStream=True)
        await s.until("trackEnd", playId="p", patience=60)
        assert fakes.spoken == [f"Word {number}." for number in range(60)]


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "bySystem"),
        ({"reason": "caller"}, "byCaller"),
        ({"reason": "lunch"}, "lunch"),
        ({"initiator": "system"}, "autohangup"),
    ],
)
@in_virtual_time
async def test_a_hangup_ends_the_tracks_then_says_hangup_and_nothing_more(fields, reason):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("tts", text="A rather long sentence is being spoken.", playId="p")
        await s.call_time(0.3)
        await s.send("hangup", **fields)
        end = await s.until("hangup")
        assert end["reason"] == reason
        assert s.story()[-4:] == ["interruption", "trackEnd p", "trackEnd caller", "hangup"]
        await s.call_time(2)
        assert s.names[-1] == "hangup"
        assert s.names.count("hangup") == 1
        assert end["answerTime"] <= end["hangupTime"]


@in_virtual_time
async def test_the_first_reason_wins():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        s.call.command(command_from({"command": "hangup", "reason": "first"}))
        s.call.command(command_from({"command": "hangup", "reason": "second"}))
        s.call.lost()
        assert (await s.until("hangup"))["reason"] in ("first", "byCaller")
        assert len(s.all("hangup")) == 1


@in_virtual_time
async def test_a_call_that_was_never_answered_ends_with_one_hangup():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.send("hangup")
        end = await s.until("hangup")
        assert s.story() == ["hangup"]
        assert "answerTime" not in end


@in_virtual_time
async def test_a_hangup_right_after_the_invite_is_no_error():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        s.call.command(command_from({"command": "invite", "option": dict(FAKE_OPTION)}))
        s.call.command(command_from({"command": "hangup"}))
        await s.until("hangup")
        assert not s.all("error")


@in_virtual_time
async def test_a_caller_who_vanishes_in_mid_reply_ends_the_call_and_nothing_is_left():
    fakes = Fakes(transcripts=["tell me"], replies=[["Once upon a time. "] * 50], token_s=0.2)
    async with virtual_server(fakes) as manager, Session(manager, book()) as s:
        await s.invite()
        await s.say(tone(0.5))
        await s.until("metrics", key="turn")
        s.call.lost()
        end = await s.until("hangup", patience=0.1)
        assert (end["reason"], end["initiator"]) == ("byCaller", "caller")
        await s.call.done()
        assert fakes.open_streams == 0
        assert manager.services.clock.channels == 0
        assert len(manager.directory) == 0


@in_virtual_time
async def test_a_leg_that_does_not_hang_up_does_not_keep_the_call():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        s.call._connection.leg.hang_up = never
        await s.send("hangup")
        await s.until("hangup", patience=HANG_UP_S + 1)


@in_virtual_time
async def test_an_engine_that_cannot_be_closed_does_not_keep_the_call(monkeypatch):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        monkeypatch.setattr(s.call._connection.pipeline, "close", lambda: 1 / 0)
        await s.send("hangup")
        await s.until("hangup")
        await s.call.done()
        assert len(manager.directory) == 0


@in_virtual_time
async def test_a_call_that_is_cancelled_still_says_hangup_and_leaves_the_directory():
    async with virtual_server(Fakes()) as manager, Session(manager, book()) as s:
        await s.invite()
        for task in manager._tasks:
            task.cancel()
        await s.until("hangup")
        await s.call.done()
        assert len(manager.directory) == 0


@in_virtual_time
async def test_a_server_that_shuts_down_ends_every_call_and_takes_no_new_one():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite()
        await manager.shut_down()
        await s.until("hangup")
        with pytest.raises(TooManyCalls):
            manager.create("another", "webSocket")


@in_virtual_time
async def test_a_transport_that_fails_is_an_error_of_the_invite_and_ends_the_call():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.send("invite", option={"codec": "opus"})
        error = await s.until("error", sender="invite")
        assert "opus" in error["error"]
        assert (await s.until("hangup"))["reason"] == "failed"
        assert not s.all("answer")


@in_virtual_time
async def test_a_kind_of_call_that_nothing_installed_connects_is_an_error_of_the_invite():
    async with virtual_server(Fakes()) as manager:
        call = manager.create("x", "sip")
        call.command(command_from({"command": "invite"}))
        events = [event async for _, event in call.events()]
        assert [event.event for event in events] == ["error", "hangup"]
        assert events[0].sender == "invite"
        assert "sip" in events[0].error


# ---------------------------------------------------------------- playbooks


@in_virtual_time
async def test_a_missing_playbook_is_an_error_before_any_command_and_ends_the_call(tmp_path):
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager, name="missing.md") as s:
        await s.until("hangup")
        assert s.story() == ["error", "hangup"]
        error = s.events[0]
        assert (error["sender"], error["trackId"]) == ("playbook", s.call.id)
        assert "missing.md" in error["error"]


@in_virtual_time
async def test_a_broken_playbook_says_the_line_and_ends_the_call():
    async with virtual_server(Fakes()) as manager, Session(manager, "---\nllm: {}\ngreeting: [\n---\nHi\n") as s:
        await s.until("hangup")
        assert s.story() == ["error", "hangup"]
        assert s.events[0]["sender"] == "playbook"
        assert "line" in s.events[0]["error"] or ":3" in s.events[0]["error"] or ":4" in s.events[0]["error"]


@in_virtual_time
async def test_a_playbook_outside_its_folder_is_refused(tmp_path):
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager, name="../secret.md") as s:
        await s.until("hangup")
        assert s.events[0]["sender"] == "playbook"


@in_virtual_time
async def test_what_the_client_says_comes_before_what_the_playbook_says():
    fakes = Fakes()
    content = book(more="greeting: Hello there.").replace("tts: {provider: fake}", "tts: {provider: nobody}")
    async with virtual_server(fakes) as manager, Session(manager, content) as s:
        await s.invite(tts={"provider": "fake"})
        await s.until("trackEnd", trackId="server-side-track")
        assert fakes.spoken == ["Hello there."]
        assert not s.all("error")


# ---------------------------------------------------------------- what is shown of it


@in_virtual_time
async def test_the_list_has_the_documented_keys_and_no_secrets():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        assert set(s.call.summary()) == {"id", "callType", "cs.option", "ringTime", "startTime"}
        assert s.call.summary()["startTime"] is None
        await s.invite(tts={"provider": "fake", "secretKey": "hush-hush", "extra": {"token": "hush-hush"}})
        shown = json.dumps(s.call.summary())
        assert "hush" not in shown
        assert s.call.summary()["cs.option"]["tts"]["provider"] == "fake"
        assert s.call.summary()["startTime"].endswith("+00:00")
