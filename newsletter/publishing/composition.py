"""From the database to a digest and back: what a draft holds, and how it is rendered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from newsletter.content import Card, Digest, Publication, RenderedIssue, Section
from newsletter.publishing.sandbox import render_apart
from newsletter.render.environment import make_environment
from newsletter.render.themes import load_theme
from newsletter.store import issues, publications
from newsletter.store.articles import load_articles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.models import Issue


def to_content(digest: Digest) -> dict[str, Any]:
    """The order of a digest by article ids, as an issue's row keeps it."""
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
                    }
                    for card in section.cards
                ],
            }
            for section in digest.sections
        ],
        "trends": [article.id for article in digest.trends],
    }


def load_digest(session: Session, issue: Issue, publication: Publication) -> Digest:
    """The digest of an issue with its articles as they are now."""
    cards = [card for section in issue.content["sections"] for card in section["cards"]]
    ids = [number for card in cards for number in (card["article"], *card["also"], *card["similar"])]
    loaded = load_articles(session, [*ids, *issue.content["trends"]], publication.url)
    articles = {article.id: article for article in loaded}
    return Digest(
        number=issue.number or 0,
        subject=issue.subject,
        preheader=issue.preheader,
        date=date_of(issue, publication),
        sections=tuple(_to_section(section, articles) for section in issue.content["sections"]),
        trends=tuple(articles[number] for number in issue.content["trends"] if number in articles),
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
                also=tuple(articles[number] for number in card["also"] if number in articles),
                similar=tuple(articles[number] for number in card["similar"] if number in articles),
                reason=card["reason"],
            )
            for card in section["cards"]
            if card["article"] in articles
        ),
    )


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
    folders = (settings.templates_dir,) if settings.templates_dir.is_dir() else ()
    digest = load_digest(session, issue, publication)
    return render_digest(digest, publication, folders), publication


def render_digest(digest: Digest, publication: Publication, folders: Sequence[Path]) -> RenderedIssue:
    """Render in this process, or in a sandbox if the theme was edited in a browser.

    Raises:
        RenderError: A template is at fault, or took more than it may.

    """
    environment = make_environment(folders)
    if load_theme(environment, publication.theme).edited:
        return render_apart(digest, publication, folders)
    # A send takes what was frozen: it must not pay for premailer.
    from newsletter.render.issue import render_issue

    return render_issue(digest, publication, environment)


def freeze(session: Session, issue: Issue, rendered: RenderedIssue, publication: Publication) -> None:
    """Keep the mail of an issue as it is now, so that no later change alters it."""
    issues.freeze_variant(session, issue.id, rendered, asdict(publication))
    issue.content_hash = rendered.content_hash
