"""Routes to sign in and out."""

from __future__ import annotations

import hmac
import secrets
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from newsletter.operating.users import SignedIn, change_password, make_csrf, sign_in, sign_out
from newsletter.web.pages import PRIVATE, Door, TheDoor
from newsletter.web.sessions import Acting, Editor, cookie_name, find_signed_in, own_path, set_cookie

router = APIRouter(prefix="/editor")
PRIVATE_INSIDE = {**PRIVATE, "Referrer-Policy": "same-origin"}
"""Forms of signed-in pages must say where they come from, which no-referrer would hide."""


@router.api_route("/login", methods=["GET", "HEAD"])
def show_login(
    door: TheDoor,
    who: Annotated[SignedIn | None, Depends(find_signed_in)],
    wanted: Annotated[str | None, Query(alias="next")] = None,
) -> Response:
    """Show the form, unless someone is signed in already."""
    if who is not None:
        return RedirectResponse(door.root + own_path(wanted), HTTPStatus.SEE_OTHER)
    return _show_form(door, own_path(wanted))


@router.post("/login")
def log_in(
    request: Request,
    door: TheDoor,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    csrf: Annotated[str, Form()] = "",
    wanted: Annotated[str | None, Form(alias="next")] = None,
) -> Response:
    """Begin a session, with a cookie that no page before it knew."""
    before = request.cookies.get(cookie_name(door, "login"), "")
    if not before or not hmac.compare_digest(csrf.encode(), make_csrf(before).encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN)
    client = request.client.host if request.client else None
    found = sign_in(door.database, email, password, ip=client, now=door.clock())
    if found is None:
        return _show_form(door, own_path(wanted), email=email, status=HTTPStatus.UNAUTHORIZED)
    response = RedirectResponse(door.root + own_path(wanted), HTTPStatus.SEE_OTHER, PRIVATE_INSIDE)
    set_cookie(response, door, "session", found.token)
    response.delete_cookie(cookie_name(door, "login"), path="/", secure=door.is_https, httponly=True)
    return response


@router.post("/logout")
def log_out(door: TheDoor, who: Acting) -> Response:
    """End the session here and in the database."""
    sign_out(door.database, who.token)
    response = RedirectResponse(f"{door.root}/editor/login", HTTPStatus.SEE_OTHER, PRIVATE_INSIDE)
    response.delete_cookie(cookie_name(door), path="/", secure=door.is_https, httponly=True)
    return response


@router.api_route("/password", methods=["GET", "HEAD"])
def show_password(door: TheDoor, who: Editor) -> Response:
    """Show the form for another password."""
    return door.page("password", headers=PRIVATE_INSIDE, who=who, problem=None)


@router.post("/password")
def set_password(
    door: TheDoor,
    who: Acting,
    request: Request,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
) -> Response:
    """Set another password; every session ends, this one too."""
    client = request.client.host if request.client else None
    if sign_in(door.database, who.user.email, old, ip=client, now=door.clock()) is None:
        problem = "The present password is not right."
        return door.page("password", status=403, headers=PRIVATE_INSIDE, who=who, problem=problem)
    change_password(door.database, who.user.email, new, now=door.clock())
    return RedirectResponse(f"{door.root}/editor/login", HTTPStatus.SEE_OTHER, PRIVATE_INSIDE)


def _show_form(door: Door, wanted: str, *, email: str = "", status: int = HTTPStatus.OK) -> Response:
    before = secrets.token_urlsafe(32)
    response = door.page(
        "login",
        status=status,
        headers=PRIVATE_INSIDE,
        csrf=make_csrf(before),
        wanted=wanted,
        email=email,
        has_failed=status != HTTPStatus.OK,
    )
    set_cookie(response, door, "login", before, days=1 / 24)
    return response
