"""Use case: every pre-flight check, those by the network and by other programs included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.errors import NewsletterError
from newsletter.publishing import checking
from newsletter.review.outside import AxeViolation, LinkAnswer, Outside, SpamVerdict

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.publishing.checking import CheckReport, Sample
    from newsletter.store.engine import Database

MOST_LINKS = 200
"""More than an issue of 40 cards has; what is beyond them is said to be unasked."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What may be asked besides the mail itself."""

    links: bool = True
    programs: bool = True
    """SpamAssassin and axe."""


def examine_issue(
    database: Database, settings: Settings, issue_id: int, wanted: Preflight, *, now: datetime
) -> CheckReport:
    """Run every pre-flight rule with what the network and the programs installed say of the mail.

    They are asked side by side, outside any transaction; answers about links are kept for a day.

    Raises:
        NotFoundError: No such issue.
        StateError: The issue was skipped, so there is no mail.

    """
    sample = checking.take_sample(database, settings, issue_id, now=now)
    with ThreadPoolExecutor(3) as pool:
        links = pool.submit(_ask_links, database, settings, sample, now) if wanted.links else None
        spam = pool.submit(_ask_spam, sample) if wanted.programs else None
        axe = pool.submit(_ask_axe, sample) if wanted.programs else None
    answers, link_notes = links.result() if links else ((), ())
    verdict, spam_notes = spam.result() if spam else (None, ())
    violations, axe_notes = axe.result() if axe else ((), ())
    outside = Outside(answers, verdict, violations, (*link_notes, *spam_notes, *axe_notes))
    return checking.check_issue(database, settings, issue_id, now=now, outside=outside)


def _ask_links(
    database: Database, settings: Settings, sample: Sample, now: datetime
) -> tuple[tuple[LinkAnswer, ...], tuple[str, ...]]:
    from newsletter.operating.probes.links import ProbeOptions, probe_links

    known = checking.find_answers(database, sample.urls, now=now)
    missing = [url for url in sample.urls if url not in known]
    options = ProbeOptions(
        user_agent=f"newsletter/{__version__} (+{settings.contact or settings.base_url})",
        allowed_hosts=frozenset(settings.fetch_allow_hosts),
    )
    found = probe_links(missing[:MOST_LINKS], options)
    asked = [answer for answer in found if not answer.is_refused]
    if asked and not known and all(answer.error for answer in asked):
        refused = tuple(answer for answer in found if answer.is_refused)
        return refused, ("links: no site could be reached; is this machine offline?",)
    checking.record_answers(database, found, now=now)
    beyond = len(missing) - len(found)
    notes = (f"links: {beyond} more than {MOST_LINKS} were not asked",) if beyond else ()
    return (*known.values(), *found), notes


def _ask_spam(sample: Sample) -> tuple[SpamVerdict | None, tuple[str, ...]]:
    from newsletter.operating.probes.spam import ask_spamassassin, find_spamassassin

    program = find_spamassassin()
    if program is None:
        return None, ("spam: SpamAssassin is not installed",)
    try:
        return ask_spamassassin(sample.eml, program), ()
    except NewsletterError as error:
        return None, (f"spam: {error}",)


def _ask_axe(sample: Sample) -> tuple[tuple[AxeViolation, ...], tuple[str, ...]]:
    from newsletter.operating.probes.browser import ask_axe, find_missing_program

    if missing := find_missing_program():
        return (), (f"axe: {missing} is not installed",)
    try:
        return ask_axe(sample.html), ()
    except NewsletterError as error:
        return (), (f"axe: {error}",)
