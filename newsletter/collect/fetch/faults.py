"""What goes wrong with a request, in sentences that name the address, the cause and what to do."""

from __future__ import annotations

import ssl
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from newsletter.errors import FetchError

if TYPE_CHECKING:
    from newsletter.collect.fetch.values import FetchOptions

_LONGEST_WAIT: Final = 30 * 86_400.0


def explain(url: str, error: Exception, options: FetchOptions) -> FetchError:
    """Say in one sentence why a request failed and what to do."""
    name = shown(url)
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        seconds = options.timeout_seconds
        if isinstance(error, (httpx2.ConnectTimeout, httpx2.PoolTimeout)):
            seconds = options.connect_seconds
        text = (
            f"{name} did not answer in full within {seconds:g} seconds: the server is slow"
            f" or down; try again later"
        )
    elif isinstance(error, httpx2.ConnectError):
        cause = str(error) or "the server refuses connections"
        is_tls = isinstance(_root(error), ssl.SSLError)
        advice = "its certificate or TLS is at fault; check the address" if is_tls else "check the address"
        text = f"{name} cannot be reached ({cause}): {advice}"
    elif isinstance(error, httpx2.DecodingError):
        text = f"{name} sent a body that is not compressed as it says: tell the publisher, or try again later"
    elif isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError)):
        text = f"{name} is not an address that can be fetched ({error}): expected http:// or https://"
    else:
        text = f"{name} broke off ({type(error).__name__}: {error}): try again later"
    failure = FetchError(text)
    failure.__cause__ = error
    return failure


_ADVICE: Final = {
    401: "it wants a login, which sources cannot give; use a public address",
    403: "it refuses us; ask the publisher to allow our User-Agent",
    404: "check the address or remove the source",
    410: "the publisher has closed it for good; remove the source",
    429: "it is asked too often; it will be left alone for a while",
}


def check_status(url: str, response: httpx2.Response) -> None:
    """Raise FetchError unless the answer is good or says that nothing changed."""
    status = response.status_code
    if response.is_success or status == HTTPStatus.NOT_MODIFIED:
        return
    try:
        reason = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        reason = str(status)
    is_server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    advice = _ADVICE.get(
        status, "the server is at fault; try again later" if is_server else "check the address"
    )
    error = FetchError(f"{shown(url)} answered {reason}: {advice}")
    error.status = status
    error.retry_after = read_retry_after(response)
    raise error


def read_retry_after(response: httpx2.Response) -> float | None:
    """Seconds from now; a date counts from the server's own clock, so that ours does not matter."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value[:12]), _LONGEST_WAIT)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(response.headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return None


def shown(url: str) -> str:
    """The address without a password, and not longer than a line of a log."""
    try:
        parts = urlsplit(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        bare = url
    return "".join(char if char.isprintable() else "�" for char in bare[:300])


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
