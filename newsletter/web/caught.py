"""Routes of the demo: the mail that its catcher holds, as text, as HTML, with every header, and raw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import groupby
from typing import Protocol

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response

from newsletter.content import Publication
from newsletter.publishing.publications import list_publications
from newsletter.web.pages import PRIVATE, Door, TheDoor

SEEN = ["GET", "HEAD"]
PERSONAL = ("confirm", "preferences", "unsubscribe")


class Message(Protocol):
    """A mail as it came over the wire."""

    @property
    def number(self) -> int:
        """1 for the first that came."""
        ...

    @property
    def at(self) -> datetime:
        """When it came."""
        ...

    @property
    def sender(self) -> str:
        """Of the envelope, as are the recipients."""
        ...

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets it."""
        ...

    @property
    def data(self) -> bytes:
        """All of it."""
        ...


class Mailbox(Protocol):
    """Whatever holds caught mail."""

    def messages(self) -> Sequence[Message]:
        """The messages, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """One caught mail as its pages show it."""

    number: int
    caught_at: datetime
    date: datetime
    """As its header says; when it came where that says nothing."""
    sender: str
    to: str
    subject: str
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""
    size: int = 0

    def list_own_links(self, base_url: str) -> list[tuple[str, str]]:
        """The links of its text that only this reader has, as (what for, address)."""
        own = re.compile(re.escape(base_url) + rf"/({'|'.join(PERSONAL)})/[\w.~-]+")
        found = {match[0]: match[1] for match in own.finditer(self.text)}
        return [(name, url) for url, name in found.items()]


def make_router(mailbox: Mailbox) -> APIRouter:
    """Make the routes below `/caught` over a mailbox, for the app that `create_app` gives."""
    router = APIRouter(prefix="/caught")

    @router.api_route("", methods=SEEN)
    @router.api_route("/", methods=SEEN)
    def list_caught(door: TheDoor) -> Response:
        """List what was caught, newest first; mails of one subject that came one after another together."""
        letters = [_read(message) for message in mailbox.messages()]
        bundles = [(subject, list(each)) for subject, each in groupby(letters, lambda letter: letter.subject)]
        return door.page("caught", headers=PRIVATE, bundles=bundles, publication=_find_publication(door))

    @router.api_route("/{number}", methods=SEEN)
    def show_caught(door: TheDoor, number: int) -> Response:
        """Show one mail: the HTML in a frame that may do nothing, the text, the headers."""
        letter = _read(_find(mailbox, number), whole=True)
        links = letter.list_own_links(door.settings.base_url)
        publication = _find_publication(door)
        return door.page("caught-mail", headers=PRIVATE, letter=letter, links=links, publication=publication)

    @router.api_route("/{number}/html", methods=SEEN)
    def show_html(door: TheDoor, number: int) -> Response:
        """Give the HTML part for the frame; alone in a tab its links work."""
        letter = _read(_find(mailbox, number), whole=True)
        return HTMLResponse(
            letter.html, headers={**PRIVATE, "Content-Security-Policy": door.sandbox("'self'")}
        )

    @router.api_route("/{number}/source.eml", methods=SEEN)
    def show_source(number: int) -> Response:
        """Give the whole message, octet for octet as it was caught."""
        name = {"Content-Disposition": f'attachment; filename="caught-{number}.eml"'}
        data = _find(mailbox, number).data
        return Response(data, media_type="message/rfc822", headers={**PRIVATE, **name})

    return router


def _find(mailbox: Mailbox, number: int) -> Message:
    found = next((message for message in mailbox.messages() if message.number == number), None)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return found


def _find_publication(door: Door) -> Publication | None:
    return next(iter(list_publications(door.database, door.settings)), None)


def _read(message: Message, *, whole: bool = False) -> Letter:
    """Read the headers, and the parts too where the `whole` of it is asked for."""
    parser = BytesParser(policy=policy.default)
    mail = parser.parsebytes(message.data, headersonly=not whole)
    return Letter(
        number=message.number,
        caught_at=message.at,
        date=_read_date(mail) or message.at,
        sender=message.sender,
        to=", ".join(message.recipients),
        subject=str(mail["Subject"] or "(no subject)"),
        headers=tuple((name, str(value)) for name, value in mail.items()),
        text=_read_part(mail, "plain") if whole else "",
        html=_read_part(mail, "html") if whole else "",
        size=len(message.data),
    )


def _read_date(mail: EmailMessage) -> datetime | None:
    try:
        date = parsedate_to_datetime(str(mail["Date"]))
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else None


def _read_part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
