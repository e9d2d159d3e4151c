"""`homebeat backtest`: what it reads, what it refuses, and what it says about the TIHM homes."""

import csv
import gzip
import json
import re
from importlib import import_module
from importlib.util import find_spec
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from simulators.backtest import csv_files, fhir, parquet
from simulators.backtest.cli import app
from simulators.backtest.rows import InputError, Rows, us_of

UTC = ZoneInfo("UTC")
HEAD = "patient,metric,value,unit,taken_at\n"


def backtest(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def rows_of(path, read, zone=UTC):
    rows = Rows()
    read(path, rows, zone)
    return rows


def taken(rows):
    """(patient, metric, value, us) of all that was kept."""
    return sorted(
        (course.person, course.series[which][1], value, us)
        for course in rows.courses()
        for us, which, value in zip(
            course.us.tolist(), course.which.tolist(), course.values.tolist(), strict=True
        )
    )


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        pytest.param("2025-07-01T08:00:00Z", 1751356800, id="UTC"),
        pytest.param("2025-07-01T09:00:00+01:00", 1751356800, id="with its zone"),
        pytest.param("2025-07-01 09:00:00", 1751356800, id="local, in summer time"),
        pytest.param("1751356800", 1751356800, id="seconds"),
        pytest.param("1751356800000", 1751356800, id="milliseconds"),
        pytest.param("1751356800.5", 1751356800.5, id="half a second"),
    ],
)
def test_a_time_is_read(text, expected_s):
    assert us_of(text, ZoneInfo("Europe/London")) == round(expected_s * 1e6)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        pytest.param("a,blood,1,kg,0", "blood: no such metric", id="no metric"),
        pytest.param("a,body_weight,80,mmHg,0", "body_weight can't be in", id="another unit"),
        pytest.param("a,body_weight,80,,0", "body_weight without a unit", id="no unit"),
        pytest.param("a,body_weight,900,kg,0", "body_weight: outside 20 to 300 kg", id="range"),
        pytest.param("a,body_weight,nan,kg,0", "body_weight: outside", id="not a number"),
        pytest.param("a,body_weight,inf,kg,0", "body_weight: outside", id="without end"),
        pytest.param("a,body_weight,heavy,kg,0", "a value that is no number", id="a word"),
        pytest.param("a,body_weight,80,kg,monday", "a time that can't be read", id="no time"),
        pytest.param("a,body_weight", "a value that is no number", id="cut off"),
    ],
)
def test_a_row_that_cannot_be_judged_is_set_aside_with_its_reason(tmp_path, row, why):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}{row}\nb,body_weight,176.4,lb,0\n")
    rows = rows_of(path, csv_files.read_readings)
    assert (rows.read, sum(rows.aside.values())) == (2, 1)
    assert next(iter(rows.aside)).startswith(why)
    assert taken(rows) == [("b", "body_weight", pytest.approx(80.0137, abs=1e-4), 0)]


def test_what_is_hardly_possible_is_kept_marked_and_counted(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}a,body_temperature,32.1,Cel,0\na,body_temperature,36.6,Cel,60\n")
    rows = rows_of(path, csv_files.read_readings)
    (course,) = rows.courses()
    assert course.unusual.tolist() == [True, False]
    assert dict(rows.unusual) == {"body_temperature: outside 34 to 41.5 Cel": 1}


def observation(**fields):
    return {
        "resource": {
            "resourceType": "Observation",
            "status": "final",
            "subject": {"reference": "Patient/a"},
            "effectiveDateTime": "2025-07-01T08:00:00Z",
            **fields,
        }
    }


def coded(code, value, unit):
    return {
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    }


def test_a_bundle_reads_as_the_same_readings_in_csv(tmp_path):
    pressure = observation(
        code={"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        component=[coded("8480-6", 150, "mm[Hg]"), coded("8462-4", 90, "mm[Hg]")],
    )
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            pressure,
            observation(**coded("8867-4", 72, "/min")),
            observation(**coded("29463-7", 176.4, "[lb_av]")),
            observation(**coded("2708-6", 97, "%")),
            observation(**coded("8310-5", 36.6, "Cel")),
            observation(**{**coded("8867-4", 200, "/min"), "status": "entered-in-error"}),
            observation(**coded("718-7", 14, "g/dL")),
            {"resource": {"resourceType": "Patient"}},
        ],
    }
    as_fhir, as_csv = tmp_path / "bundle.json", tmp_path / "readings.csv"
    as_fhir.write_text(json.dumps(bundle))
    at = "2025-07-01T08:00:00Z"
    as_csv.write_text(
        f"{HEAD}a,systolic_pressure,150,mmHg,{at}\na,diastolic_pressure,90,mmHg,{at}\n"
        f"a,pulse_rate,72,bpm,{at}\na,body_weight,176.4,lb,{at}\n"
        f"a,oxygen_saturation,97,%,{at}\na,body_temperature,36.6,Cel,{at}\n"
    )
    rows = rows_of(as_fhir, fhir.read_readings)
    assert taken(rows) == taken(rows_of(as_csv, csv_files.read_readings))
    assert dict(rows.aside) == {
        "status entered-in-error": 1,
        "LOINC 718-7: no metric of ours, or no number": 1,
    }


