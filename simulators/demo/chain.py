"""The links of the chain, in order, and the first one that is missing."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from simulators.demo.evidence import Home, Reading, Server, Trace, traces


class Chain(Struct, frozen=True):
    """What is known of the chain at one moment."""

    home: Home
    server: Server
    traces: tuple[Trace, ...]

    @property
    def best(self) -> Trace | None:
        return self.traces[0] if self.traces else None


class Link(Struct, frozen=True):
    """`missing` says what was looked for, in words, where `holds` does not."""

    name: str
    missing: str
    holds: Callable[[Chain], bool]


LINKS: tuple[Link, ...] = (
    Link(
        "radio",
        "no reading came over Bluetooth into the journal",
        lambda chain: bool(bluetooth_readings(chain.home)),
    ),
    Link(
        "broker",
        "no reading came over MQTT into the journal",
        lambda chain: bool(mqtt_readings(chain.home)),
    ),
    Link(
        "rule",
        "no finding led from the person's weight to a question",
        lambda chain: chain.best is not None,
    ),
    Link(
        "prompt",
        "the person read no such question on the home page",
        lambda chain: any(one.prompt in chain.home.read_by_person for one in chain.traces),
    ),
    Link(
        "answer",
        "the person's answer is not in the journal",
        lambda chain: any(one.answer for one in chain.traces),
    ),
    Link(
        "sync",
        "the weight that led to the question did not reach the server's database",
        lambda chain: any(one.reading in chain.server.readings for one in chain.traces),
    ),
    Link(
        "alert",
        "the answer led to no alert in the server's database",
        lambda chain: any(one.alert for one in chain.traces),
    ),
    Link(
        "page",
        "nobody acknowledged the alert on the worklist",
        lambda chain: any(one.acknowledgement for one in chain.traces),
    ),
)


def chain_of(home: Home, server: Server) -> Chain:
    return Chain(home, server, tuple(traces(home, server)))


def first_missing(chain: Chain) -> Link | None:
    """None: a chain goes all the way."""
    return next((link for link in LINKS if not link.holds(chain)), None)


def counts(chain: Chain) -> Mapping[str, int]:
    """How many there are of each, from the journal and the database."""
    home, server = chain.home, chain.server
    return {
        "bluetooth_readings": len(bluetooth_readings(home)),
        "mqtt_readings": len(mqtt_readings(home)),
        "prompts": len(home.prompts),
        "answers": sum(one.answers is not None for one in home.readings.values()),
        "alerts": len(set(server.alerts.values())),
        "acknowledgements": len(server.acknowledged),
        "readings_at_home": len(home.readings),
        "readings_at_the_server": len(server.readings),
    }


def bluetooth_readings(home: Home) -> list[Reading]:
    return [one for one in home.readings.values() if one.over_bluetooth and one.about_the_person]


def mqtt_readings(home: Home) -> list[Reading]:
    return [one for one in home.readings.values() if one.over_mqtt and one.about_the_person]
