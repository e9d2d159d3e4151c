"""Urgent words reach the program that speaks them, the most urgent first."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag

from gateway.config import Speech
from gateway.home import Said
from gateway.speech import Speaker
from rules.model import Prompt, Tier

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
TEXTS = {
    "sos": {"person": "Help is being called.", "nurse": "", "log": ""},
    "worse": {"person": "Sit down.", "nurse": "", "log": ""},
    "weight": {"person": "Please weigh yourself.", "nurse": "", "log": ""},
}


def prompt(text: str, tier: Tier) -> Prompt:
    return Prompt(
        id=text, finding="f", rule=text, patient="p", tier=tier, at=AT,
        expires_at=AT + timedelta(hours=1), text=text,
    )  # fmt: skip


def wait_for(speaker: Speaker, spoken: Path, lines: int) -> list[str]:
    for _ in range(200):
        if spoken.exists() and len(spoken.read_text().splitlines()) >= lines:
            break
        Flag().wait(0.05)
    speaker.stop()
    return spoken.read_text().splitlines() if spoken.exists() else []


def test_an_emergency_is_spoken_before_the_rest_and_a_weight_not_at_all(tmp_path: Path) -> None:
    spoken = tmp_path / "spoken"
    append = f"open({str(spoken)!r}, 'a').write(__import__('sys').argv[1] + chr(10))"
    speaker = Speaker(Speech(command=(sys.executable, "-c", append, "{text}")), TEXTS)
    speaker.hear(
        Said((prompt("weight", Tier.T1), prompt("worse", Tier.T4), prompt("sos", Tier.T5)))
    )
    speaker.start()
    assert wait_for(speaker, spoken, 2) == ["Help is being called.", "Sit down."]


def test_a_voice_that_fails_is_named_and_the_next_words_are_tried(tmp_path: Path) -> None:
    speaker = Speaker(Speech(command=("no-such-voice", "{text}")), TEXTS)
    speaker.start()
    speaker.hear(Said((prompt("sos", Tier.T5),)))
    for _ in range(100):
        if speaker.last_error:
            break
        Flag().wait(0.05)
    speaker.stop()
    assert "no-such-voice could not speak" in speaker.last_error
