"""A whole run: what went in, what came out, and how fast."""

from msgspec import Struct

from rules.backtest.report import Part, Report


class ForecastRow(Struct, frozen=True, kw_only=True):
    """All people's figures under one debounce."""

    title: str
    part: Part


class Outcome(Struct, frozen=True, kw_only=True):
    pack: str
    version: str
    settings: str
    """A fingerprint of the pack's rules: equal settings, equal fingerprint."""
    matching: str
    resamples: int
    rows: int
    aside: dict[str, int]
    aside_at: dict[str, str] = {}
    """By the same reasons: the place of the first such row."""
    unusual: dict[str, int]
    left_out: tuple[str, ...]
    report: Report
    forecast: tuple[ForecastRow, ...]
    cores: int
    read_s: float
    replay_s: float

    @property
    def rate(self) -> float:
        """Readings a second."""
        return self.report.readings / self.replay_s if self.replay_s else 0.0
