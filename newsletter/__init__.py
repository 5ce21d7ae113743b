"""Collect articles, compose a digest, render it, deliver it to everyone once.

The stages are plain functions on the plain values of `newsletter.content`, so that one can be had without
the rest; each is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsletter.collect.clean import clean_entry
    from newsletter.collect.detect import parse_source
    from newsletter.collect.fetch import fetch_sources
    from newsletter.collect.folders import read_folder
    from newsletter.compose.digest import compose_digest
    from newsletter.deliver.engine import deliver as deliver_messages
    from newsletter.render.environment import make_environment
    from newsletter.render.issue import render_issue
    from newsletter.render.message import build_message
    from newsletter.review.rules import check_issue, lint_mail

__version__ = "0.1.0"

_PLACES = {
    "fetch_sources": "newsletter.collect.fetch",
    "read_folder": "newsletter.collect.folders",
    "parse_source": "newsletter.collect.detect",
    "clean_entry": "newsletter.collect.clean",
    "compose_digest": "newsletter.compose.digest",
    "make_environment": "newsletter.render.environment",
    "render_issue": "newsletter.render.issue",
    "build_message": "newsletter.render.message",
    "check_issue": "newsletter.review.rules",
    "lint_mail": "newsletter.review.rules",
    # The name of the function alone is the room's.
    "deliver_messages": "newsletter.deliver.engine:deliver",
}

__all__ = [
    "build_message",
    "check_issue",
    "clean_entry",
    "compose_digest",
    "deliver_messages",
    "fetch_sources",
    "lint_mail",
    "make_environment",
    "parse_source",
    "read_folder",
    "render_issue",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has its own type, said above
    if name not in _PLACES:
        message = f"module 'newsletter' has no attribute {name!r}"
        raise AttributeError(message)
    place, _, function = _PLACES[name].partition(":")
    return getattr(import_module(place), function or name)
