"""What a person does with a prompt: answer it, or ask to be asked later."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices.metrics import METRICS
from gateway.home import Home
from plumbing.own_page import form_fields

_ANSWERS = {"yes": True, "no": False}
_GONE = "This question is not here any more."
Sorry = Callable[[int, str], Response]


def prompt_routes(home: Home, sorry: Sorry) -> list[Route]:
    async def answer(request: Request) -> Response:
        form = await form_fields(request)
        answers = {}
        alike = form.pop("also", "").split()
        for metric, word in form.items():
            if metric not in METRICS or word not in _ANSWERS:
                return sorry(400, "This answer can't be read.")
            answers[metric] = _ANSWERS[word]
        try:
            known = await run_in_threadpool(home.answer, request.path_params["prompt"], answers)
            for prompt in alike:
                await run_in_threadpool(home.answer, prompt, {})
        except ValueError:
            return sorry(400, "This question was not asked.")
        return RedirectResponse("/", 303) if known else sorry(404, _GONE)

    async def later(request: Request) -> Response:
        try:
            waits = await run_in_threadpool(home.put_off, request.path_params["prompt"])
        except ValueError as error:
            return sorry(400, str(error))
        return RedirectResponse("/", 303) if waits else sorry(404, _GONE)

    return [
        Route("/prompts/{prompt}/answer", answer, methods=["POST"]),
        Route("/prompts/{prompt}/later", later, methods=["POST"]),
    ]