def test_parquet_reads_as_csv_or_says_what_is_missing(tmp_path):
    path = tmp_path / "readings.parquet"
    if find_spec("pyarrow") is None:
        with pytest.raises(InputError, match="pip install pyarrow"):
            rows_of(path, parquet.read_readings)
        return
    pyarrow, tables = import_module("pyarrow"), import_module("pyarrow.parquet")
    columns = {
        "patient": ["a", "a"],
        "metric": ["pulse_rate", "pulse_rate"],
        "value": [72.0, None],
        "unit": ["/min", "/min"],
        "taken_at": ["2025-07-01T08:00:00Z", "2025-07-01T09:00:00Z"],
    }
    tables.write_table(pyarrow.table(columns), path)
    rows = rows_of(path, parquet.read_readings)
    assert taken(rows) == [("a", "pulse_rate", 72.0, 1751356800 * 10**6)]
    assert sum(rows.aside.values()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--pack", "no-such"], "no pack 'no-such': write ", id="no such pack"),
        pytest.param(["--pack", "no.yaml"], "no.yaml: can't be read", id="no such file"),
        pytest.param(["--timezone", "Moon/Sea"], "is no time zone", id="no such zone"),
        pytest.param(["--format", "fhir"], "can't be read as JSON", id="another format"),
        pytest.param(["--format", "tihm"], "has no Physiology.csv.gz", id="no folder"),
        pytest.param(["--labels", "LABELS"], "labels.csv:2: 'monday' is no time", id="label"),
        pytest.param(
            ["--readings", "no.csv"],
            "no.csv: can't be read as CSV: there is no such file",
            id="no readings",
        ),
        pytest.param(["--readings", "LABELS"], "has no column metric, value", id="no column"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(tmp_path, words, said):
    path, labels = tmp_path / "readings.csv", tmp_path / "labels.csv"
    path.write_text(f"{HEAD}a,pulse_rate,72,/min,0\n")
    labels.write_text("patient,at,kind\na,monday,Fall\n")
    words = [labels if word == "LABELS" else word for word in words]
    if "--pack" not in words:
        words = ["--pack", "hypertension", *words]
    result = backtest("--readings", path, "--cores", 1, *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_readings_that_no_rule_hears_are_refused(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}a,body_weight,72,kg,0\n")
    result = backtest("--pack", "hypertension", "--readings", path)
    assert result.exit_code == 2
    assert "none of the rows (1) is about what hypertension reads" in result.stderr


ASIDE = {
    "a time": ("a,pulse_rate,72,furlong,monday", "a time that can't be read"),
    "a unit": ("a,pulse_rate,72,furlong,0", "pulse_rate can't be in 'furlong'"),
    "a value": ("a,pulse_rate,fast,/min,0", "a value that is no number"),
    "a metric": ("a,pulse,72,/min,0", "pulse: no such metric"),
}


@pytest.mark.parametrize(("row", "why"), ASIDE.values(), ids=ASIDE)
def test_where_no_row_can_be_used_the_fault_of_the_first_is_told_with_its_line(tmp_path, row, why):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}{row}\n{row}\n")
    result = backtest("--pack", "hypertension", "--readings", path)
    assert result.exit_code == 2
    assert f"none of the rows (2) can be used. The first of each fault:\n  {path}:2: {why}" in (
        result.stderr
    )
    assert result.stderr.count(str(path)) == 1


def test_rows_that_no_rule_hears_do_not_hide_those_with_a_fault(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}a,body_weight,72,kg,0\na,pulse_rate,72,furlong,0\n")
    result = backtest("--pack", "hypertension", "--readings", path)
    assert "is about what hypertension reads" in result.stderr
    assert f"{path}:3: pulse_rate can't be in 'furlong'" in result.stderr


def test_a_file_without_rows_is_said(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(HEAD)
    result = backtest("--pack", "hypertension", "--readings", path)
    assert "there is no row in these readings" in result.stderr


def test_one_of_a_thing_and_no_interval_are_said_in_words(tmp_path):
    path, page_file = tmp_path / "readings.csv", tmp_path / "page.html"
    path.write_text(f"{HEAD}a,pulse_rate,72,/min,0\na,pulse_rate,fast,/min,0\n")
    words = ["--pack", "hypertension", "--readings", path, "--resamples", 0, "--page", page_file]
    result = backtest(*words)
    assert result.exit_code == 0, result.output
    for text in (result.output, page_file.read_text()):
        assert "of 1 person over 1 person-day" in text
        assert "No intervals were asked for" in text
        assert "bootstrap draws" not in text
    assert "All people: 1 person, 1 person-day" in result.output
    assert f"1  a value that is no number (first: {path}:3)" in result.output


def test_a_page_that_cannot_be_written_is_said_in_words(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEAD}a,pulse_rate,72,/min,0\n")
    page_file = tmp_path / "none" / "page.html"
    result = backtest("--pack", "hypertension", "--readings", path, "--page", page_file)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{page_file}: there is no such file\n")


@pytest.fixture(scope="module")
def tihm(shared):
    return shared / "data" / "tihm"


@pytest.fixture(scope="module")
def on_tihm(tihm):
    return ["--pack", "hypertension", "--readings", tihm, "--labels", tihm, "--format", "tihm"]


@pytest.fixture(scope="module")
def reached(on_tihm):
    result = backtest(*on_tihm, "--json", "--burden", "--cores", 1)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_on_tihm_labelled_days_of_blood_pressure_are_found_with_few_alerts_in_vain(reached):
    figures = reached["report"]["whole"]["kinds"]["blood-pressure"]["figures"]
    assert figures["sensitivity"]["value"] >= 97.0
    assert figures["positive_predictive_value"]["value"] >= 80.0


def test_on_tihm_the_engine_finds_the_days_that_the_plain_limits_find(tihm, reached):
    """The same limits, counted from the files without any of our code."""
    over = set()
    with gzip.open(tihm / "Physiology.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            value, day = float(row["value"]), (row["patient_id"], row["date"][:10])
            systolic = row["device_type"] == "Systolic blood pressure"
            diastolic = row["device_type"] == "Diastolic blood pressure"
            if (systolic and not 90 <= value < 160) or (diastolic and not 55 <= value < 100):
                over.add(day)
    with gzip.open(tihm / "Labels.csv.gz", "rt") as file:
        labelled = {
            (row["patient_id"], row["date"][:10])
            for row in csv.DictReader(file)
            if row["type"] == "Blood pressure"
        }
    worth = reached["report"]["whole"]["kinds"]["blood-pressure"]
    assert (worth["events"], worth["alerts"], worth["found"]) == (
        len(labelled),
        len(over),
        len(labelled & over),
    )


def test_on_tihm_every_row_is_accounted_for(tihm, reached):
    with gzip.open(tihm / "Physiology.csv.gz", "rt") as file:
        assert reached["rows"] == sum(1 for _ in file) - 1
    judged = reached["report"]["readings"]
    assert (judged, sum(reached["aside"].values())) == (3447, 1050)
    assert reached["unusual"]


def test_more_debouncing_means_fewer_alerts(reached):
    burden = {
        row["title"]: row["part"]["burden"]["alerts_a_day_per_100"]["value"]
        for row in reached["forecast"]
    }
    base = burden.pop("as it is")
    assert base == reached["report"]["whole"]["burden"]["alerts_a_day_per_100"]["value"]
    assert all(value < base for value in burden.values())
    assert burden["quiet for 7 days after"] < burden["quiet for 1 day after"]


@pytest.mark.processes
def test_many_cores_say_what_one_core_says(on_tihm, reached):
    two = json.loads(backtest(*on_tihm, "--json", "--cores", 2).stdout)
    assert two["cores"] == 2
    assert two["report"] == reached["report"]


def test_the_page_needs_no_other_file_and_its_charts_are_drawn(on_tihm, tmp_path):
    path = tmp_path / "page.html"
    result = backtest(*on_tihm, "--cores", 1, "--resamples", 50, "--burden", "--page", path)
    assert result.exit_code == 0
    page = path.read_text()
    assert not re.search(r"(src|href)=|@import|url\(|<script", page)
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        assert list(ET.fromstring(chart).iter("rect"))


def test_the_terminal_says_figures_people_and_speed(on_tihm):
    result = backtest(*on_tihm, "--cores", 1, "--resamples", 50)
    for said in ("Event sensitivity", "c55f8", "systolic-high", "readings a second"):
        assert said in result.stdout
    assert not result.stderr


def test_a_name_from_a_file_is_text_on_the_page(tmp_path):
    readings, page = tmp_path / "readings.csv", tmp_path / "page.html"
    readings.write_text(f"{HEAD}<b>a</b>,pulse_rate,130,/min,0\n")
    backtest("--pack", "hypertension", "--readings", readings, "--page", page)
    assert "&lt;b&gt;a&lt;/b&gt;" in page.read_text()
    assert "<b>" not in page.read_text()


PLAN = """
version: "1"
people:
  - id: ann
    name: Ann
    simulated: true
    packs:
      - pack: hypertension
        agreed_by: Dr Ray
        agreed_on: "2025-03-03"
        rules: {systolic-high: {params: {at_least: "140 mm[Hg]"}}}
  - id: bea
    name: Bea
    simulated: true
    packs: [{pack: hypertension}]
"""


@pytest.fixture
def two_people(tmp_path):
    """A care plan with a limit of Ann's own, and one high and one medium value of each, and of
    somebody else."""
    plan, readings = tmp_path / "plan.yaml", tmp_path / "readings.csv"
    plan.write_text(PLAN)
    rows = [
        f"{person},systolic_pressure,{value},mm[Hg],{day * 86400}\n"
        for person in ("ann", "bea", "cat")
        for day, value in enumerate((150, 170))
    ]
    readings.write_text(HEAD + "".join(rows))
    return ["--plan", plan, "--readings", readings, "--json", "--resamples", 0, "--cores", 1]


def test_a_care_plan_is_tried_with_the_figures_of_each_person(two_people):
    said = json.loads(backtest(*two_people).stdout)
    alerts = {row["person"]: row["alerts"] for row in said["report"]["people"]}
    assert alerts == {"ann": 2, "bea": 1}
    assert said["aside"] == {"cat: not in plan.yaml": 2}
    (row,) = [row for row in said["report"]["rules"] if row["rule"] == "systolic-high"]
    assert (row["begun"], row["people"]) == (3, 2)


@pytest.mark.processes
def test_a_care_plan_says_the_same_on_two_cores(two_people):
    one, two = (json.loads(backtest(*two_people[:-2], "--cores", cores).stdout) for cores in (1, 2))
    assert two["report"] == one["report"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="neither"),
        pytest.param(("--pack", "hypertension", "--plan", "plan.yaml"), id="both"),
    ],
)
def test_a_pack_or_a_care_plan_has_to_be_named(tmp_path, words):
    readings = tmp_path / "readings.csv"
    readings.write_text(f"{HEAD}a,pulse_rate,130,/min,0\n")
    result = backtest(*words, "--readings", readings)
    assert result.exit_code == 2
    assert "one of the two" in result.stderr


def test_readings_of_nobody_in_the_care_plan_are_refused_with_the_ids_to_write(two_people):
    two_people[3].write_text(f"{HEAD}dan,pulse_rate,130,/min,0\n")
    result = backtest(*two_people)
    assert result.exit_code == 2
    assert "plan.yaml is for ann, bea" in result.stderr
    assert "of dan" in result.stderr


@pytest.mark.parametrize("tier", ["T4", "T5"])
def test_debouncing_is_never_laid_over_an_emergency(tmp_path, tier):
    plan, readings = tmp_path / "plan.yaml", tmp_path / "readings.csv"
    plan.write_text(
        f"""
version: "1"
people: [{{id: ann, name: Ann, simulated: true}}]
rules:
  - id: fell
    for: ann
    kind: threshold
    params: {{metric: fall_detected, at_least: 1}}
    then: {{tier: {tier}, text: fell}}
texts:
  fell:
    person: Stay where you are. Help is being called.
    nurse: Call now. A fall.
    log: fall
"""
    )
    rows = "".join(f"ann,fall_detected,1,1,{day * 86400}\n" for day in range(3))
    readings.write_text(HEAD + rows)
    words = ["--plan", plan, "--readings", readings, "--burden", "--json", "--resamples", 0]
    result = backtest(*words, "--cores", 1)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    alerts = [row["part"]["alerts"] for row in said["forecast"]]
    assert (min(alerts) == 3) is (tier == "T5")
