"""Pages: where their templates are, what every one of them knows, and the headers that they go out with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import babel.dates
from fastapi import Depends, Request
from fastapi import Path as PathNumber
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from newsletter.config import Settings
from newsletter.operating.startup import Database
from newsletter.publishing.languages import SOURCE_LANGUAGE, direction, install_languages, locale_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.content import Publication

PRIVATE = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""For whatever shows something of one person: no cache, no search engine, no other site hears of it."""


@dataclass(frozen=True)
class Door:
    """What every route works with."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    templates: Environment

    @property
    def is_https(self) -> bool:
        """Whether the world reaches this server by TLS."""
        return self.settings.base_url.startswith("https:")

    @property
    def root(self) -> str:
        """The path that links begin with, where a proxy serves this below one."""
        return urlsplit(self.settings.base_url).path.rstrip("/")

    @property
    def images(self) -> str:
        """Where images may come from: plain HTTP too while this server itself is plain."""
        return "https: data:" if self.is_https else "https: data: http:"

    def page(
        self,
        name: str,
        *,
        status: int = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
        language: str = SOURCE_LANGUAGE,
        **context: Any,  # noqa: ANN401 - a template takes any value
    ) -> HTMLResponse:
        """Render `templates/web/NAME.html`, what is to be translated in it in a publication's language."""
        text = self.templates.get_template(f"web/{name}.html").render(
            root=self.root, now=self.clock(), language=language, **context
        )
        return HTMLResponse(text, status, {"Content-Security-Policy": self.policy, **(headers or {})})

    @property
    def policy(self) -> str:
        """What a page of ours may load: its style sheet and images, no script at all."""
        return (
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; frame-src 'self'; img-src 'self' {self.images}"
        )

    def sandbox(self, ancestors: str) -> str:
        """What a mail shown in a browser may do: nothing but look like itself (GHSA-jmr4-p576-v565)."""
        return (
            "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; script-src 'none'; "
            f"style-src 'unsafe-inline'; frame-ancestors {ancestors}; img-src {self.images}"
        )

    def path(self, publication: Publication, *parts: object) -> str:
        """Return the path of a publication's page, or of one below it."""
        base = urlsplit(publication.url).path.rstrip("/")
        return "/".join([base, *map(str, parts)]) if parts else base or "/"


def make_door(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Door:
    """Put together what the routes work with."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    packaged = installed if installed.is_dir() else package.parent / "templates"
    templates = Environment(
        loader=FileSystemLoader([settings.templates_dir, packaged]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    door = Door(settings, database, clock, templates)
    install_languages(templates)
    templates.filters.update(moment=moment, day=day, direction=direction)
    templates.globals.update(path=door.path, epoch=datetime.fromtimestamp(0, UTC))
    return door


def get_door(request: Request) -> Door:
    """Give a route what `create_app` was given."""
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(get_door)]
Number = Annotated[int, PathNumber(ge=0, le=2**63 - 1)]
"""In a path; what is larger no database could look for."""


def moment(at: datetime, timezone: str = "UTC") -> str:
    """Filter: `Mon, 23 Nov 2026, 08:00` in a publication's zone."""
    local = at.astimezone(ZoneInfo(timezone))
    return babel.dates.format_datetime(local, "EEE, d MMM y, HH:mm", locale="en")


@pass_context
def day(context: Context, at: datetime, timezone: str = "UTC") -> str:
    """Filter: `23 November 2026` in a publication's zone, in the language of the page."""
    locale = locale_of(context["language"])
    return babel.dates.format_date(at.astimezone(ZoneInfo(timezone)).date(), "d MMMM y", locale=locale)
