"""How Homebeat speaks: what a text must not say, with what to write instead."""

import pytest

from rules.model import Tier
from rules.tone import ACTIONS, HELP, faults, filled, question_faults

CALM = {
    "a reading and what it means": (
        "Your weight is {value} today. That is {difference} more than your lowest weight of the "
        "last few days. It is good to look at this early."
    ),
    "what was not seen": "We have not seen your weight today. If you can, step on the scale now.",
    "one's own goal": "It helps with what matters to you: {matters}.",
    "a question about being well": "Are you OK? Please press the button.",
    "a question that asks for a need": "Do you need to rest?",
    "a condition that names it": "Press the button if you are OK.",
    "the name of a button": 'Please press "I am OK" on the screen.',
    "no second dose": "Please do not take a second dose.",
    "a question about a medicine": "Have you taken your morning medicine?",
    "fast sugar, which is no medicine": "Please have the glucose tablets.",
    "a condition without blame": "If you have not slept, that can make it higher.",
}
BAD_CALM = {
    "an order": ("You must rest now.", "is an order", "It helps to"),
    "an order that sounds mild": ("You should drink more.", "is an order", "It helps to"),
    "an order as a need": ("You need to weigh in.", "is an order", "It helps to"),
    "an order to take care": ("Make sure that you rest.", "is an order", "It helps to"),
    "blame for what is missing": ("You forgot to step on the scale.", "blames", "We have not seen"),
    "failure": ("You failed to answer.", "blames", "We have not seen"),
    "non-compliance": ("This is non-compliant.", "blames", "We have not seen"),
    "an exclamation": ("Step on the scale!", '"!" shouts', "full stop"),
    "a verdict": ("Your weight is OK.", '"OK" is a verdict', "what was seen and when"),
    "normal": ("This is normal.", "is a verdict", "what was seen and when"),
    "fine": ("You are doing fine.", "is a verdict", "what was seen and when"),
    "a medicine to take": ("Please take your tablets now.", "a second dose", "Have you taken"),
    "a missed dose": ("You can take the missed dose.", "a second dose", "Have you taken"),
    "twice as much": ("A double dose helps.", "a second dose", "Have you taken"),
    "a word of the trade": ("You may have oedema.", "of the trade", "write 'swelling'"),
    "another word of the trade": ("Your SpO2 is low.", "of the trade", "write 'oxygen level'"),
    "a fright": ("Warning, this is high.", "frightens", "what was seen"),
    "a long sentence": (
        "When you have had a rest, go to the scale in the hall, and step on it for us at ten.",
        "words, and 20 are the most",
        "two sentences",
    ),
    "long words": (
        "Cardiovascular deterioration necessitates additional examination.",
        "takes a reader of",
        "shorter words",
    ),
}
URGENT = {
    "an action": "Sit down and rest. We are telling your care team now.",
    "help on its way": "Help is being called. Stay where you are if you are hurt.",
    "one word": "Stop. Turn off the gas.",
    "a condition": "Call 999 now. Unlock your front door if you can do it safely.",
    "what it takes no reader to know": "Get out now. The carbon monoxide alarm has gone off.",
}
BAD_URGENT = {
    "what was seen first": ("Your weight is up. Sit down.", 'begins with "Your weight is"', "Sit"),
    "please first": ("Please sit down.", 'begins with "Please sit down"', "begin with"),
    "a condition first": ("If you can, sit down.", "not with the action", "begin with"),
    "a part of an action's name": ("Sitting down helps.", "not with the action", "begin with"),
    "nothing": ("", "not with the action", "begin with"),
    "a choice": ("Call 999 if you like.", "offers a choice", "says what to do"),
    "a choice by may": ("Sit down. You may call 999.", "offers a choice", "says what to do"),
    "a choice by can": ("Sit down. You can call us.", "offers a choice", "says what to do"),
    "a maybe": ("Call 999 perhaps.", "offers a choice", "says what to do"),
    "a question": ("Sit down. Are you in pain?", "asks a question", "`ask`"),
    "good news": ("Sit down. Well done for measuring.", "good news", "leave it out"),
    "a long first sentence": (
        "Sit down on a chair or on your bed and then rest there for ten minutes.",
        "words, and 12 are the most",
        "two sentences",
    ),
    "a long sentence": (
        "Sit down. Call 999 if your chest hurts, if one side is weak, or if it is hard to talk.",
        "words, and 16 are the most",
        "two sentences",
    ),
    "an exclamation": ("Sit down!", '"!" shouts', "full stop"),
    "a verdict": ("Sit down. Your pulse is normal.", "is a verdict", "what was seen"),
}
CALM_TIERS = [Tier.T0, Tier.T1, Tier.T2, Tier.T3]
URGENT_TIERS = [Tier.T4, Tier.T5]


