"""What axe found in a browser, handed in as a value."""

from __future__ import annotations

from newsletter.review.mail import Facts, Mail, Spot
from newsletter.review.rule import Faults, rule

_GRAVE = frozenset({"critical", "serious"})


@rule(
    "axe.grave",
    "advises",
    why="Some readers cannot read or use this part at all.",
    fix="Do what the sentence says; axe's page on the rule shows how.",
    lints=False,
)
def grave(_: Mail, facts: Facts) -> Faults:
    yield from _find(facts, is_grave=True)


@rule(
    "axe.slight",
    "advises",
    why="Some readers have trouble with this part.",
    fix="Do what the sentence says; axe's page on the rule shows how.",
    lints=False,
)
def slight(_: Mail, facts: Facts) -> Faults:
    yield from _find(facts, is_grave=False)


def _find(facts: Facts, *, is_grave: bool) -> Faults:
    for each in facts.outside.axe:
        if (each.impact in _GRAVE) is is_grave:
            times = f", {each.count} times" if each.count > 1 else ""
            spot = Spot(f"HTML part, {each.mode}: {each.snippet}", snippet=each.snippet)
            yield f"{each.help} ({each.rule}, {each.impact}{times}).", spot
