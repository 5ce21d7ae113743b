"""Use cases: check an issue before it goes out, and keep what the network said of its links."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.publishing.composition import date_of, load_digest, load_rendered
from newsletter.publishing.preview import (
    LONGEST_EMAIL,
    LONGEST_NAME,
    SAMPLE_EMAIL,
    build_mail,
    load_mail,
    make_reader,
)
from newsletter.publishing.routes import make_routes
from newsletter.publishing.selections import choose_selections, list_selections
from newsletter.render.message import personalise
from newsletter.review.features import load_support
from newsletter.review.mail import Facts, list_addresses, parse_mail
from newsletter.review.outside import LinkAnswer, Outside
from newsletter.review.rules import check_issue as check_mail
from newsletter.store import checks, issues
from newsletter.store.engine import take_turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Digest, Finding, RenderedIssue
    from newsletter.publishing.preview import LoadedMail
    from newsletter.publishing.selections import Selection
    from newsletter.store.engine import Database

ANSWERS_LAST = timedelta(days=1)
BAD_ANSWERS_LAST = timedelta(hours=1)
_BAD = 400
_OUT = ("sending", "sent", "paused")


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Pre-flight findings, and what was not or could not be looked at."""

    blocking: tuple[Finding, ...]
    advisory: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """The mail as a made-up reader would get it, for whoever looks at it from outside."""

    eml: bytes
    html: str
    urls: tuple[str, ...]
    """Every address of others in it, once, in order; ours lead to this very issue, which is not out yet."""


def check_issue(
    database: Database, settings: Settings, issue_id: int, *, now: datetime, outside: Outside | None = None
) -> CheckReport:
    """Run every pre-flight rule over the mail.

    Args:
        database: where the issue is.
        settings: of this program.
        issue_id: which one.
        now: the present moment.
        outside: what the network and other programs said; None takes the answers that are kept.

    Raises:
        NotFoundError: No such issue.
        StateError: The issue was skipped, so there is no mail.

    """
    with database.read() as session:
        return review(session, settings, load_mail(session, settings, issue_id), now=now, outside=outside)


def review(
    session: Session,
    settings: Settings,
    mail: LoadedMail,
    *,
    now: datetime,
    outside: Outside | None = None,
    ready: Mapping[str, RenderedIssue] | None = None,
) -> CheckReport:
    """Run every rule over the mail of the reader with the longest values, inside an open transaction.

    What readers of some categories get is checked too, as far as `choose_selections` says; `ready` holds
    those that are rendered already.
    """
    reader = make_reader(settings, LONGEST_EMAIL, LONGEST_NAME)
    octets = build_mail(settings, mail, reader, date=now)
    if outside is None:
        urls = list_addresses(parse_mail(octets), settings.base_url)
        outside = Outside(links=tuple(_find_answers(session, urls, now=now).values()))
    issue, rendered, publication = mail
    digest = load_digest(session, issue, publication)
    facts = _make_facts(session, settings, mail, outside, now)
    findings = check_mail(octets, _told(facts, settings, digest, rendered))
    selections = list_selections(session, issue, digest, now=now)
    chosen = choose_selections(selections, len(digest.cards))
    inside = replace(facts, outside=Outside(links=outside.links))
    for selection in chosen:
        part = (ready or {}).get(selection.key)
        if part is None:
            part, _ = load_rendered(session, settings, issue, selection.categories)
        octets = build_mail(settings, (issue, part, publication), reader, date=now)
        of_part = check_mail(octets, _told(inside, settings, selection.digest, part))
        findings += _list_new(of_part, findings, selection)
    return _report(findings, (*outside.notes, *_note_selections(chosen, selections), _note_age(now)))


def identify(finding: Finding) -> tuple[str, str]:
    """What makes two findings of two mails the same: not the line, which moves with every word above it."""
    return finding.rule, finding.card or finding.snippet or finding.where


def _list_new(found: list[Finding], known: list[Finding], selection: Selection) -> list[Finding]:
    """What only this selection has, with the readers who would get it."""
    seen = {identify(finding) for finding in known}
    readers = ", ".join(selection.categories)
    return [
        replace(finding, message=f"{finding.message} (In what readers of {readers} get.)")
        for finding in found
        if identify(finding) not in seen
    ]


