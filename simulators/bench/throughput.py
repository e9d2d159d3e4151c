"""P1: a full queue at the broker, worked off."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from rules.model import AlertRequest
from simulators.bench.load import P1_RULES, Message, too_high
from simulators.bench.settings import TOO_HIGH
from simulators.bench.subjects import Make, make_known, value_of, with_a_broker
from simulators.bench.tally import Tally, tally
from simulators.bench.watch import Speed, rss_mb, speed, watch
from simulators.bench.wire import enqueue


class Drained(Struct, frozen=True, kw_only=True):
    """One run: how fast, in what memory, and what was kept. The plain loop keeps no alerts."""

    speed: Speed
    rss_mb: float
    readings: Tally
    too_high: Tally
    """Alerts of the limit: they follow from the order of the readings alone."""
    alerts: tuple[AlertRequest, ...]


def drain(make: Make, folder: Path, messages: Sequence[Message], *, timed: bool) -> Drained:
    """Queue the messages for a program that is away, start it, and watch it until it has them."""
    with with_a_broker(folder) as port:
        subject = make(folder / "subject", port, P1_RULES, timed=timed)
        make_known(subject)
        enqueue(port, messages)
        with closing(subject.count()) as count, subject.start() as child:
            samples = watch(child.pid, count, len(messages))
            used_mb = rss_mb(child.pid)
    alerts = subject.alerts()
    return Drained(
        speed=speed(samples),
        rss_mb=used_mb,
        readings=tally([message.value for message in messages], subject.stored()),
        too_high=too_high_tally(messages, alerts),
        alerts=tuple(alerts),
    )


def too_high_tally(messages: Sequence[Message], alerts: Sequence[AlertRequest]) -> Tally:
    """Alerts of the limit against those that must come of these messages."""
    said = [value_of(alert) for alert in alerts if alert.rule == TOO_HIGH]
    return tally(too_high(messages, P1_RULES), said)
