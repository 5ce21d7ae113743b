"""Renders a theme that was edited in a browser in a process of its own, and ends it if it takes too long."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from newsletter.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.content import Digest, Publication, RenderedIssue

SECONDS = 5.0
"""From when the process has its job; it also limits its own CPU time and memory."""
LONGEST_ANSWER = 8_000_000

# Secrets are handed over in the environment, so nothing else of it goes on; the last is for our own tests.
_INHERITED = ("PATH", "PYTHONPATH", "SYSTEMROOT", "COVERAGE_PROCESS_CONFIG")


def render_apart(digest: Digest, publication: Publication, folders: Sequence[Path]) -> RenderedIssue:
    """Render an issue in a sandboxed process.

    Args:
        digest: What is in it.
        publication: Its theme is rendered.
        folders: The operator's own templates.

    Raises:
        RenderError: A template is at fault, reaches for what it may not have, or takes too much of anything.

    """
    from newsletter.render.sandbox import READY, Job, read_answer

    job = pickle.dumps(Job(digest, publication, tuple(path.resolve() for path in folders)))
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter.render.sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
    ) as child:
        if not child.stdin or not child.stdout or child.stdout.readline() != READY:
            raise RenderError("The sandbox for edited themes did not start: is the program installed whole?")
        timer = threading.Timer(SECONDS, child.kill)
        timer.start()
        try:
            child.stdin.write(job)
            child.stdin.close()
            return read_answer(child.stdout.read(LONGEST_ANSWER))
        except (OSError, ValueError, TypeError, KeyError) as error:
            message = (
                f"The theme {publication.theme} took more than it may: {SECONDS:.0f} seconds, a gigabyte of "
                "memory, a million characters. Mend its templates and render again."
            )
            raise RenderError(message) from error
        finally:
            timer.cancel()
            child.kill()
