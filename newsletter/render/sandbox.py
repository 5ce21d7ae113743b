"""Rendering templates that someone wrote in a browser: data alone, and limits of time, memory and output.

`python -m newsletter.render.sandbox` says `ready`, reads one pickled Job from standard input, renders it and
answers with one JSON document. `newsletter.publishing.sandbox` starts it: pure rooms start nothing.
"""

from __future__ import annotations

import base64
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from newsletter.content import Digest, Publication, RenderedIssue
from newsletter.errors import NewsletterError, RenderError
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue

READY = b"ready\n"
CPU_SECONDS = 5
MEMORY = 1 << 30
"""Octets of address space, libraries included."""
LONGEST_OUTPUT = 1_000_000
"""Characters of both parts together."""

_SHARED = ("email/_base/", "email/issue/", "locale/")
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """What to render: plain values, and the folders that templates may come from."""

    digest: Digest
    publication: Publication
    folders: tuple[Path, ...]


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja with data and filters alone: no name with an underscore, nothing that changes or grows."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - as Jinja has it
        """Refuse powers, formats and texts made long by repeating them."""
        sizes = [len(each) if hasattr(each, "__len__") else abs(each) for each in (left, right)]
        is_text = isinstance(left, str) and operator == "%"
        if operator == "**" or is_text or sizes[0] * sizes[1] > _LARGEST:
            message = f"{operator} takes small numbers and short texts alone here"
            raise SecurityError(message)
        return super().call_binop(context, operator, left, right)


class _Fence(BaseLoader):
    """Lets a template take in what its own theme and all mails share, and no other file."""

    def __init__(self, inner: BaseLoader, theme: str) -> None:
        self._inner = inner
        self._allowed = (*_SHARED, f"email/themes/{theme}/")

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        if not template.startswith(self._allowed):
            raise TemplateNotFound(template)
        return self._inner.get_source(environment, template)

    def list_templates(self) -> list[str]:
        return [name for name in self._inner.list_templates() if name.startswith(self._allowed)]


def make_sandbox(folders: tuple[Path, ...], theme: str) -> Environment:
    """Make the environment for the templates of one theme that nobody vouches for."""
    sandbox = make_environment(folders, Sandbox)
    assert sandbox.loader is not None  # noqa: S101 - make_environment gave it
    sandbox.loader = _Fence(sandbox.loader, theme)
    # It makes any length of nonsense from one number.
    del sandbox.globals["lipsum"]
    return sandbox


def render_fenced(job: Job) -> RenderedIssue:
    """Render in this process, without its limits of time and memory.

    Raises:
        RenderError: a template is at fault, reaches for what it may not have, or says too much.
    """
    sandbox = make_sandbox(job.folders, job.publication.theme)
    rendered = render_issue(job.digest, job.publication, sandbox)
    if len(rendered.html) + len(rendered.text) > LONGEST_OUTPUT:
        message = f"The theme {job.publication.theme} makes a mail of more than {LONGEST_OUTPUT} characters."
        raise RenderError(message)
    return rendered


def read_answer(answer: bytes) -> RenderedIssue:
    """Read what the process wrote; it is data, whoever took the process over.

    Raises:
        RenderError: what the template was found guilty of.
        ValueError: it is no answer.
    """
    said = json.loads(answer)
    if "error" in said:
        raise RenderError(str(said["error"]))
    mime = base64.b64decode(said.pop("mime"))
    return RenderedIssue(mime=mime, problems=tuple(said.pop("problems")), **said)


def _answer(job: Job) -> dict[str, Any]:
    try:
        rendered = render_fenced(job)
    except NewsletterError as error:
        return {"error": str(error)}
    except (MemoryError, RecursionError) as error:
        return {"error": f"The theme {job.publication.theme} took too much memory: {type(error).__name__}."}
    return asdict(rendered) | {"mime": base64.b64encode(rendered.mime).decode("ascii")}


def main() -> None:
    """Render one job under limits."""
    import resource

    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    # The parent is the only one who can write here.
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - as said above
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.write(json.dumps(_answer(job)))


if __name__ == "__main__":
    main()
