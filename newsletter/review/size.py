"""How heavy the HTML part is: Gmail clips a mail at about 102 kB and hides what comes after."""

from __future__ import annotations

from newsletter.review.mail import Facts, Mail
from newsletter.review.rule import Faults, rule

LARGE = 80_000
HEAVY = 90_000
CLIPPED = 102_400


def _octets(mail: Mail) -> int:
    return len(mail.html.encode("utf-8"))


@rule(
    "size.large",
    "advises",
    why="Gmail clips a mail at about 102 kB and hides its end, where the link to leave is.",
    fix="Keep it in mind: there is room for a few more cards.",
)
def large(mail: Mail, _: Facts) -> Faults:
    if LARGE < (size := _octets(mail)) <= HEAVY:
        yield f"The HTML part has {size:,} octets. Gmail clips at about {CLIPPED:,}.", "HTML part"


@rule(
    "size.heavy",
    "advises",
    why="Gmail clips a mail at about 102 kB and hides its end, where the link to leave is.",
    fix="Drop cards or shorten summaries.",
)
def heavy(mail: Mail, _: Facts) -> Faults:
    if HEAVY < (size := _octets(mail)) <= CLIPPED:
        yield (
            f"The HTML part has {size:,} octets, close to the {CLIPPED:,} where Gmail clips.",
            "HTML part",
        )


@rule(
    "size.clipped",
    "blocks",
    why="Gmail clips a mail at about 102 kB and hides its end, where the link to leave is.",
    fix="Drop cards or shorten summaries.",
)
def clipped(mail: Mail, _: Facts) -> Faults:
    if (size := _octets(mail)) > CLIPPED:
        yield (
            f"The HTML part has {size:,} octets: Gmail clips it at about {CLIPPED:,}.",
            "HTML part",
        )


@rule(
    "size.leave-link",
    "blocks",
    why="A link to leave that Gmail clips away makes readers press “spam” instead.",
    fix="Move it up, or drop cards.",
)
def leave_link(mail: Mail, _: Facts) -> Faults:
    html = mail.html.encode("utf-8")
    if mail.leave_url and html.find(mail.leave_url.encode("utf-8")) >= HEAVY:
        yield (
            f"The link to leave stands after the first {HEAVY:,} octets, where it may be clipped.",
            "HTML part",
        )
