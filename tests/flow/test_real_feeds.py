"""The whole job on captured feeds: collected over HTTP, drafted, seen in a browser, sent through Postfix."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from tests.collect.corpus import list_cases, list_feed_corpora
from tests.support.cli_fixtures import Call
from tests.support.feed_server import FeedServer
from tests.support.postfix_fixtures import Postfix

FEEDS = 40
SLICE = 8
DOMAIN = "feeds.example.net"


def list_captured() -> list[tuple[Path, int]]:
    """Captured feeds that several readers agree on, each content once, with their number of entries."""
    seen: set[bytes] = set()
    found = []
    for corpus in list_feed_corpora():
        for path, expect in list_cases(corpus):
            consensus = expect.get("consensus") or {}
            content = path.read_bytes()
            if consensus.get("agree") == 3 and consensus["entries"] > 0 and len(content) > 5000:
                if content not in seen:
                    found.append((path, consensus["entries"]))
                seen.add(content)
    return found[:FEEDS]


def serve_feeds(server: FeedServer, count: int = FEEDS) -> list[tuple[str, int]]:
    """Serve them, each under an address of its own."""
    return [
        (server.serve(f"/{number}/{path.name}", path.read_bytes()), entries)
        for number, (path, entries) in enumerate(list_captured()[:count])
    ]


def serve_broken(server: FeedServer) -> list[str]:
    """Serve what is no feed."""
    return [
        server.url("/missing.xml"),
        server.serve("/page.xml", b"<!DOCTYPE html><html><body><p>Moved</p></body></html>"),
        server.serve("/empty.xml", b""),
        server.serve("/large.xml", b"<rss><channel>" + b"<item>" * 2_000_000),
        server.serve("/endless.xml", b"<rss>" * 1000, endless=True),
        server.serve("/gone.xml", b"gone", status=410),
    ]


def prepare_issue(call: Call, home: Path, server: FeedServer, recipients: int, feeds: int) -> dict[str, Any]:
    for url, _ in serve_feeds(server, feeds):
        assert call("source", "add", url, "--kind", "feed").code == 0
    (home / "list.csv").write_text("email\n" + "".join(f"r{n}@{DOMAIN}\n" for n in range(recipients)))
    assert call("subscriber", "import", home / "list.csv").code == 0
    assert call("collect").code == 0
    drafted: dict[str, Any] = call("issue", "draft", "--since", "2000-01-01", "--json").json
    assert call("issue", "approve", drafted["id"]).code == 0
    return drafted


def test_every_captured_feed_gives_as_many_articles_as_its_readers_agree_on(
    call: Call, feed_server: FeedServer
) -> None:
    feeds = serve_feeds(feed_server)
    assert len(feeds) >= 30

    checked = call("source", "check", *[url for url, _ in feeds], "--json").lines

    assert [(line["source"], len(line["articles"])) for line in checked] == feeds


@pytest.mark.usefixtures("home")
def test_broken_sources_are_named_on_their_rows_and_stop_nothing_else(
    call: Call, feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_FETCH_TIMEOUT_SECONDS", "5")
    good, broken = serve_feeds(feed_server)[:3], serve_broken(feed_server)
    for url in [*broken, *[url for url, _ in good]]:
        assert call("source", "add", url, "--kind", "feed").code == 0

    report = call("collect", "--json").json

    assert {failure["source"] for failure in report["failed"]} == set(broken)
    rows = {row["location"]: row for row in call("source", "list", "--json").json}
    assert all(rows[url]["last_error"] and rows[url]["next_attempt_at"] for url in broken)
    assert [(url, rows[url]["articles"]) for url, _ in good] == good


def test_an_issue_of_captured_feeds_reads_well_in_a_browser_and_reaches_everyone_once(
    call: Call,
    home: Path,
    feed_server: FeedServer,
    postfix: Postfix,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_deep: bool,
) -> None:
    recipients = 1000 if is_deep else 200
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{postfix.port}")
    issue = prepare_issue(call, home, feed_server, recipients, FEEDS if is_deep else SLICE)
    assert call("issue", "render", issue["id"], "--out", home / "out").code == 0

    assert call("issue", "send", issue["id"]).code == 0

    postfix.wait_for(recipients, DOMAIN)
    assert postfix.count_delivered(DOMAIN) == {f"r{n}@{DOMAIN}": 1 for n in range(recipients)}
    ledger = call("issue", "deliveries", issue["id"], "--json").lines
    ids = postfix.message_ids()
    assert [ids[row["message_id"]] for row in ledger] == [1] * recipients
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        assert measure_widths(browser, home / "out/issue.html") == [320, 320, 600, 600]
        browser.close()


def measure_widths(browser: Browser, page_file: Path) -> list[int]:
    """How wide the mail gets on screens of 320 and 600 px, light and dark."""
    widths = []
    for width in (320, 600):
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.route(re.compile("^https?:"), _refuse)
            page.goto(page_file.as_uri())
            widths.append(page.evaluate("document.documentElement.scrollWidth"))
            page.close()
    return widths


def _refuse(route: Route) -> None:
    route.abort()
