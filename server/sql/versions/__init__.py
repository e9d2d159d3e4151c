"""One module for each migration; the SQL itself is in server/sql/migrations."""
