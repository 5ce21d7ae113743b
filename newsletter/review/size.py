"""How heavy the HTML part is: Gmail clips a mail at about 102 kB and hides what comes after."""

from __future__ import annotations

from newsletter.review.headers import Faults
from newsletter.review.mail import Facts, Mail

LARGE = 80_000
HEAVY = 90_000
CLIPPED = 102_400


def _octets(mail: Mail) -> int:
    return len(mail.html.encode("utf-8"))


def large(mail: Mail, _: Facts) -> Faults:
    """A note, while there is room."""
    if LARGE < (size := _octets(mail)) <= HEAVY:
        yield f"The HTML part has {size:,} octets. Gmail clips at about {CLIPPED:,}.", "HTML part"


def heavy(mail: Mail, _: Facts) -> Faults:
    """A warning, when a longer name could do it."""
    if HEAVY < (size := _octets(mail)) <= CLIPPED:
        yield (
            f"The HTML part has {size:,} octets, close to the {CLIPPED:,} where Gmail clips. Drop cards.",
            "HTML part",
        )


def clipped(mail: Mail, _: Facts) -> Faults:
    """Readers of Gmail would not see the end, where the link to leave is."""
    if (size := _octets(mail)) > CLIPPED:
        yield (
            f"The HTML part has {size:,} octets: Gmail clips it at about {CLIPPED:,}. Drop cards.",
            "HTML part",
        )


def leave_link(mail: Mail, _: Facts) -> Faults:
    """The link to leave must be seen, so it stands within the first 90 kB."""
    html = mail.html.encode("utf-8")
    if mail.leave_url and html.find(mail.leave_url.encode("utf-8")) >= HEAVY:
        yield (
            f"The link to leave stands after the first {HEAVY:,} octets, where it may be clipped.",
            "HTML part",
        )
