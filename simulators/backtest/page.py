"""A report as one HTML file that needs no other: tables, and charts as SVG."""

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from rules.backtest.measures import Figure
from rules.backtest.report import Report, Worth
from simulators.backtest.outcome import Outcome
from simulators.backtest.say import TITLES, begun, bracketed, lived, many, said

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #212b32; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #d8dde0; }
td.number { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
svg { max-width: 100%; height: auto; }
figure { margin: 1.5rem 0; }
figcaption { font-weight: 600; }
"""
WIDTH, BAR, LABEL = 800, 22, 260


def page(outcome: Outcome) -> str:
    report = outcome.report
    parts = [
        f"<h1>{escape(outcome.pack)}, tried on past readings</h1>",
        _summary(outcome),
        _figures(report),
        _days(report),
        _bars(
            "Beginnings a day per 100 people, by rule (T1 asks the person, T3 and above staff)",
            [(row.rule, row.a_day_per_100) for row in report.rules],
        ),
        _bars(
            "Staff alerts a day per 100 people, by adherence",
            [(title, part.burden["alerts_a_day_per_100"]) for title, part in report.bands.items()],
        ),
    ]
    if outcome.forecast:
        parts.append(
            _bars(
                "Staff alerts a day per 100 people, by debouncing",
                [(row.title, row.part.burden["alerts_a_day_per_100"]) for row in outcome.forecast],
            )
        )
    parts += [_rules(report), _people(report), *_notes(outcome)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(outcome.pack)}: backtest</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _summary(outcome: Outcome) -> str:
    report = outcome.report
    return (
        f"<p>{many(report.readings, 'reading', 'readings')} of {lived(report.whole, 'over')}. "
        f"{begun(report)}. Events {escape(outcome.matching)}. Settings {outcome.settings}. "
        f"{bracketed(outcome)}</p>"
    )


def _notes(outcome: Outcome) -> Iterator[str]:
    notes = {
        "Set aside": outcome.aside,
        "Kept and marked as unusual": outcome.unusual,
        "Events not judged": outcome.report.not_judged,
    }
    for title, counts in notes.items():
        if counts:
            rows = [[why, str(count)] for why, count in counts.items()]
            yield _table(title, ["why", "rows"], rows)
    if outcome.left_out:
        rules = escape(", ".join(outcome.left_out))
        yield f"<p>Rules left out, since nobody was asked in these readings: {rules}.</p>"


def _figures(report: Report) -> str:
    """Every figure of all people, and beside it by adherence."""
    parts = {"all": report.whole, **{title: p for title, p in report.bands.items() if p.people}}
    rows = [["people", *(str(part.people) for part in parts.values())]]
    rows += [
        [TITLES[name][0], *(said(p.burden[name], TITLES[name][1]) for p in parts.values())]
        for name in report.whole.burden
    ]
    for kind, worth in report.whole.kinds.items():
        worths = [part.kinds[kind] for part in parts.values()]
        rows.append([f"{kind}: events found", *(f"{w.found} of {w.events}" for w in worths)])
        rows.append([f"{kind}: alerts true", *(f"{w.explained} of {w.alerts}" for w in worths)])
        rows += [
            [f"{kind}: {TITLES[name][0].lower()}", *(_said_of(w, name) for w in worths)]
            for name, figure in worth.figures.items()
            if figure.value is not None
        ]
    return _table("All people, and by the share of days with a reading", ["", *parts], rows)


def _said_of(worth: Worth, name: str) -> str:
    return said(worth.figures[name], TITLES[name][1])


def _rules(report: Report) -> str:
    rows = [
        [
            row.rule,
            row.tier,
            str(row.begun),
            str(row.people),
            said(row.a_day_per_100),
            said(row.explained, "%"),
        ]
        for row in report.rules
    ]
    head = ["rule", "tier", "began", "people", "a day per 100 people", "followed by an event"]
    return _table("By rule", head, rows)


def _people(report: Report) -> str:
    rows = [
        [
            row.person,
            str(row.days),
            f"{100 * row.adherence:.0f} %",
            str(row.readings),
            str(row.alerts),
            str(row.events),
            str(row.found),
        ]
        for row in report.people
    ]
    head = ["person", "days", "of days", "readings", "alerts", "events", "found"]
    return _table("By person", head, rows)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = ""
    if any(head):
        cells = (f'<th scope="col"{_number(n)}>{escape(name)}</th>' for n, name in enumerate(head))
        top = f"<thead><tr>{''.join(cells)}</tr></thead>"
    body = "".join(
        "<tr>"
        + "".join(f"<td{_number(n)}>{escape(cell)}</td>" for n, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    table = f"<table><caption>{escape(title)}</caption>{top}<tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _number(column: int) -> str:
    return ' class="number"' if column else ""


def _bars(title: str, rows: Sequence[tuple[str, Figure]]) -> str:
    """A bar each, with its interval as a line."""
    shown = [(name, figure.value, figure) for name, figure in rows if figure.value is not None]
    if not shown:
        return ""
    top = max((figure.high or value for _, value, figure in shown), default=0.0) or 1.0
    room = WIDTH - LABEL - 180
    drawn = []
    for n, (name, value, figure) in enumerate(shown):
        y = n * BAR
        middle = y + BAR / 2
        drawn.append(
            f'<text x="{LABEL - 8}" y="{middle + 5}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{y + 3}" width="{room * value / top:.1f}" height="{BAR - 6}" '
            'fill="#005eb8"/>'
        )
        end = value
        if figure.low is not None and figure.high is not None:
            end = max(value, figure.high)
            left, right = (LABEL + room * x / top for x in (figure.low, figure.high))
            drawn.append(
                f'<path d="M{left:.1f} {middle}H{right:.1f}" stroke="#212b32" stroke-width="2"/>'
            )
        drawn.append(
            f'<text x="{LABEL + room * end / top + 8:.1f}" y="{middle + 5}">{said(figure)}</text>'
        )
    return _figure(title, len(shown) * BAR, drawn)


def _days(report: Report) -> str:
    """Staff alerts of all people, day by day."""
    counts = report.alerts_by_day
    if not counts:
        return ""
    first, last = (date.fromisoformat(edge(counts)).toordinal() for edge in (min, max))
    top, height, room = max(counts.values()), 140, WIDTH - 60
    step = room / (last - first + 1)
    drawn = [
        f'<rect x="{40 + (date.fromisoformat(day).toordinal() - first) * step:.1f}" '
        f'y="{height - 120 * count / top:.1f}" width="{max(step - 1, 0.5):.1f}" '
        f'height="{120 * count / top:.1f}" fill="#005eb8"><title>{day}: {count}</title></rect>'
        for day, count in counts.items()
    ]
    drawn += [
        f'<path d="M40 {height}H{WIDTH - 20}" stroke="#212b32"/>',
        f'<text x="34" y="24" text-anchor="end">{top}</text>',
        f'<text x="34" y="{height}" text-anchor="end">0</text>',
        f'<text x="40" y="{height + 20}">{min(counts)}</text>',
        f'<text x="{WIDTH - 20}" y="{height + 20}" text-anchor="end">{max(counts)}</text>',
    ]
    return _figure("Staff alerts by day, all people", height + 26, drawn)


def _figure(title: str, height: float, drawn: Sequence[str]) -> str:
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(title)}" font-size="14" fill="#212b32">{"".join(drawn)}</svg>'
        "</figure>"
    )
