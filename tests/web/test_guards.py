"""What stands before every route: forgeries, foreign hosts, sizes, headers, secrets in logs."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs

from newsletter.config import Settings
from newsletter.store.engine import Database
from newsletter.subscribing.standing import UNSUBSCRIBE, make_token
from newsletter.web.app import create_app
from tests.support.store_builders import (
    dump,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)
from tests.support.web_browser import Site

# What needs no mark of a session: the token in the path is the proof, or nothing is at stake but a mail.
OPEN_FORMS = {
    "/subscribe",
    "/p/{slug}/subscribe",
    "/preferences",
    "/preferences/{token}",
    "/confirm/{token}",
    "/unsubscribe/{token}",
}
CLOSED_FORMS = {
    "/editor/login",
    "/editor/logout",
    "/editor/password",
    "/editor/issues/{issue_id}/approve",
    "/editor/issues/{issue_id}/stop",
    "/editor/issues/{issue_id}/schedule",
    "/editor/issues/{issue_id}/examine",
    *(f"/editor/issues/{{issue_id}}/contents/{form}" for form in ("article", "duplicate", "note", "status")),
    "/editor/issues/{issue_id}/{action}",
}


def list_unsafe(database: Database, settings: Settings) -> set[str]:
    paths = create_app(settings, database).openapi()["paths"]
    return {path for path, methods in paths.items() if set(methods) - {"get", "head", "options"}}


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
def test_every_unsafe_route_is_known(database: Database, settings: Settings) -> None:
    assert list_unsafe(database, settings) == OPEN_FORMS | CLOSED_FORMS


def fill(path: str) -> str:
    return path.replace("{issue_id}", "1").replace("{action}", "pause").replace("{slug}", "harbour")


@pytest.mark.parametrize("path", sorted(CLOSED_FORMS))
def test_no_form_is_taken_without_its_mark(site: Site, cast: dict[str, str], path: str) -> None:
    browser = site.open()
    browser.sign_in("bo@example.org", cast["bo@example.org"])
    other = site.open()
    other.sign_in("ada@example.org", cast["ada@example.org"])
    foreign = other.get("/editor").csrf
    before = dump(site.database)

    for mark in ("", "x" * 32, foreign):
        assert browser.post(fill(path), csrf=mark, old=cast["bo@example.org"], new="x" * 20).status == 403
    assert site.open().post(fill(path), csrf=foreign).status == 403
    assert dump(site.database) == before


@pytest.mark.parametrize("path", sorted((OPEN_FORMS | CLOSED_FORMS) - {"/unsubscribe/{token}"}))
def test_no_form_of_another_site_is_taken(site: Site, cast: dict[str, str], path: str) -> None:
    browser = site.open()
    browser.sign_in("bo@example.org", cast["bo@example.org"])
    mark = browser.get("/editor").csrf
    before = dump(site.database)

    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-site"},
    ):
        answer = browser.post(fill(path).replace("{token}", "x"), headers, csrf=mark, email="a@example.org")
        assert answer.status == 403
    assert dump(site.database) == before


def test_null_is_no_origin_of_the_editor(site: Site, cast: dict[str, str]) -> None:
    browser = site.open()
    browser.sign_in("bo@example.org", cast["bo@example.org"])

    answer = browser.post("/editor/logout", {"Origin": "null"}, csrf=browser.get("/editor").csrf)

    assert answer.status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "a b", ""]
)
def test_another_name_is_refused(site: Site, host: str) -> None:
    answer = site.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "path", ["/", "/archive", "/editor/login", "/nope", "/confirm/x", "/assets/style.css"]
)
def test_every_answer_has_the_headers(site: Site, path: str) -> None:
    with site.database.write() as session:
        make_publication_row(session)

    headers = site.open().get(path).headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "Server" not in headers


def test_a_form_is_small(site: Site) -> None:
    assert site.open().post("/subscribe", email="a" * 70000).status == 413
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    head = b"POST /subscribe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    assert site.raw(head + chunk * 3 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_many_fields_are_refused(site: Site) -> None:
    with site.database.write() as session:
        make_publication_row(session)

    assert site.open().post("/subscribe", None, **{f"f{n}": "" for n in range(3000)}).status == 400


def test_logs_hold_no_token(site: Site, settings: Settings) -> None:
    with site.database.write() as session:
        publication = make_publication_row(session)
        make_subscription_row(session, publication, make_subscriber_row(session))
    token = make_token(settings, UNSUBSCRIBE, 1)
    with capture_logs() as lines:
        site.open().get(f"/unsubscribe/{token}")
        site.open().post(f"/unsubscribe/{token}", None, **{"List-Unsubscribe": "One-Click"})
        site.open().get(f"/preferences/{token}/x")

    assert len(lines) == 3
    assert token not in str(lines)
    assert re.search(r"/unsubscribe/\*\*\*", str(lines))


def test_a_crash_is_a_page_and_a_line_in_the_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("newsletter.publishing.publications.list_publications", fail)
    with capture_logs() as lines:
        answer = site.open().get("/")

    assert answer.status == 500
    assert "Something went wrong" in answer.body
    assert "secret" not in answer.body
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [line["event"] for line in lines] == ["request_failed", "request"]


def test_a_database_that_fails_is_503_and_says_no_names(site: Site) -> None:
    with site.database.write() as session:
        session.connection().exec_driver_sql("DROP TABLE publications")
    browser = site.open()

    answer = browser.get("/")

    assert answer.status == 503
    assert "test.db" not in answer.body
    assert browser.get("/healthz").status == 200
    assert browser.get("/readyz").status == 503
    assert (
        browser.get("/api/v1/none").body == '{"error":"' + browser.get("/api/v1/x").body.split('"')[3] + '"}'
    )
