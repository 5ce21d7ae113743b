"""Routes of the editor: what waits, the mail as it will be, its checks, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from newsletter.content import Publication
from newsletter.errors import NewsletterError, NotFoundError, StateError
from newsletter.operating import preflight
from newsletter.operating.users import SignedIn
from newsletter.publishing import approval, calendar, checking, issues, preview, publications
from newsletter.publishing.checking import CheckReport
from newsletter.publishing.issues import IssueStatus, IssueView
from newsletter.publishing.preview import Preview
from newsletter.web.login import PRIVATE_INSIDE
from newsletter.web.pages import Door, Number, TheDoor
from newsletter.web.sessions import Acting, Editor, need_role

router = APIRouter(prefix="/editor")
WIDTHS = (320, 600, 800)
SEEN = ["GET", "HEAD"]

ACTIONS = {
    "draft": ("approve", "stop", "cancel"),
    "approved": ("schedule", "stop", "cancel"),
    "scheduled": ("schedule", "stop", "cancel"),
    "sending": ("pause", "cancel"),
    "paused": ("resume", "cancel"),
}
"""State to what may be done in it; nothing in the others."""
EDITORS_ACTIONS = ("approve", "stop")
NEXT_STEPS = {
    "draft": "Look it over, then approve it.",
    "approved": "Goes out at its time, or when an operator sends it.",
    "scheduled": "Goes out at the time set.",
    "sending": "Is going out now.",
    "paused": "Waits: nothing more goes out until it is resumed.",
    "sent": "Is out.",
    "cancelled": "Never goes out.",
    "skipped": "There was nothing to send.",
}

Anyone = Annotated[str | None, Query(alias="as", max_length=320)]
_operators = [Depends(need_role("operator", "admin"))]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of an issue holds; without a mail where the issue was skipped."""

    issue: IssueView
    publication: Publication
    status: IssueStatus
    mail: Preview | None
    checks: CheckReport | None
    problem: str = ""
    """Why something was refused, or why there is no mail."""


@router.api_route("", methods=SEEN)
def list_all(door: TheDoor, who: Editor) -> Response:
    """List the issues with their state and what is to be done."""
    shelves = [
        (publication, issues.list_issues(door.database, publication.slug))
        for publication in publications.list_publications(door.database, door.settings)
    ]
    return door.page("editor", headers=PRIVATE_INSIDE, who=who, shelves=shelves, steps=NEXT_STEPS)


@router.api_route("/issues/{issue_id}", methods=SEEN)
def show_issue(
    door: TheDoor, who: Editor, issue_id: Number, email: Anyone = None, width: int = WIDTHS[1]
) -> Response:
    """Show one issue as a subscriber gets it, its checks, and what may be done with it."""
    return _show(door, who, _load(door, issue_id, email), email=email, width=width)


@router.api_route("/issues/{issue_id}/mail", methods=SEEN)
def show_mail(door: TheDoor, who: Editor, issue_id: Number, email: Anyone = None) -> Response:
    """Give the HTML part for the frame, in a sandbox: what is in it was written elsewhere (X4)."""
    del who
    mail = preview.preview_issue(
        door.database, door.settings, issue_id, now=door.clock(), email=email or None
    )
    headers = {"Content-Security-Policy": door.sandbox("'self'"), **PRIVATE_INSIDE}
    return HTMLResponse(mail.html, headers=headers)


@router.api_route("/issues/{issue_id}/source.eml", methods=SEEN)
def show_source(door: TheDoor, who: Editor, issue_id: Number, email: Anyone = None) -> Response:
    """Give the whole message, octet for octet as it goes out."""
    del who
    mail = preview.preview_issue(
        door.database, door.settings, issue_id, now=door.clock(), email=email or None
    )
    name = {"Content-Disposition": f'attachment; filename="issue-{issue_id}.eml"'}
    return Response(mail.eml, media_type="message/rfc822", headers={**PRIVATE_INSIDE, **name})


@router.post("/issues/{issue_id}/examine")
def examine(door: TheDoor, who: Acting, issue_id: Number) -> Response:
    """Ask the network and other programs too, and show what they say."""
    shown = _load(door, issue_id, None)
    if shown.checks is not None:
        report = preflight.examine_issue(
            door.database, door.settings, issue_id, preflight.Preflight(), now=door.clock()
        )
        shown = replace(shown, checks=report)
    return _show(door, who, shown)


