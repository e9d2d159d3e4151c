"""Errors as RFC 9457 problem documents: what went wrong, and what to do next."""

from collections.abc import Mapping

import msgspec
from fastapi import Response
from msgspec import Struct


class Problem(Exception):
    """An answer that is an error. `detail` says what to do next; `code` is for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})


class NotSignedIn(Problem):
    """A page or an answer for which one signs in first."""

    def __init__(self) -> None:
        super().__init__(
            401, "sign-in", "You are not signed in", "Sign in at /sign-in, and come back."
        )


class _Document(Struct, frozen=True):
    type: str
    title: str
    status: int
    detail: str
    code: str


def document(problem: Problem) -> Response:
    """The problem as JSON."""
    body = _Document("about:blank", problem.title, problem.status, problem.detail, problem.code)
    return Response(
        msgspec.json.encode(body), problem.status, problem.headers, "application/problem+json"
    )
