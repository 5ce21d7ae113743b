"""The editor: who may come in, what they see, and what each of them may do."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_string, policy
from html import unescape

import pytest
from sqlalchemy import select

from newsletter.operating.users import (
    add_user,
    change_password,
    disable_user,
    find_session,
    list_users,
    make_csrf,
    sign_in,
)
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.store import models
from newsletter.store.engine import Database
from tests.support.store_builders import (
    NOW,
    dump,
    make_article_row,
    make_delivery_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)
from tests.support.web_browser import Answer, Browser, Site

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def ada(site: Site, cast: dict[str, str]) -> Browser:
    browser = site.open()
    assert browser.sign_in("ada@example.org", cast["ada@example.org"]).status == 303
    return browser


@pytest.fixture
def bo(site: Site, cast: dict[str, str]) -> Browser:
    browser = site.open()
    assert browser.sign_in("bo@example.org", cast["bo@example.org"]).status == 303
    return browser


@pytest.fixture
def issue(site: Site) -> str:
    """Draft an issue of two articles; give the path of its page."""
    with site.database.write() as session:
        publication = make_publication_row(session)
        for title in (f"Cranes {HOSTILE} are back", "The ferry runs"):
            make_article_row(session, publication, title, url="https://press.example/1?" + title[:3])
        reader = make_subscriber_row(session, "reader@example.com", name="Reader")
        make_subscription_row(session, publication, reader)
    made = draft_issue(site.database, site.settings, DraftRequest(slug="harbour"), now=NOW)
    assert made.state == "draft"
    return f"/editor/issues/{made.id}"


def read_state(site: Site) -> str:
    with site.database.read() as session:
        return session.scalars(select(models.Issue.state)).one()


def read_seen(page: Answer) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page.body)
    return found[1] if found else ""


def test_nobody_comes_in(site: Site, issue: str) -> None:
    cy = site.open()
    for path in ("/editor", issue, f"{issue}/mail", f"{issue}/source.eml", "/editor/password"):
        answer = cy.get(path)
        assert (answer.status, answer.body) == (303, "")
        assert answer.location.startswith("/editor/login?next=/editor")
    assert cy.post(f"{issue}/approve").status == 403


@pytest.mark.usefixtures("cast")
def test_a_wrong_password_says_no_more_than_a_wrong_address(site: Site) -> None:
    answers = [site.open().sign_in(each, "wrong") for each in ("ada@example.org", "eve@example.org")]

    assert [answer.status for answer in answers] == [401, 401]
    pages = [re.sub(r'value="[^"]*"', "", answer.body) for answer in answers]
    assert pages[0] == pages[1]


def test_a_session_is_new_at_sign_in_and_ends_at_sign_out(site: Site, cast: dict[str, str]) -> None:
    browser = site.open()
    browser.get("/editor/login")
    before = dict(browser.cookies)
    browser.sign_in("ada@example.org", cast["ada@example.org"])
    cookie = browser.cookies["newsletter-session"]
    assert cookie not in before.values()
    assert cookie not in str(dump(site.database))

    assert browser.post("/editor/logout", csrf=browser.get("/editor").csrf).status == 303
    stolen = Browser(site.port, {"newsletter-session": cookie})
    assert stolen.get("/editor").status == 303


def test_the_cookie_is_out_of_reach(site: Site, cast: dict[str, str]) -> None:
    answer = site.open().sign_in("ada@example.org", cast["ada@example.org"])

    cookie = next(
        line for line in answer.headers.get_all("Set-Cookie") or [] if line.startswith("newsletter-session=")
    )
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "/editor//evil.example",
        "/editor/../x",
        "/editor\r\nX: y",
        "/x",
    ],
)
def test_signing_in_leads_nowhere_else(site: Site, cast: dict[str, str], wanted: str) -> None:
    assert site.open().sign_in("ada@example.org", cast["ada@example.org"], wanted).location == "/editor"


def test_signing_in_leads_back(site: Site, cast: dict[str, str]) -> None:
    wanted = "/editor/issues/1?as=a%40example.org&width=320"

    assert site.open().sign_in("ada@example.org", cast["ada@example.org"], wanted).location == wanted


def test_a_form_to_sign_in_is_good_only_where_it_was_shown(site: Site, cast: dict[str, str]) -> None:
    secret = cast["ada@example.org"]
    browser = site.open()
    foreign = browser.get("/editor/login").csrf
    other = site.open()
    other.get("/editor/login")

    for attempt, mark in (
        (other, foreign),
        (other, ""),
        (site.open(), foreign),
        (site.open(), make_csrf("")),
    ):
        form = {"email": "ada@example.org", "password": secret, "csrf": mark}
        assert attempt.post("/editor/login", None, **form).status == 403
    assert browser.get("/editor").status == 303


@pytest.mark.usefixtures("cast")
def test_guessing_locks_for_longer_and_longer(database: Database, cast: dict[str, str]) -> None:
    def attempt(password: str, seconds: float) -> bool:
        at = NOW + timedelta(seconds=seconds)
        return sign_in(database, "ada@example.org", password, ip="192.0.2.1", now=at) is not None

    assert not any(attempt("wrong", second) for second in range(5))
    assert not attempt(cast["ada@example.org"], 20)
    assert attempt(cast["ada@example.org"], 60)
    assert not any(attempt("wrong", 100 + second) for second in range(5))
    assert not attempt("wrong", 140)
    assert not attempt(cast["ada@example.org"], 190)
    assert attempt(cast["ada@example.org"], 210)


def test_one_place_cannot_go_on_guessing(database: Database, cast: dict[str, str]) -> None:
    for number in range(50):
        assert sign_in(database, "bo@example.org", f"guess {number}", ip="192.0.2.1", now=NOW) is None

    secret = cast["ada@example.org"]
    assert sign_in(database, "ada@example.org", secret, ip="192.0.2.1", now=NOW) is None
    assert sign_in(database, "ada@example.org", secret, ip="192.0.2.2", now=NOW) is not None


@pytest.mark.parametrize("change", ["password", "disable", "role"])
def test_a_session_does_not_outlive_a_change(database: Database, cast: dict[str, str], change: str) -> None:
    found = sign_in(database, "ada@example.org", cast["ada@example.org"], ip=None, now=NOW)
    assert found is not None
    assert find_session(database, found.token, now=NOW + timedelta(days=6)) is not None
    assert find_session(database, found.token, now=NOW + timedelta(days=8)) is None

    if change == "password":
        change_password(database, "ada@example.org", "another-good-one", now=NOW)
    elif change == "disable":
        disable_user(database, "ada@example.org", now=NOW)
    else:
        assert add_user(database, "ada@example.org", "admin", now=NOW) is None

    assert find_session(database, found.token, now=NOW) is None
    still = sign_in(database, "ada@example.org", cast["ada@example.org"], ip=None, now=NOW)
    assert (still is not None) == (change == "role")


def test_a_made_up_password_is_shown_once(database: Database) -> None:
    made = add_user(database, "Eva@Example.org", "editor", now=NOW)

    assert made is not None
    assert len(made) >= 20
    assert made not in str(dump(database))
    assert sign_in(database, "eva@example.org", made, ip=None, now=NOW) is not None
    assert [user.role for user in list_users(database)] == ["editor"]


def test_a_password_is_changed_by_its_page(site: Site, ada: Browser, cast: dict[str, str]) -> None:
    mark = ada.get("/editor/password").csrf
    assert ada.post("/editor/password", csrf=mark, old="wrong", new="a-new-password").status == 403
    old = cast["ada@example.org"]
    assert ada.post("/editor/password", csrf=mark, old=old, new="short").status == 409
    assert ada.post("/editor/password", csrf=mark, old=old, new="a-new-password").status == 303
    assert ada.get("/editor").status == 303
    assert site.open().sign_in("ada@example.org", "a-new-password").status == 303


def test_the_page_shows_what_will_be_sent(ada: Browser, issue: str) -> None:
    assert "Look it over, then approve it." in ada.get("/editor").body
    page = ada.get(f"{issue}?as=reader%40example.com&width=320")

    assert page.status == 200
    assert HOSTILE not in page.body
    assert f'src="{issue}/mail?as=reader%40example.com"' in page.body
    assert 'width="320"' in page.body
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.body
    mail = ada.get(f"{issue}/mail?as=reader%40example.com")
    assert mail.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "allow-scripts" not in mail.headers["Content-Security-Policy"]
    assert HOSTILE not in mail.body
    source = ada.get(f"{issue}/source.eml?as=reader%40example.com")
    parsed = message_from_string(source.body, policy=policy.default)
    assert "reader@example.com" in str(parsed["To"])
    assert "List-Unsubscribe" in page.body
    seen = read_seen(page)
    assert len(seen) == 64
    assert f"<code>{seen}</code>" in page.body


def test_an_address_that_is_no_subscriber_is_said(ada: Browser, issue: str) -> None:
    page = ada.get(f"{issue}?as=stranger%40example.org")

    assert page.status == 200
    assert "stranger@example.org is no subscriber of Harbour Letter" in page.body
    assert ada.get(f"{issue}/mail?as=stranger%40example.org").status == 404


def test_ada_approves_what_she_saw_and_stops_it(site: Site, ada: Browser, issue: str) -> None:
    page = ada.get(issue)
    override = {"override": "rehearsal"}
    stale = ada.post(f"{issue}/approve", None, csrf=page.csrf, seen="0" * 64, **override)
    assert stale.status == 409
    assert "look again" in stale.body

    done = ada.post(f"{issue}/approve", None, csrf=page.csrf, seen=read_seen(page), **override)
    assert (done.status, done.location) == (303, issue)
    assert read_state(site) == "approved"
    assert "Approved by ada@example.org" in ada.get(issue).body
    assert ada.post(f"{issue}/stop", csrf=page.csrf).status == 303
    assert read_state(site) == "draft"


def test_ada_may_not_steer_and_is_not_offered_it(site: Site, ada: Browser, issue: str) -> None:
    page = ada.get(issue)
    assert "/cancel" not in page.body
    before = dump(site.database)

    for action in ("schedule", "pause", "resume", "cancel"):
        assert ada.post(f"{issue}/{action}", csrf=page.csrf, at="2027-01-01T10:00").status == 403
    assert dump(site.database) == before


def test_bo_steers(site: Site, bo: Browser, issue: str) -> None:
    page = bo.get(issue)
    mark = page.csrf
    too_soon = bo.post(f"{issue}/schedule", csrf=mark, at="2026-12-01T10:00")
    assert too_soon.status == 409
    bo.post(f"{issue}/approve", None, csrf=mark, seen=read_seen(page), override="rehearsal")
    assert bo.post(f"{issue}/schedule", csrf=mark, at="nonsense").status == 409
    assert bo.post(f"{issue}/schedule", csrf=mark, at="2026-12-01T10:00").status == 303
    with site.database.read() as session:
        at = session.scalars(select(models.Issue.scheduled_at)).one()
        assert at is not None
        assert at.isoformat() == "2026-12-01T08:00:00+00:00"
    with site.database.write() as session:
        row = session.scalars(select(models.Issue)).one()
        row.state = "sending"
        person = session.scalars(select(models.Subscriber)).one()
        make_delivery_row(session, row, person)
    assert bo.post(f"{issue}/pause", csrf=mark).status == 303
    assert read_state(site) == "paused"
    assert "recipients" in bo.get(issue).body
    assert bo.post(f"{issue}/resume", csrf=mark).status == 303
    assert bo.post(f"{issue}/cancel", csrf=mark).status == 303
    assert read_state(site) == "cancelled"
    refused = bo.post(f"{issue}/stop", csrf=mark)
    assert refused.status == 409
    assert "cannot be stopped" in unescape(refused.body)
    assert bo.post(f"{issue}/explode", csrf=mark).status == 404


def test_a_skipped_issue_has_a_page_without_a_mail(site: Site, ada: Browser) -> None:
    with site.database.write() as session:
        make_publication_row(session)
    made = draft_issue(site.database, site.settings, DraftRequest(slug="harbour"), now=NOW)
    assert made.state == "skipped"

    page = ada.get(f"/editor/issues/{made.id}")

    assert page.status == 200
    assert "iframe" not in page.body
    assert ada.get("/editor/issues/99").status == 404


def test_checks_are_shown_by_rule_with_why_and_how(ada: Browser, issue: str) -> None:
    page = ada.get(issue).body

    assert page.count("<code>links.http</code>") == 1
    assert "Our own links carry tokens" in page
    assert "Set NEWSLETTER_BASE_URL to an https address." in page


def test_an_editor_may_ask_the_network_and_other_programs_too(
    ada: Browser, issue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither a spam filter nor a browser is found on this path, and the links lead nowhere here.
    monkeypatch.setenv("PATH", "/nonexistent")
    answer = ada.post(f"{issue}/examine", csrf=ada.get(issue).csrf)

    assert answer.status == 200
    assert "SpamAssassin is not installed" in answer.body
    assert ada.post(f"{issue}/examine").status == 403
