"""From the settings' SMTP servers to the routes that a send takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config import Settings, is_loopback, parse_smtp_url
from newsletter.deliver.limits import DomainLimit, Limit
from newsletter.deliver.route import Route, Timeouts
from newsletter.errors import ConfigError
from newsletter.publishing.calendar import parse_zone
from newsletter.publishing.windows import parse_window

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from newsletter.config import RouteSettings

DOT_SECONDS = 600.0
"""Whatever the other timeouts: giving up earlier makes duplicates (RFC 5321 4.5.3.2.6)."""


def make_routes(settings: Settings) -> list[Route]:
    """The routes of the settings, the first to be used first."""
    return [_make_route(settings, route) for route in settings.smtp_routes]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which routes may be used now."""

    routes: tuple[Route, ...]
    opens_at: datetime | None
    """When a sending window opens next; None where no route has one."""


def choose_routes(
    settings: Settings, timezone: str, resting: Collection[str] = (), *, now: datetime
) -> Choice:
    """Leave out the routes whose sending window is closed, and those that were down a moment ago.

    Args:
        settings: The routes.
        timezone: The publication's, which holds for windows without one of their own.
        resting: Names of routes that are not to be tried again yet; where none else is left they are.
        now: The time.

    """
    routes, opens = [], []
    for said in settings.smtp_routes:
        route = _make_route(settings, said)
        if said.window or said.days:
            window = parse_window(said.window or "", said.days, parse_zone(said.timezone or timezone))
            opens.append(window.find_begin(now))
            ends_at = window.find_end(now)
            if ends_at is None:
                continue
            route = replace(route, open_seconds=(ends_at - now).total_seconds())
        routes.append(route)
    chosen = [route for route in routes if route.name not in resting] or routes
    return Choice(tuple(chosen), min(opens, default=None))


def list_domain_limits(settings: Settings) -> dict[str, DomainLimit]:
    """The limits of recipient domains, by name."""
    return {each.name.lower(): DomainLimit(each.per_second, each.connections) for each in settings.domains}


def refuse_dead_links(settings: Settings) -> None:
    """Refuse to mail the world links that lead to this machine.

    Raises:
        ConfigError: The base URL is loopback and a route is not.

    """
    base = urlsplit(settings.base_url).hostname or ""
    far = [
        parse_smtp_url(route.url.get_secret_value()).host
        for route in settings.smtp_routes
        if not is_loopback(parse_smtp_url(route.url.get_secret_value()).host)
    ]
    if far and is_loopback(base):
        message = (
            f"base_url is {settings.base_url}, so no reader of mail sent by {far[0]} could open its links: "
            "set NEWSLETTER_BASE_URL to the public address of this program"
        )
        raise ConfigError(message)


def _make_route(settings: Settings, route: RouteSettings) -> Route:
    address = parse_smtp_url(route.url.get_secret_value())
    seconds = settings.smtp_timeout_seconds
    return Route(
        name=route.name,
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value() if address.password else None,
        tls=address.tls,
        connections=route.connections,
        messages_per_connection=route.messages_per_connection,
        weight=route.weight,
        limit=Limit(route.per_second, route.per_hour, route.per_day, route.warmup),
        pipelining=route.pipelining,
        timeouts=Timeouts(
            connect=min(seconds, 30.0),
            banner=seconds,
            command=seconds,
            data=seconds,
            block=seconds,
            dot=DOT_SECONDS,
        ),
        cafile=str(route.cafile) if route.cafile else None,
    )
