# ruff: noqa: E501 - a table reads best with a fault and its near miss in one row
"""A mail without a fault, the faults that are planted into it, and a near miss beside each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from newsletter.content import Finding
from newsletter.render.message import compile_body
from newsletter.render.personal import join, pack
from newsletter.review.mail import Facts
from newsletter.review.outside import AxeViolation, LinkAnswer, Outside, SpamRule, SpamVerdict
from newsletter.review.rules import check_issue
from tests.support.mail_builders import BASE_URL, LEAVE, NOW

NONCE = "ab12"
ADDRESS = "12 Example Street\nVilnius"
FACTS = Facts(
    base_url=BASE_URL,
    address=ADDRESS,
    preheader="Also: what the budget says, and a strike that ended after nine days.",
    articles={1: "Minsk looks west", 2: "Strike ends"},
    previous_articles=frozenset({9}),
)
HEAD = (
    b"From: News <digest@example.org>\r\n"
    b"To: reader@example.net\r\n"
    b"Subject: Minsk looks west again\r\n"
    b"Date: Mon, 23 Nov 2026 08:00:00 +0300\r\n"
    b"Message-ID: <abc123@example.org>\r\n"
    b'List-Id: "News" <news.example.org>\r\n'
    b"List-Unsubscribe: <" + LEAVE.encode() + b">\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"List-Archive: <https://news.example.org/archive>\r\n"
    b"List-Post: NO\r\n"
    b"Feedback-ID: 12:news:issue:abcdef\r\n"
)
STORY = (
    "Two delegations met in Vilnius on Monday and spoke of borders, railways and\n"
    "wages; what came of it was not said, but both sides want to meet again before\n"
    "the winter, and the papers of either capital give it the whole front page.\n"
)
TEXT = f"Minsk looks west\n\n{STORY}\nhttps://source.example.com/1\n\nUnsubscribe:\n{LEAVE}\n\n12 Example Street\nVilnius\n"
HTML = (
    '<!DOCTYPE html>\n<html lang="en" dir="ltr"><head><title>Minsk</title></head><body>\n'
    '<div role="article" aria-label="Minsk" lang="en" dir="ltr"><h1>News</h1><h2 id="s">Security</h2>\n'
    '<table role="presentation"><tr><td><h3><a href="https://source.example.com/1">Minsk looks west</a></h3>\n'
    '<img src="https://news.example.org/1.jpg" width="120" alt="Two delegations">\n</td></tr></table>\n'
    f"<p>{STORY}</p>\n"
    f'<!-- here --><p><a href="{LEAVE}">Unsubscribe</a></p><p>12 Example Street<br>Vilnius</p></div></body></html>\n'
)


@dataclass(frozen=True)
class Case:
    """What to change of a mail that has no fault."""

    head: bytes = HEAD
    text: str = TEXT
    html: str = HTML
    facts: Facts = FACTS
    wire: Callable[[bytes], bytes] = bytes

    def mail(self) -> bytes:
        body = join(pack([compile_body(self.text, self.html, NONCE)]), {})
        return self.wire(self.head + body)

    def findings(self) -> list[Finding]:
        return check_issue(self.mail(), self.facts)

    def rules(self) -> dict[str, bool]:
        return {finding.rule: finding.blocking for finding in self.findings()}


def head(old: str, new: str) -> Case:
    assert old.encode() in HEAD
    return Case(head=HEAD.replace(old.encode(), new.encode()))


def html(old: str, new: str) -> Case:
    assert old in HTML
    return Case(html=HTML.replace(old, new))


def here(markup: str) -> Case:
    return html("<!-- here -->", markup)


def link(url: str, words: str = "A page about Minsk") -> Case:
    return here(f'<p><a href="{url}">{words}</a></p>')


def padded(size: int) -> Case:
    return here("<p>" + "x" * (size - len(HTML.encode())) + "</p>")


def facts(html: str = "", **changes: object) -> Case:
    return Case(html=here(html).html, facts=replace(FACTS, **changes))  # type: ignore[arg-type]  # replace checks them


def field(line: str) -> Case:
    return Case(head=HEAD + line.encode() + b"\r\n")


SIGNED = "from:to:subject:date:message-id:list-id:list-unsubscribe:list-unsubscribe-post:feedback-id"


def signed(**changes: str) -> Case:
    tags = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "example.org", "s": "k", "h": SIGNED}
    return field(
        "DKIM-Signature: " + "; ".join(f"{name}={value}" for name, value in (tags | changes).items())
    )


def answered(lead: str | None = "https://source.example.com/1", **answer: object) -> Case:
    """What the first card's link gave."""
    given = LinkAnswer("https://source.example.com/1", **answer)  # type: ignore[arg-type]  # the class checks them
    return facts(lead_url=lead, outside=Outside(links=(given,)))


