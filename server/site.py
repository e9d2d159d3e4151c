"""The parts of the running server that its routes and tasks share."""

from dataclasses import dataclass

from fastapi import Request

from server.config import ServerConfig
from server.db import Database
from server.live import Live
from server.nonces import Nonces


@dataclass(frozen=True, slots=True)
class Site:
    config: ServerConfig
    db: Database
    live: Live
    nonces: Nonces


def site_of(request: Request) -> Site:
    """The running server's parts; a FastAPI dependency too."""
    site: Site = request.app.state.site
    return site
