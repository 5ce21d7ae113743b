"""Routes that everyone sees: a publication's page, its archive, its feed and its articles."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from newsletter.content import Publication
from newsletter.errors import AddressError
from newsletter.publishing import archive, publications
from newsletter.publishing.pictures import get_copy
from newsletter.subscribing.signup import SignUp, is_hasty, sign_up, stamp_form
from newsletter.web.pages import Door, Number, TheDoor

root = APIRouter()
router = APIRouter()
"""Served twice: as they stand for the only publication, and under `/p/{slug}` for each of several."""


def _find_publication(request: Request, door: Door) -> Publication:
    """Return the publication that a path names, or the only one."""
    slug = request.path_params.get("slug")
    return publications.get_publication(door.database, door.settings, slug)


@root.api_route("/", methods=["GET", "HEAD"])
@root.api_route("/p/{slug}", methods=["GET", "HEAD"])
def show_publication(request: Request, door: TheDoor) -> Response:
    """Show a publication with its sign-up; the root lists them where there are several."""
    if "slug" not in request.path_params:
        everything = publications.list_publications(door.database, door.settings)
        if len(everything) != 1:
            return door.page("publications", publications=everything)
    return _show_page(door, _find_publication(request, door))


@router.post("/subscribe")
def subscribe(
    request: Request,
    door: TheDoor,
    email: Annotated[str, Form()] = "",
    publication: Annotated[str | None, Form()] = None,
    categories: Annotated[list[str] | None, Form()] = None,
    cadence: Annotated[str | None, Form()] = None,
    website: Annotated[str, Form()] = "",
    stamp: Annotated[str | None, Form()] = None,
) -> Response:
    """Take a request for a subscription; the answer never tells whether the address is known."""
    now = door.clock()
    slug = publication or request.path_params.get("slug")
    found = publications.get_publication(door.database, door.settings, slug)
    # People leave `website` empty because they do not see it; programs fill in what they find.
    if not website and not is_hasty(door.settings, stamp, now=now):
        asked = SignUp(
            email=email,
            slug=found.slug,
            categories=tuple(categories) if categories else None,
            cadence=cadence,
            ip=request.client.host if request.client else None,
        )
        try:
            sign_up(door.database, door.settings, asked, now=now)
        except AddressError as error:
            return _show_page(door, found, email=email, problem=str(error))
    return door.page(
        "subscribed", language=found.language, publication=found, headers={"Cache-Control": "no-store"}
    )


@router.api_route("/archive", methods=["GET", "HEAD"])
def show_archive(request: Request, door: TheDoor) -> Response:
    """List the issues that have gone out."""
    publication = _find_publication(request, door)
    issues = archive.list_archive(door.database, door.settings, publication.slug)
    return door.page("archive", language=publication.language, publication=publication, issues=issues)


@router.api_route("/archive/feed.xml", methods=["GET", "HEAD"])
def show_feed(request: Request, door: TheDoor) -> Response:
    """Give the issues as an Atom feed (RFC 4287)."""
    publication = _find_publication(request, door)
    issues = archive.list_archive(door.database, door.settings, publication.slug)
    text = door.templates.get_template("web/feed.xml").render(publication=publication, issues=issues[:50])
    return Response(text, media_type="application/atom+xml")


@router.api_route("/archive/articles/{article_id}", methods=["GET", "HEAD"])
def show_article(request: Request, door: TheDoor, article_id: Number) -> Response:
    """Show an article that has no page elsewhere."""
    publication = _find_publication(request, door)
    article = archive.get_article_page(door.database, door.settings, publication.slug, article_id)
    return door.page("article", language=publication.language, publication=publication, article=article)


@router.api_route("/archive/images/{name}", methods=["GET", "HEAD"])
def show_image(door: TheDoor, name: str) -> Response:
    """Give the copy of an article's picture; its name is made of its bytes, so that it never changes."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(get_copy(door.settings, name), headers=headers)


@router.api_route("/archive/{number}", methods=["GET", "HEAD"])
def show_issue(request: Request, door: TheDoor, number: Number) -> Response:
    """Give an issue as it was frozen, in a sandbox: it is written by others (X4)."""
    publication = _find_publication(request, door)
    html = archive.get_archived_html(door.database, publication.slug, number)
    return HTMLResponse(html, headers={"Content-Security-Policy": door.sandbox("'self'")})


def _show_page(door: Door, publication: Publication, *, email: str = "", problem: str = "") -> Response:
    issues = archive.list_archive(door.database, door.settings, publication.slug)
    return door.page(
        "publication",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        headers={"Cache-Control": "no-store"},
        language=publication.language,
        publication=publication,
        issues=issues[:5],
        stamp=stamp_form(door.settings, now=door.clock()),
        email=email,
        problem=problem,
    )
