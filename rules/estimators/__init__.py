"""The statistics that the kinds of rules share: pure functions of numbers, each with its source.

`lines`: how fast something rises. `charts`: when a process has left its course. `ranks`: middle,
spread and quantiles that a few wild values do not move.
"""
