"""From the database to a digest and back: what a draft holds, and how it is rendered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from newsletter.content import Card, Digest, Note, Publication, RenderedIssue, Rise, Section
from newsletter.render.environment import make_environment
from newsletter.store import issues, publications
from newsletter.store.articles import load_articles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.compose.stories import PossibleDuplicate
    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.models import Issue


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


def load_rendered(session: Session, settings: Settings, issue: Issue) -> tuple[RenderedIssue, Publication]:
    """The mail of an issue: as frozen, or rendered now while it is a draft.

    Returns:
        The mail, and the publication as its headers are made of it.

    Raises:
        RenderError: A template is at fault.

    """
    variant = issues.find_variant(session, issue.id)
    if variant is not None:
        rendered = RenderedIssue(
            subject=variant.subject,
            preheader=variant.preheader,
            html=variant.html,
            text=variant.text,
            archive_html=variant.archive_html,
            mime=variant.mime,
            content_hash=variant.content_hash,
        )
        return rendered, Publication(**variant.headers)
    publication = publications.load_publication(session, settings.base_url, issue.publication_id)
    folders = [settings.templates_dir] if settings.templates_dir.is_dir() else []
    digest = load_digest(session, issue, publication)
    # A send takes what was frozen: it must not pay for premailer.
    from newsletter.render.issue import render_issue

    return render_issue(digest, publication, make_environment(folders)), publication


def freeze(session: Session, issue: Issue, rendered: RenderedIssue, publication: Publication) -> None:
    """Keep the mail of an issue as it is now, so that no later change alters it."""
    issues.freeze_variant(session, issue.id, rendered, asdict(publication))
    issue.content_hash = rendered.content_hash
