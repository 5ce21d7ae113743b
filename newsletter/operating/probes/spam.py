"""Asks SpamAssassin, where it is installed, without letting it use the network."""

from __future__ import annotations

import re
import shutil
import subprocess

from newsletter.errors import NewsletterError
from newsletter.review.outside import SpamRule, SpamVerdict

SECONDS = 60.0
_SCORE = re.compile(r"^Content analysis details:\s+\((-?[\d.]+) points", re.MULTILINE)
_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\s+(.*)$")


def find_spamassassin() -> str | None:
    """Where the program is, or None."""
    return shutil.which("spamassassin")


def ask_spamassassin(mail: bytes, program: str) -> SpamVerdict:
    """What SpamAssassin says of a mail by its local rules alone.

    Raises:
        NewsletterError: It failed, or said nothing that can be read.

    """
    # -L: no network; -t: the table of rules below the mail; -x: makes no file in anybody's home.
    try:
        run = subprocess.run(  # noqa: S603 - found on PATH; the mail is its standard input
            [program, "-L", "-t", "-x"], input=mail, capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"SpamAssassin failed: {error}"
        raise NewsletterError(message) from error
    return parse_report(run.stdout.decode("utf-8", "replace"))


def parse_report(output: str) -> SpamVerdict:
    """Read the table that SpamAssassin writes behind the mail.

    Raises:
        NewsletterError: There is none.

    """
    scores = _SCORE.findall(output)
    if not scores:
        message = "SpamAssassin failed: it wrote no table of rules"
        raise NewsletterError(message)
    rules: list[SpamRule] = []
    for line in output.rpartition("Content analysis details:")[2].splitlines():
        if found := _RULE.match(line):
            rules.append(SpamRule(found[2], float(found[1]), found[3].strip()))
        elif rules and line.startswith(" " * 20):
            last = rules.pop()
            rules.append(SpamRule(last.name, last.score, f"{last.description} {line.strip()}"))
    return SpamVerdict(float(scores[-1]), tuple(rules))
