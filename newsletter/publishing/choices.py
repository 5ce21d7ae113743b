"""Use cases: what editors choose and write for the issues to come; a draft is drawn up again to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from newsletter.errors import ConfigError, StateError
from newsletter.store import articles, categories, choices, publications
from newsletter.store.audit import record_action
from newsletter.store.editing import TrendNote

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.store.engine import Database
    from newsletter.store.models import Category

Choice = Literal["pinned", "dropped"]
LONGEST_TITLE = 200
LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A category as screens and JSON show it."""

    name: str
    status: str | None
    status_changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewNote:
    """A trend note as an editor writes it."""

    title: str
    text: str = ""
    url: str | None = None
    """Where its title leads."""


@dataclass(frozen=True, slots=True)
class NoteView:
    """A trend note as screens and JSON show it."""

    id: int
    title: str
    text: str
    url: str | None
    created_at: datetime
    created_by: str


def choose_article(
    database: Database, article_id: int, choice: Choice | None, *, actor: str, now: datetime
) -> None:
    """Pin an article for the next issue, leave it out of all, or leave it to its score again.

    Raises:
        NotFoundError: There is none of that number.

    """
    with database.write() as session:
        row = articles.get_article(session, article_id)
        row.choice = choice
        action = f"article_{choice or 'released'}"
        record_action(session, action, f"article {article_id}", actor=actor, now=now)


def decide_duplicate(
    database: Database, pair: tuple[int, int], *, is_same: bool, actor: str, now: datetime
) -> None:
    """Say whether two articles tell the same event; that goes before any likeness.

    Raises:
        NotFoundError: There is none of one of the numbers.
        StateError: They are one article, or of two publications.

    """
    with database.write() as session:
        one, other = (articles.get_article(session, number) for number in pair)
        if one.id == other.id or one.publication_id != other.publication_id:
            message = f"articles {pair[0]} and {pair[1]} must be two of one publication"
            raise StateError(message)
        choices.record_verdict(session, one.publication_id, pair, is_same=is_same, by=actor, now=now)
        action = "articles_same" if is_same else "articles_different"
        record_action(session, action, f"articles {pair[0]} {pair[1]}", actor=actor, now=now)


def list_categories(database: Database, slug: str | None) -> list[CategoryView]:
    """The categories of a publication, in its order."""
    with database.read() as session:
        row = publications.find_publication(session, slug)
        return [_view_category(each) for each in categories.list_categories(session, row.id)]


def set_category(
    database: Database, slug: str | None, name: str, *, status: str | None = None, now: datetime
) -> CategoryView:
    """Make a category, or give it a new standing line, which is marked as new in the next issue.

    Args:
        database: The handle.
        slug: Which publication.
        name: As it is spelt in headings; capitals make no difference to what it holds.
        status: The line; empty takes it away, None leaves it.
        now: When it changed.

    Raises:
        ConfigError: The name or the line is empty, too long, or no line.

    """
    name = _check_line("a category", name, LONGEST_TITLE)
    line = _check_line("a status", status, LONGEST_TEXT) if status else status
    with database.write() as session:
        row = publications.find_publication(session, slug)
        known = {each.name.casefold(): each.name for each in categories.list_categories(session, row.id)}
        made = categories.set_category(session, row.id, known.get(name.casefold(), name), line, now=now)
        return _view_category(made)


def add_note(database: Database, slug: str | None, new: NewNote, *, actor: str, now: datetime) -> NoteView:
    """Write a trend note for the next issue.

    Raises:
        ConfigError: The title is empty, something is too long, or the address is none.

    """
    title = _check_line("a trend", new.title, LONGEST_TITLE)
    text = _check_line("a trend's text", new.text, LONGEST_TEXT) if new.text.strip() else ""
    if new.url and urlsplit(new.url).scheme not in {"http", "https"}:
        message = f"{new.url!r} is no address of a page, as https://example.org/report"
        raise ConfigError(message)
    with database.write() as session:
        row = publications.find_publication(session, slug)
        note = TrendNote(publication_id=row.id, title=title, text=text, url=new.url or None)
        note.created_at, note.created_by = now, actor
        session.add(note)
        session.flush()
        return _view_note(note)


def list_notes(database: Database, slug: str | None) -> list[NoteView]:
    """Every trend note of a publication, oldest first."""
    with database.read() as session:
        row = publications.find_publication(session, slug)
        return [_view_note(note) for note in choices.list_notes(session, row.id)]


def remove_note(database: Database, note_id: int) -> None:
    """Take a trend note away; an issue that is approved keeps it.

    Raises:
        NotFoundError: There is none of that number.

    """
    with database.write() as session:
        session.delete(choices.get_note(session, note_id))


def _check_line(what: str, said: str, longest: int) -> str:
    line = " ".join(said.split())
    if not line or not line.isprintable() or len(line) > longest:
        message = f"{what} must be one line of at most {longest} characters that is not empty"
        raise ConfigError(message)
    return line


def _view_category(row: Category) -> CategoryView:
    return CategoryView(row.name, row.status, row.status_changed_at)


def _view_note(row: TrendNote) -> NoteView:
    return NoteView(row.id, row.title, row.text, row.url, row.created_at, row.created_by)