def said(found):
    return " / ".join(map(str, found))


@pytest.mark.parametrize("tier", CALM_TIERS)
@pytest.mark.parametrize("text", CALM.values(), ids=CALM)
def test_a_coach_can_say(text, tier):
    assert faults(text, tier) == ()


@pytest.mark.parametrize("tier", CALM_TIERS)
@pytest.mark.parametrize(("text", "wrong", "instead"), BAD_CALM.values(), ids=BAD_CALM)
def test_a_coach_does_not_say(text, wrong, instead, tier):
    found = [fault for fault in faults(text, tier) if wrong in fault.wrong]
    assert found, said(faults(text, tier))
    assert instead in found[0].instead


@pytest.mark.parametrize("tier", URGENT_TIERS)
@pytest.mark.parametrize("text", URGENT.values(), ids=URGENT)
def test_an_urgent_text_can_say(text, tier):
    assert faults(text, tier) == ()


@pytest.mark.parametrize("tier", URGENT_TIERS)
@pytest.mark.parametrize(("text", "wrong", "instead"), BAD_URGENT.values(), ids=BAD_URGENT)
def test_an_urgent_text_does_not_say(text, wrong, instead, tier):
    found = [fault for fault in faults(text, tier) if wrong in fault.wrong]
    assert found, said(faults(text, tier))
    assert instead in found[0].instead


@pytest.mark.parametrize("action", [*ACTIONS, HELP])
def test_an_urgent_text_can_begin_with(action):
    assert faults(f"{action} now.", Tier.T4) == ()


@pytest.mark.parametrize("audience", ["nurse", "log"])
@pytest.mark.parametrize("tier", [*CALM_TIERS, *URGENT_TIERS])
def test_staff_are_told_in_their_own_words_and_given_no_verdict(audience, tier):
    assert faults("Systolic {value}: you should call now!", tier, audience) == ()
    assert "is a verdict" in said(faults("Weight is normal.", tier, audience))


QUESTIONS = [
    "Are your ankles more swollen than usual?",
    "Did you need more pillows to sleep last night?",
    "Are you OK?",
]
BAD_QUESTIONS = {
    "no question": ("Tell us about your ankles.", "is not one question"),
    "two questions": ("Do you feel ill? Are you hot?", "is not one question"),
    "a word of the trade": ("Do you have dyspnoea?", "of the trade"),
    "an order": ("You must rest, do you hear?", "is an order"),
}


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_can_be_asked(text):
    assert question_faults(text) == ()


@pytest.mark.parametrize(("text", "wrong"), BAD_QUESTIONS.values(), ids=BAD_QUESTIONS)
def test_a_question_is_not_asked(text, wrong):
    assert wrong in said(question_faults(text))


def test_what_is_filled_in_later_is_read_with_an_example():
    assert filled("It is {value},\n  at {at}.") == "It is 80 kg, at 08:05."
    assert filled("{not_known} {{bracket}}") == "it {bracket}"


def test_a_fault_says_what_is_wrong_and_what_to_write_instead():
    (fault,) = faults("You must rest.", Tier.T1)
    assert str(fault) == f"{fault.wrong}: {fault.instead}"
