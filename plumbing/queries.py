"""Named SQL: `-- name: word` starts a query in a .sql file, and comments before it explain it."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


def load_queries(package: str, file: str) -> dict[str, str]:
    """The queries of one .sql file of a package, by name. ValueError: a name stands twice."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    queries: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            raise ValueError(f"{package}/{file}: the query {name} stands twice")
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        queries[name] = "\n".join(lines).strip()
    return queries
