"""One branch or more holds."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rules.branches import Branch, Branches, Params


class AnyOf(Branches):
    name: ClassVar[str] = "any"
    title: ClassVar[str] = "One of several things"
    joint = " or "
    examples = (
        Params(
            of=(
                Branch(metric="oxygen_saturation", at_most=91.0, within=timedelta(hours=1)),
                Branch(metric="symptom.breathless_at_rest", within=timedelta(hours=6)),
            )
        ),
    )

    def combine(self, held: Sequence[bool]) -> bool:
        return any(held)
