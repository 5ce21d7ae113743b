"""The login of RFC 4954: which mechanism, and what to say in it."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass

from newsletter.deliver.route import Route


@dataclass(frozen=True, slots=True)
class Login:
    """One mechanism ready to be spoken: the AUTH command, then one answer to each 334."""

    mechanism: str
    command: bytes
    answers: tuple[bytes, ...] = ()


def choose_login(route: Route, offered: Collection[str]) -> Login | None:
    """Choose the mechanism that server and route share, or None.

    Args:
        route: with its user and password.
        offered: mechanisms of the EHLO reply, upper case.
    """
    user, secret = (route.user or "").encode(), (route.password or "").encode()
    if route.auth == "xoauth2":
        token = b"user=%b\x01auth=Bearer %b\x01\x01" % (user, secret)
        # The server explains a refusal in a 334, which wants an empty answer.
        return Login("XOAUTH2", b"AUTH XOAUTH2 " + _base64(token), (b"",)) if "XOAUTH2" in offered else None
    if "PLAIN" in offered:
        return Login("PLAIN", b"AUTH PLAIN " + _base64(b"\0%b\0%b" % (user, secret)))
    if "LOGIN" in offered:
        return Login("LOGIN", b"AUTH LOGIN", (_base64(user), _base64(secret)))
    return None


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data)
