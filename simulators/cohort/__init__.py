"""Many simulated people with one illness, as files that a backtest reads."""
