"""Commands: article list, show, pin, drop, same, different."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import note, say, show_fields, show_table, to_plain, write_json
from newsletter.cli.shell import Json, Slug, name_actor, open_shell

if TYPE_CHECKING:
    from newsletter.publishing.choices import Choice

ArticleId = Annotated[int, typer.Argument(metavar="ID", help="As `article list` shows it.")]
Undo = Annotated[bool, typer.Option("--undo", help="Leave it to its score again.")]
app = typer.Typer(no_args_is_help=True, help="What was collected.")


@app.command("list", epilog="Example: newsletter article list --since 2026-11-16 --json")
def list_(
    context: typer.Context,
    publication: Slug = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only those after it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
    json: Json = False,
) -> None:
    """List the collected articles, newest first."""
    from newsletter.publishing.articles import list_articles
    from newsletter.publishing.contents import list_possible

    shell = open_shell(context)
    after = shell.read_when(since, publication) if since else None
    found = list_articles(shell.database, shell.settings, publication, since=after, limit=limit)
    possible = list_possible(shell.database, shell.settings, publication, now=shell.read_now(None))
    if json:
        write_json([{**to_plain(each), "possible_duplicates": possible.get(each.id, [])} for each in found])
        return
    rows = [
        (each.id, each.published_at, each.category, each.title, each.source, possible.get(each.id))
        for each in found
    ]
    headings = ("id", "published", "category", "title", "source", "possibly the same as")
    show_table(headings, rows, empty="nothing was collected yet: `newsletter collect`")


@app.command(epilog="Example: newsletter article show 12")
def show(
    context: typer.Context, article_id: Annotated[int, typer.Argument(metavar="ID")], json: Json = False
) -> None:
    """Show an article with its similar articles and trends."""
    from newsletter.publishing.articles import get_article

    shell = open_shell(context)
    found = get_article(shell.database, shell.settings, article_id)
    if json:
        write_json(found)
        return
    show_fields(found, without=["html", "text", "similar", "trends", "source_id", "page_url"])
    for heading, others in (("similar", found.similar), ("trends", found.trends)):
        for each in others:
            say(f"{heading}: {each.title}")
    if found.text:
        say(f"\n{found.text}")


@app.command(epilog="Example: newsletter article pin 12")
def pin(context: typer.Context, article_id: ArticleId, *, undo: Undo = False) -> None:
    """Put an article first in the next issue, whatever its date and score."""
    _choose(context, article_id, None if undo else "pinned")


@app.command(epilog="Example: newsletter article drop 12")
def drop(context: typer.Context, article_id: ArticleId, *, undo: Undo = False) -> None:
    """Leave an article out of every issue to come."""
    _choose(context, article_id, None if undo else "dropped")


@app.command(epilog="Example: newsletter article same 12 15")
def same(
    context: typer.Context,
    article_id: ArticleId,
    other_id: Annotated[int, typer.Argument(metavar="OTHER", help="The other article.")],
) -> None:
    """Say that two articles tell the same event: they become one card."""
    _decide(context, (article_id, other_id), is_same=True)


@app.command(epilog="Example: newsletter article different 12 15")
def different(
    context: typer.Context,
    article_id: ArticleId,
    other_id: Annotated[int, typer.Argument(metavar="OTHER", help="The other article.")],
) -> None:
    """Say that two articles tell two events, however alike they are."""
    _decide(context, (article_id, other_id), is_same=False)


def _choose(context: typer.Context, article_id: int, choice: Choice | None) -> None:
    from newsletter.publishing.choices import choose_article

    shell = open_shell(context)
    choose_article(shell.database, article_id, choice, actor=name_actor(), now=shell.read_now(None))
    _point_at_draft()


def _decide(context: typer.Context, pair: tuple[int, int], *, is_same: bool) -> None:
    from newsletter.publishing.choices import decide_duplicate

    shell = open_shell(context)
    decide_duplicate(shell.database, pair, is_same=is_same, actor=name_actor(), now=shell.read_now(None))
    _point_at_draft()


def _point_at_draft() -> None:
    note("next: newsletter issue draft draws a waiting draft up again")
