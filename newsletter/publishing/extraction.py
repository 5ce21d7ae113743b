"""Has pages read by trafilatura in a process of its own, and ends it where a page takes too much."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from newsletter.collect.extraction import READY, read_answer
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from newsletter.collect.extraction import Extracted, PageJob

_LONGEST_ANSWER: Final = 100_000_000
# Secrets are handed over in the environment, so nothing else of it goes on; the last is for our own tests.
_INHERITED: Final = ("PATH", "PYTHONPATH", "SYSTEMROOT", "COVERAGE_PROCESS_CONFIG")


class PageReader:
    """A process that reads page after page; it starts with the first, and anew after one that it broke on."""

    def __init__(self, *, cpu_seconds: int = 10, seconds: float = 30.0, memory: int = 1 << 30) -> None:
        """Set what one page may take: pages of real papers need a second and 300 MB.

        Args:
            cpu_seconds: Of CPU time.
            seconds: By the clock.
            memory: Octets of address space, libraries and earlier pages included.

        """
        self._cpu_seconds, self._seconds, self._memory = cpu_seconds, seconds, memory
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.end)

    def extract(self, job: PageJob) -> Extracted:
        """Find the article of a page, as `collect.extraction.extract` does.

        Raises:
            ParseError: the page is too damaged to read, or takes more than it may.

        """
        with self._lock:
            answer = self._ask(self._child, job) if self._child else b""
            # A process kept from earlier pages may have ended for idleness, or be full of them.
            answer = answer or self._ask(self._start(), job)
        try:
            return read_answer(answer)
        except ParseError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._too_much(job) from error

    def end(self) -> None:
        """End the process, if there is one, once it is done with its page."""
        with self._lock:
            child, self._child = self._child, None
            if child:
                with child:
                    pass  # leaving closes its input, and waits

    def _start(self) -> subprocess.Popen[bytes]:
        limits = (str(self._cpu_seconds), str(self._memory))
        self._child = subprocess.Popen(  # noqa: S603 - two numbers
            [sys.executable, "-m", "newsletter.collect.extraction", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            # Ctrl-C is for the program, which says itself when it is done with a page.
            process_group=0,
        )
        if not self._child.stdout or self._child.stdout.readline() != READY:
            self._give_up(self._child)
            raise ParseError("The reader of pages did not start: is the program installed whole?")
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], job: PageJob) -> bytes:
        """Its answer, or nothing where it was not there to give one."""
        timer = threading.Timer(self._seconds, child.kill)
        timer.start()
        answer = b""
        try:
            if child.stdin and child.stdout:
                child.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
                child.stdin.flush()
                answer = child.stdout.readline(_LONGEST_ANSWER)
        except OSError:
            answer = b""
        finally:
            is_late = not timer.is_alive()
            timer.cancel()
        if not answer.endswith(b"\n"):
            self._give_up(child)
            if is_late or child.returncode == -signal.SIGXCPU:
                raise self._too_much(job)
            return b""
        return answer

    def _give_up(self, child: subprocess.Popen[bytes]) -> None:
        self._child = None
        child.kill()
        child.communicate()

    def _too_much(self, job: PageJob) -> ParseError:
        return ParseError(
            f"{job.link or 'the page'} took more than a page may: {self._cpu_seconds} seconds of work or"
            f" {self._memory >> 20} MiB; add the site's feed instead, or remove the source"
        )


extract_apart: Final = PageReader().extract
