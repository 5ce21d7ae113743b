"""Translations of the words in templates: gettext catalogues, read as they are written."""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import lru_cache

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from jinja2 import Environment, TemplateNotFound, pass_context
from jinja2.runtime import Context

from newsletter.errors import RenderError

SOURCE_LANGUAGE = "en"
"""What templates are written in, and what a text without a translation stays in."""


def install_translations(environment: Environment, language_of: Callable[[Context], str]) -> None:
    """Let templates call `_()`, and `ngettext()` in the form that their language has for a count.

    Args:
        environment: its loader finds the catalogues too.
        language_of: from what a template is given to its language, a BCP 47 tag.
    """

    @pass_context
    def translate(context: Context, message: str) -> str:
        return find_catalogue(environment, language_of(context)).gettext(message)

    @pass_context
    def translate_plural(context: Context, singular: str, plural: str, count: int) -> str:
        return find_catalogue(environment, language_of(context)).ngettext(singular, plural, count)

    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        translate, translate_plural, newstyle=True
    )


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
