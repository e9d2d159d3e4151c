"""What the queries of the pages share: their SQL, and a row that is a record's JSON."""

from msgspec import Struct

from server.db import Queries

SQL = Queries("pages.sql")


class Body(Struct):
    body: str
