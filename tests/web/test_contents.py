"""The editor's page of what an issue holds: why each card is there, and what may be chosen."""

from __future__ import annotations

import pytest

from newsletter.publishing.contents import IssueContents, show_contents
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.store.models import Article, Source
from tests.support.store_builders import NOW, make_article_row, make_publication_row
from tests.support.web_browser import Browser, Site

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def ada(site: Site, cast: dict[str, str]) -> Browser:
    browser = site.open()
    assert browser.sign_in("ada@example.org", cast["ada@example.org"]).status == 303
    return browser


@pytest.fixture
def page(site: Site) -> str:
    """Draft an issue with two reports that may be one; give the path of its page."""
    told = {
        "Workers walk out at Norvik Steel in Ostwick over pay": (
            "About 900 employees stopped work on Monday. The union of Ruta Holm wants seven per cent."
        ),
        "Strike shuts works as union demands more": (
            "Ruta Holm said that the 900 would refuse less than seven per cent; the gates stay closed."
        ),
        f"Cranes {HOSTILE}": "Birds and reeds.",
    }
    with site.database.write() as session:
        publication = make_publication_row(session)
        for number, (title, text) in enumerate(told.items()):
            source = Source(publication_id=publication.id, location=title, kind="feed", interval_seconds=9)
            source.created_at = NOW
            session.add(source)
            session.flush()
            row = make_article_row(session, publication, title, url=f"https://press.example/{number}")
            row.summary, row.category, row.source_id = text, "City", source.id
        for number in range(12):
            make_article_row(session, publication, f"Quite another matter {number}")
    made = draft_issue(site.database, site.settings, DraftRequest(slug="harbour"), now=NOW)
    return f"/editor/issues/{made.id}/contents"


def holds(site: Site, page: str) -> IssueContents:
    return show_contents(site.database, site.settings, int(page.split("/")[3]))


def post(browser: Browser, page: str, action: str, **form: str | int) -> int:
    return browser.post(f"{page}/{action}", None, csrf=browser.get(page).csrf, **form).status


def test_every_card_says_why_it_is_in(site: Site, ada: Browser, page: str) -> None:
    shown = ada.get(page)

    assert shown.status == 200
    for card in holds(site, page).cards:
        assert card.reason.capitalize() in shown.body
    assert "Possibly the same story" in shown.body
    assert HOSTILE not in shown.body
    assert f'href="{page}"' in ada.get(page.removesuffix("/contents")).body


def test_choices_are_in_the_draft_at_once(site: Site, ada: Browser, page: str) -> None:
    last = holds(site, page).cards[-1].article
    (pair,) = holds(site, page).possible

    assert post(ada, page, "article", article=last, choice="pin") == 303
    assert holds(site, page).cards[0].article == last
    assert post(ada, page, "article", article=last, choice="release") == 303
    assert holds(site, page).cards[0].article != last
    assert post(ada, page, "article", article=last, choice="drop") == 303
    assert last not in [card.article for card in holds(site, page).cards]
    ids = {"one": pair.one["id"], "other": pair.other["id"]}
    assert post(ada, page, "duplicate", verdict="same", **ids) == 303
    assert holds(site, page).possible == ()
    assert post(ada, page, "duplicate", verdict="different", **ids) == 303
    assert {pair.one["id"], pair.other["id"]} <= {card.article for card in holds(site, page).cards}
    assert post(ada, page, "status", category="City", status="Quiet.") == 303
    assert "Quiet." in [each["status"] for each in holds(site, page).statuses]
    assert post(ada, page, "note", title="Cranes", text="They are back.") == 303
    assert [note.title for note in holds(site, page).notes] == ["Cranes"]
    assert "They are back." in ada.get(page).body


def test_what_cannot_be_is_refused_on_the_page(site: Site, ada: Browser, page: str) -> None:
    assert post(ada, page, "note", title="Cranes", url="javascript:alert(1)") == 409
    assert post(ada, page, "article", article=999, choice="pin") == 409
    assert post(ada, page, "article", article=1, choice="burn") == 400
    assert ada.post(f"{page}/article", article=1, choice="pin").status == 403
    assert holds(site, page).notes == ()


def test_nothing_is_chosen_any_more_once_it_is_approved(site: Site, ada: Browser, page: str) -> None:
    issue = page.removesuffix("/contents")
    csrf = ada.get(page).csrf
    assert ada.post(f"{issue}/approve", csrf=csrf, override="a test").status == 303

    assert ada.post(f"{page}/article", csrf=csrf, article=1, choice="drop").status == 409
    assert "Nothing can be chosen any more" in ada.get(page).body
    assert 'name="choice"' not in ada.get(page).body
    with site.database.read() as session:
        assert session.get_one(Article, 1).choice is None


def test_nobody_else_comes_in(site: Site, page: str) -> None:
    assert site.open().get(page).status == 303
    assert site.open().post(f"{page}/article", article=1, choice="pin").status == 403
