"""Themes: a folder of templates, and the colours, fonts, widths and allowances in its theme.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from jinja2 import Environment, Template, TemplateNotFound

from newsletter.content import Publication
from newsletter.errors import RenderError
from newsletter.render.environment import direction, end_of, start_of

DEFAULT = "default"
_DEFAULT_FOLDER = "email/issue"
_THEMES = "email/themes/"
_SETTINGS = "theme.toml"

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_FONT = re.compile(r"[A-Za-z0-9 ,'-]+")
_WIDTHS = range(48, 1201)
_TABLES = ("colours", "dark", "fonts", "widths", "allow")


@dataclass(frozen=True, slots=True)
class Theme:
    """What a theme's templates are styled with: `theme.colours.ink`, `theme.widths.sheet` and so on."""

    name: str
    folder: str
    """Where its templates are; what it lacks comes from the default theme."""
    edited: bool
    """Its templates were written in the editor, not by the operator: they run in a sandbox."""
    colours: Mapping[str, str]
    dark: Mapping[str, str]
    fonts: Mapping[str, str]
    widths: Mapping[str, int]
    """Pixels."""
    allow: Mapping[str, str]
    """Features that not every client knows (slugs of caniemail.com), and why they may be used."""

    def without_templates(self) -> Theme:
        """Its colours, fonts and widths with the common templates, as for mails to one person."""
        return replace(self, folder=_DEFAULT_FOLDER, edited=False)


def load_theme(environment: Environment, name: str) -> Theme:
    """Read a theme's settings over those of the default one.

    Args:
        environment: as `make_environment` made it; an operator's own folders come first.
        name: `default`, or a folder in `email/themes/`.

    Raises:
        RenderError: there is no such theme, or a value in its theme.toml is refused.
    """
    if name == DEFAULT:
        return _make_theme(DEFAULT, _DEFAULT_FOLDER, _read(environment, _DEFAULT_FOLDER), {})
    if name not in list_themes(environment):
        known = ", ".join(list_themes(environment))
        message = f"There is no theme {name!r}. Choose one of: {known}."
        raise RenderError(message)
    folder = f"{_THEMES}{name}"
    return _make_theme(name, folder, _read(environment, _DEFAULT_FOLDER), _read(environment, folder))


def list_themes(environment: Environment) -> list[str]:
    """Return the names of all themes, the default one first."""
    templates = environment.list_templates(filter_func=lambda path: path.startswith(_THEMES))
    folders = {path.removeprefix(_THEMES).partition("/")[0] for path in templates}
    return [DEFAULT, *sorted(name for name in folders - {DEFAULT} if _NAME.fullmatch(name))]


def find_template(environment: Environment, theme: Theme, *names: str) -> Template:
    """Return the first of these files that the theme has, else that the default theme has.

    Raises:
        TemplateNotFound: neither has any of them.
    """
    folders = (theme.folder, _DEFAULT_FOLDER)
    return environment.select_template([f"{folder}/{name}" for folder in folders for name in names])


def make_look(environment: Environment, publication: Publication) -> dict[str, Any]:
    """Return what every template of a publication sees: itself, its theme, and where its lines begin and end.

    Raises:
        RenderError: its theme is gone, or its settings are at fault.
    """
    reading = direction(publication.language)
    return {
        "publication": publication,
        "theme": load_theme(environment, publication.theme),
        "dir": reading,
        "start": start_of(reading),
        "end": end_of(reading),
    }


def _read(environment: Environment, folder: str) -> dict[str, Any]:
    path = f"{folder}/{_SETTINGS}"
    try:
        source, _, _ = environment.loader.get_source(environment, path)  # type: ignore[union-attr]  # it has one
    except TemplateNotFound:
        return {}
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        message = f"Template {path}: {error}. Mend the file and render again."
        raise RenderError(message) from error


def _make_theme(name: str, folder: str, over: dict[str, Any], own: dict[str, Any]) -> Theme:
    place = f"{folder}/{_SETTINGS}"
    if unknown := sorted(own.keys() - {*_TABLES, "edited"}):
        _refuse(place, unknown[0], f"it may hold {', '.join(_TABLES)} and edited")
    tables = {table: _merge(place, table, over.get(table, {}), own.get(table, {})) for table in _TABLES}
    return Theme(name=name, folder=folder, edited=bool(own.get("edited", False)), **tables)


def _merge(place: str, table: str, over: dict[str, Any], own: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(own, dict):
        _refuse(place, table, "it must be a table")
    for key, value in own.items():
        if over and table != "allow" and key not in over:
            _refuse(place, f"{table}.{key}", f"there is only {', '.join(sorted(over))}")
        if not _is_right(table, value):
            _refuse(place, f"{table}.{key} = {value!r}", _FORMS[table])
    return over | own


_FORMS = {
    "colours": "a colour is written as #24221f",
    "dark": "a colour is written as #24221f",
    "fonts": "it must be a list of families without double quotes, as Georgia,serif",
    "widths": f"it must be {_WIDTHS.start} to {_WIDTHS.stop - 1} pixels",
    "allow": "it must be a reason in words",
}


def _is_right(table: str, value: object) -> bool:
    """Every value ends up in CSS, so none may be more than it says."""
    if table == "widths":
        return type(value) is int and value in _WIDTHS
    if not isinstance(value, str):
        return False
    return bool({"fonts": _FONT, "allow": re.compile(".+")}.get(table, _COLOUR).fullmatch(value))


def _refuse(place: str, what: str, how: str) -> NoReturn:
    message = f"Template {place}: {what} is refused: {how}."
    raise RenderError(message)
