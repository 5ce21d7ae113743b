"""Routes of the editor: what an issue holds and why, pins, duplicates, standing lines and trend notes."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from newsletter.errors import NewsletterError
from newsletter.operating.users import SignedIn
from newsletter.publishing import choices, contents, issues, publications
from newsletter.publishing.drafting import redraft_issue
from newsletter.web.login import PRIVATE_INSIDE
from newsletter.web.pages import Door, Number, TheDoor
from newsletter.web.sessions import Acting, Editor

router = APIRouter(prefix="/editor/issues/{issue_id}/contents")
SEEN = ["GET", "HEAD"]
MEANT: dict[str, choices.Choice | None] = {"pin": "pinned", "drop": "dropped", "release": None}


@router.api_route("", methods=SEEN)
def show_contents(door: TheDoor, who: Editor, issue_id: Number) -> Response:
    """Show every card with its score, and what may be chosen while the issue is a draft."""
    return _show(door, who, issue_id)


@router.post("/article")
def choose(
    door: TheDoor,
    who: Acting,
    issue_id: Number,
    article: Annotated[int, Form()],
    choice: Annotated[Literal["pin", "drop", "release"], Form()],
) -> Response:
    """Pin an article, drop it, or leave it to its score; the draft is drawn up again."""

    def act() -> None:
        actor = who.user.email
        choices.choose_article(door.database, article, MEANT[choice], actor=actor, now=door.clock())

    return _act(door, who, issue_id, act)


@router.post("/duplicate")
def decide(
    door: TheDoor,
    who: Acting,
    issue_id: Number,
    one: Annotated[int, Form()],
    other: Annotated[int, Form()],
    verdict: Annotated[Literal["same", "different"], Form()],
) -> Response:
    """Say whether two stories are one."""

    def act() -> None:
        is_same, actor = verdict == "same", who.user.email
        choices.decide_duplicate(door.database, (one, other), is_same=is_same, actor=actor, now=door.clock())

    return _act(door, who, issue_id, act)


@router.post("/status")
def set_status(
    door: TheDoor,
    who: Acting,
    issue_id: Number,
    category: Annotated[str, Form(max_length=200)],
    status: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Give a category its standing line."""

    def act() -> None:
        slug = issues.get_issue(door.database, issue_id).publication
        choices.set_category(door.database, slug, category, status=status.strip(), now=door.clock())

    return _act(door, who, issue_id, act)


@router.post("/note")
def add_note(
    door: TheDoor,
    who: Acting,
    issue_id: Number,
    title: Annotated[str, Form(max_length=200)],
    text: Annotated[str, Form(max_length=2000)] = "",
    url: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Write a trend note."""

    def act() -> None:
        slug = issues.get_issue(door.database, issue_id).publication
        written = choices.NewNote(title, text, url or None)
        choices.add_note(door.database, slug, written, actor=who.user.email, now=door.clock())

    return _act(door, who, issue_id, act)


def _act(door: Door, who: SignedIn, issue_id: int, act: Callable[[], None]) -> Response:
    """Do it and draw the draft up again; refused where the issue is no draft, before anything is chosen."""
    try:
        issues.require_draft(door.database, issue_id)
        act()
        redraft_issue(door.database, door.settings, issue_id, now=door.clock())
    except NewsletterError as error:
        return _show(door, who, issue_id, refusal=str(error))
    path = f"{door.root}/editor/issues/{issue_id}/contents"
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, PRIVATE_INSIDE)


def _show(door: Door, who: SignedIn, issue_id: int, *, refusal: str = "") -> Response:
    issue = issues.get_issue(door.database, issue_id)
    return door.page(
        "contents",
        status=HTTPStatus.CONFLICT if refusal else HTTPStatus.OK,
        headers=PRIVATE_INSIDE,
        who=who,
        issue=issue,
        publication=publications.get_publication(door.database, door.settings, issue.publication),
        holds=contents.show_contents(door.database, door.settings, issue_id),
        refusal=refusal,
    )
