"""The public pages: one publication or several, the archive, the feed, and nobody's address told."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.store import models
from tests.support.store_builders import (
    NOW,
    dump,
    make_article_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
    make_variant_row,
)
from tests.support.web_browser import Answer, Site

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


def add_publication(site: Site, **changes: object) -> None:
    with site.database.write() as session:
        publication = make_publication_row(session, **changes)
        issue = make_issue_row(session, publication, number=3, state="sent", subject=f"Cranes {HOSTILE}")
        make_variant_row(session, issue)
        make_issue_row(session, publication, number=4, state="draft", subject="Not yet")
        article = make_article_row(session, publication, title=HOSTILE, text=HOSTILE, author=HOSTILE)
        session.add(models.IssueArticle(issue_id=issue.id, article_id=article.id, position=0))
        make_article_row(session, publication, title="Not told yet")


def add_ada(site: Site, status: str = "active", address: str = "ada@example.org") -> None:
    with site.database.write() as session:
        publication = session.scalars(select(models.Publication)).first()
        assert publication is not None
        make_subscription_row(session, publication, make_subscriber_row(session, address), status=status)


def count_notices(site: Site) -> int:
    with site.database.read() as session:
        return session.scalar(select(func.count()).select_from(models.Notice)) or 0


def read_stamp(answer: Answer) -> str:
    found = re.search(r'name="stamp" value="([^"]+)"', answer.body)
    assert found
    return found[1]


def test_the_only_publication_lives_at_the_root(site: Site) -> None:
    add_publication(site)
    browser = site.open()

    for path in ("/", "/p/harbour", "/p/harbour/"):
        page = browser.get(path)
        assert page.status == 200
        assert "<h1" in page.body
        assert 'action="/subscribe"' in page.body
    assert "Not yet" not in browser.get("/archive").body
    assert browser.get("/archive/3").body.startswith("<!doctype html><title>archived")
    assert browser.get("/archive/4").status == 404


def test_several_publications_live_below_their_names(site: Site) -> None:
    add_publication(site)
    add_publication(site, slug="sea", name="Sea Letter")
    browser = site.open()

    assert 'href="/p/harbour"' in browser.get("/").body
    assert 'action="/p/sea/subscribe"' in browser.get("/p/sea").body
    assert browser.get("/p/sea/archive/3").status == 200
    assert "/p/sea/archive/3" in browser.get("/p/sea/archive/feed.xml").body
    assert browser.post("/p/sea/subscribe", email="new@example.org").status == 200
    with site.database.read() as session:
        assert session.scalar(select(models.Publication.slug).join(models.Subscription)) == "sea"
    for path in ("/archive", "/archive/3", "/p/none", "/p/none/archive"):
        answer = browser.get(path)
        assert answer.status == 404
        assert "harbour" not in answer.body


def test_without_a_publication_there_is_a_page(site: Site) -> None:
    assert "no newsletter here yet" in site.open().get("/").body


def test_the_answer_to_a_sign_up_is_the_same_for_all(site: Site) -> None:
    add_publication(site)
    for status in ("active", "pending", "paused", "unsubscribed", "bounced", "complained"):
        add_ada(site, status, f"{status}@example.org")
    addresses = ["new", "active", "pending", "paused", "unsubscribed", "bounced", "complained", "active"]

    answers = [site.open().post("/subscribe", email=f"{name}@example.org") for name in addresses]

    assert len({(answer.status, answer.body) for answer in answers}) == 1
    different = {"date"}
    heads = [
        sorted((k.lower(), v) for k, v in answer.headers.items() if k.lower() not in different)
        for answer in answers
    ]
    assert all(head == heads[0] for head in heads)


def test_asking_for_the_link_tells_nothing_either(site: Site) -> None:
    add_publication(site)
    add_ada(site)

    answers = [site.open().post("/preferences", email=f"{name}@example.org") for name in ("ada", "eve")]

    assert answers[0].body == answers[1].body
    assert count_notices(site) == 1
    assert site.open().post("/preferences", email="no").status == 400


def test_no_time_tells_who_is_known(site: Site) -> None:
    add_publication(site)
    took: dict[str, list[float]] = {"known": [], "new": []}
    site.open().post("/subscribe", email="first@example.org")
    for number in range(8):
        add_ada(site, "bounced", f"known{number}@example.org")
        for kind, times in took.items():
            began = time.perf_counter()
            site.open().post("/subscribe", email=f"{kind}{number}@example.org")
            times.append(time.perf_counter() - began)

    # The quickest of each, for a machine that is busy makes any of them slow.
    assert abs(min(took["known"]) - min(took["new"])) < 0.030


def test_programs_that_fill_in_forms_get_the_same_page_and_no_mail(site: Site) -> None:
    add_publication(site)
    browser = site.open()
    stamp = read_stamp(browser.get("/"))
    asked = browser.post("/subscribe", email="a@example.org", website="http://spam.example")

    assert browser.post("/subscribe", email="b@example.org", stamp=stamp).body == asked.body
    assert browser.post("/subscribe", email="b@example.org", stamp="forged").body == asked.body
    assert count_notices(site) == 0


def test_a_mistyped_address_is_said(site: Site) -> None:
    add_publication(site)

    answer = site.open().post("/subscribe", email='ada@"><script>')

    assert answer.status == 400
    assert 'role="alert"' in answer.body
    assert "<script>" not in answer.body


def test_a_publication_that_is_not_there_takes_nobody(site: Site) -> None:
    add_publication(site)
    before = dump(site.database)

    assert site.open().post("/subscribe", email="a@example.org", publication="secret").status == 404
    assert dump(site.database) == before


def test_what_others_wrote_is_text(site: Site) -> None:
    add_publication(site, name=f"Harbour {HOSTILE}", address=HOSTILE)
    browser = site.open()

    for path in ("/", "/archive", "/archive/feed.xml", "/archive/articles/1"):
        body = browser.get(path).body
        assert "<script" not in body, path
        assert "<img src=x" not in body, path
        assert "49" not in body, path
    for path in ("/nope<script>", "/archive/x%3Cscript%3E", "/unsubscribe/%3Cscript%3E", "/?x=<script>"):
        assert "<script" not in browser.get(path.replace("<", "%3C").replace(">", "%3E")).body


def test_an_archived_issue_is_in_a_sandbox(site: Site) -> None:
    add_publication(site)

    policy = site.open().get("/archive/3").headers["Content-Security-Policy"]

    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy


def test_the_feed_is_atom(site: Site) -> None:
    add_publication(site)
    answer = site.open().get("/archive/feed.xml")
    atom = "{http://www.w3.org/2005/Atom}"

    feed = ET.fromstring(answer.body)  # noqa: S314 - our own

    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    assert [entry.findtext(f"{atom}id") for entry in feed.iter(f"{atom}entry")] == [
        "http://localhost:8000/archive/3"
    ]
    assert feed.findtext(f"{atom}updated") == NOW.isoformat()


def test_only_articles_that_were_told_are_public(site: Site) -> None:
    add_publication(site)

    assert site.open().get("/archive/articles/1").status == 200
    assert site.open().get("/archive/articles/2").status == 404
    assert site.open().get("/archive/articles/99999999999999999999").status in {400, 404}


@pytest.mark.parametrize(
    "path", ["/archive/0", "/archive/-1", "/archive/٣", "/archive/1e3", "/archive/../etc"]
)
def test_odd_numbers_are_nothing(site: Site, path: str) -> None:
    add_publication(site)

    assert site.open().get(path.replace("٣", "%D9%A3")).status == 404


def test_copies_of_pictures_are_given_for_ever_and_nothing_else_is(site: Site, tmp_path: Path) -> None:
    add_publication(site)
    folder = tmp_path / "copies"
    folder.mkdir()
    name = "0" * 32 + ".png"
    (folder / name).write_bytes(b"a picture")
    (folder / "notes.png").write_bytes(b"private")
    browser = site.open()

    for root in ("", "/p/harbour"):
        answer = browser.get(f"{root}/archive/images/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("", "/", "/notes.png", "/..%2fsubscribers.db", f"/{'1' * 32}.png"):
        assert browser.get(f"/archive/images{path}").status == 404


@pytest.mark.parametrize(("language", "way", "words", "date"), [
    ("ru", "ltr", ["Ваш адрес эл. почты", "Последние выпуски", "К содержанию", "Архив"], "ноября"),
    ("be-tarask", "ltr", ["Ваш адрас эл. пошты", "Апошнія выпускі"], "лістапада"),
    ("ar", "rtl", ["عنوان بريدك الإلكتروني", "أحدث الأعداد"], "نوفمبر"),
    ("zz", "ltr", ["Your e-mail address", "Latest issues"], "November"),
])  # fmt: skip
def test_pages_speak_the_language_of_their_publication(
    site: Site, language: str, way: str, words: list[str], date: str
) -> None:
    add_publication(site, language=language)
    front = site.open().get("/").body

    assert f'<html lang="{language}" dir="{way}">' in front
    assert [word for word in [*words, date] if word not in front] == []
    for path in ("/archive", "/preferences"):
        assert f'<html lang="{language}" dir="{way}">' in site.open().get(path).body


def test_a_page_for_several_publications_is_in_english(site: Site) -> None:
    add_publication(site, language="ru", slug="one")
    with site.database.write() as session:
        make_publication_row(session, language="be", slug="two")
    for path in ("/", "/preferences"):
        body = site.open().get(path).body

        assert '<html lang="en" dir="ltr">' in body
        assert "Change what you get, or leave" in body
