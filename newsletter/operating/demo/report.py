"""What a rehearsal counted: the ledger's word for each delivery beside what the catcher got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsletter.publishing.issues import get_issue_status, list_deliveries
from newsletter.store import issues

if TYPE_CHECKING:
    from newsletter.publishing.issues import IssueView
    from newsletter.store.engine import Database

NAMED = 5
"""Differences that are told one by one."""


@dataclass(frozen=True, slots=True)
class IssueCounts:
    """One issue that was sent: `recipients` and `sent` by the ledger, `caught` by the catcher."""

    number: int
    subject: str
    articles: int
    cards: int
    recipients: int
    sent: int
    caught: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The whole rehearsal; the counts of the newest issue stand at the top, all issues in `issues`."""

    publication: str
    sources: int
    articles: int
    """Collected in all four weeks."""
    subject: str
    cards: int
    recipients: int
    sent: int
    caught: int
    issues: tuple[IssueCounts, ...]
    agree: bool
    """Whether every recipient got every issue exactly once and nothing else, and no source failed."""
    problems: tuple[str, ...]
    seconds: float


def count_issue(database: Database, view: IssueView, caught: Mapping[tuple[str, str], int]) -> IssueCounts:
    """Count one issue, by the ledger and by its Message-IDs in the catcher."""
    status = get_issue_status(database, view.id)
    with database.read() as session:
        content: dict[str, Any] = issues.get_issue(session, view.id).content
    ids = {row["message_id"] for row in list_deliveries(database, view.id)}
    return IssueCounts(
        number=view.number or 0,
        subject=view.subject,
        articles=view.articles,
        cards=sum(len(section["cards"]) for section in content["sections"]),
        recipients=status.recipients,
        sent=status.sent,
        caught=sum(times for (_, message_id), times in caught.items() if message_id in ids),
    )


def list_differences(
    database: Database, issue_ids: Iterable[int], caught: Counter[tuple[str, str]]
) -> list[str]:
    """Say where ledger and catcher disagree, delivery by delivery; an empty list where they do not."""
    found = []
    expected = set()
    for issue_id in issue_ids:
        for row in list_deliveries(database, issue_id):
            key = (row["email"], row["message_id"])
            expected.add(key)
            times = caught[key]
            if row["state"] != "sent":
                found.append(f"{key[0]}: the ledger says {row['state']}: {row['reply']}")
            elif times != 1:
                found.append(f"{key[0]}: the ledger says sent, the catcher got it {times} times")
    found += [
        f"{email}: caught {message_id}, which no ledger knows"
        for email, message_id in caught.keys() - expected
    ]
    more = len(found) - NAMED
    return [*found[:NAMED], f"and {more} more"] if more > 0 else found
