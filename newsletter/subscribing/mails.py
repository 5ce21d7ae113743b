"""The mails that strangers can cause: nothing in them was typed by whoever caused them."""

from __future__ import annotations

import secrets
from email.utils import parseaddr
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.render.environment import make_environment
from newsletter.render.message import Notice, build_notice
from newsletter.render.notice import render_notice
from newsletter.store.notices import NewNotice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from newsletter.content import Publication

_MARK = "https://link.invalid/"


def make_notice(
    templates: Path,
    name: str,
    publication: Publication,
    email: str,
    values: Mapping[str, object],
    *,
    now: datetime,
) -> NewNotice:
    """Build a mail to one person.

    Args:
        templates: The operator's own folder, looked through first.
        name: Of a folder in `templates/email`.
        publication: Whose look and sender it has.
        email: Normalised.
        values: What the templates show; those that end in `_url` may differ from person to person.
        now: Aware; the mail's date.

    """
    links = {key: str(value) for key, value in values.items() if key.endswith("_url")}
    rest = tuple(sorted((key, value) for key, value in values.items() if key not in links))
    notice = _render(templates, name, publication, tuple(sorted(links)), rest)
    uid = secrets.token_hex(12)
    filled = Notice(*(_fill(part, links) for part in (notice.subject, notice.html, notice.text)))
    return NewNotice(
        key=f"{name}:{uid}",
        kind=name,
        email=email,
        sender=parseaddr(publication.sender)[1],
        data=build_notice(filled, publication, email, uid=uid, date=now),
    )


@lru_cache(maxsize=64)
def _render(
    templates: Path,
    name: str,
    publication: Publication,
    links: tuple[str, ...],
    rest: tuple[tuple[str, object], ...],
) -> Notice:
    """Render once for everybody: inlining takes so long that an answer's time would tell who is known."""
    marks = {link: f"{_MARK}{link}" for link in links}
    return render_notice(name, publication, make_environment([templates]), {**dict(rest), **marks})


def _fill(part: str, links: Mapping[str, str]) -> str:
    for link, url in links.items():
        part = part.replace(f"{_MARK}{link}", url)
    return part
