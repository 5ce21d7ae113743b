"""Signing up: one answer for all, one mail a day, and active only by a press of the button."""

from __future__ import annotations

import email
import re
from datetime import timedelta
from email import policy
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select

from newsletter.config import Settings
from newsletter.errors import AddressError, NotFoundError, StateError, TokenError
from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.store.suppressions import add_suppression
from newsletter.subscribing.addresses import address_hash
from newsletter.subscribing.erasure import erase
from newsletter.subscribing.signup import SignUp, confirm, find_sign_up, is_hasty, sign_up, stamp_form
from newsletter.subscribing.subscribers import show_subscriber
from newsletter.subscribing.unsubscribing import unsubscribe_address
from tests.support.store_builders import (
    NOW,
    dump,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _publication(database: Database) -> None:
    with database.write() as session:
        publication = make_publication_row(session)
        for name in ("City", "Sea"):
            session.add(models.Category(publication_id=publication.id, name=name, position=1))


def ask(
    database: Database, settings: Settings, address: str, *, days: float = 0, ip: str = "192.0.2.7"
) -> None:
    sign_up(database, settings, SignUp(email=address, ip=ip), now=NOW + DAY * days)


def read_mails(database: Database, kind: str = "confirm") -> list[EmailMessage]:
    with database.read() as session:
        rows = session.scalars(
            select(models.Notice).where(models.Notice.kind == kind).order_by(models.Notice.id)
        )
        return [email.message_from_bytes(row.data, policy=policy.default) for row in rows]


def read_text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def read_token(mail: EmailMessage) -> str:
    found = re.search(r"http://localhost:8000/confirm/([\w-]+)", read_text(mail))
    assert found
    return found[1]


def read_status(database: Database, address: str) -> str:
    return str(show_subscriber(database, address)["subscriptions"][0]["status"])


def add(database: Database, address: str, status: str) -> None:
    with database.write() as session:
        publication = session.scalars(select(models.Publication)).one()
        subscriber = make_subscriber_row(session, address)
        ended_at = NOW - DAY if status in {"unsubscribed", "bounced", "complained"} else None
        make_subscription_row(session, publication, subscriber, status=status, ended_at=ended_at)


def test_a_press_on_the_button_makes_it_active(database: Database, settings: Settings) -> None:
    ask(database, settings, "New@Example.org")
    (mail,) = read_mails(database)
    assert read_status(database, "new@example.org") == "pending"
    assert mail["To"] == "new@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"

    token = read_token(mail)
    assert find_sign_up(database, settings, token, now=NOW).status == "pending"
    assert confirm(database, settings, token, now=NOW + DAY).status == "active"
    assert confirm(database, settings, token, now=NOW + DAY).status == "active"

    events = [
        line["event"] for line in show_subscriber(database, "new@example.org")["subscriptions"][0]["consents"]
    ]
    assert events == ["signed-up", "confirmed"]


def test_the_mail_holds_nothing_that_the_visitor_typed(database: Database, settings: Settings) -> None:
    request = SignUp(email="new@example.org", categories=("BUY NOW", "Sea"), cadence="http://evil.example")
    sign_up(database, settings, request, now=NOW)

    (mail,) = read_mails(database)
    assert "BUY" not in mail.as_string()
    assert "evil" not in mail.as_string()
    standing = show_subscriber(database, "new@example.org")["subscriptions"][0]
    assert (standing["categories"], standing["cadence"]) == (["Sea"], None)


def test_one_mail_a_day_and_three_ever(database: Database, settings: Settings) -> None:
    counts = []
    for days in (0, 0.5, 1.1, 2.2, 3.3, 30):
        ask(database, settings, "new@example.org", days=days)
        counts.append(len(read_mails(database)))

    assert counts == [1, 1, 2, 3, 3, 3]


def test_a_list_bomb_of_one_address_is_one_mail(database: Database, settings: Settings) -> None:
    for number in range(100):
        ask(database, settings, "victim@example.org", ip=f"198.51.{number}.1")

    assert len(read_mails(database)) == 1


def test_a_subnet_cannot_cause_more_than_its_share(database: Database, settings: Settings) -> None:
    for number in range(150):
        ask(database, settings, f"victim{number}@example.org", ip=f"192.0.2.{number}")

    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(models.Notice)) == 60
        assert session.scalar(select(func.count()).select_from(models.Subscriber)) == 60


