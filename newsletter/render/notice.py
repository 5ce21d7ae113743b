"""Mails to one person: a subject, HTML and text of the same name in `templates/email/NAME/`."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment

from newsletter.content import Publication
from newsletter.render.environment import explained
from newsletter.render.inline import inline
from newsletter.render.message import Notice
from newsletter.render.text import tidy
from newsletter.render.themes import make_look

NOTICES: Mapping[str, frozenset[str]] = {
    "confirm": frozenset({"confirm_url", "days"}),
    "welcome": frozenset({"preferences_url", "unsubscribe_url", "archive_url"}),
    "preferences-link": frozenset({"preferences_url"}),
    "draft-waits": frozenset(
        {"number", "issue_subject", "articles", "editor_url", "blocking", "advisory", "sends_at"}
    ),
    "issue-skipped": frozenset({"reason", "editor_url"}),
    "sign-in": frozenset({"sign_in_url", "minutes"}),
}
"""Notice name to the values that its templates use."""


def render_notice(
    name: str, publication: Publication, environment: Environment, values: Mapping[str, object]
) -> Notice:
    """Render one of NOTICES.

    Args:
        name: a key of NOTICES.
        publication: whose name, language and look it has.
        environment: as `make_environment` made it.
        values: every name that NOTICES lists; instants aware. Nothing that a visitor typed belongs here:
            sign-up forms are abused to mail adverts to strangers.

    Raises:
        RenderError: a template is at fault, or a value is missing.
    """
    look = make_look(environment, publication)
    context = look | {"theme": look["theme"].without_templates()} | dict(values)
    with explained():
        parts = [
            environment.get_template(f"email/{name}/{part}").render(context)
            for part in ("subject.txt", "body.html", "body.txt")
        ]
    return Notice(" ".join(parts[0].split()), inline(parts[1]).html, tidy(parts[2]))
