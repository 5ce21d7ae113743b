"""From the database to a digest and back: what a draft holds, and how it is rendered."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from newsletter.compose.digest import select_categories
from newsletter.content import Card, Digest, Note, Publication, RenderedIssue, Rise, Section
from newsletter.errors import StateError
from newsletter.publishing.rules import load_rules
from newsletter.publishing.sandbox import render_apart
from newsletter.render.environment import make_environment
from newsletter.render.themes import load_theme
from newsletter.store import deliveries, issues, publications
from newsletter.store.articles import load_articles
from newsletter.store.deliveries import Audience, name_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.compose.stories import PossibleDuplicate
    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue, IssueVariant


def to_content(digest: Digest, possible: Sequence[PossibleDuplicate] = ()) -> dict[str, Any]:
    """The order of a digest by article ids, as an issue's row keeps it, and what an editor should look at."""
    return {
        "sections": [
            {
                "category": section.category,
                "status": section.status,
                "changed": section.status_changed,
                "cards": [
                    {
                        "article": card.article.id,
                        "also": [article.id for article in card.also],
                        "similar": [article.id for article in card.similar],
                        "reason": card.reason,
                        "score": dict(card.score),
                    }
                    for card in section.cards
                ],
            }
            for section in digest.sections
        ],
        "notes": [asdict(note) for note in digest.notes],
        "trends": [article.id for article in digest.trends],
        "rises": [
            {
                "term": rise.term,
                "articles": [article.id for article in rise.articles],
                "sources": rise.sources,
                "days": rise.days,
                "before": rise.before,
            }
            for rise in digest.rises
        ],
        "possible": [[each.one, each.other, each.likeness] for each in possible],
    }


def load_digest(session: Session, issue: Issue, publication: Publication) -> Digest:
    """The digest of an issue with its articles as they are now."""
    cards = [card for section in issue.content["sections"] for card in section["cards"]]
    ids = [number for card in cards for number in (card["article"], *card["also"], *card["similar"])]
    rises = issue.content.get("rises", [])
    ids += [*issue.content["trends"], *(number for rise in rises for number in rise["articles"])]
    articles = {article.id: article for article in load_articles(session, ids, publication.url)}
    return Digest(
        number=issue.number or 0,
        subject=issue.subject,
        preheader=issue.preheader,
        date=date_of(issue, publication),
        sections=tuple(_to_section(section, articles) for section in issue.content["sections"]),
        notes=tuple(Note(**note) for note in issue.content.get("notes", [])),
        trends=_pick(articles, issue.content["trends"]),
        rises=tuple(Rise(**rise | {"articles": _pick(articles, rise["articles"])}) for rise in rises),
    )


def date_of(issue: Issue, publication: Publication) -> datetime:
    """When an issue is to go out, in the publication's zone."""
    moment = issue.scheduled_at or issue.due_at or issue.drafted_at
    return moment.astimezone(ZoneInfo(publication.timezone))


def _to_section(section: dict[str, Any], articles: dict[int, Article]) -> Section:
    return Section(
        category=section["category"],
        status=section["status"],
        status_changed=section["changed"],
        cards=tuple(
            Card(
                article=articles[card["article"]],
                also=_pick(articles, card["also"]),
                similar=_pick(articles, card["similar"]),
                reason=card["reason"],
                score=tuple(card.get("score", {}).items()),
            )
            for card in section["cards"]
            if card["article"] in articles
        ),
    )


def _pick(articles: Mapping[int, Article], ids: Sequence[int]) -> tuple[Article, ...]:
    return tuple(articles[number] for number in ids if number in articles)


def load_rendered(
    session: Session, settings: Settings, issue: Issue, categories: Sequence[str] | None = None
) -> tuple[RenderedIssue, Publication]:
    """The mail of an issue: as frozen, or rendered now while it is a draft.

    Args:
        session: An open transaction.
        settings: Where templates and the public address are.
        issue: Whose mail.
        categories: What a subscriber chose; None for the whole issue.

    Returns:
        The mail, and the publication as its headers are made of it.

    Raises:
        RenderError: A template is at fault.
        StateError: It holds nothing of those categories.

    """
    key = choose_variant(issue, categories)
    variant = issues.find_variant(session, issue.id, key)
    if variant is not None:
        return to_rendered(variant), Publication(**variant.headers)
    publication = publications.load_publication(session, settings.base_url, issue.publication_id)
    digest: Digest | None = load_digest(session, issue, publication)
    if digest is not None and categories and may_choose(session, issue):
        digest = select_categories(digest, categories)
    if digest is None or key == issues.EMPTY:
        message = f"issue {issue.id} holds nothing in {', '.join(categories or ())}: such readers are skipped"
        raise StateError(message)
    return make_renderer(settings, publication)(digest), publication


