"""Everything in SQL: migrations, and named queries in commented .sql files."""
