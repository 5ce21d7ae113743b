"""Fuzzing of everything that reads what others wrote: `make fuzz SECONDS=600`.

Documents of the corpora, and some made here, are cut, doubled, swapped and overwritten. What comes of one is
a value or a documented error, within a second of CPU time per kilobyte; else its file is kept and named.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import logging
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.collect import (
    clean,
    dates,
    detect,
    extraction,
    feeds,
    identity,
    images,
    jsonfeed,
    leads,
    markdown,
    opml,
    pages,
    sitemaps,
    textpages,
)
from newsletter.collect.proxies import unwrap
from newsletter.config.servers import parse_smtp_url
from newsletter.content import ParsedSource
from newsletter.deliver import wire
from newsletter.deliver.replies import Stage, classify_reply
from newsletter.errors import NewsletterError
from newsletter.operating.probes.spam import parse_report
from newsletter.publishing import calendar, maillog, publications
from newsletter.review.colours import parse_colour
from newsletter.review.mail import Facts
from newsletter.review.rules import check_issue, lint_mail
from newsletter.subscribing.addresses import normalise_address
from newsletter.subscribing.peoplefiles import iterate_people
from tests.collect.corpus import CORPORA
from tests.collect.page_builder import make_page

LARGEST = 60_000
PER_KILOBYTE = 1.0
"""Seconds of CPU time; a shorter document has as many."""
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
URL = "https://e.example/news/x"
PIECES = (
    b"",
    b"<",
    b">",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"&#0;",
    b"&#xD800;",
    b"&amp;amp;",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"\x1f\x8b",
    b"\r\n",
    b"\n\n",
    b'"',
    b"'",
    b"{",
    b"[",
    b",",
    b";",
    b"=?utf-8?b?",
    b"=",
    b"%",
    b"\\",
    b"2026-99-99",
    b"-1",
    b"99999999999999999999",
    b"Infinity",
    b"http://[",
    b"//",
    b"javascript:",
    b"a" * 2000,
    b"<div>" * 300,
    b"<a " * 100,
    b"((((" * 50,
    b" " * 3000,
    "\u2028é\U0001f600".encode(),
)


Reader = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """Something that reads, and what it is given."""

    read: Reader
    corpora: tuple[str, ...] = ()
    """Patterns of folders."""
    made: tuple[bytes, ...] = ()
    allowed: tuple[type[Exception], ...] = ()
    """Documented errors beside those of `newsletter.errors`."""


@dataclass(frozen=True)
class Fault:
    """What must not be."""

    name: str
    reason: str
    path: Path


class TooLongError(BaseException):
    """A document takes more CPU time than it may; no `except Exception` holds it up."""


def mutate(chance: random.Random, data: bytes, other: bytes = b"") -> bytes:
    """Cut, double, swap and overwrite pieces of a document, or put in pieces of another one."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(found) + 1)
        length = chance.choice([1, 3, 20, 200])
        piece = bytes(found[start : start + length])
        place = chance.randrange(len(other) + 1)
        found[start : start + length] = chance.choice(
            [
                piece * chance.choice([0, 2, 3, 50]),
                piece[::-1],
                chance.randbytes(len(piece)),
                other[place : place + length],
                piece + chance.choice(PIECES),
                chance.choice(PIECES),
            ]
        )
    return bytes(found[: chance.choice([len(found), len(found), len(found) // 2])])[:LARGEST]


def read_source(data: bytes) -> None:
    """As a collecting run does: parsed, known again, cleaned."""
    take(detect.parse_source(data, location=URL))


def take(source: ParsedSource) -> None:
    identity.identify(source.entries, source="1")
    for entry in source.entries:
        clean.clean_entry(entry, URL)


def read_words(data: bytes) -> None:
    """Everything that reads one line of text."""
    text = data.decode("utf-8", "replace")[:2000]
    for read in _WORDS:
        try:
            read(text)
        except NewsletterError:
            continue


_WORDS: tuple[Callable[[str], object], ...] = (
    dates.parse_date,
    dates.parse_date_line,
    identity.canonical_url,
    identity.without_tracking,
    unwrap,
    lambda text: clean.clean_link(text, URL),
    calendar.parse_schedule,
    calendar.parse_zone,
    lambda text: calendar.parse_when(text, ZoneInfo("Europe/Minsk")),
    publications.parse_mailbox,
    parse_smtp_url,
    parse_colour,
    normalise_address,
    wire.encode_address,
    parse_report,
)


def read_html(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    clean.clean_html(text, URL)
    clean.clean_title(text)
    clean.html_to_text(text)
    leads.find_leads(text, URL, UTC)


def read_people(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        list(iterate_people(Path(file.name)))


def read_mail(data: bytes) -> None:
    message = data if data[:5].lower() != b"<html" else b"Content-Type: text/html\r\n\r\n" + data
    lint_mail(message)
    check_issue(message, Facts(base_url=URL))


def read_replies(data: bytes) -> None:
    for reply in wire.ReplyReader().feed(data):
        for stage in Stage:
            classify_reply(stage, reply)


def read_log(data: bytes) -> None:
    log = maillog.MailLog({"<1@e.example>"}, now=NOW, zone=UTC)
    list(log.read(data.decode("utf-8", "replace").splitlines(keepends=True)))


def read_picture(data: bytes) -> None:
    images.parse_picture(data)
    images.make_copy(data)


def draw(kind: str) -> bytes:
    import PIL.Image

    out = io.BytesIO()
    PIL.Image.effect_noise((90, 60), 90).save(out, kind)
    return out.getvalue()


ITEM = (
    b"<item><title>Port &amp; quay</title><link>http://e.example/1</link><guid>1</guid>"
    b"<pubDate>Mon, 23 Nov 2026 08:00:00 +0300</pubDate><description>&lt;p&gt;Cranes"
    b" &lt;img src='a.png'&gt;&lt;/p&gt;</description></item>"
)
FEED = b"<?xml version='1.0'?><rss version='2.0'><channel><title>T</title>" + ITEM * 3 + b"</channel></rss>"
PAGE = (
    b"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>News</title></head><body><main>"
    b"<h2><a href='/2026/11/cranes-turn-again'>Cranes turn again</a> <time datetime=2026-11-23></time></h2>"
    * 4
    + b"<article><p>"
    + b"The cranes turned again on Monday. " * 12
    + b"</p></article></main></body></html>"
)
ODD_PAGE = PAGE.replace(b"News", b"N2026-99-99")
"""Such a date has dateparser load all its languages, once."""
MAIL = (
    b"From: Post <post@e.example>\r\nTo: a@e.example\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n"
    b"MIME-Version: 1.0\r\n"
    b"List-Unsubscribe: <https://e.example/u/1>\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head><style>@media (max-width: 600px) { .a > b { color: #fff !important } }</style></head><body>"
    b"<table><tr><td style='color:rgb(1 2 3 / 50%)'><img src=a.png width=1></td></tr></table></body></html>"
    b"\r\n--b--\r\n"
)
LOG = (
    b"Nov 23 08:00:00 mx postfix/cleanup[1]: 4Xk2Yz0: message-id=<1@e.example>\n"
    b"2026-11-23T08:00:01+00:00 mx postfix/smtp[7]: 4Xk2Yz0: to=<a@b.example>,"
    b" dsn=2.0.0, status=sent (250 ok)\n"
    b"2026-11-23 08:00:00 1vNq0a-0003xY-2k <= a@e.example id=1@e.example\n"
)
JSON_FEED = (
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1",'
    b' "content_html": "<p>x</p>",'
    b' "date_published": "2026-11-23T08:00:00+03:00", "tags": ["a"], "attachments": [{"url": "a.mp3"}]}]}'
)
SITEMAP = b"<urlset><url><loc>http://e.example/1</loc><lastmod>2026-11-23</lastmod></url></urlset>"
OPML = b"<opml version='2.0'><body><outline text='News'><outline xmlUrl='http://e.example/f'/></outline></body></opml>"
MARKDOWN = b"---\ntitle: Cranes\ndate: 2026-11-23\n---\n# Cranes\n\n* one\n* [two](a.md)\n\n```\ncode\n```\n"
PEOPLE = (
    b'Email,Name,Status,Created\na@e.example,"Ann, Ode",active,2026-01-01\n',
    b'{"email": "a@e.example"}\n',
)
TEXT_PAGES = tuple(make_page(seed)[1].encode() for seed in range(20))
EVERY_HTML = ("pages-*", "templates-*")

TARGETS = {
    "sources": Target(
        read_source, ("feeds-*", "pages-*", "hostile-xxe", "newsletters-*"), (FEED, PAGE, *TEXT_PAGES)
    ),
    "feeds": Target(
        lambda data: take(feeds.parse_feed(data, location=URL)), ("feeds-*", "hostile-xxe"), (FEED,)
    ),
    "jsonfeeds": Target(lambda data: take(jsonfeed.parse_json_feed(data)), (), (JSON_FEED,)),
    "pages": Target(lambda data: take(pages.parse_page(data, location=URL)), ("pages-*",), (PAGE, ODD_PAGE)),
    "sitemaps": Target(lambda data: sitemaps.parse_sitemap(data, location=URL), (), (SITEMAP,)),
    "seeds' form": Target(lambda data: take(textpages.parse_text_page(data)), (), TEXT_PAGES),
    "markdown": Target(lambda data: take(markdown.parse_markdown(data)), ("newsletters-*",), (MARKDOWN,)),
    "opml": Target(lambda data: opml.parse_opml(data, name="list"), ("opml-*",), (OPML,)),
    "html": Target(read_html, (*EVERY_HTML, "hostile-html-*", "hostile-xss-*"), (PAGE,)),
    "pictures": Target(read_picture, (), tuple(map(draw, ("PNG", "JPEG", "GIF", "WEBP", "BMP")))),
    "people": Target(read_people, ("csv-*", "hostile-csv-*"), PEOPLE),
    "mails": Target(read_mail, ("mime-*", "bounces-*", "arf-*", "templates-*"), (MAIL,)),
    "replies": Target(
        read_replies, (), (b"250-mx\r\n250 SIZE 1\r\n", b"550 5.1.1 none\r\n"), (wire.ProtocolError,)
    ),
    "logs": Target(read_log, (), (LOG,)),
    "words": Target(
        read_words,
        ("hostile-blns", "hostile-urls-*", "hostile-email-*", "hostile-feed-dates"),
        (
            b"Mon, 23 Nov 2026 08:00:00 GMT",
            b"0 8 * * mon#1",
            b"Ann <a@e.example>",
            b"smtp://a:b@e.example:25?tls=none",
        ),
    ),
    "answers": Target(
        extraction.read_answer,
        (),
        (json.dumps(asdict(extraction.Extracted("x"))).encode(), b'{"error": "x"}'),
        (ValueError, TypeError, KeyError, AttributeError),
    ),
}


def list_documents(target: Target) -> list[Path]:
    """Name what the corpora have for it; nothing where they are not there."""
    return sorted(
        path
        for pattern in target.corpora
        for folder in CORPORA.glob(pattern)
        for path in folder.rglob("*")
        if path.is_file()
        and path.stat().st_size < 4 * LARGEST
        and not path.name.startswith(("LICENSE", "SOURCE"))
    )


def choose(chance: random.Random, target: Target, documents: Sequence[Path]) -> bytes:
    """Take one of the corpora mostly; of a list, one line or some."""
    if not documents or chance.random() < 0.2:
        return chance.choice(target.made)
    path = chance.choice(documents)
    data = path.read_bytes()
    if path.suffix != ".jsonl":
        return data
    line = json.loads(chance.choice(data.splitlines() or [b'""']))
    said = (
        line if isinstance(line, str) else next((each for each in line.values() if isinstance(each, str)), "")
    )
    return said.encode("utf-8", "replace")


def attempt(target: Target, data: bytes) -> str | None:
    """Say what is wrong with how it reads this, if anything is."""
    limit = max(1.0, len(data) / 1000) * PER_KILOBYTE
    signal.setitimer(signal.ITIMER_PROF, limit)
    begun = time.process_time()
    try:
        target.read(data)
    except NewsletterError:
        return None
    except TooLongError:
        return f"took {time.process_time() - begun:.1f} s for {len(data)} octets"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        if isinstance(error, target.allowed):
            return None
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def fuzz(names: Sequence[str], rounds: Iterable[int], folder: Path, seed: int) -> Iterator[Fault]:
    """Give every fault, of each kind the first; its document, and one that ends the process, is kept."""
    chance = random.Random(seed)
    documents = {name: list_documents(TARGETS[name]) for name in names}
    seen: set[tuple[str, str]] = set()
    for number in rounds:
        name = names[number % len(names)]
        target = TARGETS[name]
        data = mutate(
            chance, choose(chance, target, documents[name]), choose(chance, target, documents[name])
        )
        path = folder / f"{name.replace(chr(39), '').replace(' ', '-')}-{seed}-{number}"
        path.write_bytes(data)
        reason = attempt(target, data)
        kind = (name, (reason or "").split(":")[0].split(" for ")[0][:40])
        if reason and kind not in seen:
            seen.add(kind)
            yield Fault(name, reason, path)
        else:
            path.unlink()


class Rounds(Iterator[int]):
    """Counts until a moment of the monotonic clock, and says how far it came."""

    def __init__(self, deadline: float) -> None:
        self.number, self._deadline = 0, deadline

    def __next__(self) -> int:
        if time.monotonic() >= self._deadline:
            raise StopIteration
        self.number += 1
        return self.number - 1


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def interrupt(_signal: int, _frame: FrameType | None) -> Any:  # noqa: ANN401 - never returns
    raise TooLongError


def prepare() -> None:
    """Make faults of libraries known, and their words on damaged documents not."""
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, interrupt)
    for name, target in TARGETS.items():
        # Libraries are loaded before the first document is timed.
        assert target.made, name
        for data in target.made:
            with suppress(NewsletterError):
                target.read(data)


def main() -> None:
    """Fuzz for so long; exit code 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TARGETS)}; all without")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="repeats a run")
    parser.add_argument("--file", type=Path, help="reads that alone, with every NAME, and shows what happens")
    said = parser.parse_args()
    names = said.names or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such reader: {', '.join(sorted(unknown))}")
    prepare()
    if said.file:
        for name in names:
            show(f"{name}: {attempt(TARGETS[name], said.file.read_bytes()) or 'all is well'}")
        return
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    show(f"{len(names)} readers, {said.seconds:g} seconds, seed {said.seed}, documents in {folder}")
    found = 0
    rounds = Rounds(time.monotonic() + said.seconds)
    for fault in fuzz(names, rounds, folder, said.seed):
        found += 1
        show(f"{fault.name}: {fault.reason}\n  {fault.path}")
    show(f"{rounds.number} documents, {found} faults")
    raise SystemExit(found > 0)


if __name__ == "__main__":
    main()