def choose_variant(issue: Issue, categories: Sequence[str] | None) -> str:
    """The key of what a subscriber of those categories gets of an approved issue."""
    known: dict[str, str] = issue.content.get("variants", {})
    return known.get(name_choice(categories), issues.WHOLE) if categories else issues.WHOLE


def may_choose(session: Session, issue: Issue) -> bool:
    """Whether its subscribers may choose categories."""
    return load_rules(publications.get_row(session, issue.publication_id)).choose_categories


def find_audience(session: Session, issue: Issue) -> Audience:
    """Who gets an approved issue, and which of its variants."""
    rules = load_rules(publications.get_row(session, issue.publication_id))
    return Audience(rules.cadence, rules.cadences, issue.content.get("variants", {}))


def to_rendered(variant: IssueVariant) -> RenderedIssue:
    """What was frozen, as the value that it was."""
    return RenderedIssue(
        subject=variant.subject,
        preheader=variant.preheader,
        html=variant.html,
        text=variant.text,
        archive_html=variant.archive_html,
        mime=variant.mime,
        content_hash=variant.content_hash,
    )


def make_renderer(settings: Settings, publication: Publication) -> Callable[[Digest], RenderedIssue]:
    """What renders the digests of a publication; in a sandbox if its theme was edited in a browser."""
    folders = [settings.templates_dir] if settings.templates_dir.is_dir() else []
    environment = make_environment(folders)
    if load_theme(environment, publication.theme).edited:
        return lambda digest: render_apart(digest, publication, folders)
    # A send takes what was frozen: it must not pay for premailer.
    from newsletter.render.issue import render_issue

    return lambda digest: render_issue(digest, publication, environment)


@dataclass(frozen=True, slots=True)
class Variants:
    """The selections of an issue for readers who chose categories, rendered before it is approved."""

    content_hash: str | None = None
    """Of the whole issue that they were selected from; None where nobody chose."""
    rendered: Mapping[str, RenderedIssue] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """The variant of each choice, as `name_choice` names it."""


def prepare_variants(database: Database, settings: Settings, issue_id: int) -> Variants:
    """Render each distinct selection of a draft once; no other process waits meanwhile.

    Raises:
        RenderError: A template is at fault.

    """
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        if issue.state != "draft" or not issue.content or not may_choose(session, issue):
            return Variants()
        publication = publications.load_publication(session, settings.base_url, issue.publication_id)
        chosen = deliveries.list_all_choices(session, issue.publication_id).values()
        digest = load_digest(session, issue, publication) if chosen else None
    if digest is None:
        return Variants()
    render = make_renderer(settings, publication)
    rendered: dict[str, RenderedIssue] = {}
    keys: dict[str, str] = {}
    for categories in chosen:
        selection = select_categories(digest, categories)
        key = name_selection(selection, digest)
        keys[name_choice(categories)] = key
        if selection is not None and key != issues.WHOLE and key not in rendered:
            rendered[key] = render(selection)
    return Variants(render(digest).content_hash, rendered, keys)


def name_selection(selection: Digest | None, whole: Digest) -> str:
    """Equal selections have one name, whatever was chosen to get them."""
    if selection is None:
        return issues.EMPTY
    if selection is whole:
        return issues.WHOLE
    told = ",".join(str(card.article.id) for card in selection.cards)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def freeze(
    session: Session, issue: Issue, whole: RenderedIssue, publication: Publication, variants: Variants
) -> None:
    """Keep the mail of an issue as it is now, so that no later change alters it."""
    rendered = {issues.WHOLE: whole, **variants.rendered}
    issues.freeze_variants(session, issue.id, rendered, asdict(publication))
    issue.content_hash = whole.content_hash
    issue.content = {**issue.content, "variants": dict(variants.keys)}