def test_one_host_cannot_cause_more_than_its_share(database: Database, settings: Settings) -> None:
    for number in range(40):
        ask(database, settings, f"victim{number}@example.org", ip="::ffff:192.0.2.1")
    assert len(read_mails(database)) == 20

    for number in range(40):
        ask(database, settings, f"other{number}@example.org", ip=f"2001:db8::{number}")
    assert len(read_mails(database)) == 40


def test_who_is_subscribed_is_told_so_once_a_day(database: Database, settings: Settings) -> None:
    add(database, "ada@example.org", "active")
    for days in (0, 0.1, 1.1):
        ask(database, settings, "ada@example.org", days=days)

    assert len(read_mails(database, "already-subscribed")) == 2
    assert read_mails(database) == []
    assert read_status(database, "ada@example.org") == "active"


@pytest.mark.parametrize("status", ["complained", "bounced"])
def test_who_must_not_be_mailed_is_not(database: Database, settings: Settings, status: str) -> None:
    add(database, "eve@example.org", status)

    ask(database, settings, "eve@example.org")

    assert read_mails(database) == read_mails(database, "already-subscribed") == []
    assert read_status(database, "eve@example.org") == status


def test_an_erased_person_stays_erased(database: Database, settings: Settings) -> None:
    add(database, "gone@example.org", "active")
    erase(database, settings, "gone@example.org", now=NOW)

    ask(database, settings, "gone@example.org")

    assert read_mails(database) == []
    assert "gone@example.org" not in str(dump(database))


def test_who_left_may_come_back_by_the_button_alone(database: Database, settings: Settings) -> None:
    add(database, "bea@example.org", "unsubscribed")

    ask(database, settings, "bea@example.org")
    assert read_status(database, "bea@example.org") == "unsubscribed"

    assert confirm(database, settings, read_token(read_mails(database)[0]), now=NOW).status == "active"


def test_a_stranger_does_not_choose_for_who_left(database: Database, settings: Settings) -> None:
    add(database, "bea@example.org", "unsubscribed")
    with database.write() as session:
        session.scalars(select(models.Subscription)).one().categories = ["City"]

    sign_up(database, settings, SignUp(email="bea@example.org", categories=("Sea",)), now=NOW)
    confirm(database, settings, read_token(read_mails(database)[0]), now=NOW)

    assert show_subscriber(database, "bea@example.org")["subscriptions"][0]["categories"] == ["City"]


def test_an_old_button_does_not_undo_a_later_leave(database: Database, settings: Settings) -> None:
    ask(database, settings, "new@example.org")
    token = read_token(read_mails(database)[0])
    confirm(database, settings, token, now=NOW)
    unsubscribe_address(database, settings, None, "new@example.org", via="test", now=NOW + DAY)

    with pytest.raises(TokenError, match="before you unsubscribed"):
        confirm(database, settings, token, now=NOW + 2 * DAY)
    assert read_status(database, "new@example.org") == "unsubscribed"


def test_a_button_is_good_for_a_week(database: Database, settings: Settings) -> None:
    ask(database, settings, "new@example.org")
    token = read_token(read_mails(database)[0])

    with pytest.raises(TokenError):
        confirm(database, settings, token, now=NOW + 7.01 * DAY)


def test_a_button_does_not_lift_a_suppression(database: Database, settings: Settings) -> None:
    ask(database, settings, "new@example.org")
    token = read_token(read_mails(database)[0])
    with database.write() as session:
        add_suppression(session, address_hash("new@example.org", [b"k" * 32]), "complaint", now=NOW)

    with pytest.raises(StateError):
        confirm(database, settings, token, now=NOW)


def test_what_cannot_be_done_is_said(database: Database, settings: Settings) -> None:
    with pytest.raises(AddressError):
        ask(database, settings, "no address")
    with pytest.raises(NotFoundError):
        sign_up(database, settings, SignUp(email="a@example.org", slug="secret"), now=NOW)
    assert read_mails(database) == []


@pytest.mark.parametrize(
    ("seconds", "hasty"), [(0, True), (1.5, True), (2.5, False), (3600, False), (90000, True)]
)
def test_people_take_seconds(settings: Settings, seconds: float, *, hasty: bool) -> None:
    stamp = stamp_form(settings, now=NOW)

    assert is_hasty(settings, stamp, now=NOW + timedelta(seconds=seconds)) is hasty


def test_a_forged_stamp_is_hasty_and_none_is_a_program(settings: Settings) -> None:
    assert is_hasty(settings, "forged", now=NOW)
    assert not is_hasty(settings, None, now=NOW)
