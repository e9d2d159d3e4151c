"""The count behind "0 lost, 0 stored twice"."""

import pytest

from simulators.bench.tally import Tally, tally, together


@pytest.mark.parametrize(
    ("kept", "lost", "twice", "strange"),
    [
        (["a", "b", "c"], 0, 0, 0),
        (["c", "a", "b"], 0, 0, 0),
        (["a", "c"], 1, 0, 0),
        ([], 3, 0, 0),
        (["a", "b", "b", "c"], 0, 1, 0),
        (["a", "a", "a", "b", "c"], 0, 2, 0),
        (["a", "b", "b"], 1, 1, 0),
        (["a", "b", "c", "d", "d"], 0, 0, 2),
    ],
    ids=[
        "all once",
        "in any order",
        "one lost",
        "all lost",
        "one twice",
        "one three times",
        "a loss is not made good by a double",
        "what was never published",
    ],
)
def test_kept_of_three(kept: list[str], lost: int, twice: int, strange: int) -> None:
    found = tally(["a", "b", "c"], kept)
    assert found == Tally(wanted=3, lost=lost, twice=twice, strange=strange)


def test_faults_of_several_runs_add_up() -> None:
    one = Tally(wanted=10, lost=1, twice=2, strange=3)
    assert together([one, one]) == Tally(wanted=20, lost=2, twice=4, strange=6)
