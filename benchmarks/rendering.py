"""What rendering an issue of forty cards takes beside premailer alone, and what variants and readers take.

`python benchmarks/rendering.py`; every figure is processor time, the best of several rounds.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from jinja2 import Environment
from premailer import Premailer

sys.path.insert(0, str(Path(__file__).parents[1]))

from newsletter.content import Digest, Publication, RenderedIssue
from newsletter.render import personal
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.marks import Subscriber
from newsletter.render.message import IssueIdentity, build_parts, compile_body
from newsletter.render.themes import find_template, make_look
from tests.support.mail_builders import (
    BASE_URL,
    NOW,
    make_long_digest,
    make_publication,
    make_recipient,
)

# Made once: building them would hide what building messages takes.
PUBLICATION, READER, IDENTITY = make_publication(), make_recipient(), IssueIdentity("0f3c", 12)
CARDS, VARIANTS, READERS, ROUNDS, FEW = 40, 200, 20_000, 10, 20
GREETING = "{% personal %}{% if subscriber.name %}Dear {{ subscriber.name }}{% endif %}{% endpersonal %}"


def main() -> None:
    """Measure and print."""
    digest, publication, environment = make_long_digest(CARDS), make_publication(), make_environment()
    page = make_page(digest, publication)
    plain = best(lambda: inline_plainly(page))
    whole = best(lambda: render_issue(digest, publication, environment))
    fresh = best(lambda: render_issue(digest, publication, make_environment()))
    print(f"premailer alone, {len(page)} octets of HTML: {plain:.0f} ms")
    print(f"issue of {CARDS} cards: {whole:.0f} ms, {whole / plain:.2f} times premailer's")
    print(f"the same with templates read anew: {fresh:.0f} ms, {fresh / plain:.2f} times premailer's")
    print_variants(digest, publication, environment)
    print_readers(page)


def print_variants(digest: Digest, publication: Publication, environment: Environment) -> None:
    """Whether many variants cost more than as many times one: while rendering, and to readers in turn."""
    several = [replace(digest, sections=digest.sections[:-1], number=n) for n in range(VARIANTS)]
    made: list[RenderedIssue] = []

    def render(variant: Digest) -> None:
        made.append(render_issue(variant, publication, environment))

    took = [spend(partial(render, each)) for each in several]
    # Medians: other programs on the machine make single ones slower, never quicker.
    first, last = (statistics.median(some) for some in (took[:FEW], took[-FEW:]))
    print(f"{VARIANTS} variants: {sum(took):.0f} ms, the last {FEW} take {last / first:.2f} times the first")
    alone, in_turn = (best(partial(build_all, bodies)) for bodies in (made[:1] * VARIANTS, made))
    print(f"{VARIANTS} messages of as many variants: {in_turn / alone:.2f} times as many of one")


def build_all(bodies: list[RenderedIssue]) -> None:
    """One message of each."""
    for body in bodies:
        build_parts(body, PUBLICATION, READER, issue=IDENTITY, base_url=BASE_URL, date=NOW)


def print_readers(page: str) -> None:
    """One body for many readers: with a name, and with a block that asks for it."""
    nonce = "0123456789abcdef"
    reader = Subscriber(nonce)
    values = [personal.values_of(make_recipient(name=f"Reader {n}" * (n % 2))) for n in range(READERS)]
    took = []
    for words in ("{{ subscriber.name }}", GREETING):
        said = make_environment().from_string(words).render(subscriber=reader)
        blob = compile_body(said, page.replace("</body>", f"<p>{said}</p></body>"), nonce)
        took.append(best(partial(join_all, blob, values)))
        print(f"{READERS} bodies with {words}: {took[-1]:.0f} ms, {took[-1] / READERS * 1000:.1f} µs each")
    print(f"a block costs {took[1] / took[0]:.2f} times a plain value")


def join_all(blob: bytes, readers: list[dict[str, str]]) -> None:
    """One body for each."""
    for values in readers:
        personal.join(blob, values)


def make_page(digest: Digest, publication: Publication) -> str:
    """The page as the theme's template gives it, before its styles are inlined."""
    environment = make_environment()
    look = make_look(environment, publication)
    links = {"browser": publication.url, "archive": publication.url, "sign_up": publication.url}
    return find_template(environment, look["theme"], "body.html").render(
        **look, digest=digest, links=links, archive=False, subject="x", subscriber=Subscriber("00")
    )


def inline_plainly(page: str) -> str:
    """Premailer as it comes."""
    inlined: str = Premailer(
        page, allow_network=False, keep_style_tags=True, cssutils_logging_level=logging.CRITICAL
    ).transform(pretty_print=False)
    return inlined


def best(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest round."""
    return min(spend(work) for _ in range(ROUNDS))


def spend(work: Callable[[], object]) -> float:
    """Milliseconds of one round."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    main()
