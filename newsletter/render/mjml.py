"""MJML, for themes that are written in it, to HTML by mrml."""

from __future__ import annotations

import re

from newsletter.errors import RenderError
from newsletter.render.marks import refuse_lost_marks

_DOCTYPE = re.compile(r"<!doctype html>", re.IGNORECASE)


def from_mjml(source: str) -> str:
    """Turn a MJML document into a page whose styles are not yet inlined.

    Nothing is included and no web font is asked for: a mail loads nothing from elsewhere.

    Raises:
        RenderError: it is no MJML, includes a file, or holds a slot or block where MJML takes no text.
    """
    # Not every mail is written in it, so none pays for it but those.
    import mrml

    try:
        made = mrml.to_html(source, None, mrml.RenderOptions(fonts={}))
    except OSError as error:
        message = f"The theme's body.mjml is no MJML: {error}. Mend it and render again."
        raise RenderError(message) from error
    refuse_lost_marks(source, made.content)
    return _DOCTYPE.sub("<!DOCTYPE html>", made.content, count=1)
