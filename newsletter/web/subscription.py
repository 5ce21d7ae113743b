"""Routes behind the links of a mail: GET and HEAD only show, since scanners follow every link; POST acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, Response

from newsletter.content import Publication
from newsletter.errors import AddressError
from newsletter.publishing import publications
from newsletter.publishing.languages import SOURCE_LANGUAGE
from newsletter.subscribing import preferences, signup, unsubscribing
from newsletter.subscribing.preferences import PreferenceChanges, Preferences
from newsletter.subscribing.standing import SubscriptionView
from newsletter.web.pages import PRIVATE, Door, TheDoor

router = APIRouter()
SEEN = ["GET", "HEAD"]


@router.api_route("/confirm/{token}", methods=SEEN)
def show_confirm(door: TheDoor, token: str) -> Response:
    """Show the button that confirms a sign-up."""
    found = signup.find_sign_up(door.database, door.settings, token, now=door.clock())
    return _show_confirm(door, found, is_done=False)


@router.post("/confirm/{token}")
def confirm(door: TheDoor, token: str) -> Response:
    """Confirm a sign-up."""
    found = signup.confirm(door.database, door.settings, token, now=door.clock())
    return _show_confirm(door, found, is_done=True)


@router.api_route("/unsubscribe/{token}", methods=SEEN)
def show_unsubscribe(door: TheDoor, token: str) -> Response:
    """Show one big button."""
    return _show_leave(door, unsubscribing.find_subscription(door.database, door.settings, token))


@router.post("/unsubscribe/{token}")
def unsubscribe(
    door: TheDoor,
    token: str,
    one_click: Annotated[str | None, Form(alias="List-Unsubscribe")] = None,
    action: Annotated[str, Form()] = "",
) -> Response:
    """End a subscription, by the button or by a mail program (RFC 8058); or take that back."""
    now = door.clock()
    if action == "undo":
        found = unsubscribing.undo_unsubscribe(door.database, door.settings, token, now=now)
        return _show_leave(door, found, is_back=True)
    via = "one-click" if one_click else "link"
    found = unsubscribing.unsubscribe(door.database, door.settings, token, via=via, now=now)
    if one_click:
        return PlainTextResponse("You are unsubscribed.\n")
    return _show_leave(door, found)


@router.api_route("/preferences", methods=SEEN)
def show_link_form(door: TheDoor) -> Response:
    """Show the form that mails the link to whoever owns an address."""
    everything = publications.list_publications(door.database, door.settings)
    return door.page(
        "preferences-link",
        language=_language_of(everything),
        publications=everything,
        email="",
        problem="",
        is_done=False,
    )


@router.post("/preferences")
def send_link(
    request: Request,
    door: TheDoor,
    email: Annotated[str, Form()] = "",
    publication: Annotated[str | None, Form()] = None,
) -> Response:
    """Mail the link; the answer never tells whether the address is known."""
    everything = publications.list_publications(door.database, door.settings)
    client = request.client.host if request.client else None
    problem = ""
    try:
        preferences.send_preferences_link(
            door.database, door.settings, publication or None, email, ip=client, now=door.clock()
        )
    except AddressError as error:
        problem = str(error)
    return door.page(
        "preferences-link",
        status=400 if problem else 200,
        headers={"Cache-Control": "no-store"},
        language=_language_of(everything),
        publications=everything,
        email=email if problem else "",
        problem=problem,
        is_done=not problem,
    )


@router.api_route("/preferences/{token}", methods=SEEN)
def show_preferences(door: TheDoor, token: str) -> Response:
    """Show what a subscriber gets, leaving first."""
    return _show_preferences(door, token, preferences.show_preferences(door.database, door.settings, token))


@router.post("/preferences/{token}")
def change_preferences(
    door: TheDoor,
    token: str,
    action: Annotated[str, Form()] = "save",
    name: Annotated[str | None, Form()] = None,
    categories: Annotated[list[str] | None, Form()] = None,
    cadence: Annotated[str | None, Form()] = None,
) -> Response:
    """Save what was chosen, pause, resume, or leave."""
    now, database, settings = door.clock(), door.database, door.settings
    if action == "unsubscribe":
        leave = preferences.show_preferences(database, settings, token).unsubscribe_token
        unsubscribing.unsubscribe(database, settings, leave, via="preferences", now=now)
        shown = preferences.show_preferences(database, settings, token)
    elif action == "pause":
        shown = preferences.pause_subscription(database, settings, token, now=now)
    elif action == "resume":
        shown = preferences.resume_subscription(database, settings, token, now=now)
    else:
        changes = PreferenceChanges(name=name, categories=tuple(categories or ()), cadence=cadence)
        shown = preferences.update_preferences(database, settings, token, changes, now=now)
    return _show_preferences(door, token, shown, action)


def _language_of(everything: Sequence[Publication]) -> str:
    """That of the only publication; a page for several is in English."""
    return everything[0].language if len(everything) == 1 else SOURCE_LANGUAGE


def _show_leave(door: Door, found: SubscriptionView, *, is_back: bool = False) -> Response:
    may_undo = unsubscribing.may_undo(found, now=door.clock())
    return door.page(
        "unsubscribe",
        headers=PRIVATE,
        language=found.publication.language,
        subscription=found,
        may_undo=may_undo,
        is_back=is_back,
    )


def _show_confirm(door: Door, found: SubscriptionView, *, is_done: bool) -> Response:
    return door.page(
        "confirm", headers=PRIVATE, language=found.publication.language, subscription=found, is_done=is_done
    )


def _show_preferences(door: Door, token: str, shown: Preferences, done: str = "") -> Response:
    """Show what a subscriber gets, below what was just done."""
    return door.page(
        "preferences",
        headers=PRIVATE,
        language=shown.subscription.publication.language,
        token=token,
        shown=shown,
        done=done,
        pause_weeks=preferences.PAUSE_WEEKS,
    )
