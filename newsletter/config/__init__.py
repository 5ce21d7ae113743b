"""Settings, read once at a door: flags, then `NEWSLETTER_*`, then `newsletter.toml`, then defaults."""

from __future__ import annotations

import difflib
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from newsletter.config.servers import DomainSettings as DomainSettings
from newsletter.config.servers import RouteSettings as RouteSettings
from newsletter.config.servers import SmtpAddress as SmtpAddress
from newsletter.config.servers import hide_password as hide_password
from newsletter.config.servers import is_loopback as is_loopback
from newsletter.config.servers import parse_smtp_url as parse_smtp_url
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "NEWSLETTER_"
CONFIG_NAME = "newsletter.toml"


class DkimSettings(BaseModel):
    """One key that signs the mails of a domain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str
    selector: str
    key_file: Path


class Settings(BaseModel):
    """Every setting, its default and its limits; documented in docs/settings.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str = "sqlite:///subscribers.db"
    smtp_url: SecretStr = SecretStr("smtp://localhost:25")
    routes: tuple[RouteSettings, ...] = ()
    domains: tuple[DomainSettings, ...] = ()
    dkim: tuple[DkimSettings, ...] = ()
    base_url: str = "http://localhost:8000"
    secret_key: SecretStr | None = None
    secret_key_file: Path = Path("newsletter.key")
    log_format: Literal["console", "json"] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    templates_dir: Path = Path("templates")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    contact: str | None = None
    collect_minutes: int = Field(default=60, ge=1)
    fetch_timeout_seconds: float = Field(default=20.0, gt=0)
    fetch_max_bytes: int = Field(default=10_000_000, ge=1000)
    fetch_allow_hosts: tuple[str, ...] = ()
    follow_pages: int = Field(default=20, ge=0, le=500)
    page_delay_seconds: float = Field(default=1.0, ge=0, le=60)
    images_per_run: int = Field(default=200, ge=0, le=5000)
    image_copies: Path | None = None
    draft_lead_hours: float = Field(default=12.0, ge=0, le=144)
    missed_grace_hours: float = Field(default=24.0, gt=0)
    lookback_days: int = Field(default=14, ge=1)
    max_cards: int = Field(default=40, ge=1, le=200)
    give_up_hours: float = Field(default=24.0, gt=0)
    bounce_pause_percent: float = Field(default=2.0, ge=0, le=100)
    bounce_pause_first: int = Field(default=500, ge=1)
    bounce_pause_total_percent: float = Field(default=5.0, ge=0, le=100)
    stop_seconds: float = Field(default=5.0, gt=0)
    smtp_timeout_seconds: float = Field(default=60.0, gt=0)
    on_uncertain: Literal["resend", "hold"] = "resend"

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            message = "must be an address like https://news.example.org"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("fetch_allow_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.replace(",", " ").split())) if isinstance(value, str) else value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr) -> SecretStr:
        parse_smtp_url(value.get_secret_value())
        return value

    @field_validator("routes")
    @classmethod
    def _check_routes(cls, value: tuple[RouteSettings, ...]) -> tuple[RouteSettings, ...]:
        names = [route.name for route in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            message = f"two are named {twice!r}: give each a name of its own"
            raise ValueError(message)
        return value

    @property
    def smtp_routes(self) -> tuple[RouteSettings, ...]:
        """The routes of `[[routes]]`, or the one that `smtp_url` names."""
        return self.routes or (RouteSettings(url=self.smtp_url),)

    @property
    def is_local(self) -> bool:
        """Whether every route and the base URL are of this machine: then nothing can reach the world."""
        hosts = [parse_smtp_url(route.url.get_secret_value()).host for route in self.smtp_routes]
        return all(map(is_loopback, [*hosts, urlsplit(self.base_url).hostname or ""]))


def load_settings(
    config: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Read every layer and check it.

    Args:
        config: The file that a flag named; it must exist then.
        environ: The process environment.
        flags: Settings given on the command line; None values are not given.

    Returns:
        The settings, and for each of them where it came from.

    Raises:
        ConfigError: A file that cannot be read, a name that is no setting, a value that is refused.

    """
    named = config or (Path(environ[PREFIX + "CONFIG"]) if environ.get(PREFIX + "CONFIG") else None)
    path = named or Path(CONFIG_NAME)
    layers = [
        (str(path), _read_toml(path, must_exist=named is not None)),
        ("environment", _read_environment(environ)),
        ("flag", {key: value for key, value in (flags or {}).items() if value is not None}),
    ]
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in layers:
        for key, value in layer.items():
            values[key] = value
            origins[key] = f"{PREFIX}{key.upper()}" if origin == "environment" else origin
    try:
        return Settings(**values), origins
    except ValidationError as error:
        raise ConfigError(_describe(error, origins)) from error


def _read_toml(path: Path, *, must_exist: bool) -> dict[str, Any]:
    if not path.exists():
        if must_exist:
            message = f"configuration file {path} does not exist: check the path, or run `newsletter init`"
            raise ConfigError(message)
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        message = f"configuration file {path} cannot be read: {error}"
        raise ConfigError(message) from error
    for key in values:
        _refuse_unknown(key, key, f"in {path}")
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and name != PREFIX + "CONFIG":
            key = name.removeprefix(PREFIX).lower()
            _refuse_unknown(key, name, "in the environment")
            if value:
                values[key] = value
    return values


def _refuse_unknown(key: str, shown: str, place: str) -> None:
    if key in Settings.model_fields:
        return
    near = difflib.get_close_matches(key, Settings.model_fields, n=1, cutoff=0.4)
    as_written = near and (PREFIX + near[0].upper() if shown.startswith(PREFIX) else near[0])
    hint = f"did you mean {as_written}?" if near else "`newsletter config show` lists the settings"
    message = f"{shown} {place} is not a setting: {hint}"
    raise ConfigError(message)


def _describe(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for detail in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in detail["loc"])
        said = detail["msg"].removeprefix("Value error, ")
        lines.append(f"{key} ({origins.get(str(detail['loc'][0]), 'default')}): {said}")
    return "; ".join(lines)


def read_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys that sign tokens, newest first.

    Raises:
        ConfigError: There is none, it is too short, or others may read its file.

    """
    if settings.secret_key is not None:
        said, place = settings.secret_key.get_secret_value(), "secret_key"
    else:
        path = settings.secret_key_file
        said, place = read_secret_file(path, "secret key", "run `newsletter init`").decode(), str(path)
    keys = tuple(key.encode() for key in said.replace(",", " ").split())
    if not keys or min(map(len, keys)) < 16:  # noqa: PLR2004 - 128 bits, reliability X5
        message = f"{place} must hold at least one key of 16 characters or more: run `newsletter init`"
        raise ConfigError(message)
    return keys


def read_secret_file(path: Path, what: str, advice: str) -> bytes:
    """Read a file that nobody else may read.

    Args:
        path: The file.
        what: Its name in the error.
        advice: What to do where it is not there.

    Raises:
        ConfigError: It cannot be read, or others may read it.

    """
    try:
        mode, said = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        message = f"no {what}: {path} cannot be read ({error.strerror}): {advice}"
        raise ConfigError(message) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"others may read the {what}: run `chmod 600 {path}`"
        raise ConfigError(message)
    return said
