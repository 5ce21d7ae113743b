"""What the checks ask of the network and of other programs, by real servers and the real programs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from newsletter.errors import NewsletterError
from newsletter.operating.probes.browser import ask_axe, find_missing_program
from newsletter.operating.probes.links import ProbeOptions, probe_links
from newsletter.operating.probes.spam import ask_spamassassin, find_spamassassin, parse_report
from newsletter.review.outside import LinkAnswer
from tests.review.planted import Case
from tests.support.feed_server import FeedServer

HERE = ProbeOptions(user_agent="test", allowed_hosts=frozenset({"127.0.0.1"}), each_seconds=20)


@pytest.fixture
def pages() -> Iterator[FeedServer]:
    with FeedServer().running() as server:
        yield server


def probe(url: str, options: ProbeOptions = HERE) -> LinkAnswer:
    [answer] = probe_links([url], options)
    return answer


def test_a_page_that_is_there_says_its_kind_and_size(pages: FeedServer) -> None:
    url = pages.serve("/a.png", b"x" * 900, headers={"Content-Type": "image/png"})

    assert probe(url) == LinkAnswer(url, status=200, content_type="image/png", size=900)


def test_a_page_that_is_gone_is_asked_by_get_too(pages: FeedServer) -> None:
    assert probe(pages.url("/gone")).status == 404


def test_redirects_are_followed_and_told(pages: FeedServer) -> None:
    end = pages.serve("/end", b"here")
    middle = pages.redirect("/middle", end, status=301)
    start = pages.redirect("/start", middle)

    assert probe(start) == LinkAnswer(start, status=200, hops=(middle, end), size=4)


def test_redirects_without_end_are_an_error(pages: FeedServer) -> None:
    one, two = pages.url("/one"), pages.url("/two")
    pages.redirect("/one", two)
    pages.redirect("/two", one)

    assert "redirects without end" in (probe(one).error or "")


def test_no_address_of_the_own_network_is_asked(pages: FeedServer) -> None:
    inside = pages.serve("/inside", b"secret")
    outward = ProbeOptions(user_agent="test")
    answers = probe_links([inside, "http://127.0.0.1/", "http://[::1]/", "http://10.0.0.1/"], outward)

    assert all(answer.is_refused and answer.status is None for answer in answers)
    assert pages.seen == []


def test_a_redirect_into_the_own_network_is_not_followed(pages: FeedServer) -> None:
    url = pages.redirect("/out", f"http://localhost:{pages.port}/inside")
    pages.serve("/inside", b"secret")
    answer = probe(url)

    assert answer.is_refused
    assert "/inside" not in {seen.path for seen in pages.seen}


def test_one_bad_address_stops_no_other(pages: FeedServer, unused_port: int) -> None:
    good = pages.serve("/good", b"x")
    urls = ["http://[broken", f"http://127.0.0.1:{unused_port}/", "mailto:a@example.org", good]
    answers = probe_links(urls, HERE)

    assert [answer.url for answer in answers] == urls
    assert all(answer.error for answer in answers[:3])
    assert answers[3].status == 200


def test_a_slow_site_is_given_up_and_all_links_have_a_limit_together(pages: FeedServer) -> None:
    slow = pages.serve("/slow", b"x", wait_seconds=60)
    each = ProbeOptions(user_agent="test", allowed_hosts=HERE.allowed_hosts, each_seconds=0.3)
    together = ProbeOptions(user_agent="test", allowed_hosts=HERE.allowed_hosts, total_seconds=0.3)

    assert "did not answer within 0.3 seconds" in (probe(slow, each).error or "")
    assert "no turn within 0.3 seconds" in (probe(slow, together).error or "")


def test_links_are_asked_side_by_side_but_few_of_one_host(pages: FeedServer) -> None:
    urls = [pages.serve(f"/{number}", b"x", wait_seconds=0.05) for number in range(12)]
    answers = probe_links(urls, HERE)

    assert [answer.status for answer in answers] == [200] * 12
    assert pages.busiest <= HERE.per_host


def test_a_table_of_spamassassin_is_read() -> None:
    verdict = parse_report(
        "body\n\nContent analysis details:   (3.3 points, 5.0 required)\n\n"
        " pts rule name              description\n---- --------- -----\n"
        "-0.0 NO_RELAYS              Informational: message was not relayed via SMTP\n"
        " 2.7 MISSING_DATE           Missing Date:\n                            header\n"
    )

    assert verdict.score == 3.3
    assert [(rule.name, rule.score) for rule in verdict.rules] == [("NO_RELAYS", 0.0), ("MISSING_DATE", 2.7)]
    assert verdict.rules[1].description == "Missing Date: header"
    with pytest.raises(NewsletterError, match="no table"):
        parse_report("what?")


def test_a_program_that_fails_is_an_error_of_one_line() -> None:
    with pytest.raises(NewsletterError, match="SpamAssassin failed"):
        ask_spamassassin(b"", shutil.which("false") or "false")


def test_spamassassin_gives_a_mail_without_faults_hardly_a_point() -> None:
    program = find_spamassassin()
    if program is None:
        pytest.skip("SpamAssassin is not installed: apt-get install spamassassin")
    verdict = ask_spamassassin(Case().mail(), program)

    assert verdict.score <= 2.0
    assert verdict.rules


@pytest.mark.deep
def test_axe_finds_what_is_wrong_on_a_dark_screen_alone() -> None:
    if missing := find_missing_program():
        pytest.skip(f"{missing} is not installed")
    dark = "@media (prefers-color-scheme: dark) {body{background:#222} p{color:#333}}"
    found = ask_axe(
        f'<html lang="en"><head><title>T</title><style>{dark}</style></head>'
        '<body><h1 style="color:#777;background:#fff">A</h1><p>Words</p><img src="https://a.example/1.png"></body></html>'
    )

    assert {(each.rule, each.mode) for each in found} >= {("color-contrast", "dark"), ("image-alt", "light")}
    assert ("color-contrast", "light") not in {(each.rule, each.mode) for each in found}
