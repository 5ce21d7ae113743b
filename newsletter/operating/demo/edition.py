"""What the newspapers of the sample publication have published by a given moment."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.collect.clean import clean_html
from newsletter.collect.detect import parse_source
from newsletter.content import Entry, ParsedSource
from newsletter.operating.demo.samples import Sample, list_samples, read_sample

if TYPE_CHECKING:
    from collections.abc import Collection

FEEDS = frozenset({".xml", ".json"})
_BLOCK = re.compile(r"[ \t]*<(item|entry)\b.*?</\1>\n*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """What the sample server answers for one path."""

    media_type: str
    body: bytes
    modified_at: datetime

    @property
    def etag(self) -> str:
        """A strong validator (RFC 9110 8.8.3)."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


@dataclass(frozen=True, slots=True)
class _Paper:
    """One feed with every article that it will ever have."""

    sample: Sample
    text: str
    parsed: ParsedSource


class Edition:
    """The samples with fresh dates; whatever is dated after `until`, or held back, is not out yet.

    Articles are dated relative to `now`, which is aware and in the publication's zone.
    """

    def __init__(self, root: Path, *, now: datetime, base: str) -> None:
        """Take the folder `examples` and the address of the server, which makes `links` of its articles."""
        self.now = now
        self.until = now
        self.held: Collection[str] = ()
        """Last parts of articles' ids, or names of files, that come out later whatever their date."""
        self._root = root
        self._base = base
        self._samples = {sample.path: sample for sample in list_samples(root)}
        folder = Path(__file__).parent
        self._pages = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def find_document(self, path: str) -> Document | None:
        """What is at a path of the server (without its first slash), or None."""
        sample = self._samples.get(path)
        if sample is None:
            return self._find_page(path)
        if path in self._papers:
            return self._make_feed(self._papers[path])
        body = read_sample(self._root, sample, now=self.now, base=self._base)
        if sample.is_template and not self._is_out(PurePosixPath(path).name, self._read_date(path, body)):
            return None
        return Document(sample.media_type, body, self.until)

    def write_folder(self, path: str, target: Path) -> int:
        """Write the pages of a folder source that are out; return how many are."""
        target.mkdir(parents=True, exist_ok=True)
        names = [name for name in self._samples if name.startswith(f"{path.rstrip('/')}/")]
        found = {name: self.find_document(name) for name in names}
        for name, document in found.items():
            if document is not None:
                (target / PurePosixPath(name).name).write_bytes(document.body)
        return sum(document is not None for document in found.values())

    def list_links(self) -> list[str]:
        """The address of every article, out or not."""
        return [entry.link for paper in self._papers.values() for entry in paper.parsed.entries if entry.link]

    @cached_property
    def _papers(self) -> dict[str, _Paper]:
        found = {}
        for path, sample in self._samples.items():
            if PurePosixPath(path).suffix in FEEDS:
                body = read_sample(self._root, sample, now=self.now, base=self._base)
                parsed = parse_source(body, location=f"{self._base}/{path}", content_type=sample.media_type)
                found[path] = _Paper(sample, body.decode(), parsed)
        return found

    def _is_out(self, name: str, published: datetime | None) -> bool:
        return name not in self.held and (published is None or published <= self.until)

    def _list_out(self, paper: _Paper) -> list[Entry]:
        return [entry for entry in paper.parsed.entries if self._is_out(_name(entry), entry.published)]

    def _read_date(self, path: str, body: bytes) -> datetime | None:
        entries = parse_source(body, location=path, tz=self.now.tzinfo or UTC).entries
        return entries[0].published if entries else None

    def _make_feed(self, paper: _Paper) -> Document:
        out = self._list_out(paper)
        hidden = {entry.id or "" for entry in paper.parsed.entries} - {entry.id or "" for entry in out}
        dates = [moment for entry in out for moment in (entry.published, entry.updated) if moment]
        leave_out = _filter_json if paper.sample.path.endswith(".json") else _filter_xml
        body = leave_out(paper.text, hidden).encode()
        return Document(paper.sample.media_type, body, min(max(dates, default=self.until), self.until))

    def _find_page(self, path: str) -> Document | None:
        """A newspaper's front page, one of its articles, or the list of the newspapers."""
        address = f"{self._base}/{path}"
        papers = [paper.parsed for paper in self._papers.values()]
        if not path:
            return self._render("papers.html", papers=papers)
        for paper in self._papers.values():
            if paper.parsed.link == address:
                return self._render("paper.html", paper=paper.parsed, articles=self._list_out(paper))
            for entry in self._list_out(paper):
                if entry.link == address:
                    html = clean_html(entry.html or "", address)
                    return self._render("article.html", paper=paper.parsed, article=entry, body=html)
        return None

    def _render(self, name: str, **values: object) -> Document:
        body = self._pages.get_template(name).render(values)
        return Document("text/html; charset=utf-8", body.encode(), self.until)


def _name(entry: Entry) -> str:
    """The end of its id, which even an article without a link has: `tag:post.example.org,2026:seals`."""
    return (entry.id or "").rpartition(":")[2]


def _filter_xml(text: str, hidden: Collection[str]) -> str:
    """Leave out the entries by their ids; the rest stays as it is written, comments and all."""

    def keep(match: re.Match[str]) -> str:
        is_hidden = any(f">{number}<" in match[0] for number in hidden)
        return "" if is_hidden else match[0]

    return _BLOCK.sub(keep, text)


def _filter_json(text: str, hidden: Collection[str]) -> str:
    feed = json.loads(text)
    feed["items"] = [item for item in feed["items"] if item["id"] not in hidden]
    return json.dumps(feed, ensure_ascii=False, indent=2)
