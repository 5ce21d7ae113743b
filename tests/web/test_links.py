"""The links of a mail on a real server: one click, scanners, forgeries."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.render import links
from newsletter.store import models
from newsletter.subscribing.signup import SignUp, sign_up
from newsletter.subscribing.standing import PREFERENCES, UNSUBSCRIBE, make_token
from tests.support.store_builders import (
    NOW,
    dump,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)
from tests.support.web_browser import Site

FORM = b"List-Unsubscribe=One-Click"
MULTIPART = (
    b'--b0und\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b0und--\r\n'
)
KINDS = {
    "form": (b"application/x-www-form-urlencoded", FORM),
    "multipart": (b"multipart/form-data; boundary=b0und", MULTIPART),
}


@pytest.fixture(autouse=True)
def _people(site: Site) -> None:
    with site.database.write() as session:
        publication = make_publication_row(session)
        ada = make_subscriber_row(session, "ada@example.org")
        make_subscription_row(session, publication, ada)
        for state in ("queued", "claimed", "deferred", "sent"):
            make_delivery_row(session, make_issue_row(session, publication), ada, state)


@pytest.fixture
def token(settings: Settings) -> str:
    return make_token(settings, UNSUBSCRIBE, 1)


def read_states(site: Site) -> list[str]:
    with site.database.read() as session:
        return list(session.scalars(select(models.Delivery.state).order_by(models.Delivery.id)))


def read_status(site: Site) -> str:
    with site.database.read() as session:
        return session.get_one(models.Subscription, 1).status


def post(path: str, kind: str, *, chunked: bool = False) -> bytes:
    """Write a POST as mail providers do: no cookie, no origin, no user agent."""
    content_type, body = KINDS[kind]
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\n" % (
        path.encode(),
        content_type,
    )
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    parts = [body[:7], body[7:]]
    return (
        head
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
    )


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("slash", ["", "/"])
def test_one_click_unsubscribes_in_one_request(
    site: Site, token: str, kind: str, slash: str, *, chunked: bool
) -> None:
    for _ in range(2):
        answer = site.raw(post(f"/unsubscribe/{token}{slash}", kind, chunked=chunked))

        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"set-cookie" not in head.lower()
        assert b"location" not in head.lower()
        assert body == b"You are unsubscribed.\n"
    assert read_status(site) == "unsubscribed"
    assert read_states(site) == ["skipped", "skipped", "skipped", "sent"]
    with site.database.read() as session:
        assert list(session.scalars(select(models.Consent.via))) == ["one-click"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_forged_one_click_changes_nothing(site: Site, settings: Settings, token: str, kind: str) -> None:
    before = dump(site.database)
    forged = [token[:-2] + "AA", token + "A", "x", make_token(settings, PREFERENCES, 1)]
    forged.append(links.sign(UNSUBSCRIBE, 1, [b"z" * 32]))
    for each in forged:
        assert site.raw(post(f"/unsubscribe/{each}", kind)).startswith(b"HTTP/1.1 404 ")
    assert dump(site.database) == before


def test_one_click_comes_from_anywhere(site: Site, token: str) -> None:
    headers = {"Origin": "https://mail.example.net", "Sec-Fetch-Site": "cross-site"}
    answer = site.open().post(f"/unsubscribe/{token}", headers, **{"List-Unsubscribe": "One-Click"})

    assert answer.status == 200
    assert read_status(site) == "unsubscribed"


def test_a_database_that_cannot_be_written_is_no_success(site: Site, token: str) -> None:
    with site.database.write() as session:
        session.connection().exec_driver_sql("DROP TABLE consents")

    answer = site.raw(post(f"/unsubscribe/{token}", "form"))

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After" in answer or b"retry-after" in answer
    assert read_status(site) == "active"


def test_looking_changes_nothing(site: Site, settings: Settings, token: str) -> None:
    sign_up(site.database, settings, SignUp(email="new@example.org"), now=NOW)
    with site.database.read() as session:
        notice = session.scalars(select(models.Notice.data)).one()
    confirm = notice.replace(b"=\r\n", b"").partition(b"/confirm/")[2].split()[0].decode()
    paths = [
        f"/confirm/{confirm}",
        f"/unsubscribe/{token}",
        f"/unsubscribe/{token}?action=undo&List-Unsubscribe=One-Click",
        f"/preferences/{make_token(settings, PREFERENCES, 1)}?action=unsubscribe",
    ]
    before = dump(site.database)
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS", "GET"):
            answer = site.open().request(method, path)
            assert answer.status == (405 if method == "OPTIONS" else 200), (method, path)
            assert (method == "HEAD") == (answer.body == "")
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert "Set-Cookie" not in answer.headers
            assert "http://" not in answer.body.replace("http://www.w3.org", "")
            assert "https://" not in answer.body
    assert dump(site.database) == before

    assert site.open().post(f"/confirm/{confirm}").status == 200
    with site.database.read() as session:
        assert (
            session.scalar(select(models.Subscription.status).where(models.Subscription.id == 2)) == "active"
        )


def test_a_person_leaves_and_comes_back(site: Site, token: str) -> None:
    browser = site.open()
    page = browser.get(f"/unsubscribe/{token}")
    assert "a•••@example.org" in page.body
    assert "ada@example.org" not in page.body

    assert "You are unsubscribed" in browser.post(f"/unsubscribe/{token}").body
    assert "Undo" in browser.get(f"/unsubscribe/{token}").body
    assert "You are subscribed again" in browser.post(f"/unsubscribe/{token}", action="undo").body
    assert read_status(site) == "active"


def test_preferences_are_changed_by_their_page(site: Site, settings: Settings) -> None:
    path = f"/preferences/{make_token(settings, PREFERENCES, 1)}"
    browser = site.open()

    assert browser.get(path).body.index('value="unsubscribe"') < browser.get(path).body.index('value="save"')
    assert "Saved" in browser.post(path, action="save", name="Ada <b>").body
    assert "Ada &lt;b&gt;" in browser.get(path).body
    assert "Paused" in browser.post(path, action="pause").body
    assert "Welcome back" in browser.post(path, action="resume").body
    assert "You are unsubscribed." in browser.post(path, action="unsubscribe").body
    assert read_status(site) == "unsubscribed"


def test_another_site_cannot_press_the_buttons(site: Site, settings: Settings) -> None:
    path = f"/preferences/{make_token(settings, PREFERENCES, 1)}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert site.open().post(path, headers, action="unsubscribe").status == 403
    assert read_status(site) == "active"
    # What browsers send from a page with no-referrer, and from the site itself.
    for headers in (
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8000"},
    ):
        assert site.open().post(path, headers, action="pause").status == 200


def test_the_pages_behind_links_speak_the_language_of_their_publication(
    site: Site, settings: Settings
) -> None:
    with site.database.write() as session:
        publication = session.get_one(models.Publication, 1)
        publication.language, publication.name = "ru", "Краны & <b>Co</b>"
    leave, prefer = (f"/{kind}/{make_token(settings, kind, 1)}" for kind in (UNSUBSCRIBE, PREFERENCES))

    assert (
        'Больше не присылать «<span lang="ru" dir="auto">Краны &amp; &lt;b&gt;Co'
        in site.open().get(leave).body
    )
    for action, words in {
        "save": "Сохранено.",
        "pause": "Пауза: 4 недели ничего не придёт",
        "resume": "С возвращением",
        "unsubscribe": "Вы отписаны.",
    }.items():
        assert words in site.open().post(prefer, action=action).body
