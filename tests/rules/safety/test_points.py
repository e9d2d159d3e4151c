"""The safety points of docs/safety/points.md: each holds, and would not without its measure.

A file for each point. A scenario is a case of a pack (rules/cases.py) with more words:

    told:     what comes of the findings: "<time> <rule> prompt", "... prompt asks <answers>",
              "... prompt from <time>" (quiet hours), "... alert T4", "... alert T3 late",
              "... alert T3 kit"
    heard:    when the home learned of it, where that was later than it happened
    quiet:    the person's quiet hours
    lives_with: who else lives there, as in a plan
    read:     by rule, how what the nurse reads of its alert ends
    without:  changes to the pack, each of which takes the measure away: then the scenario fails
    refused:  changes that make no pack, `with` the words that say so
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec import structs

from plumbing.documents import load_yaml
from rules.cases import PATIENT, Case, judged, parse_cases, run_case
from rules.engine import advance, start
from rules.hours import Hours
from rules.model import Companion, Concern, Finding, Plan
from rules.outcome import decide
from rules.plan import PlanError, parse_pack
from rules.words import sentence

HERE = Path(__file__).parent
PACK_FILES = {
    path.stem: load_yaml(path)
    for path in sorted(Path(str(files("rules").joinpath("packs"))).glob("*.yaml"))
    if not path.name.endswith(".test.yaml")
}
PACKS = {name: parse_pack(document) for name, document in PACK_FILES.items()}
POINTS = {
    path.name.removesuffix(".test.yaml"): load_yaml(path) for path in HERE.glob("*.test.yaml")
}
SCENARIOS = {
    f"{point}: {scenario['name']}": scenario
    for point, document in sorted(POINTS.items())
    for scenario in document["scenarios"]
}
LIVED = {name: one for name, one in SCENARIOS.items() if "readings" in one}
CHANGES = {
    f"{name}, without {change.get('drop') or change['change']}": (one, change)
    for name, one in LIVED.items()
    for change in one["without"]
}
REFUSED = {
    f"{name}, {change['change']}": (one, change)
    for name, one in SCENARIOS.items()
    for change in one.get("refused", ())
}
OF_A_CASE = ("name", "readings", "until", "expect", "only", "plan", "first_day")


def changed(document: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The pack with one thing dropped or changed, at a dotted place with rules by their ids."""
    pack = deepcopy(dict(document))
    *steps, last = (change.get("drop") or change["change"]).split(".")
    at: Any = pack
    for step in steps:
        if isinstance(at, list):
            at = next(rule for rule in at if rule["id"] == step)
        else:
            at = at.setdefault(step, {}) if "change" in change else at[step]
    if "drop" in change:
        del at[last]
    else:
        at[last] = change["to"]
    return pack


def case_of(scenario: Mapping[str, Any], change: Mapping[str, Any] | None = None) -> Case:
    pack_id, packs = scenario["pack"], dict(PACKS)
    if change is not None:
        packs[pack_id] = parse_pack(changed(PACK_FILES[pack_id], change))
    own = {key: value for key, value in scenario.items() if key in OF_A_CASE}
    (case,) = parse_cases(
        {"pack": pack_id, "timezone": "Europe/London", "cases": [{"expect": [], **own}]}, packs
    )
    own: dict[str, Any] = {}
    if "quiet" in scenario:
        begin, end = (time.fromisoformat(one) for one in scenario["quiet"].split("-"))
        own["quiet_hours"] = Hours(begin, end)
    if "lives_with" in scenario:
        own["lives_with"] = msgspec.convert(scenario["lives_with"], tuple[Companion, ...])
    people = {name: structs.replace(person, **own) for name, person in case.plan.people.items()}
    return structs.replace(case, plan=structs.replace(case.plan, people=people))


def read_by_nurse(case: Case) -> dict[str, str]:
    """By rule, what the nurse reads of its newest alert."""
    outcomes = (decide(case.plan, finding, finding.at) for finding in findings_of(case))
    alerts = [outcome.alert for outcome in outcomes if outcome.alert is not None]
    return {
        alert.rule: sentence(case.plan.texts, alert.text, "nurse", alert.values)
        for alert in alerts
        if alert.rule in case.only
    }


def findings_of(case: Case) -> tuple[Finding, ...]:
    return advance(case.plan, start(case.plan, case.starts), case.readings, case.until).findings


def told(case: Case, heard: datetime | None) -> list[str]:
    zone = ZoneInfo(case.plan.people[PATIENT].timezone)

    def clock(at: datetime) -> str:
        local = at.astimezone(zone)
        day = (local.date() - case.starts.astimezone(zone).date()).days + 1
        return f"d{day} {local:%H:%M:%S}" if local.second else f"d{day} {local:%H:%M}"

    return [
        f"{clock(finding.at)} {finding.rule} {words}"
        for finding in findings_of(case)
        if finding.rule in case.only
        for words in _comes_of(case.plan, finding, heard or finding.at, clock)
    ]


def _comes_of(plan: Plan, finding: Finding, at: datetime, clock: Any) -> Iterator[str]:
    outcome = decide(plan, finding, at)
    if outcome.prompt is not None:
        later, asked = outcome.prompt.show_from, outcome.prompt.ask
        names = " ".join(metric.removeprefix("symptom.") for metric in asked)
        yield f"prompt{f' from {clock(later)}' if later else ''}{f' asks {names}' if asked else ''}"
    if outcome.alert is not None:
        late = " late" if outcome.alert.late else ""
        kit = " kit" if outcome.alert.concern is Concern.KIT else ""
        yield f"alert {outcome.alert.tier.name}{late}{kit}"


def holds(scenario: Mapping[str, Any], change: Mapping[str, Any] | None = None) -> bool:
    case = case_of(scenario, change)
    if "expect" in scenario and not run_case(case).passed:
        return False
    if "read" in scenario:
        read = read_by_nurse(case)
        if not all(read.get(rule, "").endswith(end) for rule, end in scenario["read"].items()):
            return False
    if "told" not in scenario:
        return True
    heard = case_of({**scenario, "until": scenario["heard"]}).until if "heard" in scenario else None
    return sorted(told(case, heard)) == sorted(scenario["told"])


@pytest.mark.parametrize("scenario", LIVED.values(), ids=LIVED)
def test_a_safety_point_holds(scenario):
    case = case_of(scenario)
    if "expect" in scenario:
        verdict = run_case(case)
        assert (verdict.missing, verdict.unexpected) == ((), ())
    assert holds(scenario), told(case, None)


@pytest.mark.parametrize(("scenario", "change"), CHANGES.values(), ids=CHANGES)
def test_a_safety_point_would_not_hold_without_its_measure(scenario, change):
    assert not holds(scenario, change)


@pytest.mark.parametrize(("scenario", "change"), REFUSED.values(), ids=REFUSED)
def test_a_pack_that_breaks_a_safety_point_is_refused(scenario, change):
    with pytest.raises(PlanError, match=change["with"]):
        parse_pack(changed(PACK_FILES[scenario["pack"]], change))


def test_every_scenario_says_what_it_would_fail_without():
    lacking = [
        name for name, one in SCENARIOS.items() if not one.get("without") and "refused" not in one
    ]
    assert lacking == []


def test_a_scenario_that_expects_nothing_that_is_seen_is_noticed():
    scenario = next(one for one in LIVED.values() if one.get("expect"))
    case = case_of(scenario)
    assert not judged(structs.replace(case, expected=()), findings_of(case)).passed
