"""The bare loop beside which the gateway is measured: what one would write in an afternoon.

Each message is parsed, kept in a window for its sensor, judged by two rules (so many readings
running above a limit; the slope of the window) and committed, synced to the disk, before its
acknowledgement. It knows no person, unit, plausibility, repeat or restart. It imports nothing of
Homebeat, so that its memory and its start are its own.
"""

import argparse
import json
import sqlite3
import sys
from collections import deque
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion


class Sensor:
    """One sensor's window with its running sums, and which rules stand."""

    def __init__(self) -> None:
        self.points: deque[tuple[float, float]] = deque()
        self.start_s: float | None = None
        self.sum_x = self.sum_y = self.sum_xx = self.sum_xy = 0.0
        self.running = 0
        self.standing: dict[str, bool] = {}

    def slope_per_hour(self, at_s: float, value: float, samples: int) -> float | None:
        """Of the least-squares line through the last `samples` values with this one."""
        if self.start_s is None:
            self.start_s = at_s
        self._add(at_s - self.start_s, value, 1)
        self.points.append((at_s - self.start_s, value))
        if len(self.points) > samples:
            self._add(*self.points.popleft(), -1)
        count = len(self.points)
        below = count * self.sum_xx - self.sum_x * self.sum_x
        if below <= 0:
            return None
        return 3600 * (count * self.sum_xy - self.sum_x * self.sum_y) / below

    def _add(self, x: float, y: float, sign: int) -> None:
        self.sum_x += sign * x
        self.sum_y += sign * y
        self.sum_xx += sign * x * x
        self.sum_xy += sign * x * y


def main() -> None:
    said = argparse.ArgumentParser()
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--data", required=True)
    said.add_argument("--above", type=float, required=True)
    said.add_argument("--running", type=int, required=True)
    said.add_argument("--rising-per-hour", type=float, required=True)
    said.add_argument("--samples", type=int, required=True)
    said.add_argument("--min-samples", type=int, required=True)
    options = said.parse_args()

    db = sqlite3.connect(options.data, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS reading"
        " (seq INTEGER PRIMARY KEY, sensor TEXT, at REAL, value REAL)"
    )
    sensors: dict[str, Sensor] = {}

    def on_connect(client: paho.Client, *_: Any) -> None:
        client.subscribe("sensors/#", qos=1)

    def on_subscribe(*_: Any) -> None:
        sys.stdout.write('{"ready": "plain loop"}\n')
        sys.stdout.flush()

    def on_message(client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        body = json.loads(message.payload)
        value = body["v"]
        at_s = body["ts"] / 1000 if "ts" in body else message.timestamp
        sensor = sensors.setdefault(message.topic, Sensor())
        slope = sensor.slope_per_hour(at_s, value, options.samples)
        sensor.running = sensor.running + 1 if value > options.above else 0
        holds = {
            "too-high": sensor.running >= options.running,
            "rising": slope is not None
            and len(sensor.points) >= options.min_samples
            and slope >= options.rising_per_hour,
        }
        db.execute(
            "INSERT INTO reading (sensor, at, value) VALUES (?, ?, ?)", (message.topic, at_s, value)
        )
        for rule, standing in holds.items():
            if standing and not sensor.standing.get(rule):
                alert = {"rule": rule, "sensor": message.topic, "value": value, "slope": slope}
                client.publish("plain/alert", json.dumps(alert), qos=1)
            sensor.standing[rule] = standing
        client.ack(message.mid, message.qos)

    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id="plain-loop",
        clean_session=False,
        protocol=MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect("127.0.0.1", options.port)
    client.loop_forever()


if __name__ == "__main__":
    main()
