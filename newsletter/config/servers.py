"""Settings of mail servers and recipient domains, and how an SMTP URL is read."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from newsletter.errors import ConfigError

TLS_MODES = ("implicit", "starttls", "none")


class RouteSettings(BaseModel):
    """One SMTP server with its limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="default", min_length=1, max_length=64)
    url: SecretStr
    weight: int = Field(default=1, ge=1, le=100)
    connections: int = Field(default=4, ge=1, le=100)
    messages_per_connection: int = Field(default=500, ge=1)
    per_second: float | None = Field(default=None, gt=0)
    per_hour: int | None = Field(default=None, ge=1)
    per_day: int | None = Field(default=None, ge=1)
    warmup: tuple[Annotated[int, Field(ge=1)], ...] = ()
    window: str | None = None
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    timezone: str | None = None
    pipelining: bool = True
    cafile: Path | None = None

    @field_validator("window")
    @classmethod
    def _check_window(cls, value: str | None) -> str | None:
        try:
            begins, ends = map(
                time.fromisoformat, (value or "00:00-24:00").replace("-24:00", "-00:00").split("-")
            )
        except ValueError as error:
            message = "must be hours like 08:00-20:00"
            raise ValueError(message) from error
        return f"{begins:%H:%M}-{ends:%H:%M}" if value else None

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str | None) -> str | None:
        try:
            return ZoneInfo(value).key if value else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            message = f"{value!r} is not known: use a name such as Europe/Vilnius or UTC"
            raise ValueError(message) from error


class DomainSettings(BaseModel):
    """What the servers of one recipient domain are to get at most; `*` is for all that are not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    connections: int | None = Field(default=None, ge=1)
    per_second: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """What an SMTP URL says."""

    host: str
    port: int
    user: str | None
    password: SecretStr | None
    tls: Literal["implicit", "starttls", "none"]


def parse_smtp_url(url: str) -> SmtpAddress:
    """Read `smtp://user:password@host:port?tls=starttls|none` or `smtps://…`.

    TLS is required unless the host is loopback or the URL says `tls=none`.

    Raises:
        ConfigError: Another scheme, no host, a port that is no number, an unknown option.

    """
    shown = hide_password(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        message = f"smtp_url {shown!r}: {error}"
        raise ConfigError(message) from error
    options = parse_qs(parts.query)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or set(options) - {"tls"}:
        message = f"smtp_url {shown!r} must look like smtp://user:password@mail.example.org:587?tls=starttls"
        raise ConfigError(message)
    default = "implicit" if parts.scheme == "smtps" else "none" if is_loopback(parts.hostname) else "starttls"
    tls = options.get("tls", [default])[-1]
    if tls not in TLS_MODES or (parts.scheme == "smtps" and tls != "implicit"):
        message = f"smtp_url {shown!r}: tls must be starttls or none, or use smtps:// for TLS from the start"
        raise ConfigError(message)
    return SmtpAddress(
        host=parts.hostname,
        port=port or {"implicit": 465, "starttls": 587}.get(tls, 25),
        user=unquote(parts.username) if parts.username else None,
        password=SecretStr(unquote(parts.password)) if parts.password else None,
        tls=tls,  # type: ignore[arg-type] # checked against TLS_MODES above
    )


def hide_password(url: str) -> str:
    """The URL with its password starred out; everything, where it cannot be read."""
    try:
        parts = urlsplit(url)
        return url.replace(f":{parts.password}@", ":***@") if parts.password else url
    except ValueError:
        return "***"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host.lower().rstrip(".") in {"localhost", "ip6-localhost"} or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
