"""The measured home's settings: a gateway as anyone would set it up, with two rules."""

from pathlib import Path

from msgspec import Struct, structs

from simulators.bench.load import SENSORS, Rules

GATEWAY = "bench"
TOO_HIGH = "too-high"
NO_SERVER = "http://127.0.0.1:9"
"""Nobody listens there: the home works alone."""

_RULES = """\
  - id: {too_high}
    for: {person}
    kind: threshold
    params: {{metric: level, above: {above}}}
    debounce: {{k: {running}, n: {running}}}
    per_device: true
    then: {{tier: T3, text: {too_high}}}
    source: homebeat bench
  - id: rising
    for: {person}
    kind: trend
    params:
      metric: level
      rising_per_hour: {rising_per_hour:.1f}
      samples: {samples}
      min_samples: {min_samples}
    per_device: true
    then: {{tier: T3, text: rising}}
    source: homebeat bench
"""
_TEXT = """\
    person: {words}
    nurse: {words}
    log: {words}
"""


def device(sensor: int) -> str:
    """The name of a sensor in readings and findings."""
    return f"sensor {sensor}"


class Home(Struct, frozen=True, kw_only=True):
    """Sensors, and whom they measure, in turn."""

    sensors: int = SENSORS
    residents: int = 1

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(f"tester-{number}" for number in range(self.residents))

    def person(self, sensor: int) -> str:
        return self.people[sensor % self.residents]


ONE_PERSON = Home()


def plan_yaml(home: Home, rules: Rules) -> str:
    """A care plan with both rules for each person, judged for each sensor alone."""
    people = [
        f"  - {{id: {person}, name: {person}, timezone: Europe/London}}" for person in home.people
    ]
    values = {"too_high": TOO_HIGH, **structs.asdict(rules)}
    return "\n".join(
        [
            'version: "1"',
            "people:",
            *people,
            "rules:",
            *(_RULES.format(person=person, **values).rstrip() for person in home.people),
            "texts:",
            f"  {TOO_HIGH}:",
            _TEXT.format(words="A sensor is high.").rstrip(),
            "  rising:",
            _TEXT.format(words="A sensor rises."),
        ]
    )


def gateway_toml(
    home: Home, *, broker_port: int, page_port: int, server_url: str, timed: bool
) -> str:
    """Nothing but what a home must say: where things are, and what its sensors publish.

    `timed`: the payloads carry their time.
    """
    lines = [
        f'id = "{GATEWAY}"',
        'data = "data"',
        'plan = "plan.yaml"',
        "[server]",
        f'url = "{server_url}"',
        "[page]",
        f'listen = "127.0.0.1:{page_port}"',
        "[mqtt]",
        f"port = {broker_port}",
        "topics = []",
    ]
    for sensor in range(home.sensors):
        lines += [
            "[[mqtt.mappings]]",
            f'topic = "sensors/{sensor}"',
            f'device = "{device(sensor)}"',
            'metric = "level"',
            'value = "v"',
            *(['time = "ts"'] if timed else []),
        ]
    for sensor in range(home.sensors):
        lines += [
            "[[devices]]",
            f'device = "{device(sensor)}"',
            f'patient = "{home.person(sensor)}"',
        ]
    return "\n".join(lines) + "\n"


def write_home(folder: Path, plan: str, toml: str) -> Path:
    """The two files in `folder`; the path of the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.yaml").write_text(plan)
    file = folder / "gateway.toml"
    file.write_text(toml)
    return file