@router.post("/issues/{issue_id}/approve")
def approve(
    door: TheDoor,
    who: Acting,
    issue_id: Number,
    override: Annotated[str, Form(max_length=1000)] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Freeze what was on the screen; findings that block ask for a reason."""
    decision = approval.Decision(
        actor=who.user.email, override=override.strip() or None, seen_hash=seen or None
    )
    try:
        approval.approve_issue(door.database, door.settings, issue_id, decision, now=door.clock())
    except StateError as error:
        return _refuse(door, who, issue_id, error)
    return _back(door, issue_id)


@router.post("/issues/{issue_id}/stop")
def stop(door: TheDoor, who: Acting, issue_id: Number) -> Response:
    """Keep an issue from going out by itself."""
    try:
        approval.stop_issue(door.database, issue_id, actor=who.user.email, now=door.clock())
    except StateError as error:
        return _refuse(door, who, issue_id, error)
    return _back(door, issue_id)


@router.post("/issues/{issue_id}/schedule", dependencies=_operators)
def schedule(door: TheDoor, who: Acting, issue_id: Number, at: Annotated[str, Form()] = "") -> Response:
    """Set when an approved issue goes out, by the clock of its publication."""
    found = issues.get_issue(door.database, issue_id)
    publication = publications.get_publication(door.database, door.settings, found.publication)
    try:
        when = calendar.parse_when(at, calendar.parse_zone(publication.timezone))
        approval.schedule_issue(door.database, issue_id, when, actor=who.user.email, now=door.clock())
    except (StateError, ValueError) as error:
        return _refuse(door, who, issue_id, error)
    return _back(door, issue_id)


@router.post("/issues/{issue_id}/{action}", dependencies=_operators)
def steer(door: TheDoor, who: Acting, issue_id: Number, action: str) -> Response:
    """Pause, resume or cancel a send."""
    verbs = {
        "pause": approval.pause_issue,
        "resume": approval.resume_issue,
        "cancel": approval.cancel_issue,
    }
    if action not in verbs:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    try:
        verbs[action](door.database, issue_id, actor=who.user.email, now=door.clock())
    except StateError as error:
        return _refuse(door, who, issue_id, error)
    return _back(door, issue_id)


def _load(door: Door, issue_id: int, email: str | None) -> Shown:
    database, settings, now = door.database, door.settings, door.clock()
    issue = issues.get_issue(database, issue_id)
    publication = publications.get_publication(database, settings, issue.publication)
    status = issues.get_issue_status(database, issue_id)
    mail, checks, problem = None, None, ""
    try:
        checks = checking.check_issue(database, settings, issue_id, now=now)
        mail = preview.preview_issue(database, settings, issue_id, now=now, email=email or None)
    except NotFoundError:
        problem = f"{email} is no subscriber of {publication.name}: try another address."
    except NewsletterError as error:
        problem = str(error)
    return Shown(issue, publication, status, mail, checks, problem)


def _show(
    door: Door,
    who: SignedIn,
    shown: Shown,
    *,
    email: str | None = None,
    width: int = WIDTHS[1],
    refusal: str = "",
) -> Response:
    allowed = ACTIONS.get(shown.issue.state, ())
    if who.user.role == "editor":
        allowed = tuple(action for action in allowed if action in EDITORS_ACTIONS)
    status = HTTPStatus.CONFLICT if refusal else HTTPStatus.OK
    return door.page(
        "issue",
        status=status,
        headers=PRIVATE_INSIDE,
        who=who,
        shown=shown,
        actions=allowed,
        step=NEXT_STEPS.get(shown.issue.state, ""),
        email=email or "",
        width=width if width in WIDTHS else WIDTHS[1],
        widths=WIDTHS,
        refusal=refusal,
    )


def _refuse(door: Door, who: SignedIn, issue_id: int, error: Exception) -> Response:
    return _show(door, who, _load(door, issue_id, None), refusal=str(error))


def _back(door: Door, issue_id: int) -> Response:
    return RedirectResponse(f"{door.root}/editor/issues/{issue_id}", HTTPStatus.SEE_OTHER, PRIVATE_INSIDE)
