"""A report as lines for a terminal."""

from collections.abc import Iterator, Sequence

from rules.backtest.measures import BURDEN, LEAD, WORTH, Figure
from rules.backtest.report import Part, Report
from simulators.backtest.outcome import Outcome

TITLES = {
    **{name: (of.title, of.unit) for name, of in (BURDEN | WORTH).items()},
    LEAD: ("Median lead time", " days"),
}


def said(figure: Figure, unit: str = "") -> str:
    """ "97.6 % (94.1 to 100.0)"; "-" where there is nothing to count."""
    if figure.value is None:
        return "-"
    gap = f" {unit.strip()}" if unit else ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.1f}{gap}"
    return f"{figure.value:.1f}{gap} ({figure.low:.1f} to {figure.high:.1f})"


def many(count: int, one: str, more: str) -> str:
    """ "1 person", "2 people"."""
    return f"{count} {one if count == 1 else more}"


def bracketed(outcome: Outcome) -> str:
    """What the brackets behind a figure hold."""
    if not outcome.resamples:
        return "No intervals were asked for (0 draws of the bootstrap)."
    draws = many(outcome.resamples, "bootstrap draw", "bootstrap draws")
    return f"In brackets: the 95 % interval of {draws} of people."


def lived(part: Part, between: str = "") -> str:
    """ "2 people, 30 person-days", or with a word between them."""
    gap = f" {between} " if between else ", "
    days = many(part.days, "person-day", "person-days")
    return f"{many(part.people, 'person', 'people')}{gap}{days}"


def begun(report: Report) -> str:
    alerts = many(report.whole.alerts, "staff alert", "staff alerts")
    return f"{many(report.findings, 'finding', 'findings')}, {alerts}"


def lines(outcome: Outcome) -> Iterator[str]:
    report = outcome.report
    yield f"{outcome.pack} {outcome.version}, settings {outcome.settings}"
    yield (
        f"{many(outcome.rows, 'row', 'rows')} read, "
        f"{many(report.readings, 'reading', 'readings')} judged, of {lived(report.whole, 'over')}"
    )
    places = outcome.aside_at
    aside = {
        f"{why} (first: {places[why]})" if why in places else why: count
        for why, count in outcome.aside.items()
    }
    yield from _counts("set aside", aside)
    yield from _counts("kept and marked as unusual", outcome.unusual)
    if outcome.left_out:
        yield f"rules left out, nobody was asked in these readings: {', '.join(outcome.left_out)}"
    yield from _counts("events not judged", report.not_judged)
    yield ""
    yield f"{begun(report)}. {bracketed(outcome)}"
    yield f"Events {outcome.matching}."
    yield ""
    yield from _part("All people", report.whole)
    for title, part in report.bands.items():
        if part.people:
            yield from _part(f"Adherence {title}", part)
    yield from _rules(report)
    yield from _people(report)
    if outcome.forecast:
        yield "How staff alerts move with debouncing"
        head = ["", "alerts a day per 100", *report.whole.kinds]
        rows = [
            [
                row.title,
                said(row.part.burden["alerts_a_day_per_100"]),
                *(
                    f"{_number(worth.figures['sensitivity'])} % found, "
                    f"{_number(worth.figures['positive_predictive_value'])} % true"
                    for worth in row.part.kinds.values()
                ),
            ]
            for row in outcome.forecast
        ]
        yield from table(head, rows)
        yield ""
    yield (
        f"{outcome.rate:,.0f} readings a second: {report.readings} in {outcome.replay_s:.2f} s on "
        f"{outcome.cores} core(s), after {outcome.read_s:.2f} s of reading files"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _number(figure: Figure) -> str:
    return "-" if figure.value is None else f"{figure.value:.1f}"


def _counts(title: str, counts: dict[str, int]) -> Iterator[str]:
    if counts:
        yield f"{title}: {sum(counts.values())}"
        for why, count in sorted(counts.items(), key=lambda item: -item[1]):
            yield f"  {count:>7}  {why}"


def _part(title: str, part: Part) -> Iterator[str]:
    yield f"{title}: {lived(part)}"
    rows = [
        [TITLES[name][0], said(figure, TITLES[name][1])] for name, figure in part.burden.items()
    ]
    for kind, worth in part.kinds.items():
        counts = f"{worth.found} of {worth.events} found, {worth.explained} of {worth.alerts} true"
        rows.append([kind, counts])
        rows += [
            [f"  {TITLES[name][0]}", said(figure, TITLES[name][1])]
            for name, figure in worth.figures.items()
            if figure.value is not None
        ]
    yield from (f"  {name:<38}{value}" for name, value in rows)
    yield ""


def _rules(report: Report) -> Iterator[str]:
    yield "By rule"
    head = ["rule", "tier", "began", "people", "a day per 100", "% true"]
    rows = [
        [
            row.rule,
            row.tier,
            str(row.begun),
            str(row.people),
            said(row.a_day_per_100),
            said(row.explained),
        ]
        for row in report.rules
    ]
    yield from table(head, rows)
    yield ""


def _people(report: Report) -> Iterator[str]:
    yield "By person"
    head = ["person", "days", "% of days", "readings", "findings", "alerts", "events", "found"]
    rows = [
        [
            row.person,
            str(row.days),
            f"{100 * row.adherence:.0f}",
            str(row.readings),
            str(row.begun),
            str(row.alerts),
            str(row.events),
            str(row.found),
        ]
        for row in report.people[:PEOPLE_SHOWN]
    ]
    yield from table(head, rows)
    if len(report.people) > PEOPLE_SHOWN:
        yield f"  and {len(report.people) - PEOPLE_SHOWN} more: --json has them all"
    yield ""


PEOPLE_SHOWN = 40
