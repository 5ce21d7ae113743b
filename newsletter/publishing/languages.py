"""Makes public pages speak as the mails do: the same catalogues, in the language of a publication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import pass_context

from newsletter.render.catalogues import SOURCE_LANGUAGE, find_catalogue

if TYPE_CHECKING:
    import gettext

    from jinja2 import Environment
    from jinja2.runtime import Context

__all__ = ["SOURCE_LANGUAGE", "install_languages"]


def install_languages(environment: Environment) -> None:
    """Let templates call `_()` and `ngettext()`; they speak what each page names as `language`."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        _translate, _translate_plural, newstyle=True
    )


@pass_context
def _translate(context: Context, message: str) -> str:
    return _catalogue(context).gettext(message)


@pass_context
def _translate_plural(context: Context, singular: str, plural: str, count: int) -> str:
    return _catalogue(context).ngettext(singular, plural, count)


def _catalogue(context: Context) -> gettext.NullTranslations:
    return find_catalogue(context.environment, context["language"])
