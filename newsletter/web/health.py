"""Routes for whoever watches over the process, and the style sheet."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from newsletter.errors import DatabaseError
from newsletter.operating.readiness import check_database
from newsletter.web.pages import TheDoor

router = APIRouter()


@router.api_route("/healthz", methods=["GET", "HEAD"])
def show_health() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.api_route("/readyz", methods=["GET", "HEAD"])
def show_readiness(door: TheDoor) -> Response:
    """Say whether the database answers and its schema fits."""
    try:
        check_database(door.database)
    except DatabaseError:
        return JSONResponse({"status": "the database cannot be used"}, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"status": "ok"})


@router.api_route("/assets/style.css", methods=["GET", "HEAD"])
def show_style(door: TheDoor) -> Response:
    """Give the style sheet of all pages."""
    text = door.templates.get_template("web/style.css").render()
    return Response(text, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
