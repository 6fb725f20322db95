"""`<collect/>` in a call: the prompt, the keys, the times, and what the caller says meanwhile."""

import pytest
from tests.engine.telephone import Telephone

from active_call.testing.fakes import Fakes
from active_call.testing.virtual_time import in_virtual_time

PIN = """followUp: {timeout: 2000, maxCount: 1}
dtmfCollectors:
  pin: {digits: 4, timeout: 20, interDigitTimeout: 5, retryTimes: 1}
dtmf:
  1: {action: hangup}"""
TALKING = PIN.replace("retryTimes: 1", "retryTimes: 1, interruptible: true")
COLLECT = 'Well. <collect type="pin" var="pin" prompt="Your number, please."/>'


@in_virtual_time
async def test_keys_go_to_the_collector_and_the_answer_knows_the_number():
    fakes = Fakes(replies=[COLLECT, "Thank you."])
    async with Telephone(fakes, more=PIN) as t:
        await t.until("trackEnd", 2)
        t.press("1234")
        await t.until_spoken("Thank you.")
        assert fakes.spoken == ["Well.", "Your number, please.", "Thank you."]
        asked = fakes.asked[-1]
        assert (asked.reason, asked.variables["pin"]) == ("dtmf", "1234")
        assert t.notes() == ["[DTMF collection completed for 'pin': 1234]"]
        assert not t.all("hangup")
        assert not t.all("error")


@in_virtual_time
async def test_a_key_stops_the_prompt_and_counts():
    fakes = Fakes(replies=[COLLECT, "Thank you."])
    async with Telephone(fakes, more=PIN) as t:
        await t.until_spoken("Your number, please.")
        await t.pass_s(0.1)
        t.press("1234")
        await t.until_spoken("Thank you.", patience=0.2)
        assert t.all("interruption")


@in_virtual_time
async def test_nothing_pressed_is_told_to_the_model_after_the_time_and_nobody_follows_up_meanwhile():
    fakes = Fakes(replies=[COLLECT, "Shall I help you?"])
    async with Telephone(fakes, more=PIN) as t:
        await t.until("trackEnd", 2)
        assert await t.until_spoken("Shall I help you?") == pytest.approx(20, abs=0.2)
        assert t.notes() == ["[DTMF collection timed out for 'pin']"]
        assert [request.reason for request in fakes.asked] == ["start", "dtmf"]


@in_virtual_time
async def test_too_few_digits_are_asked_for_again_and_then_given_up():
    fakes = Fakes(replies=[COLLECT, "Never mind."])
    async with Telephone(fakes, more=PIN) as t:
        await t.until("trackEnd", 2)
        t.press("12")
        assert await t.until_spoken("Expected at least 4 digits, got 2") == pytest.approx(5, abs=0.2)
        await t.until("trackEnd", 3)
        t.press("3")
        await t.until_spoken("Never mind.")
        assert t.notes() == ["[DTMF collection failed for 'pin' after 1 retries]"]
        assert "pin" not in fakes.asked[-1].variables


@in_virtual_time
async def test_what_the_caller_says_meanwhile_is_ignored():
    fakes = Fakes(transcripts=["hello hello"], replies=[COLLECT, "Thank you."])
    async with Telephone(fakes, more=PIN) as t:
        await t.until("trackEnd", 2)
        await t.party.say(0.6)
        await t.pass_s(3)
        assert len(fakes.asked) == 1
        t.press("1234")
        await t.until_spoken("Thank you.")
        assert not [message for message in fakes.asked[-1].messages if message.role == "user"]


@in_virtual_time
async def test_a_caller_who_may_speak_instead_is_answered():
    fakes = Fakes(transcripts=["I forgot it"], replies=[COLLECT, "No problem."])
    async with Telephone(fakes, more=TALKING) as t:
        await t.until("trackEnd", 2)
        await t.party.say(0.6)
        await t.until_spoken("No problem.")
        assert [message.content for message in fakes.asked[-1].messages if message.role == "user"] == ["I forgot it"]
        assert "spoke instead" in t.notes()[0]
        t.press("1")  # the collector is over: the playbook's key
        assert (await t.until("hangup"))["reason"] == "DTMF Hangup"


@in_virtual_time
async def test_a_collector_that_does_not_exist_is_told_to_the_model_once():
    wrong = 'Well. <collect type="zip" var="zip"/>'
    fakes = Fakes(replies=[wrong, wrong, "Never."])
    async with Telephone(fakes, more=PIN.replace("followUp: {timeout: 2000, maxCount: 1}", "")) as t:
        await t.until("trackEnd", 2)
        await t.pass_s(5)
        assert len(fakes.asked) == 2
        assert t.notes() == ["[Unknown DTMF collector type 'zip'. Available types: pin]"]


@in_virtual_time
async def test_a_call_may_end_while_a_number_is_collected():
    fakes = Fakes(replies=[COLLECT])
    async with Telephone(fakes, more=PIN) as t:
        await t.until_spoken("Your number, please.")
        t.press("12")
        t.party.call.end("bySystem", "system")
        await t.until("hangup")
        await t.pass_s(30)
        assert len(fakes.asked) == 1
        assert not t.all("error")
