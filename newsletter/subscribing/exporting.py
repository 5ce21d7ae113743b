"""Use case: give the list of subscribers away again, in a form that an import reads back."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Literal

from newsletter.store import publications, subscribers
from newsletter.subscribing.csvlayouts import DANGEROUS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from newsletter.store.engine import Database
    from newsletter.store.models import Subscriber, Subscription

COLUMNS = (
    "email",
    "name",
    "status",
    "categories",
    "cadence",
    "created_at",
    "confirmed_at",
    "paused_until",
    "ended_at",
)


def export_subscribers(
    database: Database, slug: str | None, form: Literal["csv", "jsonl"] = "csv"
) -> Iterator[str]:
    """Yield the lines of a list, ends included; erased people are not in it.

    Raises:
        NotFoundError: There is no such publication.

    """
    with database.read() as session:
        publication = publications.find_publication(session, slug)
        if form == "csv":
            yield _csv_line(COLUMNS)
        for subscription, person in subscribers.iterate_subscriptions(session, publication.id):
            values = _values(subscription, person)
            if form == "csv":
                yield _csv_line([neutralise(_as_cell(values[column])) for column in COLUMNS])
            else:
                yield json.dumps(values, ensure_ascii=False) + "\n"


def neutralise(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run; `csvlayouts.restore` takes it off."""
    return f"'{cell}" if cell[:1] in DANGEROUS and cell else cell


def _values(subscription: Subscription, person: Subscriber) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "status": subscription.status,
        "categories": subscription.categories,
        "cadence": subscription.cadence,
        "created_at": _moment(subscription.created_at),
        "confirmed_at": _moment(subscription.confirmed_at),
        "paused_until": _moment(subscription.paused_until),
        "ended_at": _moment(subscription.ended_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _as_cell(value: object) -> str:
    if isinstance(value, list):
        return ";".join(str(each) for each in value)
    return "" if value is None else str(value)


def _csv_line(cells: tuple[str, ...] | list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
