"""The journal's schema and its named queries."""
