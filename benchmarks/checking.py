"""What checking a 40-card issue costs against premailer's own time for it: `python -m benchmarks.checking`.

Both run in one process, turn by turn, and processor time is counted, so a busy machine slows both alike.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from premailer import Premailer

from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import IssueIdentity, build_message
from newsletter.render.themes import load_theme
from newsletter.review.mail import Facts
from newsletter.review.rules import RULES, check_issue
from tests.support.mail_builders import BASE_URL, make_long_digest, make_publication, make_recipient

ROUNDS = 15
MOST = 10.0
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def measure() -> tuple[float, float]:
    """Median seconds that premailer and the checks take for the same issue."""
    environment, publication, digest = make_environment(), make_publication(), make_long_digest()
    issue = render_issue(digest, publication, environment)
    identity = IssueIdentity("abcdef", 12)
    mail = build_message(issue, publication, make_recipient(), issue=identity, base_url=BASE_URL, date=NOW)
    facts = Facts(
        base_url=BASE_URL,
        address=publication.address,
        preheader=digest.preheader,
        articles={card.article.id: card.article.title for card in digest.cards},
        allowed_features=load_theme(environment, "default").allow,
    )

    def inline() -> None:
        # Not inlined yet: the page of the archive keeps its style block.
        Premailer(
            issue.archive_html, allow_network=False, cssutils_logging_level=logging.CRITICAL
        ).transform()

    def check() -> None:
        check_issue(mail, facts)

    times = [(take_time(inline), take_time(check)) for _ in range(ROUNDS)]
    return statistics.median(each[0] for each in times), statistics.median(each[1] for each in times)


def take_time(work: Callable[[], None]) -> float:
    """Seconds of processor time that a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print both times and their ratio."""
    own, checks = measure()
    print(
        f"40 cards: premailer {own * 1000:.0f} ms, {len(RULES)} rules {checks * 1000:.0f} ms: "
        f"{checks / own:.1f} times (at most {MOST:g})"
    )
    assert checks <= MOST * own, f"the checks take {checks / own:.1f} times as long as premailer"


if __name__ == "__main__":
    main()
