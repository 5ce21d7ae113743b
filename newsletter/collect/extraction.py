"""What trafilatura finds on a page, and a process for it: some pages would keep it busy for minutes.

`python -m newsletter.collect.extraction CPU_SECONDS MEMORY` says `ready`, and answers each line of JSON with
one, until nobody asks. `newsletter.publishing.extraction` starts it: the parsers start nothing.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from newsletter.errors import ParseError

READY: Final = b"ready\n"
_PATIENCE: Final = 60
"""Seconds without a page after which the process ends: it is large, and started in one."""
_NEARLY: Final = 0.9
_ATTRIBUTES: Final = (
    "text",
    "title",
    "author",
    "sitename",
    "description",
    "image",
    "date",
    "license",
    "language",
)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The article of a page, in trafilatura's words; "" for what it did not find."""

    text: str = ""
    title: str = ""
    author: str = ""
    sitename: str = ""
    description: str = ""
    image: str = ""
    date: str = ""
    license: str = ""
    language: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page as text, and its address."""

    source: str
    link: str | None = None
    favor_recall: bool = False
    """Take in what may not belong to the article."""


Extract = Callable[[PageJob], Extracted]


def extract(job: PageJob) -> Extracted:
    """Find the article of a page, in this process, without limits.

    Raises:
        ParseError: the page is too damaged to read.
    """
    import trafilatura

    # It logs as an error what is told here as a ParseError, or mended.
    for name in ("trafilatura", "htmldate", "courlan"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        document: Any = trafilatura.bare_extraction(
            job.source,
            url=job.link,
            include_comments=False,
            with_metadata=True,
            favor_recall=job.favor_recall,
            include_tables=True,
        )
    except MemoryError:
        raise
    except Exception as error:
        message = f"{job.link or 'the page'} is too damaged to read: {type(error).__name__}: {error}"
        raise ParseError(message) from error
    if document is None:
        return Extracted()
    found = {name: str(getattr(document, name, None) or "") for name in _ATTRIBUTES}
    return Extracted(**found, categories=tuple(map(str, document.categories or ())))


def read_answer(answer: bytes) -> Extracted:
    """Read what the process wrote; it is data, whoever took the process over.

    Raises:
        ParseError: what it has against the page.
        ValueError: it is no answer.
    """
    said = json.loads(answer)
    if "error" in said:
        raise ParseError(str(said["error"]))
    found = Extracted(**said | {"categories": tuple(said["categories"])})
    if not all(isinstance(each, str) for each in (*found.categories, *(said[name] for name in _ATTRIBUTES))):
        message = "an answer of something else than texts"
        raise ValueError(message)
    return found


def main() -> None:
    """Answer page after page under limits: of memory altogether, of CPU time for each."""
    import resource
    import signal

    import trafilatura  # noqa: F401 - its time and memory are not the first page's

    cpu_seconds, memory = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    _say(READY)
    while True:
        signal.alarm(_PATIENCE)
        asked = sys.stdin.buffer.readline()
        signal.alarm(0)
        if not asked:
            return
        spent = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(spent.ru_utime + spent.ru_stime) + cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        answer = _answer(PageJob(**json.loads(asked)))
        if not answer.get("text") and _is_full(memory):
            # lxml and trafilatura take want of memory for a damaged page, or one without a text.
            raise MemoryError
        _say(json.dumps(answer).encode() + b"\n")


def _answer(job: PageJob) -> dict[str, Any]:
    try:
        return asdict(extract(job))
    except ParseError as error:
        return {"error": str(error)}


def _is_full(memory: int) -> bool:
    """Whether the process has ever come near its limit; only Linux tells."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    peak = re.search(r"VmPeak:\s+(\d+) kB", status)
    return peak is not None and int(peak[1]) * 1024 > memory * _NEARLY


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
