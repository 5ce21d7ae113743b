"""Writes the list of pre-flight rules from the rules themselves: `python docs/checks.py`."""

from __future__ import annotations

import sys

from newsletter.review.features import load_support
from newsletter.review.rule import Rule
from newsletter.review.rules import FAMILIES, RULES

INTRODUCTION = """\
# Checks

`newsletter issue check ID` holds a mail against the rules below, and so do the editor's page and every
approval. The mail is that of the reader with the longest address and name, as it would go over the wire.
What readers of some categories get is checked as well: the longest selection that would go out now, and of
the others the shortest while all together have no more cards than the issue. What only such a selection
has is said with its readers; how many were looked at stands in `notes`.
A finding says what is wrong, where (line, element, card), why it matters and how to mend it; `--json`
gives all of that.

- **blocks**: the issue cannot be approved. `newsletter issue approve ID --override REASON` does it all
  the same; the reason and the rules it overrode are kept in the audit log, and the reason is shown on
  the issue.
- **blocks live**: only advises while every mail server and the base URL are of this machine.
- **advises**: worth a look.

`--no-links` asks no address whether it is there; `--quick` asks nothing and nobody, as the editor's page
does until its button is pressed. Links are asked side by side, two at a time to a host, none in private
networks; good answers are kept for a day and bad ones for an hour, and what is kept counts at an
approval. SpamAssassin (`-L`, no network) and axe in Chromium (Playwright and axe-playwright-python) are
asked where they are installed. What was not asked is said below the findings and in `notes`.

`newsletter issue diff OLD NEW` shows what changed between two issues: cards added, dropped, moved and
edited, subject, findings; with one number against the last issue that went out, with `--draft` against
the draft before.

The rules marked *message* need nothing but the message: `newsletter.review.rules.lint_mail` runs them,
and the test suite runs them over every issue that its mail servers catch.

## Client support

Every feature of HTML and CSS in the mail is found by parsing and held against what caniemail.com tested:
the newest version of each client counts, unknown answers do not. A feature *breaks* where content or
layout depends on it and a client of a family that readers use lacks it, unless an earlier value in the
same rule serves that client; else it *degrades*. The share of readers is a rough one, and the tests are
old in part: their month is in the finding, the age of the whole below the findings.

A theme says in `[allow]` of its `theme.toml` which features it uses knowingly, and why nothing is lost;
what the default theme allows holds for all. The data are of {date}, {source}, MIT licence (both in
`newsletter/review/caniemail.json`); `npm pack caniemail` and `python deploy/refresh_caniemail.py FILE`
take newer ones.

## Colours

Contrast is worked out for each text in three modes: light; dark as the mail's own rules say; and dark as
clients force it, where the worse of two counts: light backgrounds and dark texts swap sides in LCH (Outlook,
Gmail on Android), or every colour does (Gmail on iOS). It needs 4.5, or 3 for large text. axe sees the first
two alone, as it reads the colours that the page states; for the themes that come with the program the tests
also measure the pixels of every text as Chromium darkens it by force.
"""
WEIGHTS = {"blocks": "blocks", "blocks-live": "blocks live", "advises": "advises"}


def render_checks() -> str:
    """Return the whole page as Markdown."""
    support = load_support()
    parts = [INTRODUCTION.format(date=support.date, source=support.source), f"## The {len(RULES)} rules\n"]
    for family in FAMILIES:
        heading = (family.__doc__ or "").split("\n")[0]
        parts += [f"### {family.__name__.rpartition('.')[2]}\n", f"{heading}\n"]
        parts += ["| rule | weight | why | how to mend it |", "|---|---|---|---|"]
        parts += [_render_row(value) for value in vars(family).values() if isinstance(value, Rule)]
        parts.append("")
    return "\n".join(parts)


def _render_row(rule: Rule) -> str:
    kind = f"{WEIGHTS[rule.weight]}, *message*" if rule.lints else WEIGHTS[rule.weight]
    why, fix = (text.replace("|", "\\|").replace("<", "&lt;") for text in (rule.why, rule.fix))
    return f"| `{rule.id}` | {kind} | {why} | {fix} |"


if __name__ == "__main__":
    sys.stdout.write(render_checks())