def _report(findings: list[Finding], notes: tuple[str, ...]) -> CheckReport:
    return CheckReport(
        blocking=tuple(finding for finding in findings if finding.blocking),
        advisory=tuple(finding for finding in findings if not finding.blocking),
        notes=notes,
    )


def _note_selections(chosen: list[Selection], selections: list[Selection]) -> tuple[str, ...]:
    if not selections:
        return ()
    few = "" if len(chosen) == len(selections) else ": the longest and the shortest"
    return (f"selections: {len(chosen)} of {len(selections)} that readers chose were checked{few}",)


def _note_age(now: datetime) -> str:
    age = (now.date() - load_support().date).days
    return f"clients: what mail clients support is known as of {load_support().date}, {age} days ago"


def _make_facts(
    session: Session, settings: Settings, mail: LoadedMail, outside: Outside, now: datetime
) -> Facts:
    """What the whole issue and all its selections have in common."""
    issue, _, publication = mail
    last = issues.find_told_before(session, publication.id, issue.id)
    return Facts(
        base_url=settings.base_url,
        routes_are_loopback=all(route.is_loopback for route in make_routes(settings)),
        address=publication.address,
        previous_articles=frozenset(issues.list_issue_article_ids(session, last.id)) if last else frozenset(),
        date=date_of(issue, publication),
        now=now,
        is_out=issue.state in _OUT,
        allowed_features=_load_allowed(settings, publication.theme),
        outside=outside,
    )


def _told(facts: Facts, settings: Settings, digest: Digest, rendered: RenderedIssue) -> Facts:
    """With what one selection holds."""
    nobody = replace(make_reader(settings, SAMPLE_EMAIL, None), name=None)
    return replace(
        facts,
        preheader=rendered.preheader,
        lead_url=digest.cards[0].article.link if digest.cards else None,
        articles=_list_titles(digest),
        problems=rendered.problems,
        nameless=personalise(rendered, nobody).text,
        empty_sections=tuple(each.category or "without a name" for each in digest.sections if not each.cards),
    )


def _list_titles(digest: Digest) -> dict[int, str]:
    return {article.id: article.title for card in digest.cards for article in (card.article, *card.also)}


def _load_allowed(settings: Settings, theme: str) -> dict[str, str]:
    from newsletter.render.environment import make_environment
    from newsletter.render.themes import load_theme

    folders = [settings.templates_dir] if settings.templates_dir.is_dir() else []
    return dict(load_theme(make_environment(folders), theme).allow)


def take_sample(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> Sample:
    """The mail for whoever looks at it from outside.

    Raises:
        NotFoundError: No such issue.
        StateError: The issue was skipped, so there is no mail.

    """
    with database.read() as session:
        mail = load_mail(session, settings, issue_id)
    octets = build_mail(settings, mail, make_reader(settings, SAMPLE_EMAIL, None), date=now)
    parsed = parse_mail(octets)
    return Sample(octets, parsed.html, list_addresses(parsed, settings.base_url))


def find_answers(database: Database, urls: Sequence[str], *, now: datetime) -> dict[str, LinkAnswer]:
    """What those of the addresses gave that were asked lately: good answers last a day, bad ones an hour."""
    with database.read() as session:
        return _find_answers(session, urls, now=now)


def record_answers(database: Database, answers: Sequence[LinkAnswer], *, now: datetime) -> None:
    """Keep what addresses gave."""
    with database.write() as session:
        take_turn(session, "links", 0)
        kept = [(answer.url, asdict(answer)) for answer in answers]
        checks.record_link_answers(session, kept, forget_before=now - ANSWERS_LAST, now=now)


def _find_answers(session: Session, urls: Sequence[str], *, now: datetime) -> dict[str, LinkAnswer]:
    lately = {
        answer["url"] for answer in checks.find_link_answers(session, urls, since=now - BAD_ANSWERS_LAST)
    }
    kept = checks.find_link_answers(session, urls, since=now - ANSWERS_LAST)
    answers = [LinkAnswer(**answer | {"hops": tuple(answer["hops"])}) for answer in kept]
    good = [each for each in answers if each.url in lately or not (each.error or (each.status or 0) >= _BAD)]
    return {answer.url: answer for answer in good}
