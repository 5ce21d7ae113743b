"""Use cases: make, change, list and find publications."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError

from newsletter.content import Approval, SendAt
from newsletter.errors import AddressError, ConfigError, RenderError, StateError
from newsletter.publishing.calendar import parse_schedule, parse_zone
from newsletter.store import models
from newsletter.store import publications as rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Publication
    from newsletter.store.engine import Database

_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]+)>")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationChanges:
    """What `publication add` and `publication set` may say; None leaves a value as it is."""

    name: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    address: str | None = None
    language: str | None = None
    timezone: str | None = None
    schedule: str | None = None
    approval: Approval | None = None
    theme: str | None = None
    send_at: SendAt | None = None


def add_publication(
    database: Database, settings: Settings, slug: str, changes: PublicationChanges, *, now: datetime
) -> Publication:
    """Make a publication that can be approved and sent as it stands.

    Raises:
        ConfigError: A value is refused.
        StateError: The slug is taken.

    """
    if not _SLUG.fullmatch(slug) or len(slug) > 64:  # noqa: PLR2004 - the column's width
        raise ConfigError(
            f"slug {slug!r} must be small letters, digits and single hyphens, at most 64, as city-news"
        )
    values = _check(changes, settings)
    name = values.setdefault("name", slug.replace("-", " ").capitalize())
    host = urlsplit(settings.base_url).hostname or "localhost"
    values.setdefault("sender", format_mailbox(name, f"{slug}@{host}"))
    with database.write() as session:
        if rows.find_row(session, slug) is not None:
            raise StateError(
                f"there is a publication {slug!r} already: change it with `publication set {slug}`"
            )
        row = models.Publication(slug=slug, created_at=now, **values)
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise StateError(f"there is a publication {slug!r} already") from error
        return rows.load_publication(session, settings.base_url, row.id)


def set_publication(
    database: Database, settings: Settings, slug: str | None, changes: PublicationChanges
) -> Publication:
    """Change a publication.

    Raises:
        ConfigError: A value is refused.
        NotFoundError: There is no such publication.

    """
    values = _check(changes, settings)
    with database.write() as session:
        row = rows.find_publication(session, slug)
        for name, value in values.items():
            setattr(row, name, value or None if name in {"reply_to", "address"} else value)
        session.flush()
        return rows.load_publication(session, settings.base_url, row.id)


def list_publications(database: Database, settings: Settings) -> list[Publication]:
    """Every publication, by slug."""
    with database.read() as session:
        found = rows.list_publications(session)
        return [rows.make_publication(row, settings.base_url, only=len(found) == 1) for row in found]


def get_publication(database: Database, settings: Settings, slug: str | None) -> Publication:
    """The publication of that slug, or the only one.

    Raises:
        NotFoundError: None has that slug, or none was named where there are several.

    """
    with database.read() as session:
        row = rows.find_publication(session, slug)
        return rows.load_publication(session, settings.base_url, row.id)


def format_mailbox(name: str, address: str) -> str:
    """A name and an address as From writes them: `"Ada, Bo" <desk@example.org>`."""
    if re.fullmatch(r"[\w !'-]*", name):
        return f"{name} <{address}>" if name else address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def parse_mailbox(said: str) -> tuple[str, str]:
    """Read `Name <local@domain>` or a bare address; a domain of this machine will do.

    Raises:
        AddressError: It is neither.

    """
    from email_validator import EmailNotValidError, validate_email

    found = _MAILBOX.fullmatch(said.strip())
    name, address = (found["name"], found["address"]) if found else ("", said.strip())
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    # The validator refuses localhost; nothing else is asked of its form.
    local = "" if not address.lower().endswith(("@localhost", ".localhost")) else ".test"
    if not name.isprintable():
        raise AddressError(f"{said!r} is not a mailbox: its name holds control characters")
    try:
        checked = validate_email(address + local, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise AddressError(
            f"{said!r} is not a mailbox, as 'City News <desk@example.org>': {reason}"
        ) from error
    return name, checked.normalized.removesuffix(local)


def _check(changes: PublicationChanges, settings: Settings) -> dict[str, str]:
    """Refuse what would only fail when an issue is drafted or sent; give the values that are said."""
    said = {
        name: value.strip()
        for name in PublicationChanges.__dataclass_fields__
        if (value := getattr(changes, name)) is not None
    }
    if theme := said.get("theme"):
        _require_theme(settings, theme)
    return {name: _CHECKS[name](value) for name, value in said.items()}


def _require_theme(settings: Settings, name: str) -> None:
    from newsletter.render.environment import make_environment
    from newsletter.render.themes import load_theme

    try:
        load_theme(make_environment([settings.templates_dir]), name)
    except RenderError as error:
        raise ConfigError(str(error)) from error


def _check_name(name: str) -> str:
    if not name or not name.isprintable():
        raise ConfigError("the name must be one line that is not empty")
    return name


def _check_mailbox(said: str) -> str:
    return format_mailbox(*parse_mailbox(said))


def _check_language(tag: str) -> str:
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise ConfigError(f"language {tag!r} is not known: use a tag such as en, lt or pt-BR") from error
    return tag


def _check_send_at(said: str) -> str:
    if said not in get_args(SendAt):
        raise ConfigError(f"send-at {said!r} must be together or local")
    return said


def _check_approval(said: str) -> str:
    if said not in get_args(Approval):
        raise ConfigError(f"approval {said!r} must be required or unless-stopped")
    return said


_CHECKS: dict[str, Callable[[str], str]] = {
    "name": _check_name,
    "sender": _check_mailbox,
    "reply_to": lambda said: _check_mailbox(said) if said else "",
    # A shell's \\n stands for a new line, so that an address can be given on one.
    "address": lambda said: said.replace("\\n", "\n"),
    "language": _check_language,
    "timezone": lambda said: parse_zone(said).key,
    "schedule": lambda said: parse_schedule(said).cron,
    "approval": _check_approval,
    "theme": str,
    "send_at": _check_send_at,
}
