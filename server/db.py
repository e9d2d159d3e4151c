"""The database as the server uses it: a bounded pool, rows as typed values, named queries."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from plumbing.queries import load_queries

Row = TypeVar("Row")
Parameters = Mapping[str, Any]

_NONE: Parameters = MappingProxyType({})
_POOL_LEAST = 2
_POOL_MOST = 10
_WAIT_S = 10.0
"""How long a request waits for a connection before it is told to come again."""


class Queries:
    """The queries of one .sql file in server/sql, by name, as bytes for the driver."""

    def __init__(self, file: str) -> None:
        self._texts = {
            name: text.encode() for name, text in load_queries("server.sql", file).items()
        }

    def __getitem__(self, name: str) -> bytes:
        return self._texts[name]


class Database:
    """A pool of connections. Every statement outside `transaction` commits by itself."""

    def __init__(self, conninfo: str, least: int = _POOL_LEAST, most: int = _POOL_MOST) -> None:
        self._pool = AsyncConnectionPool(
            conninfo,
            min_size=least,
            max_size=most,
            timeout=_WAIT_S,
            kwargs={"autocommit": True},
            open=False,
        )

    async def open(self) -> None:
        await self._pool.open(wait=True, timeout=_WAIT_S)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        async with self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._pool.connection() as connection, connection.transaction():
            yield connection

    async def rows(
        self, kind: type[Row], query: bytes, parameters: Parameters = _NONE
    ) -> list[Row]:
        """The rows of a query, each made by `kind(**columns)`."""
        async with self._pool.connection() as connection:
            return await rows(connection, kind, query, parameters)

    async def row(
        self, kind: type[Row], query: bytes, parameters: Parameters = _NONE
    ) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(kind, query, parameters)
        return found[0] if found else None

    async def execute(self, query: bytes, parameters: Parameters = _NONE) -> int:
        """How many rows a statement touched."""
        async with self._pool.connection() as connection:
            return (await connection.execute(query, parameters)).rowcount


async def rows(
    connection: AsyncConnection, kind: type[Row], query: bytes, parameters: Parameters = _NONE
) -> list[Row]:
    """The rows of a query on that connection, each made by `kind(**columns)`."""
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()
