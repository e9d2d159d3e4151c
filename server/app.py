"""The server as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from plumbing.clock import utc_now
from plumbing.logs import Log
from server import users
from server.api import homes, staff, status
from server.config import ServerConfig
from server.db import Database, Queries
from server.doors import next_nonce
from server.live import Live
from server.nonces import Nonces
from server.origins import SameOrigin
from server.problems import Problem, document
from server.site import Site
from server.tasks import Tasks
from server.web.correcting import router as correcting
from server.web.pages import StaticFiles
from server.web.problem_page import problem_page
from server.web.routes import router as pages
from server.web.stating import router as stating

log = Log("server.app")

SIGNED_PATHS = ("/api/v1/nonce", "/api/v1/records", "/api/v1/heartbeat")
"""Unsafe requests that carry a gateway's signature, or give nothing away, and no cookie."""

_sql = Queries("ingest.sql")


def create_app(config: ServerConfig, conninfo: str) -> FastAPI:
    """The application over a database that `server.migrate` has brought up to date."""
    db = Database(conninfo)
    site = Site(config=config, db=db, live=Live(conninfo), nonces=Nonces(db))
    app = FastAPI(
        title="Homebeat", openapi_url=None, lifespan=lambda _: _lifespan(site), debug=False
    )
    app.state.site = site
    app.add_middleware(SameOrigin, public_url=config.public_url, signed=SIGNED_PATHS)
    app.include_router(homes.router)
    app.include_router(staff.router)
    app.include_router(status.router)
    app.include_router(pages)
    app.include_router(correcting)
    app.include_router(stating)
    app.mount("/static", StaticFiles(), name="static")
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_bad_parameters)
    app.add_exception_handler(psycopg.DataError, _answer_bad_parameters)
    app.add_exception_handler(psycopg.OperationalError, _answer_no_database)
    app.add_exception_handler(PoolTimeout, _answer_no_database)
    app.add_exception_handler(Exception, _answer_mistake)
    return app


@asynccontextmanager
async def _lifespan(site: Site) -> AsyncIterator[None]:
    await site.db.open()
    try:
        await site.nonces.open()
        for gateway in site.config.gateways:
            await site.db.execute(_sql["know_gateway"], {"id": gateway.id, "now": utc_now()})
        await users.put_demo_users(site.db, site.config)
        await site.live.open()
        tasks = Tasks(site)
        tasks.start()
        try:
            yield
        finally:
            await tasks.stop()
            await site.live.close()
    finally:
        await site.db.close()


def _answer(request: Request, problem: Problem) -> Response:
    """For a program as a document, for a browser as a page."""
    if not request.url.path.startswith("/api/"):
        return problem_page(request, problem)
    problem.headers.update(next_nonce(request))
    return document(problem)


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(
        request,
        Problem(
            error.status_code,
            "http",
            str(error.detail),
            "Check the address and the method.",
            error.headers,
        ),
    )


async def _answer_bad_parameters(request: Request, error: Exception) -> Response:
    return _answer(
        request,
        Problem(
            400, "parameters", "The request's parameters can't be used", "Check them and try again."
        ),
    )


async def _answer_no_database(request: Request, error: Exception) -> Response:
    log.error("the database did not answer", error=error)
    return _answer(
        request,
        Problem(
            503,
            "database",
            "The server can't reach its database",
            "Try again in a minute. `homebeat server doctor` says what is wrong.",
            {"Retry-After": "5"},
        ),
    )


async def _answer_mistake(request: Request, error: Exception) -> Response:
    log.error("a request met a mistake of ours", path=request.url.path, error=error)
    return _answer(
        request,
        Problem(
            500, "mistake", "The server made a mistake", "Try again; the server's log says where."
        ),
    )
