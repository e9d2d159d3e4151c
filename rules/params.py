"""The words that the Params of a kind are made of, beyond plain numbers, texts and durations.

A plan is checked by these: `MetricName` must be in the table of metrics (or be `rule.<id>`),
and an `Amount` may be written with its unit, which must be that of the metric beside it.
"""

from typing import Annotated

from msgspec import Meta

MetricName = Annotated[str, Meta(extra={"is": "metric"})]
Amount = Annotated[float, Meta(extra={"is": "amount"})]
