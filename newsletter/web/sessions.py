"""Who is signed in: the cookie, the forms' mark against forgery, and roles."""

from __future__ import annotations

import hmac
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import Depends, Form, HTTPException, Request
from fastapi.responses import Response

from newsletter.operating.users import SESSION_DAYS, SignedIn, find_session
from newsletter.web.pages import Door, TheDoor

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = 86400
_OWN_PATH = re.compile(r"/editor(/[\w\-./]*)?(\?[\w\-.=&%@+]*)?")


def cookie_name(door: Door, name: str = "session") -> str:
    """Return the cookie's name; `__Host-` has browsers refuse one that a neighbouring host set."""
    return f"__Host-newsletter-{name}" if door.is_https else f"newsletter-{name}"


def set_cookie(response: Response, door: Door, name: str, value: str, *, days: float = SESSION_DAYS) -> None:
    """Keep a value in the browser, out of reach of scripts and of other sites' forms."""
    response.set_cookie(
        cookie_name(door, name),
        value,
        max_age=int(days * _DAY),
        path="/",
        secure=door.is_https,
        httponly=True,
        samesite="lax",
    )


def find_signed_in(request: Request, door: TheDoor) -> SignedIn | None:
    """Return who is signed in, or None."""
    token = request.cookies.get(cookie_name(door))
    return find_session(door.database, token, now=door.clock()) if token else None


def get_signed_in(
    request: Request, door: TheDoor, found: Annotated[SignedIn | None, Depends(find_signed_in)]
) -> SignedIn:
    """Return who is signed in; others are led to the form, and their own forms are refused."""
    if found is not None:
        return found
    if request.method not in {"GET", "HEAD"}:
        raise HTTPException(HTTPStatus.FORBIDDEN)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    location = f"{door.root}/editor/login?next={quote(wanted, safe='/')}"
    raise HTTPException(HTTPStatus.SEE_OTHER, headers={"Location": location})


Editor = Annotated[SignedIn, Depends(get_signed_in)]


def get_acting(who: Editor, csrf: Annotated[str, Form()] = "") -> SignedIn:
    """Return who sent a form, which must carry the mark of that very session."""
    if not hmac.compare_digest(csrf.encode(), who.csrf.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN)
    return who


Acting = Annotated[SignedIn, Depends(get_acting)]


def need_role(*roles: str) -> Callable[[SignedIn], None]:
    """Make a dependency that lets only these roles pass."""

    def check_role(who: Editor) -> None:
        if who.user.role not in roles:
            raise HTTPException(HTTPStatus.FORBIDDEN)

    return check_role


def own_path(wanted: str | None) -> str:
    """Return where to go after signing in: a path of the editor, whatever `next` says."""
    is_own = wanted is not None and _OWN_PATH.fullmatch(wanted) and "//" not in wanted and ".." not in wanted
    return wanted if is_own and wanted is not None else "/editor"
