"""Fixtures: SMTP servers that fault by script, and certificates good and bad."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.support.smtp_server import SmtpServer


@dataclass(frozen=True)
class Certificates:
    """What servers can show; a client that trusts `cafile` must refuse all but `good`."""

    cafile: str
    good: ssl.SSLContext
    wrong_host: ssl.SSLContext
    expired: ssl.SSLContext
    unknown: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for localhost and 127.0.0.1 of an authority of the test's own."""
    authority, stranger = trustme.CA(), trustme.CA()
    cafile: Path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(cafile))
    past = datetime.now(tz=UTC) - timedelta(days=1)

    def show(leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context

    here = ("localhost", "127.0.0.1")
    return Certificates(
        str(cafile),
        good=show(authority.issue_cert(*here)),
        wrong_host=show(authority.issue_cert("elsewhere.example")),
        expired=show(authority.issue_cert(*here, not_before=past - timedelta(days=9), not_after=past)),
        unknown=show(stranger.issue_cert(*here)),
    )


@pytest.fixture
def serve() -> Iterator[Callable[[SmtpServer], SmtpServer]]:
    """Start servers, each given as `SmtpServer([Fault(…)], …)`; they end with the test."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def smtp_server(serve: Callable[[SmtpServer], SmtpServer]) -> SmtpServer:
    """A server that accepts everything, without TLS or login."""
    return serve(SmtpServer())


@pytest.fixture
def unused_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
