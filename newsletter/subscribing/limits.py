"""How much mail strangers may cause: limits that all processes share, after lists were used as bombs."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.store import rates
from newsletter.subscribing.addresses import keyed_hash

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

PER_ADDRESS_DAY = 1
PER_ADDRESS_EVER = 3
"""Confirmations until one is answered."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
PER_IP = 20
PER_SUBNET = 60
EVERYONE = 1000
"""Mails an hour that strangers may cause: by one address, by its /24 or /56, and all together."""

PASSING = ("ip:", "net:", "all:", "login:")
"""Keys that no limit looks at after a day; those of addresses stay until they are answered."""


def is_flooding(session: Session, ip: str | None, key: bytes, *, now: datetime) -> bool:
    """Count one request that would cause a mail, and say whether there were too many of late."""
    limits = [("all:mail", EVERYONE), *_places(ip, key)]
    full = any(rates.count_hits(session, name, now - _HOUR) >= limit for name, limit in limits)
    if not full:
        for name, _ in limits:
            rates.record_hit(session, name, now=now)
    return full


def _places(ip: str | None, key: bytes) -> list[tuple[str, int]]:
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return []
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    width = 24 if address.version == 4 else 56  # noqa: PLR2004 - IP has two versions
    subnet = ipaddress.ip_network(f"{address}/{width}", strict=False)
    # One household owns a whole /64: its single addresses say nothing.
    is_old = isinstance(address, ipaddress.IPv4Address)
    single = address if is_old else ipaddress.ip_network(f"{address}/64", strict=False)
    return [
        (f"ip:{keyed_hash('ip', str(single), key)}", PER_IP),
        (f"net:{keyed_hash('ip', str(subnet), key)}", PER_SUBNET),
    ]


def may_confirm(session: Session, address_hash: str, *, now: datetime) -> bool:
    """Whether one more confirmation may go to an address; counts it if so."""
    name = f"confirm:{address_hash}"
    if rates.count_hits(session, name, now - _DAY) >= PER_ADDRESS_DAY:
        return False
    if rates.count_hits(session, name) >= PER_ADDRESS_EVER:
        return False
    rates.record_hit(session, name, now=now)
    return True


def has_confirmed(session: Session, address_hash: str) -> None:
    """Forget the unanswered confirmations of an address that has now answered."""
    rates.forget_hits(session, f"confirm:{address_hash}")


def may_remind(session: Session, kind: str, address_hash: str, *, now: datetime) -> bool:
    """Whether a mail of that kind may go to an address today; counts it if so."""
    name = f"{kind}:{address_hash}"
    if rates.count_hits(session, name, now - _DAY):
        return False
    rates.record_hit(session, name, now=now)
    return True
