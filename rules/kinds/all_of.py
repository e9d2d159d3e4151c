"""Every branch holds at once: "weight up" and "a symptom"."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rules.branches import Branch, Branches, Params
from rules.kind import Needs


class AllOf(Branches):
    name: ClassVar[str] = "all"
    title: ClassVar[str] = "Several things at once"
    joint = " and "
    examples = (
        Params(
            of=(
                Branch(metric="pulse_rate", above=110.0, within=timedelta(hours=1)),
                Branch(metric="symptom.breathless", within=timedelta(hours=6)),
            )
        ),
        Params(of=(Branch(metric="rule.weight-gain"), Branch(metric="rule.symptom"))),
    )

    def combine(self, held: Sequence[bool]) -> bool:
        return all(held)

    def needs(self) -> Needs:
        return Needs(tuple((metric,) for metric in self.metrics))
