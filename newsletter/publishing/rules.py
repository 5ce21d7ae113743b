"""Use cases: the rules by which a publication's issues are composed."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from newsletter.compose.rules import CategoryRule, Rules
from newsletter.errors import ConfigError
from newsletter.store import publications

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.compose.rules import Cadence
    from newsletter.store.engine import Database
    from newsletter.store.models import Publication


def set_rules(database: Database, slug: str | None, path: Path) -> Rules:
    """Write what a TOML file says as the rules of a publication; what it leaves out is as by default.

    Raises:
        ConfigError: It cannot be read, or a rule in it is misspelt or refused.
        NotFoundError: There is no such publication.

    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        message = f"rules {path} cannot be read: {error}"
        raise ConfigError(message) from error
    rules = parse_rules(said, str(path))
    with database.write() as session:
        row = publications.find_publication(session, slug)
        row.rules = rules.model_dump(exclude_defaults=True, mode="json")
    return rules


def get_rules(database: Database, slug: str | None) -> Rules:
    """The rules of a publication.

    Raises:
        NotFoundError: There is no such publication.

    """
    with database.read() as session:
        return load_rules(publications.find_publication(session, slug))


def load_rules(row: Publication) -> Rules:
    """The rules on a publication's row.

    Raises:
        ConfigError: Somebody wrote there what no rule allows.

    """
    return parse_rules(row.rules, f"of {row.slug}")


def parse_rules(said: dict[str, Any], place: str) -> Rules:
    """Check rules as TOML or JSON has them.

    Raises:
        ConfigError: It names the rule, what is wrong with it, and the nearest right name.

    """
    try:
        return Rules(**said)
    except ValidationError as error:
        faults = "; ".join(_describe(detail) for detail in error.errors(include_url=False))
        message = f"rules {place}: {faults}"
        raise ConfigError(message) from error


def describe_rules(rules: Rules) -> dict[str, Any]:
    """Every rule with its value, as JSON has them."""
    return rules.model_dump(mode="json")


def make_schedule(rules: Rules, cadence: Cadence, own: str) -> str:
    """The cron of one cadence: the publication's own, or at the same hour every day, Monday or first."""
    if cadence == rules.cadence:
        return own
    minute, hour = own.split()[:2]
    days = {"daily": "* * *", "weekly": "* * 1", "monthly": "1 * *"}
    return f"{minute} {hour.split(',')[0]} {days[cadence]}"


def _describe(detail: Any) -> str:  # noqa: ANN401 - pydantic's details of an error are a plain dict
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] != "extra_forbidden":
        said = detail["msg"].removeprefix("Value error, ")
        return f"{key}: {said}" if key else said
    known = CategoryRule.model_fields if len(detail["loc"]) > 1 else Rules.model_fields
    near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{key} is no rule: {hint}"
