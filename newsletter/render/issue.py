"""One digest in its publication's theme: subject, HTML, text, archive page and compiled body."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment

from newsletter.content import Digest, Publication, RenderedIssue
from newsletter.render import personal
from newsletter.render.environment import direction, end_of, explained, start_of
from newsletter.render.inline import inline
from newsletter.render.marks import Subscriber
from newsletter.render.message import compile_body
from newsletter.render.text import Footnotes, tidy

_BLANK_LINES = re.compile(r"\n\s*\n")
_NOBODY = {"name": ""}
"""The archive is read by no one in particular: it may greet by default, and has no personal links."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class IssueLinks:
    """The links of an issue that are the same for everybody; none holds a token."""

    browser: str
    archive: str
    sign_up: str


def render_issue(digest: Digest, publication: Publication, environment: Environment) -> RenderedIssue:
    """Render one variant of an issue, once for all its readers.

    Args:
        digest: what is in it.
        publication: its theme's templates are `email/issue/…` for `default`, else `email/themes/THEME/…`.
        environment: as `make_environment` made it.

    Returns:
        The subject, both parts with slot marks, the archive page, and the body compiled for joining. The
        same arguments give the same octets.

    Raises:
        RenderError: a template or its CSS is at fault; the message names file, line and cause.
    """
    nonce = hashlib.sha256(repr((digest, publication)).encode("utf-8", "replace")).hexdigest()[:24]
    values = _context(digest, publication)
    values["subscriber"] = Subscriber(nonce)
    subject = values["subject"] = _one_line(_render(environment, publication, "subject.txt", values))
    inlined = inline(_render(environment, publication, "body.html", values))
    text = tidy(_render(environment, publication, "body.txt", values | {"notes": Footnotes()}))
    nobody = values | {"archive": True, "subject": personal.fill(subject, nonce, _NOBODY, "text")}
    archive_html = _render(environment, publication, "body.html", nobody)
    mime = compile_body(text, inlined.html, nonce)
    return RenderedIssue(
        subject=subject,
        preheader=digest.preheader,
        html=inlined.html,
        text=text,
        archive_html=personal.fill(archive_html, nonce, _NOBODY, "html"),
        mime=mime,
        content_hash=_content_hash(subject, mime, nonce),
        problems=inlined.problems,
    )


def _context(digest: Digest, publication: Publication) -> dict[str, Any]:
    reading = direction(publication.language)
    url = publication.url.rstrip("/")
    return {
        "digest": digest,
        "publication": publication,
        "links": IssueLinks(browser=f"{url}/archive/{digest.number}", archive=f"{url}/archive", sign_up=url),
        "archive": False,
        "dir": reading,
        "start": start_of(reading),
        "end": end_of(reading),
    }


def _render(environment: Environment, publication: Publication, name: str, values: dict[str, Any]) -> str:
    folder = "email/issue" if publication.theme == "default" else f"email/themes/{publication.theme}"
    with explained():
        rendered = environment.get_template(f"{folder}/{name}").render(values)
    # A feed may hold controls and halves of characters, which neither XML nor a mail can carry.
    rendered = _UNPRINTABLE.sub(" ", rendered)
    return _BLANK_LINES.sub("\n", rendered) if name.endswith(".html") else rendered


def _one_line(text: str) -> str:
    """`split` knows every line break of Unicode, so nothing is left that could break a header."""
    return " ".join(text.split())


def _content_hash(subject: str, mime: bytes, nonce: str) -> str:
    shared = personal.mask(subject, nonce).encode("utf-8", "replace") + b"\0" + personal.mask_body(mime)
    return hashlib.sha256(shared).hexdigest()
