"""One frame of a device of the catalogue, from values that a tester writes."""

from collections.abc import Sequence

from devices.metrics import METRICS
from devices.model import Measurement
from devices.registry import by_key, devices


class FrameError(Exception):
    """There is no such frame; the message says what to write instead."""


def frame(kind: str, address: str, values: Sequence[str]) -> bytes:
    """The bytes as on air, or the payload. `values` are "metric=number" in the metric's own unit.

    Raises FrameError.
    """
    codec = by_key(kind)
    if codec is None:
        keys = ", ".join(device.key for device in devices())
        raise FrameError(f"no device of the catalogue is {kind!r}. There are: {keys}.")
    measurements = [_measurement(address, value, codec.metrics) for value in values]
    try:
        return codec.encode(measurements=measurements)
    except ValueError as error:
        raise FrameError(f"{kind} can't say that: {error}") from error


def _measurement(address: str, said: str, metrics: tuple[str, ...]) -> Measurement:
    metric, _, number = said.partition("=")
    if metric not in metrics or metric not in METRICS:
        raise FrameError(f"it does not measure {metric!r}. It measures: {', '.join(metrics)}.")
    try:
        value = float(number)
    except ValueError:
        raise FrameError(f"{said!r}: write {metric}=number.") from None
    return Measurement(device=address, metric=metric, value=value, unit=METRICS[metric].unit)
