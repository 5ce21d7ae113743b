"""TLS and login: no password leaves but to the right server under TLS, and a refusal touches no recipient."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from newsletter.deliver.route import AuthKind, Route, TlsMode
from newsletter.errors import DeliveryError
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import OPTIONS, Serve, check_truth, make_addresses, make_route, send
from tests.support.smtp_fixtures import Certificates
from tests.support.smtp_server import CLOSE, Action, Fault, SmtpServer, raw, reply

LOGIN = ("me@example.org", "pässword s3cret")
FEW = replace(OPTIONS, connect_failures=2)


def secure(server: SmtpServer, cafile: str | None) -> Route:
    return replace(make_route(server), user=LOGIN[0], password=LOGIN[1], cafile=cafile)


def refuse(server: SmtpServer, route: Route, why: str) -> None:
    """Assert that nothing of a send goes out, and that it ends with a line that says why."""
    ledger = MemoryLedger(make_addresses(3))
    outcome = send(ledger, route, options=FEW)

    assert outcome.error is not None
    assert why in outcome.error
    assert f"127.0.0.1:{server.port}" in outcome.error
    assert LOGIN[1] not in outcome.error
    assert ledger.count() == {"queued": 3}
    assert set(ledger.attempts.values()) <= {0}
    assert server.accepted == []
    assert server.spoken("MAIL") == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "PLAIN"])
def test_a_login_under_tls_sends(
    serve: Serve, certificates: Certificates, tls: TlsMode, mechanisms: str
) -> None:
    server = serve(SmtpServer(tls=tls, context=certificates.good, login=LOGIN, mechanisms=mechanisms))
    ledger = MemoryLedger(make_addresses(5))
    outcome = send(ledger, secure(server, certificates.cafile))

    check_truth(ledger, server)
    assert outcome.sent == 5
    assert all(
        command.is_tls for command in server.commands if not command.line.startswith((b"EHLO", b"STARTTLS"))
    )


@pytest.mark.parametrize("secret", ["token", "stale"])
def test_xoauth2_logs_in_with_a_token_and_takes_a_refusal(
    serve: Serve, certificates: Certificates, secret: str
) -> None:
    login = ("me@example.org", "token")
    server = serve(
        SmtpServer(tls="implicit", context=certificates.good, login=login, mechanisms="PLAIN XOAUTH2")
    )
    kind: AuthKind = "xoauth2"
    route = replace(secure(server, certificates.cafile), user=login[0], password=secret, auth=kind)
    outcome = send(MemoryLedger(make_addresses(1)), route)

    assert outcome.sent == (secret == "token")
    assert server.spoken("AUTH PLAIN") == []
    assert (outcome.error is None) == (secret == "token")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("shown", ["wrong_host", "expired", "unknown"])
def test_a_certificate_that_is_not_the_servers_is_refused_before_any_login(
    serve: Serve, certificates: Certificates, tls: TlsMode, shown: str
) -> None:
    server = serve(SmtpServer(tls=tls, context=getattr(certificates, shown), login=LOGIN))
    refuse(server, secure(server, certificates.cafile), "certificate")

    assert server.spoken("AUTH") == []
    # It will not mend itself: no storm of tries.
    assert server.seen["accept"] <= 1


def test_the_systems_authorities_do_not_vouch_for_a_private_certificate(
    serve: Serve, certificates: Certificates
) -> None:
    server = serve(SmtpServer(tls="implicit", context=certificates.good, login=LOGIN))
    refuse(server, secure(server, None), "certificate")


def test_a_stripped_starttls_is_refused_before_any_login(serve: Serve) -> None:
    server = serve(SmtpServer(login=LOGIN))
    refuse(server, replace(secure(server, None), tls="starttls"), "offers no STARTTLS")

    assert server.spoken("AUTH") == []


@pytest.mark.parametrize(
    "injected", [b"250-evil\r\n250 AUTH PLAIN\r\n", b"235 welcome\r\n", b"250 half a lin"]
)
def test_plaintext_injected_after_starttls_is_never_read_as_if_it_were_under_tls(
    serve: Serve, certificates: Certificates, injected: bytes
) -> None:
    fault = Fault("starttls", 0, raw(b"220 go on\r\n" + injected))
    server = serve(SmtpServer([fault], tls="starttls", context=certificates.good, login=LOGIN))
    refuse(server, secure(server, certificates.cafile), "more than its answer to STARTTLS")

    assert server.spoken("AUTH") == []


@pytest.mark.parametrize("action", [CLOSE, reply(454, "4.7.0 not now")])
def test_a_starttls_that_fails_leaves_nothing_in_the_clear(
    serve: Serve, certificates: Certificates, action: Action
) -> None:
    server = serve(
        SmtpServer([Fault("starttls", 0, action)], tls="starttls", context=certificates.good, login=LOGIN)
    )
    refuse(server, secure(server, certificates.cafile), "took nothing")

    assert server.spoken("AUTH") == []


def test_what_was_offered_before_tls_is_forgotten(serve: Serve, certificates: Certificates) -> None:
    bare = reply(250, "test greets you")
    server = serve(
        SmtpServer([Fault("ehlo2", 0, bare)], tls="starttls", context=certificates.good, login=LOGIN)
    )
    refuse(server, secure(server, certificates.cafile), "no login mechanism")

    assert len(server.spoken("EHLO")) == 2


def test_a_wrong_password_is_tried_once_and_then_told(serve: Serve, certificates: Certificates) -> None:
    server = serve(SmtpServer(tls="implicit", context=certificates.good, login=LOGIN))
    route = replace(secure(server, certificates.cafile), password="wrong")
    refuse(server, route, "535 5.7.8 bad login; check the user and the password")

    assert server.seen["auth"] == 1


def test_a_temporary_failure_of_the_login_is_tried_again(serve: Serve, certificates: Certificates) -> None:
    fault = Fault("auth", 1, reply(454, "4.7.0 temporary authentication failure"))
    server = serve(SmtpServer([fault], tls="implicit", context=certificates.good, login=LOGIN))
    ledger = MemoryLedger(make_addresses(3))

    assert send(ledger, secure(server, certificates.cafile)).sent == 3
    assert server.seen["auth"] == 2


def test_a_password_in_the_clear_goes_to_this_machine_alone(serve: Serve) -> None:
    server = serve(SmtpServer(login=LOGIN))
    ledger = MemoryLedger(make_addresses(1))

    assert send(ledger, secure(server, None)).sent == 1
    for host in ("mail.example.org", "192.0.2.1", "localhost.example.org"):
        outcome = send(MemoryLedger(make_addresses(1)), replace(secure(server, None), host=host))
        assert outcome.error is not None
        assert "in the clear" in outcome.error


def test_a_tls_route_to_a_plain_server_ends_in_a_clear_line(serve: Serve) -> None:
    server = serve(SmtpServer())
    refuse(server, replace(secure(server, None), tls="implicit"), "took nothing")


def test_an_unreadable_cafile_is_named(smtp_server: SmtpServer) -> None:
    with pytest.raises(DeliveryError, match=r"nowhere\.pem"):
        send(MemoryLedger([]), replace(make_route(smtp_server), tls="starttls", cafile="nowhere.pem"))


def test_several_connections_log_in_each_for_itself(serve: Serve, certificates: Certificates) -> None:
    server = serve(SmtpServer(tls="starttls", context=certificates.good, login=LOGIN))
    ledger = MemoryLedger(make_addresses(40))
    outcome = send(ledger, replace(secure(server, certificates.cafile), connections=4))

    check_truth(ledger, server)
    assert outcome.sent == 40
    assert server.seen["auth"] == server.seen["accept"]
    assert ledger.threads.isdisjoint({threading.get_ident()})
    assert len(ledger.threads) == 1
