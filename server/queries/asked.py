"""What a person was asked at home, and what they answered."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from devices.model import Quality
from rules.model import Prompt
from server.db import Database
from server.queries.readings import Point, series_of
from server.queries.rows import SQL, Body

_MOST_PROMPTS = 20

_decode_prompt = msgspec.json.Decoder(Prompt).decode


class Answer(Struct, frozen=True, kw_only=True):
    """A person's answer to one question of a prompt."""

    metric: str
    yes: bool
    at: datetime
    reading: str


class Asked(Struct, frozen=True, kw_only=True):
    """A prompt as it was shown at home, and what was answered. An unanswered question is absent."""

    prompt: Prompt
    answers: tuple[Answer, ...]


def match_answers(
    prompts: Sequence[Prompt], given: Sequence[tuple[str, Point]]
) -> tuple[Asked, ...]:
    """Prompts, oldest first, each with the answers given to it.

    An answer belongs to the newest prompt before it that asks its question; the last one counts.
    One that was struck out is none.
    """
    given = [pair for pair in given if Quality.ENTERED_IN_ERROR not in pair[1].quality]
    ordered = sorted(prompts, key=lambda prompt: (prompt.at, prompt.id))
    answers: dict[str, dict[str, Answer]] = {prompt.id: {} for prompt in ordered}
    for metric, point in sorted(given, key=lambda pair: (pair[1].taken_at, pair[1].reading)):
        asking = [each for each in ordered if each.at <= point.taken_at and metric in each.ask]
        if asking:
            answers[asking[-1].id][metric] = Answer(
                metric=metric, yes=point.value != 0.0, at=point.taken_at, reading=point.reading
            )
    return tuple(
        Asked(
            prompt=prompt,
            answers=tuple(
                answers[prompt.id][metric] for metric in prompt.ask if metric in answers[prompt.id]
            ),
        )
        for prompt in ordered
    )


async def asked_between(
    db: Database, patient: str, since: datetime, until: datetime
) -> tuple[Asked, ...]:
    bodies = await db.rows(
        Body,
        SQL["prompts_between"],
        {"patient": patient, "since": since, "until": until, "most": _MOST_PROMPTS},
    )
    prompts = [_decode_prompt(row.body) for row in bodies]
    metrics = sorted({metric for prompt in prompts for metric in prompt.ask})
    given: list[tuple[str, Point]] = []
    if metrics:
        answered = await series_of(db, patient, metrics, since, until)
        given = [(series.metric, point) for series in answered for point in series.points]
    return match_answers(prompts, given)
