"""`homebeat backtest`: a pack over readings of the past. Files, processes, tables and a page."""
