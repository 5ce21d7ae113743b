"""What goes out is signed by the keys of the settings, and arrives with its signature whole."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import update

from newsletter.config import DkimSettings
from newsletter.content import Claimed
from newsletter.deliver.session import Outgoing
from newsletter.errors import ConfigError
from newsletter.operating.signing import make_dkim_key
from newsletter.publishing import workshop
from newsletter.publishing.issues import list_deliveries
from newsletter.publishing.mailing import Mailing
from newsletter.publishing.notices import send_test_mail
from newsletter.publishing.preview import preview_issue
from newsletter.publishing.signing import make_signer
from newsletter.publishing.workshop import MOST_AHEAD
from newsletter.store.models import Subscriber
from tests.support.cli_fixtures import Call
from tests.support.dkim_fixtures import Verify
from tests.support.publishing_builders import NOW, Desk
from tests.support.smtp_server import SmtpServer


def with_keys(desk: Desk, *kinds: str, domain: str = "example.org") -> tuple[Desk, dict[str, str]]:
    """The desk with a key of each kind, and the records that DNS would hold."""
    made = [make_dkim_key(domain, kind, kind, desk.folder / f"{kind}.pem") for kind in kinds]  # type: ignore[arg-type] # as named
    keys = tuple(
        DkimSettings(domain=each.domain, selector=each.selector, key_file=Path(each.file)) for each in made
    )
    settings = desk.settings.model_copy(update={"dkim": keys})
    return replace(desk, settings=settings), {each.record_name: each.record for each in made}


def test_issues_and_test_mails_are_signed_once_per_key(
    sending_desk: Desk, smtp_server: SmtpServer, dkimpy: Verify, opendkim: Verify
) -> None:
    desk, records = with_keys(sending_desk, "ed25519", "rsa")
    desk.send(desk.approve_one(5))
    sent = [message.data for message in smtp_server.accepted]

    assert len(sent) == 5
    assert dkimpy(sent, records) == [[True, True]] * 5
    assert opendkim(sent[:2], records) == [[True, True]] * 2
    assert [re.findall(rb"a=(\w+)-sha256", message) for message in sent] == [[b"rsa", b"ed25519"]] * 5
    signed = message_from_bytes(sent[0])["DKIM-Signature"].replace("\r\n ", "")
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} < set(signed.split("h=")[1].split(";")[0].split(":"))


@pytest.mark.parametrize("ahead", [MOST_AHEAD, 2])
def test_signed_mails_are_built_in_threads_and_those_that_cannot_be_fail_alone(
    sending_desk: Desk, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    monkeypatch.setattr(workshop, "MOST_AHEAD", ahead)
    built = []
    build = Mailing.build

    def watch(self: Mailing, claimed: Claimed, now: datetime) -> Outgoing:
        built.append((claimed.recipient.email, threading.current_thread().name.startswith("build")))
        return build(self, claimed, now)

    monkeypatch.setattr(Mailing, "build", watch)
    desk, _ = with_keys(sending_desk, "rsa")
    issue_id = desk.approve_one(5)
    with desk.database.write() as session:
        session.execute(update(Subscriber).where(Subscriber.id == 3).values(email="no address"))
    status = desk.send(issue_id)
    (lost,) = list_deliveries(desk.database, issue_id, "failed")

    assert (status.state, status.sent, status.failed) == ("sent", 4, 1)
    assert str(lost["reply"]).startswith("the message could not be made: AddressError")
    assert len({message.data for message in smtp_server.accepted}) == 4
    assert {in_thread for _, in_thread in built} == ({True} if ahead > 5 else {True, False})
    assert not any(thread.name.startswith("build") for thread in threading.enumerate())


def test_what_the_editor_is_shown_is_signed_too(desk: Desk, dkimpy: Verify) -> None:
    desk, records = with_keys(desk, "rsa")
    desk.add_article("A ship came in")

    shown = preview_issue(desk.database, desk.settings, desk.draft().id, now=NOW)

    assert dkimpy([shown.eml], records) == [[True]]


def test_mail_of_another_domain_is_left_to_its_relay(desk: Desk) -> None:
    desk, _ = with_keys(desk, "rsa", domain="example.com")

    assert make_signer(desk.settings)(b"a message", "desk@example.org", NOW) == b"a message"


def test_an_ed25519_key_alone_is_refused(desk: Desk) -> None:
    desk, _ = with_keys(desk, "ed25519")

    with pytest.raises(ConfigError, match="large providers do not look at: add an RSA key"):
        make_signer(desk.settings)


@pytest.mark.parametrize(
    ("text", "mode", "word"),
    [("no key", 0o600, "no private key"), ("no key", 0o644, "chmod 600"), (None, 0, "newsletter dkim new")],
)
def test_a_key_file_that_cannot_be_used_is_named(desk: Desk, text: str | None, mode: int, word: str) -> None:
    path = desk.folder / "own.pem"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    key = DkimSettings(domain="example.org", selector="mail", key_file=path)

    with pytest.raises(ConfigError, match=r"own\.pem") as refused:
        send_test_mail(desk.settings.model_copy(update={"dkim": (key,)}), "ada@example.org", now=NOW)
    assert word in str(refused.value)


def test_dkim_new_prints_what_dns_and_settings_must_hold(call: Call, tmp_path: Path) -> None:
    ran = call("dkim", "new", "--domain", "example.org", "--selector", "mail2027")
    again = call("dkim", "new", "--domain", "example.org", "--selector", "mail2027")
    made = call("dkim", "new", "--domain", "example.org", "--ed25519", "--out", "small.pem", "--json").json
    key = tmp_path / "mail2027.example.org.pem"

    assert (ran.code, key.stat().st_mode & 0o777) == (0, 0o600)
    assert 'mail2027._domainkey.example.org. IN TXT ("v=DKIM1; k=rsa; p=MIIB' in ran.out
    assert all(len(string) <= 255 for string in re.findall(r'"([^"]+)"', ran.out))
    assert 'selector = "mail2027"\nkey_file = "mail2027.example.org.pem"' in ran.out
    assert (again.code, "is there already" in again.err) == (1, True)
    assert (made["record_name"], made["record"][:21]) == (
        "mail._domainkey.example.org",
        "v=DKIM1; k=ed25519; p",
    )
    assert call("dkim", "new", "--domain", "no domain").code == 1
