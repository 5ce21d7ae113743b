"""Translations of the words in templates: gettext catalogues, read as they are written."""

from __future__ import annotations

import gettext
import io
from functools import lru_cache

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from jinja2 import Environment, TemplateNotFound, pass_context
from jinja2.runtime import Context

from newsletter.errors import RenderError

SOURCE_LANGUAGE = "en"
"""What templates are written in, and what a text without a translation stays in."""


@pass_context
def translate(context: Context, message: str) -> str:
    """`_()` of templates: in the language of the publication."""
    return _catalogue(context).gettext(message)


@pass_context
def translate_plural(context: Context, singular: str, plural: str, count: int) -> str:
    """`ngettext()` of templates: in the form that the language has for the count."""
    return _catalogue(context).ngettext(singular, plural, count)


def _catalogue(context: Context) -> gettext.NullTranslations:
    return find_catalogue(context.environment, context["publication"].language)


@lru_cache(maxsize=16)
def find_catalogue(environment: Environment, language: str) -> gettext.NullTranslations:
    """Look for `locale/LANGUAGE.po` in the template folders, then for that of the language without a region.

    Raises:
        RenderError: the catalogue is no PO file.
    """
    for tag in dict.fromkeys((language, language.partition("-")[0])):
        path = f"locale/{tag}.po"
        try:
            source, _, _ = environment.loader.get_source(environment, path)  # type: ignore[union-attr]  # it has one
        except TemplateNotFound:
            continue
        try:
            return _parse(source)
        except (PoFileError, ValueError) as error:
            message = f"Catalogue {path}: {error}. Mend it and render again."
            raise RenderError(message) from error
    return gettext.NullTranslations()


@lru_cache(maxsize=16)
def _parse(source: str) -> gettext.GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.StringIO(source), abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
