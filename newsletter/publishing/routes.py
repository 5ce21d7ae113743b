"""From the settings' SMTP servers to the routes that a send takes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config import Settings, is_loopback, parse_smtp_url
from newsletter.deliver.route import Route, Timeouts
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.config import RouteSettings

DOT_SECONDS = 600.0
"""Whatever the other timeouts: giving up earlier makes duplicates (RFC 5321 4.5.3.2.6)."""


def make_routes(settings: Settings) -> list[Route]:
    """The routes of the settings, the first to be used first."""
    return [_make_route(settings, route) for route in settings.smtp_routes]


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
