"""How long to wait before the next try."""

import random
from collections.abc import Callable


class Backoff:
    """Waits that double from `first_s` up to `most_s`, each drawn from its upper half.

    The draw keeps many clients of one restarted server from coming back in the same instant;
    `draw` gives numbers in [0, 1).
    """

    def __init__(
        self, first_s: float, most_s: float, draw: Callable[[], float] = random.random
    ) -> None:
        if not 0 < first_s <= most_s:
            raise ValueError(f"a back-off needs 0 < first_s <= most_s, not {first_s} and {most_s}")
        self._first_s = first_s
        self._most_s = most_s
        self._draw = draw
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        wait_s = self._ceiling_s * (0.5 + 0.5 * self._draw())
        self._ceiling_s = min(self._ceiling_s * 2, self._most_s)
        return wait_s

    def reset(self) -> None:
        """It worked: the next failure waits from the beginning."""
        self._ceiling_s = self._first_s
