"""One digest in its publication's theme: subject, HTML, text, archive page and compiled body."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment

from newsletter.content import Digest, Publication, RenderedIssue
from newsletter.errors import RenderError
from newsletter.render import personal
from newsletter.render.environment import explained
from newsletter.render.inline import inline
from newsletter.render.marks import Subscriber, refuse_lost_marks
from newsletter.render.message import compile_body
from newsletter.render.mjml import from_mjml
from newsletter.render.text import Footnotes, tidy
from newsletter.render.themes import find_template, make_look

_PAGE = ("body.html", "body.mjml")
_TEXT = ("body.txt",)
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
    values = _context(digest, publication, environment)
    if values["theme"].edited and not environment.sandboxed:
        message = f"The theme {publication.theme} was edited in a browser: it is rendered in a sandbox alone."
        raise RenderError(message)
    values["subscriber"] = Subscriber(nonce)
    subject = values["subject"] = _one_line(_render(environment, values, "subject.txt"))
    page = _render(environment, values, *_PAGE)
    inlined = inline(page)
    refuse_lost_marks(page, inlined.html)
    text = tidy(_render(environment, values | {"notes": Footnotes()}, *_TEXT))
    nobody = values | {"archive": True, "subject": personal.fill(subject, nonce, _NOBODY, "text")}
    archive_html = _render(environment, nobody, *_PAGE)
    mime = compile_body(text, inlined.html, nonce)
    return RenderedIssue(
        subject=subject,
        preheader=digest.preheader,
        html=inlined.html,
        text=text,
        archive_html=personal.fill(archive_html, nonce, _NOBODY, "html"),
        mime=mime,
        content_hash=hash_content(subject, mime, nonce),
        problems=inlined.problems,
    )


def _context(digest: Digest, publication: Publication, environment: Environment) -> dict[str, Any]:
    url = publication.url.rstrip("/")
    return make_look(environment, publication) | {
        "digest": digest,
        "links": IssueLinks(browser=f"{url}/archive/{digest.number}", archive=f"{url}/archive", sign_up=url),
        "archive": False,
    }


def _render(environment: Environment, values: dict[str, Any], *names: str) -> str:
    """Render the first of these files that the theme has."""
    with explained():
        template = find_template(environment, values["theme"], *names)
        rendered = template.render(values)
    # A feed may hold controls and halves of characters, which neither XML nor a mail can carry.
    rendered = _UNPRINTABLE.sub(" ", rendered)
    if (template.name or "").endswith(".mjml"):
        rendered = from_mjml(rendered)
    return rendered if names == _TEXT else _BLANK_LINES.sub("\n", rendered)


def _one_line(text: str) -> str:
    """`split` knows every line break of Unicode, so nothing is left that could break a header."""
    return " ".join(text.split())


def hash_content(subject: str, mime: bytes, nonce: str) -> str:
    """Hash what goes out with the slots masked, SHA-256 in hexadecimal: what an editor approves."""
    shared = personal.mask(subject, nonce).encode("utf-8", "replace") + b"\0" + personal.mask_body(mime)
    return hashlib.sha256(shared).hexdigest()
