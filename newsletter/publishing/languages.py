"""Makes public pages speak as the mails do: the same catalogues and locales, in the language of each page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.catalogues import SOURCE_LANGUAGE, install_translations
from newsletter.render.environment import direction, locale_of

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["SOURCE_LANGUAGE", "direction", "install_languages", "locale_of"]


def install_languages(environment: Environment) -> None:
    """Let templates call `_()` and `ngettext()`; they speak what each page names as `language`."""
    install_translations(environment, lambda context: str(context["language"]))