def pictured(**answer: object) -> Case:
    given = LinkAnswer("https://news.example.org/1.jpg", **answer)  # type: ignore[arg-type]  # as above
    return facts(outside=Outside(links=(given,)))


def scored(score: float, *rules: SpamRule) -> Case:
    return facts(outside=Outside(spam=SpamVerdict(score, rules)))


def axed(impact: str) -> Case:
    violation = AxeViolation(
        "color-contrast", impact, "Text must differ from its background", "light", "<p>", 2
    )
    return facts(outside=Outside(axe=(violation,)))


def styled(css: str, markup: str) -> Case:
    return Case(html=here(markup).html.replace("</head>", f"<style>{css}</style></head>"))


def tables(count: int) -> str:
    opened = '<table role="presentation"><tr><td>' * count
    return opened + "x" + "</td></tr></table>" * count


def wire(old: bytes, new: bytes) -> Case:
    return Case(wire=lambda octets: octets.replace(old, new, 1))


PLANTED: list[tuple[str, Case, Case]] = [
    ("headers.once", head("List-Post: NO\r\n", "To: other@example.net\r\n"), head("NO", "NO")),
    ("headers.once", head("Date: Mon, 23 Nov 2026 08:00:00 +0300\r\n", ""), head("Mon, ", "")),
    ("headers.once", head("List-Post: NO", "List-Post: NO\r\nList-Post: NO"), head("List-Post: NO\r\n", "")),
    ("headers.line-length", head("News", "N" * 990), head("abcdef", "a" * 900)),
    ("headers.line-ends", wire(b"Security", b"Secu\nrity"), wire(b"Security", b"Secu\r\nrity")),
    ("headers.line-ends", wire(b"Security", b"Secu\0rity"), wire(b"Security", b"Secu\trity")),
    ("headers.seven-bit", wire(b"Security", b"S\xc3\xa9curity"), wire(b"Security", b"S=C3=A9curity")),
    ("headers.encoded-word", head('"News"', "=?utf-8?B?TmV3cw==?="), head("From: News", "From: =?utf-8?B?TmV3cw==?=")),
    (
        "headers.encoded-words-apart",
        head("Minsk looks", "=?utf-8?B?TmV3cw==?==?utf-8?B?TmV3cw==?="),
        head("Minsk looks", "=?utf-8?B?TmV3cw==?= =?utf-8?B?TmV3cw==?="),
    ),
    ("headers.list-unsubscribe", head(f"<{LEAVE}>", LEAVE), head(f"<{LEAVE}>", f"<{LEAVE}>, <mailto:x@example.org>")),
    ("headers.list-unsubscribe", head(f"<{LEAVE}>", f"<{LEAVE}>, <{LEAVE}>"), Case()),
    ("headers.list-unsubscribe", head(f" <{LEAVE}>", f"\r\n <{LEAVE}>"), head("List-Post: NO", "List-Post:\r\n NO")),
    ("headers.one-click-https", head("<https://news.example.org/u", "<http://news.example.org/u"), Case()),
    ("headers.list-unsubscribe-post", head("=One-Click", "=one-click"), Case()),
    ("headers.list-id", head("<news.example.org>", "<news>"), head('"News" ', "")),
    ("headers.list-id", head("news.example.org>\r\nList-Unsub", f"{'a.' * 130}b>\r\nList-Unsub"), head('"News"', "News")),
    ("headers.list-uris", head("<https://news.example.org/archive>", "https://news.example.org"), Case()),
    ("headers.list-uris", head("List-Archive: <https://news.example.org/archive>", "List-Archive: NO"), Case()),
    ("headers.message-id", head("<abc123@example.org>", "abc123@example.org"), Case()),
    ("headers.message-id", head("@example.org>\r\nList-Id", "@evil.example>\r\nList-Id"), head("3@ex", "3@EX")),
    ("headers.date", head("+0300", "-0000"), head("+0300", "-0900")),
    ("headers.date", head("Mon, 23 Nov 2026 08:00:00 +0300", "tomorrow"), head("Mon, ", "")),
    ("headers.date", head("23 Nov 2026", f"23 Nov {9**40}"), head("23 Nov 2026", "23 Nov 26")),
    ("headers.multipart", wire(b"multipart/alternative", b"multipart/mixed"), Case()),
    ("headers.multipart", wire(b"text/plain", b"text/calendar"), Case()),
    ("headers.text-empty", Case(text=" \n"), Case(text=TEXT + "x")),
    ("headers.leave-link", Case(text=TEXT.replace(LEAVE, "by post")), Case(text=f"<{LEAVE}>{TEXT}")),
    ("headers.leave-link", html(f'href="{LEAVE}"', f'href="{LEAVE}x"'), Case()),
    ("headers.freemail", head("digest@example.org", "digest@Gmail.com"), head("digest@example.org", "gmail.com@example.org")),
    ("links.http", link("http://news.example.org/x"), link("http://other.example.org/x")),
    ("links.insecure", link("http://other.example.org/x"), link("http://news.example.org/x")),
    ("links.relative", link("https://[broken/"), Case()),
    ("links.relative", link("/x"), link("//other.example.org/x".replace("//", "https://"))),
    ("links.relative", link("x.html"), link("#s")),
    ("links.scheme", link("javascript:alert(1)"), link("mailto:a@example.org")),
    ("links.scheme", here('<img src="data:image/png;base64,AA" width="1" alt="">'), link("tel:+375")),
    ("links.localhost", link("https://127.0.0.2/x"), link("https://128.0.0.1/x")),
    ("links.localhost", link("https://localhost:8000/"), link("https://localhost.example.org/")),
    ("links.localhost", link("https://[::1]/x"), link("https://[2001:db8::1]/x")),
    ("links.empty", link(""), here('<a id="x"></a>')),
    ("links.empty", link("#"), link("#s")),
    ("links.empty", here('<img width="1" alt="">'), Case()),
    ("links.shortener", link("https://www.bit.ly/x"), link("https://rabbit.ly/x")),
    ("links.fragment", link("#nowhere"), link("#s")),
    ("links.vague", link("https://a.example", "Read more…"), link("https://a.example", "Read more about Minsk")),
    ("links.silent", link("https://a.example", " "), link("https://a.example", '<img src="https://a.example/1" width="1" alt="A">')),
    ("content.subject-empty", head("Minsk looks west again", ""), head("Minsk looks west again", "M")),
    ("content.subject-clipped", head("Minsk looks west again", "m" * 79), head("Minsk looks west again", "m" * 78)),
    ("content.subject-long", head("Minsk looks west again", "m" * 201), head("Minsk looks west again", "m" * 200)),
    ("content.preheader", facts(preheader=" "), facts(preheader="m" * 40)),
    ("content.preheader", facts(preheader="m" * 111), facts(preheader="m" * 110)),
    ("content.preheader", facts(preheader="minsk looks west AGAIN"), Case()),
    ("content.placeholder", here("<p>Dear {{ name }}</p>"), here("<p>f(x) = { x }</p>")),
    ("content.placeholder", Case(text=TEXT + "slot-cd34-name--tols"), Case(text=TEXT + "slot-machine")),
    ("content.placeholder", here("<p>Lorem Ipsum dolor</p>"), here("<p>lorem</p>")),
    ("content.todo", Case(text=TEXT + "TODO: ask"), Case(text=TEXT + "todos los dias, TODOS")),
    ("content.empty", facts(articles={}), facts(articles={3: "x"})),
    ("content.address", facts(address=" \n"), Case(text=TEXT.replace("Street\nVilnius", "Street Vilnius"))),
    ("content.address", Case(text=TEXT.replace("Vilnius", "")), Case()),
    ("content.address", html("Vilnius", ""), html("Street<br>", "Street, <br>".replace(",", ""))),
    ("content.repeated", facts(previous_articles=frozenset({2})), facts(previous_articles=frozenset({3}))),
    ("content.inlining", facts(problems=("CSS line 3: dropped",)), facts(problems=())),
    ("content.active", here("<form></form>"), here("<p>script</p>")),
    ("content.active", here('<p onclick="x()">x</p>'), here('<p data-on="x">x</p>')),
    ("size.large", padded(80_050), padded(79_900)),
    ("size.heavy", padded(90_050), padded(89_900)),
    ("size.clipped", padded(102_500), padded(102_300)),
    ("size.leave-link", padded(91_000), padded(89_000)),
    ("access.language", html('<html lang="en"', "<html"), Case()),
    ("access.language", html('aria-label="Minsk" lang="en"', 'aria-label="Minsk"'), Case()),
    ("access.direction", html('lang="en" dir="ltr"><h1>', 'lang="en" dir="auto"><h1>'), html('<html lang="en" dir="ltr"', '<html lang="en"')),
    ("access.wrapper", html('role="article"', ""), Case()),
    ("access.wrapper", html('aria-label="Minsk"', 'aria-label=" "'), Case()),
    ("access.title", html("<title>Minsk", "<title> "), Case()),
    ("access.alt", html(' alt="Two delegations"', ""), html("Two delegations", "")),
    ("access.alt-file-name", html("Two delegations", "IMG_2041.JPG"), html("Two delegations", "The file a.jpg was lost")),
    ("access.image-width", html('width="120"', ""), html("120", "121")),
    ("access.table-role", html(' role="presentation"', ""), html('<table role="presentation"><tr>', "<table><caption>T</caption><tr>")),
    ("access.one-heading", html("<h1>News</h1>", ""), Case()),
    ("access.one-heading", here("<h1>Again</h1>"), here("<h2>Again</h2>")),
    ("access.heading-order", html("h3>", "h4>"), here("<h2>Up again</h2>")),
    # trust
    ("trust.dkim-covers", signed(h="from:subject:list-unsubscribe"), signed()),
    ("trust.dkim-covers", signed(h=SIGNED.replace("feedback-id", "x")), head("Feedback-ID: 12:news:issue:abcdef\r\n", "")),
    ("trust.dkim-form", signed(a="rsa-sha1"), signed(a="ed25519-sha256")),
    ("trust.dkim-form", signed(c="simple/simple"), signed()),
    ("trust.dkim-form", signed(l="100"), signed(x="100")),
    ("trust.dkim-form", signed(d="example.com"), signed(d="mail.example.org")),
    ("trust.cfbl", field("CFBL-Address: fbl@example.org"), field("CFBL-Address: fbl@example.org; report=arf")),
    ("trust.cfbl", field("CFBL-Address: a@b.org; report=arf\r\nCFBL-Address: a@b.org; report=arf"), field("X: 1")),
    ("trust.feedback-id", head("12:news:issue:abcdef", "12:news:abcdef"), Case()),
    ("trust.feedback-id", head("12:news:issue:abcdef", "12:news:issue:abcd"), head("12:news:issue:abcdef", "::x:abcde")),
    ("trust.precedence", field("Precedence: first-class"), field("Precedence: Bulk")),
    ("trust.leave-length", head(LEAVE, LEAVE + "x" * 200), head(LEAVE, LEAVE + "x" * 90)),
    # parts
    ("parts.charset", wire(b"charset=utf-8", b"charset=latin1"), Case()),
    ("parts.links-differ", link("https://a.example/x"), Case(text=TEXT + "https://a.example/x\n", html=HTML.replace("<!-- here -->", '<a href="https://a.example/x">A page</a>'))),
    ("parts.links-differ", Case(text=TEXT.replace("https://source.example.com/1", "")), Case(text=" ")),
    ("parts.words-differ", Case(text=TEXT.replace(STORY, "")), Case(text=TEXT.replace("railways", ""))),
    ("parts.markup", Case(text=TEXT + "<b>Fine</b>\n"), Case(text=TEXT + "5 < 6 > 4\n")),
    ("parts.markup", Case(text=TEXT + "Tom&nbsp;Jerry\n"), Case(text=TEXT + "<b>\n", html=HTML.replace("<!-- here -->", "<p>&lt;b&gt;</p>"))),
    ("parts.long-line", Case(text=TEXT + "word " * 16), Case(text=TEXT + "https://a.example/" + "x" * 80)),
    ("parts.leave-hidden", html("><p><a href", "><p style='display: none'><a href"), html("><p><a href", "><p style='opacity: 0.9'><a href")),
    ("parts.leave-hidden", html("><p><a href", "><p style='font-size: 0px'><a href"), html("><p><a href", "><p style='font-size:0'><a style='font-size:0.9em' href")),
    ("parts.leave-hidden", html(">Unsubscribe<", "> <"), html(">Unsubscribe<", "><img src='https://a.example/u.png' width='1' alt='Leave'><")),
    # links
    ("links.private", link("https://192.168.1.2/x"), link("https://8.8.8.8/x")),
    ("links.private", link("https://wiki.local/x"), link("https://wiki.locals/x")),
    ("links.private", link("https://intranet/x"), link("https://localhost/x")),
    ("links.tracking", link("https://a.example/x?id=1&amp;utm_source=mail"), link("https://a.example/utm_source?autm_x=1")),
    ("links.tracking", link("https://a.example/?fbclid=1"), link("https://a.example/?club=1")),
    # reach
    ("reach.lead-dead", answered(status=404), answered(status=404, lead="https://a.example/other")),
    ("reach.dead", answered(status=410, lead="https://a.example/other"), answered(status=410)),
    ("reach.dead", answered(status=500, lead=None), answered(status=403, lead=None)),
    ("reach.silent", answered(error="it did not answer within 5 seconds"), answered(status=500)),
    ("reach.inside", answered(error="10.0.0.1 is private", is_refused=True), answered(error="no such host")),
    ("reach.redirects", answered(status=200, hops=("https://b.example/1", "https://c.example/1")), answered(status=200, hops=("https://source.example.com/2", "https://www.source.example.com/2"))),
    ("reach.redirects", answered(status=200, hops=tuple(f"https://source.example.com/{n}" for n in "234")), answered(status=200, hops=("https://b.example/1",))),
    ("reach.redirects", answered(status=200, hops=("https://b.example/1", "https://[x")), answered(status=200, hops=("https://[x",))),
    ("reach.moved-home", answered(status=200, hops=("https://source.example.com/",)), answered(status=200, hops=("https://source.example.com/new",))),
    ("reach.moved-home", answered(status=200, hops=("https://b.example",)), answered(status=200, hops=("https://b.example/?p=1",))),
    # content
    ("content.category-empty", facts(empty_sections=("Economy",)), facts(empty_sections=())),
    ("content.past", facts(date=NOW - timedelta(days=2), now=NOW), facts(date=NOW - timedelta(hours=20), now=NOW)),
    ("content.past", facts(date=NOW - timedelta(days=2), now=NOW), facts(date=NOW - timedelta(days=2), now=NOW, is_out=True)),
    ("content.slot-empty", facts(nameless="Dear , hello\n" + TEXT), facts(nameless="Dear reader, hello\n" + TEXT)),
    ("content.slot-empty", facts(nameless="Dear None,\n" + TEXT), facts(nameless=TEXT)),
    # images
    ("images.kind", html("/1.jpg", "/1.webp"), html("/1.jpg", "/webp.jpg?x=1.webp")),
    ("images.kind", html("/1.jpg", "/1.SVG"), html("https://news.example.org/1.jpg", "https://[x/1.webp")),
    ("images.wide", html('width="120"', 'width="900"'), html('width="120"', 'width="600"')),
    ("images.dead", pictured(status=404), pictured(status=200)),
    ("images.no-image", pictured(status=200, content_type="text/html; charset=utf-8"), pictured(status=200, content_type="image/png")),
    ("images.heavy", pictured(status=200, size=200_001), pictured(status=200, size=200_000)),
    # spam
    ("spam.refused", scored(5.0), scored(4.9)),
    ("spam.suspect", scored(2.0), scored(1.9)),
    ("spam.rule", scored(1.0, SpamRule("MIME_HTML_ONLY", 1.0, "BODY: x")), scored(1.0, SpamRule("X", 0.9, ""))),
    ("spam.shouting", head("Minsk looks west again", "MINSK LOOKS WEST AGAIN"), head("Minsk looks west again", "NATO, EU")),
    ("spam.shouting", head("Minsk looks west again", "Minsk looks west!!"), head("Minsk looks west again", "Minsk looks west!")),
    ("spam.images-only", html(f"<p>{STORY}</p>", ""), html('<img src="https://news.example.org/1.jpg" width="120" alt="Two delegations">', "")),
    # axe
    ("axe.grave", axed("serious"), axed("moderate")),
    ("axe.slight", axed("minor"), axed("critical")),
    # contrast
    ("contrast.light", here('<p style="color:#999">Faint</p>'), here('<p style="color:#767676">Plain</p>')),
    ("contrast.light", here('<p style="background:#777;color:#fff">Faint</p>'), here('<p style="background:#777;color:#fff;font-size:24px">Large</p>')),
    ("contrast.light", here('<table role="presentation" bgcolor="#aaa"><tr><td style="color:#fff">Faint</td></tr></table>'), here('<p style="display:none;color:#fff">Hidden</p>')),
    ("contrast.light", here('<p style="color:rgba(0,0,0,.3)">Faint</p>'), here('<p style="color:#fff;background:url(https://a.example/1.jpg)">On a picture</p>')),
    ("contrast.light", here('<p style="color:#eee"><b style="font:18px Arial">Faint</b></p>'), here('<p style="color:#eee"><b style="color:#000">Plain</b></p>')),
    ("contrast.light", here('<a href="https://a.example/" style="background:#34c">A page</a>'), here('<h2 style="color:#888;font-size:19px">Large and bold</h2>')),
    ("contrast.light", here('<h2 style="color:#888;font:19px Arial">Large, not bold</h2>'), here('<p style="color:#888;font:bold 19px Arial">Bold</p>')),
    ("contrast.light", here('<p style="color:#888;font-size:19px;font-weight:500">Not bold</p>'), here('<p style="color:#888;font-size:19px"><b>Bold</b></p>')),
    ("contrast.light", here('<p style="color:#eee;background:#fff"><a href="https://a.example/" style="color:inherit">A page</a></p>'), here('<p style="background:#34c;color:#fff"><a href="https://a.example/" style="color:inherit">A page</a></p>')),
    ("contrast.light", here('<div style="color:#eee"><p>Faint</p></div>'), here('<div style="display:none"><p style="color:#fff;background:#fff">Hidden</p></div>')),
    ("contrast.dark", styled("@media (prefers-color-scheme: dark){.x{color:#000!important}}", '<p style="color:#999">x</p>'), here('<p style="color:#999">Faint, but no dark rules</p>')),
    ("contrast.dark", styled("@media (prefers-color-scheme: dark){.d{background:#000!important}}", '<p class="d" style="color:#333">Lost</p>'), styled("@media (prefers-color-scheme: dark){.d{background:#000!important;color:#fff!important}}", '<p class="d" style="color:#333">Seen</p>')),
    ("contrast.dark", styled("@media (prefers-color-scheme: dark){p.d{color:#eee!important}}", '<p class="d">Lost</p>'), styled("@media (max-width:600px){p.d{color:#eee!important}}", '<p class="d">Seen</p>')),
    ("contrast.forced", here('<p style="color:#5f5f5f;background:#eee">Middle</p>'), here('<p style="color:#333;background:#eee">Far</p>')),
    ("contrast.forced", here('<p style="color:#fff;background:#757575">All turned over</p>'), here('<p style="color:#fff;background:#555">Far</p>')),
    # css
    ("css.media-important", styled("@media (max-width:600px){p{color:#111}}", '<p style="color:#000">x</p>'), styled("@media (max-width:600px){p{color:#111!important}}", '<p style="color:#000">x</p>')),
    ("css.important", here('<p style="color:#000!important">x</p>'), styled("p{color:#000!important}", "<p>x</p>")),
    ("css.style-size", styled(".a{color:#000}" * 1200, ""), styled(".a{color:#000}" * 1100, "")),
    ("css.broken", styled("p{color:#000} }", ""), styled("p{color:#000;}", "")),
    ("css.text-size", here('<p style="font-size:11px">Small</p>'), here('<p style="font-size:12px">Fine</p>')),
    ("css.text-size", here('<p style="font-size:11.5px">Small</p>'), here('<p style="font-size:5px"><b style="font-size:14px;line-height:9px">x</b></p>')),
    ("css.text-size", here('<p style="font:9px/20px Arial">Small</p>'), here('<div style="font-size:1px;line-height:9px">&nbsp;</div>')),
    ("css.tables-deep", here(tables(7)), here(tables(6))),
    ("css.outlook-parts", here("<!--[if mso]><table><tr><td><![endif]-->"), here("<!--[if mso]><table><tr><td><![endif]--><!--[if mso]></td></tr></table><![endif]-->")),
    ("css.outlook-parts", here("<!--[if gte mso 9]><table><![endif]-->"), here("<!--[if IE]><table><![endif]-->")),
    ("css.outlook-parts", here("<!--[if mso]><p>"), here("<!--[if !mso]><!--><p>x</p><!--<![endif]-->")),
    # clients
    ("clients.breaks", here('<p style="display:flex">x</p>'), here('<p style="display:block;display:flex">x</p>')),
    ("clients.breaks", here('<video src="https://a.example/1.mp4"></video>'), here("<p>video</p>")),
    ("clients.breaks", here('<p style="width:calc(100% - 4px)">x</p>'), facts(allowed_features={"css-unit-calc": "x"}, html='<p style="width:calc(100% - 4px)">x</p>')),
    ("clients.degrades", here('<p style="border-radius:4px">x</p>'), here('<p style="border-width:4px">x</p>')),
    ("clients.degrades", here('<p style="opacity:0.8">x</p>'), here('<p style="color:#000">x</p>')),
]  # fmt: skip
