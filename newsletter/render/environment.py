"""The Jinja environment: where templates are found, what they may call, and errors that say where."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import babel.dates
import babel.numbers
from babel import Locale, UnknownLocaleError
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
    select_autoescape,
)
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.filters import do_default
from jinja2.runtime import Context
from markupsafe import Markup

from newsletter.content import Article, Publication
from newsletter.errors import RenderError
from newsletter.render import text
from newsletter.render.blocks import PersonalBlocks
from newsletter.render.catalogues import install_translations
from newsletter.render.marks import Slot

RIGHT_TO_LEFT = "right-to-left"


def packaged_templates() -> Path:
    """Return the folder of the templates that come with the program.

    In an installed wheel it is `newsletter/_templates`, in the source tree `templates/` beside the package.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def make_environment(folders: Sequence[Path] = (), kind: type[Environment] = Environment) -> Environment:
    """Make the environment that every mail is rendered in.

    Args:
        folders: an operator's own template folders, looked through first and in order; the packaged ones
            come last, so one file of a theme can be replaced alone.
        kind: a sandbox for templates that nobody vouches for.

    Names that a template uses and nobody gave are errors, never empty.
    """
    environment = kind(
        loader=FileSystemLoader([*folders, packaged_templates()]),
        autoescape=select_autoescape(("html", "mjml"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(kind),  # type: ignore[arg-type]  # a class can be hashed
        extensions=["jinja2.ext.do", PersonalBlocks],
    )
    install_translations(environment, lambda context: str(context["publication"].language))
    environment.filters.update(_filters())
    return environment


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "long_date": long_date,
        "short_date": short_date,
        "long_date_time": long_date_time,
        "number": number,
        "direction": direction,
        "article_direction": article_direction,
        "start_of": start_of,
        "end_of": end_of,
        "opposite": opposite,
        "mixed": mixed,
        "whole": whole,
        "default": _default,
        "d": _default,
        "brief": text.brief,
        "heading": text.heading,
        "wrap": text.wrap,
    }


class _Compiled(BytecodeCache):
    """Compiled templates of this process; Jinja asks for one only while its source is the same."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


@cache
def _compiled(kind: type[Environment]) -> _Compiled:
    """One for each kind: code that was compiled without a sandbox has no guards in it."""
    del kind
    return _Compiled()


@contextmanager
def explained() -> Iterator[None]:
    """Turn whatever a template raises into a RenderError that names file, line and cause."""
    try:
        yield
    except TemplateSyntaxError as error:
        place = f"{error.filename or error.name or 'template'}, line {error.lineno}"
        message = f"Template {place}: {_sentence(error.message or '')} Mend the template and render again."
        raise RenderError(message) from error
    except TemplateNotFound as error:
        message = f"Template {error.name} is in no template folder. Restore it or name another theme."
        raise RenderError(message) from error
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        said = _sentence(str(error))
        message = f"Template {_place(error)}: {said} Mend the template or the value and render again."
        raise RenderError(message) from error


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _place(error: BaseException) -> str:
    """Jinja rewrites tracebacks so that template frames carry the template's file and line."""
    place = "(unknown place)"
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "__jinja_template__" in trace.tb_frame.f_globals or code.co_filename.endswith((".html", ".txt")):
            place = f"{code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


@cache
def locale_of(language: str) -> Locale:
    """Return Babel's locale for a BCP 47 tag; English where Babel knows none."""
    try:
        return Locale.parse(language.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return Locale("en")


def direction(language: str | None) -> str:
    """Return `rtl` or `ltr` for a BCP 47 tag."""
    return "rtl" if language and locale_of(language).character_order == RIGHT_TO_LEFT else "ltr"


def article_direction(article: Article, otherwise: str) -> str:
    """Return an article's direction: of its language, else of its title's first letter that has one.

    Args:
        article: one with a title.
        otherwise: the mail's own direction, `rtl` or `ltr`.
    """
    if article.language:
        return direction(article.language)
    for character in article.title:
        if (kind := unicodedata.bidirectional(character)) in {"L", "R", "AL"}:
            return "ltr" if kind == "L" else "rtl"
    return otherwise


def start_of(reading: str) -> str:
    """Return the side where lines begin, `left` or `right`."""
    return "right" if reading == "rtl" else "left"


def end_of(reading: str) -> str:
    """Return the side where lines end, `left` or `right`."""
    return "left" if reading == "rtl" else "right"


def opposite(side: str) -> str:
    """Return `right` for `left` and the other way round."""
    return "left" if side == "right" else "right"


def mixed(words: str, reading: str) -> Markup:
    """Return the attribute `dir="auto"` for a text that may run against the mail's direction.

    Args:
        words: a title or a name.
        reading: the mail's own direction.
    """
    against = {"R", "AL"} if reading == "ltr" else {"L"}
    found = any(unicodedata.bidirectional(character) in against for character in words)
    return Markup(' dir="auto"') if found else Markup()


def whole(words: str) -> str:
    """Return a text that no line may break, such as a date: its blanks made no-break spaces."""
    return words.replace(" ", "\u00a0")


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"Timezone {name!r} is not known. Use a name such as Europe/Minsk."
        raise RenderError(message) from None


def _publication(context: Context) -> Publication:
    publication: Publication = context["publication"]
    return publication


def _date(context: Context, instant: datetime, style: str) -> str:
    publication = _publication(context)
    local = instant.astimezone(_zone(publication.timezone)).date()
    # CLDR sets U+202F before some units, which many fonts of mail clients lack.
    return babel.dates.format_date(local, style, locale_of(publication.language)).replace("\u202f", " ")


@pass_context
def long_date(context: Context, instant: datetime) -> str:
    """Filter: `3 October 2017` in the publication's language and zone."""
    return _date(context, instant, "long")


@pass_context
def short_date(context: Context, instant: datetime) -> str:
    """Filter: `3 Oct 2017` in the publication's language and zone."""
    return _date(context, instant, "medium")


@pass_context
def long_date_time(context: Context, instant: datetime) -> str:
    """Filter: date, wall-clock time and zone in the publication's language and zone."""
    publication = _publication(context)
    zone = _zone(publication.timezone)
    time = babel.dates.format_time(
        instant.astimezone(zone), "short", tzinfo=zone, locale=locale_of(publication.language)
    )
    return f"{_date(context, instant, 'long')}, {time} ({publication.timezone})".replace("\u202f", " ")


@pass_context
def number(context: Context, value: float) -> str:
    """Filter: a number as the publication's language writes it."""
    return babel.numbers.format_decimal(value, locale=locale_of(_publication(context).language))


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - Jinja's own signature
    """Jinja's filter, but a slot keeps the default for readers who have no value for it."""
    if isinstance(value, Slot):
        return value.or_else(str(default_value))
    return do_default(value, default_value, boolean)
