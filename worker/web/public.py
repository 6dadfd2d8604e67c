"""The pages behind the links of a message: `/u/TOKEN` and `/r/TOKEN`.

Rules
1. The token is the key: no password, no cookie, no script. GET and HEAD change nothing that a patient allows.
2. A post to `/u` without the form's fields, RFC 8058's one click among them, ends marketing on the link's channel; it is answered at once, without a redirect.
3. Nobody is led to an address that came with a request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, get_args
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from worker.service.answering import Answer, answer
from worker.service.following import Onward, follow, look
from worker.service.jobs import Job
from worker.service.opening import Dead, open_signed
from worker.service.preferences import choices, choose, unsubscribe
from worker.web import notices
from worker.web.body import Refusal, TooLong, TooSlow, body_of
from worker.web.scanners import is_machine
from worker.workspace.house import House

SMALL_BODY: Final = 64 * 1024
MOST_FIELDS: Final = 50
Fields = dict[str, list[str]]


def public_routes(house: House, queue: Callable[[Sequence[Job]], object]) -> list[Route]:
    """The routes. `queue` takes the jobs that become due; it does not raise."""
    pages = _Pages(house, queue)
    return [
        Route("/u/{token}", pages.preferences, methods=["GET"]),
        Route("/u/{token}", pages.prefer, methods=["POST"]),
        Route("/r/{token}", pages.follow, methods=["GET"]),
        Route("/r/{token}", pages.answer, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, house: House, queue: Callable[[Sequence[Job]], object]) -> None:
        self._house, self._queue = house, queue

    # -- /u -------------------------------------------------------------------------------------------------------------------

    async def preferences(self, request: Request) -> Response:
        return await run_in_threadpool(self._preferences, request.path_params["token"])

    def _preferences(self, token: str, *, saved: bool = False) -> Response:
        link = open_signed(self._house, token)
        if isinstance(link, Dead):
            return _gone(link)
        return HTMLResponse(notices.preferences(link, choices(self._house, link), saved=saved))

    async def prefer(self, request: Request) -> Response:
        fields = await _fields(request)
        if isinstance(fields, Response):
            return fields
        token = request.path_params["token"]
        chosen = notices.FORM in fields.get("form", [])
        return await run_in_threadpool(self._choose if chosen else self._unsubscribe, token, fields)

    def _unsubscribe(self, token: str, _: Fields) -> Response:
        done = unsubscribe(self._house, token)
        if isinstance(done, Dead):
            return _gone(done)
        link, jobs = done
        self._queue(jobs)
        return HTMLResponse(notices.unsubscribed(link, path=f"/u/{token}"))

    def _choose(self, token: str, fields: Fields) -> Response:
        link = open_signed(self._house, token)
        if isinstance(link, Dead):
            return _gone(link)
        words = {one.key: notices.words(link, one) for one in choices(self._house, link).listed}
        done = choose(self._house, token, fields.get("shown", []), fields.get("wanted", []), words)
        if isinstance(done, Dead):
            return _gone(done)
        self._queue(done[1])
        return self._preferences(token, saved=True)

    # -- /r -------------------------------------------------------------------------------------------------------------------

    async def follow(self, request: Request) -> Response:
        return await run_in_threadpool(self._follow, request.path_params["token"], request)

    def _follow(self, token: str, request: Request) -> Response:
        found: Onward | Dead
        jobs: Sequence[Job] = ()
        if request.method == "HEAD":
            found = look(self._house, token)
        else:
            found, jobs = follow(self._house, token, machine=is_machine(request.headers))
        self._queue(jobs)
        if isinstance(found, Dead):
            return _gone(found)
        if found.url:
            return RedirectResponse(found.url, 302)
        return self._ask(found)

    def _ask(self, found: Onward, status: int = 200) -> Response:
        books = _is_web(found.books_at)
        html = notices.ask(found.link, books=books, answered=found.answered)
        return HTMLResponse(html, status, notices.leads_to(found.books_at) if books else None)

    async def answer(self, request: Request) -> Response:
        fields = await _fields(request)
        if isinstance(fields, Response):
            return fields
        return await run_in_threadpool(self._answer, request.path_params["token"], fields)

    def _answer(self, token: str, fields: Fields) -> Response:
        given = next((one for one in get_args(Answer) if [one] == fields.get("answer")), None)
        if given is None:
            found = look(self._house, token)
            if isinstance(found, Dead):
                return _gone(found)
            return RedirectResponse(found.url, 303) if found.url else self._ask(found, 400)
        done, jobs = answer(self._house, token, given)
        self._queue(jobs)
        if isinstance(done, Dead):
            return _gone(done)
        if _is_web(done.url):
            return RedirectResponse(done.url, 303)
        return HTMLResponse(notices.answered(done.link, given, first=done.first))


def _gone(dead: Dead) -> Response:
    return HTMLResponse(notices.no_link(dead), 410 if dead.expired else 404)


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


async def _fields(request: Request) -> Fields | Response:
    """The fields of a form. A body of another form has none: the link alone says what to do (RFC 8058 allows two forms of it)."""
    try:
        body = await body_of(request, SMALL_BODY)
    except (TooLong, TooSlow):
        return Refusal("the body is too long", 413)
    except ClientDisconnect:
        return Response(status_code=400)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
