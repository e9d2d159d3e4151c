"""An error as a page: what went wrong, and what to do next."""

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from server.problems import NotSignedIn, Problem
from server.web.pages import page

_PART = "HX-Request"
"""The header of a request that an open page makes for a part of itself."""

_PLAIN = {
    "permission": ("This page is not for you", "You can look at your own page."),
    "http": ("There is no such page", "Check the address. If you typed it, look for a slip."),
}
"""Code of a problem -> heading and words, where those for programs would puzzle a person."""


def problem_page(request: Request, problem: Problem) -> Response:
    """Who is not signed in is asked to, and then sent where they wanted to go."""
    if isinstance(problem, NotSignedIn):
        return _to_sign_in(request)
    heading, words = _PLAIN.get(problem.code, (problem.title, problem.detail))
    return page(
        "problem.jinja",
        status=problem.status,
        headers=problem.headers,
        heading=heading,
        words=words,
    )


def _to_sign_in(request: Request) -> Response:
    if _PART in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    onward = request.url.path if request.method == "GET" else "/"
    if onward == "/live":
        return Response(status_code=401)
    return RedirectResponse(f"/sign-in?onward={quote(onward)}", 303)
