"""Answers to programs: msgspec JSON, with the nonce for the next signed request."""

from fastapi import Request, Response

from rules.records import encode
from server.doors import next_nonce


def json(request: Request, value: object) -> Response:
    """A 200 with the value as JSON."""
    return Response(encode(value), 200, next_nonce(request), "application/json")


def nothing(request: Request) -> Response:
    """A 204."""
    return Response(None, 204, next_nonce(request))
