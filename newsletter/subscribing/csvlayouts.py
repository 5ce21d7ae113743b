"""Which column is what in the lists that the well-known services export, and what their statuses mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.content import SubscriptionStatus

EMAIL_COLUMNS = (
    "email", "email_address", "e_mail", "e_mail_address", "mail", "subscriber_email", "emailaddress",
)  # fmt: skip
NAME_COLUMNS = ("name", "full_name", "display_name", "subscriber_name")
FIRST_COLUMNS = ("first_name", "firstname", "given_name", "forename")
TIMEZONE_COLUMNS = ("timezone", "time_zone", "tz")
LAST_COLUMNS = ("last_name", "lastname", "surname", "family_name")
STATUS_COLUMNS = ("status", "subscriber_type", "state", "subscription_status")
YES_COLUMNS = ("subscribed_to_emails", "subscribed")
NO_COLUMNS = ("email_disabled", "unsubscribed", "global_unsubscribe")
ENDED_COLUMNS = ("unsubscribed_at", "unsubscription_date", "unsub_time", "deleted_at", "ended_at")
BOUNCED_COLUMNS = ("clean_time",)
CREATED_COLUMNS = (
    "created_at",
    "optin_time",
    "creation_date",
    "subscription_date",
    "subscribed_at",
    "created",
)
CONFIRMED_COLUMNS = ("confirmed_at", "confirm_time")

_TRUE = {"true", "yes", "1", "t", "y"}
_FALSE = {"false", "no", "0", "f", "n"}
_MEANINGS: dict[SubscriptionStatus, str] = {
    "active": "active subscribed enabled confirmed regular premium free paid gifted trialed past_due churning"
    " churned comped member subscriber opt_in opted_in 1",
    "paused": "paused",
    "pending": "pending unconfirmed unactivated validating not_confirmed awaiting_confirmation",
    "unsubscribed": "unsubscribed inactive disabled removed opted_out opt_out deleted archived cancelled"
    " nonsubscribed non_subscribed 0 2 3 4",
    "bounced": "bounced cleaned bounce hard_bounced undeliverable invalid undeliverable_address",
    "complained": "complained complaint spam blocklisted blacklisted blocked banned abuse malicious",
}
MEANINGS: Mapping[str, SubscriptionStatus] = {
    word: status for status, words in _MEANINGS.items() for word in words.split()
}
"""What a service calls it to what it is here; figures other than 1 differ between services, so they end."""

_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


@dataclass(frozen=True, slots=True)
class Person:
    """What one record says."""

    email: str
    name: str | None = None
    timezone: str | None = None
    """IANA name, as it was given."""
    status: SubscriptionStatus | None = None
    """None: the list does not say."""
    categories: tuple[str, ...] | None = None
    cadence: str | None = None
    created_at: datetime | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a person stand in a record."""

    email: int
    columns: dict[str, int] = field(default_factory=dict)
    """Normalised column name to its place; empty where there is no header."""
    width: int = 1
    has_header: bool = True


def normalise_column(name: str) -> str:
    """Return the name as `EMAIL_COLUMNS` and the others spell it: `E-Mail Address` is `e_mail_address`."""
    return re.sub(r"[^\w]+", "_", name.strip().lower()).strip("_")


def find_layout(sample: Sequence[tuple[str, ...]]) -> Layout:
    """Tell a layout by its header, or by which column holds addresses.

    Args:
        sample: The cells of the first records.

    Raises:
        ParseError: No column holds addresses.

    """
    first = sample[0] if sample else ()
    for place, cell in enumerate(first):
        if _ADDRESS.fullmatch(cell.strip()):
            return Layout(place, width=len(first), has_header=False)
    columns: dict[str, int] = {}
    for place, cell in enumerate(first):
        columns.setdefault(normalise_column(cell), place)
    for name in EMAIL_COLUMNS:
        if name in columns:
            return Layout(columns[name], columns, len(first))
    for place in range(len(first)):
        cells = [row[place].strip() for row in sample[1:] if len(row) > place and row[place].strip()]
        if cells and sum(bool(_ADDRESS.fullmatch(cell)) for cell in cells) * 2 > len(cells):
            return Layout(place, columns, len(first))
    shown = ", ".join(cell.strip() for cell in first[:6]) or "nothing"
    raise ParseError(f"no column of addresses was found (the first line holds {shown}): name one `email`")


def read_person(layout: Layout, cells: Sequence[str]) -> Person:
    """Read one record.

    Raises:
        ParseError: It has more cells than the header, or a status whose meaning nobody here knows.

    """
    if len(cells) > layout.width and any(cell.strip() for cell in cells[layout.width :]):
        raise ParseError(f"{len(cells)} cells where the first line has {layout.width}")
    values = {
        name: restore(cells[place].strip()) for name, place in layout.columns.items() if place < len(cells)
    }
    email = restore(cells[layout.email].strip()) if layout.email < len(cells) else ""
    return read_values(email, values)


def read_values(email: str, values: Mapping[str, str]) -> Person:
    """As `read_person`, from values by normalised column name."""
    categories = _first(values, ("categories",))
    return Person(
        email=email,
        name=_first(values, NAME_COLUMNS) or _join_name(values),
        timezone=_first(values, TIMEZONE_COLUMNS)[:64] or None,
        status=_find_status(values),
        categories=tuple(each.strip() for each in categories.split(";") if each.strip()) or None,
        cadence=_first(values, ("cadence",)) or None,
        created_at=parse_instant(_first(values, CREATED_COLUMNS)),
        confirmed_at=parse_instant(_first(values, CONFIRMED_COLUMNS)),
        ended_at=parse_instant(_first(values, (*ENDED_COLUMNS, *BOUNCED_COLUMNS))),
        paused_until=parse_instant(_first(values, ("paused_until",))),
    )


def restore(cell: str) -> str:
    """Take off the apostrophe that `exporting.neutralise` puts before what a spreadsheet would run."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in DANGEROUS and len(cell) > 1 else cell


DANGEROUS = frozenset("=+-@'\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a cell for a formula, the full-width forms too, and the mark itself."""


def _first(values: Mapping[str, str], names: Sequence[str]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _join_name(values: Mapping[str, str]) -> str | None:
    return " ".join(filter(None, (_first(values, FIRST_COLUMNS), _first(values, LAST_COLUMNS)))) or None


def _find_status(values: Mapping[str, str]) -> SubscriptionStatus | None:
    """The strictest thing that any of the columns says."""
    said = _first(values, STATUS_COLUMNS)
    word = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
    if said and word not in MEANINGS:
        raise ParseError(f"the status {said!r} is not known: use active, pending, unsubscribed or bounced")
    status = MEANINGS[word] if said else None
    if status in {"complained", "bounced", "unsubscribed"}:
        return status
    if _first(values, BOUNCED_COLUMNS):
        return "bounced"
    if _first(values, ENDED_COLUMNS):
        return "unsubscribed"
    answers = {name: values[name].lower() for name in (*YES_COLUMNS, *NO_COLUMNS) if values.get(name)}
    if any(answers.get(name) in _FALSE for name in YES_COLUMNS):
        return "unsubscribed"
    if any(answers.get(name) in _TRUE for name in NO_COLUMNS):
        return "unsubscribed"
    return status


def parse_instant(text: str) -> datetime | None:
    """Read `2023-04-21 11:16:57`, with or without a zone (UTC then); None where it is something else."""
    try:
        found = datetime.fromisoformat(text.replace(" UTC", "").replace(" +", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
