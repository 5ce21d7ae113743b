"""The web application: routes put together, and what an error looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from newsletter.errors import (
    AddressError,
    DatabaseError,
    NewsletterError,
    NotFoundError,
    StateError,
    TokenError,
)
from newsletter.web import composing, editor, health, login, public, subscription
from newsletter.web.guards import Guard
from newsletter.web.pages import PRIVATE, get_door, make_door

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.config import Settings
    from newsletter.operating.startup import Database

_STATUSES: dict[type[NewsletterError], HTTPStatus] = {
    TokenError: HTTPStatus.NOT_FOUND,
    NotFoundError: HTTPStatus.NOT_FOUND,
    AddressError: HTTPStatus.BAD_REQUEST,
    StateError: HTTPStatus.CONFLICT,
    DatabaseError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_TITLES = {
    HTTPStatus.BAD_REQUEST: "That did not work",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Nothing here",
    HTTPStatus.CONFLICT: "Not possible now",
    HTTPStatus.SERVICE_UNAVAILABLE: "Back in a moment",
}
_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "Something in the form was missing or misread. Go back and try again.",
    HTTPStatus.FORBIDDEN: "You may not do this. Nothing was changed.",
    HTTPStatus.NOT_FOUND: "There is no such page. The address may be mistyped or the link out of date.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This page cannot be used that way.",
    HTTPStatus.SERVICE_UNAVAILABLE: "We cannot do this right now. Nothing was lost: try again in a minute.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here. It has been noted; try again later.",
}


def create_app(
    settings: Settings, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    """Put the web application together.

    Args:
        settings: With the base URL that links are made from.
        database: Opened, with the schema that fits.
        clock: Gives the aware time that use cases are called with.

    """
    app = FastAPI(title="newsletter", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.door = make_door(settings, database, clock)
    app.include_router(health.router)
    app.include_router(subscription.router)
    app.include_router(login.router)
    app.include_router(composing.router)
    app.include_router(editor.router)
    app.include_router(public.root)
    app.include_router(public.router)
    app.include_router(public.router, prefix="/p/{slug}")
    app.add_middleware(Guard, settings=settings, show_crash=_show_crash)
    app.add_exception_handler(NewsletterError, _show_error)
    app.add_exception_handler(HTTPException, _show_http_error)
    app.add_exception_handler(RequestValidationError, _show_bad_form)
    return app


def _show_error(request: Request, error: Exception) -> Response:
    """Editors and operators read what is wrong; strangers do not learn names and commands of this place."""
    status = next(
        (status for kind, status in _STATUSES.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    is_inside = request.url.path.startswith("/editor")
    is_meant_for_all = isinstance(error, TokenError | AddressError | StateError)
    return _show(request, status, str(error) if is_inside or is_meant_for_all else None)


def _show_http_error(request: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
    headers = error.headers if isinstance(error, HTTPException) else None
    if headers and "location" in {name.lower() for name in headers}:
        return Response(status_code=status, headers=dict(headers))
    return _show(request, status, None)


def _show_bad_form(request: Request, error: Exception) -> Response:
    places = error.errors() if isinstance(error, RequestValidationError) else []
    is_path = any(each["loc"][0] == "path" for each in places)
    return _show(request, HTTPStatus.NOT_FOUND if is_path else HTTPStatus.BAD_REQUEST, None)


def _show_crash(request: Request) -> Response:
    return _show(request, HTTPStatus.INTERNAL_SERVER_ERROR, None)


def _show(request: Request, status: HTTPStatus, sentence: str | None) -> Response:
    sentence = sentence or _SENTENCES.get(status, status.description or status.phrase)
    headers = dict(PRIVATE)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "30"
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": sentence}, status, headers)
    title = _TITLES.get(status, status.phrase)
    return get_door(request).page("error", status=status, headers=headers, title=title, sentence=sentence)
