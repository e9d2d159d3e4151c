"""`homebeat rules ...`: is this plan or pack right, do its cases pass, what does it say?"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from plumbing.documents import DocumentError, line_of, load_yaml
from rules.cases import Verdict, parse_cases, run_case
from rules.cli.named import CASES, NotNamed, cases, documents, shipped
from rules.estimate import estimate_lines
from rules.explain import explain_rule
from rules.glucose_score import glucose_lines
from rules.model import Rule
from rules.news2 import score_lines
from rules.place import PlanError
from rules.plan import Pack, parse_pack, parse_plan
from rules.schema import schema_text
from rules.unseen import unseen

app = typer.Typer(no_args_is_help=True, help="Check, test and explain rule packs and care plans.")

scores = typer.Typer(no_args_is_help=True, help="Scores, so that they can be checked by hand.")
app.add_typer(scores, name="score")

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files of packs and plans, folders of them, or ids of packs (heart-failure). Without "
        "any: the packs that come with Homebeat."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]


@app.command()
def check(paths: Files = None, as_json: AsJson = False) -> None:
    """Say whether these packs and care plans can be used, and what to write where not."""
    wrong = 0
    for path in _named(documents, paths):
        try:
            said = _checked(path)
            row = {"file": str(path), "ok": True, "says": said}
        except (PlanError, DocumentError) as error:
            wrong += 1
            said = _placed(error, path)
            row = {"file": str(path), "ok": False, "error": said}
        typer.echo(json.dumps(row) if as_json else f"{path}: {said}" if row["ok"] else said)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def sign(
    path: Annotated[Path, typer.Argument(metavar="PACK", help="The pack, as it stands.")],
    key: Annotated[Path, typer.Option(help="Your key; made there, if nothing is.")],
) -> None:
    """Sign a pack, so that its rules count for people at the gateways that trust your key."""
    # A base installation has no cryptography: only who signs needs it.
    from plumbing.signing import load_or_make_key, sign_file, signature_beside  # noqa: PLC0415

    try:
        pack = parse_pack(load_yaml(path))
        signature = sign_file(load_or_make_key(key), path.read_bytes())
        signature_beside(path).write_text(signature)
    except (PlanError, DocumentError, OSError, ValueError) as error:
        said = _placed(error, path) if isinstance(error, PlanError) else str(error)
        typer.echo(said, err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{signature_beside(path)}: {pack.id} version {pack.version} is signed")
    typer.echo(
        f'to trust it, a gateway\'s settings say: [packs] signers = ["{signature.split()[0]}"]'
    )


@app.command("test")
def run_cases(
    paths: Files = None,
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Name the cases that passed as well.")
    ] = False,
) -> None:
    """Run the cases of these packs (`<pack>.test.yaml`, beside the pack)."""
    verdicts: list[Verdict] = []
    unread = 0
    asked = _named(cases, paths)
    for path in asked:
        try:
            document = load_yaml(path)
            found = [run_case(case) for case in parse_cases(document, _packs_beside(path))]
        except (PlanError, DocumentError) as error:
            unread += 1
            typer.echo(_placed(error, path), err=True)
            continue
        verdicts += found
        if as_json:
            lines = [_as_json(path, verdict) for verdict in found]
        else:
            shown = [verdict for verdict in found if verbose or not verdict.passed]
            lines = [
                f"{document['pack']}: {_count(found)}",
                *(_as_text(path, verdict) for verdict in shown),
            ]
        for line in lines:
            typer.echo(line)
    if not as_json:
        lost = f"; files that can't be run: {unread}" if unread else ""
        typer.echo(f"in all: {_count(verdicts)}{lost}")
    raise typer.Exit(1 if unread or not all(verdict.passed for verdict in verdicts) else 0)


@app.command()
def explain(paths: Files = None, as_json: AsJson = False) -> None:
    """Say these packs and care plans in plain words."""
    for path in _named(documents, paths):
        try:
            rules = _rules_of(path)
        except (PlanError, DocumentError) as error:
            typer.echo(_placed(error, path), err=True)
            raise typer.Exit(1) from error
        for rule, zone, blind in rules:
            titles = {one.id: one.title for one, *_ in rules if one.patient == rule.patient}
            said = explain_rule(rule, zone, blind, titles)
            row = {"file": str(path), "for": rule.patient, "rule": rule.id, "says": said}
            who = f"{rule.patient}: " if rule.patient else ""
            text = f"{who}{rule.title} ({rule.id}, {rule.then.tier.name})\n  {said}\n"
            typer.echo(json.dumps(row) if as_json else text)


class Schema(StrEnum):
    """What there is a JSON Schema of."""

    PACK = "pack"
    PLAN = "plan"
    TEST = "test"


@app.command()
def schema(
    of: Annotated[Schema, typer.Argument(help="What for: test is a pack's cases.")] = Schema.PACK,
) -> None:
    """The JSON Schema by which editors complete packs, care plans and cases."""
    typer.echo(schema_text(of.value), nl=False)


@scores.callback()
def _scores() -> None:
    """Scores, so that they can be checked by hand."""


@scores.command()
def news2() -> None:
    """NEWS2 of JSON lines: rr, spo2, spo2_scale, on_oxygen, sbp, hr, temp, consciousness.

    In breaths a minute, per cent, 1 or 2, true or false, mmHg, beats a minute, degrees
    Celsius, and A, C, V, P or U. Where something is left out the score is incomplete,
    and its floor is said.

    \b
    {"rr":22,"spo2":94,"on_oxygen":true,"sbp":105,"hr":98,"temp":38.4,"consciousness":"A"}
    """
    for answer in score_lines(sys.stdin):
        typer.echo(answer)


@scores.command()
def glucose() -> None:
    """Glucose events and time in range of JSON lines: values, unit, minutes or taken_at.

    The unit is mmol/L or mg/dL; minutes count from any moment, taken_at is ISO 8601.

    \b
    {"values": [3.8, 3.7, 3.6, 3.6], "unit": "mmol/L", "minutes": [0, 5, 10, 15]}
    """
    for answer in glucose_lines(sys.stdin):
        typer.echo(answer)


@app.command()
def estimate() -> None:
    """The statistics of the rules, from JSON lines: estimator, x, y, params.

    Estimators: ols, theil_sen, mann_kendall, ewma, cusum, rolling_median, mad, quantile.
    Where x is left out it is 0, 1, 2 and so on. A wrong word is answered with the right ones.

    \b
    {"estimator": "theil_sen", "x": [0, 1, 2, 4], "y": [71.5, 71.9, 72.2, 73.0]}
    {"estimator": "ewma", "y": [71.5, 72.6, 73.8], "params": {"weight": 0.2, "sigma": 0.7}}
    """
    for answer in estimate_lines(sys.stdin):
        typer.echo(answer)


def _rules_of(path: Path) -> list[tuple[Rule, str, str]]:
    """The rules of a plan or pack, each with its person's time zone, and what it can't see."""
    document = load_yaml(path)
    if not isinstance(document, Mapping):
        raise PlanError("", "is neither a plan nor a pack: write people: or id: at its top")
    if "people" not in document:
        return [(rule, "Europe/London", "") for rule in _pack(path, document).rules]
    plan = parse_plan(document, _packs_beside(path))
    return [(rule, plan.people[rule.patient].timezone, unseen(plan, rule)) for rule in plan.rules]


def _packs_beside(path: Path) -> dict[str, Pack]:
    """The packs that come with Homebeat, and those that lie beside a file in their place."""
    packs: dict[str, Pack] = {}
    for file in [*shipped(), *sorted(path.parent.glob("*.yaml"))]:
        if file.name.endswith(CASES) or file == path:
            continue
        document = load_yaml(file)
        if isinstance(document, Mapping) and {"id", "rules", "texts"} <= document.keys():
            try:
                pack = _pack(file, document)
            except PlanError as error:
                raise DocumentError(file, line_of(file, error.path), error.reason) from error
            packs[pack.id] = pack
    return packs


def _pack(path: Path, document: Mapping[str, Any]) -> Pack:
    """With who signed it. Raises PlanError, DocumentError."""
    if not path.with_name(f"{path.name}.sig").exists():
        return parse_pack(document)
    # As in `sign`: only a signature needs cryptography.
    from plumbing.signing import signature_beside, signer_of_file  # noqa: PLC0415

    try:
        return parse_pack(document, signer_of_file(path))
    except (OSError, ValueError) as error:
        raise DocumentError(signature_beside(path), None, str(error)) from error


def _checked(path: Path) -> str:
    """What is in a plan, a pack or a file of cases that can be used. Raises as `_rules_of` does."""
    document = load_yaml(path)
    if path.name.endswith(CASES):
        return f"{len(parse_cases(document, _packs_beside(path)))} cases"
    rules = f"{len(_rules_of(path))} rules"
    if "people" in document:
        return rules
    pack = _pack(path, document)
    signed = f"signed by {pack.signed_by}" if pack.signed_by else "unsigned: for simulated people"
    return f"{rules}, {signed}"


def _named(found: Callable[[Sequence[str]], list[Path]], words: Sequence[str] | None) -> list[Path]:
    """What those words mean to `found`; ends with the reason where they mean nothing."""
    try:
        return found(words or ())
    except NotNamed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _placed(error: PlanError | DocumentError, path: Path) -> str:
    """ "plan.yaml:12: rules.0.kind: ..."."""
    if isinstance(error, DocumentError):
        return str(error)
    return f"{path}:{line_of(path, error.path)}: {error}"


def _count(verdicts: Sequence[Verdict]) -> str:
    """ "24 cases passed", "1 of 24 cases FAILED"."""
    failed = sum(not verdict.passed for verdict in verdicts)
    many = "1 case" if len(verdicts) == 1 else f"{len(verdicts)} cases"
    return f"{failed} of {many} FAILED" if failed else f"{many} passed"


def _as_text(path: Path, verdict: Verdict) -> str:
    case = verdict.case
    if verdict.passed:
        return f"  passed  {case.name}"
    lines = [f"  FAILED  {path}:{line_of(path, case.path)}: {case.name}"]
    lines += [f"          missing:    {line}" for line in verdict.missing]
    lines += [f"          unexpected: {line}" for line in verdict.unexpected]
    return "\n".join(lines)


def _as_json(path: Path, verdict: Verdict) -> str:
    row: dict[str, Any] = {
        "file": str(path),
        "case": verdict.case.name,
        "passed": verdict.passed,
        "missing": verdict.missing,
        "unexpected": verdict.unexpected,
    }
    return json.dumps(row)
