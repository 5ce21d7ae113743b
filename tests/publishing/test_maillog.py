"""Logs of Postfix and Exim, in the forms that their manuals and real machines give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsletter.publishing.maillog import MailLog, Sighting

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
ONE, TWO = "<one@example.org>", "<two@example.org>"
EAST = timezone(timedelta(hours=2))

POSTFIX = """\
Nov 25 21:00:00 mx postfix/smtpd[11]: 4Xk2Yz0AbC: client=localhost[127.0.0.1]
Nov 25 21:00:00 mx postfix/cleanup[12]: 4Xk2Yz0AbC: message-id=<one@example.org>
Nov 25 21:00:00 mx postfix/qmgr[13]: 4Xk2Yz0AbC: from=<desk@example.org>, size=900, nrcpt=1 (queue active)
Nov 25 21:00:01 mx postfix/smtp[14]: 4Xk2Yz0AbC: to=<a@example.net>, relay=mx.example.net[192.0.2.1]:25, \
delay=0.2, delays=0.1/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77)
Nov 25 21:00:01 mx postfix/qmgr[13]: 4Xk2Yz0AbC: removed
"""
BOUNCED = """\
2026-11-25T21:00:00.123456+02:00 mx postfix-out/cleanup[12]: 7A1B2C: message-id=<one@example.org>
2026-11-25T21:00:01.123456+02:00 mx postfix-out/smtp[14]: 7A1B2C: to=<a@example.net>, \
relay=mx[192.0.2.1]:25, delay=0.2, dsn=5.1.1, status=bounced \
(host mx[192.0.2.1] said: 550 5.1.1 <a@example.net>: no such user (RCPT))
"""
EXIM = """\
2026-11-25 21:00:00 1vNq0a-0003xY-2k <= desk@example.org H=localhost P=esmtp S=900 id=one@example.org
2026-11-25 21:00:00 1vNq0b-00000003xYq-2kAb <= desk@example.org H=localhost P=esmtp S=900 id=two@example.org
2026-11-25 21:00:01 1vNq0a-0003xY-2k => a@example.net R=dnslookup T=remote_smtp H=mx [192.0.2.1] C="250 Ok"
2026-11-25 21:00:01 1vNq0b-00000003xYq-2kAb ** b@example.net R=dnslookup T=remote_smtp H=mx [192.0.2.1]: \
SMTP error from remote mail server after RCPT TO:<b@example.net>: 550 5.1.1 no such user
2026-11-25 21:00:01 1vNq0a-0003xY-2k Completed
"""


def read(text: str, *, zone: timezone = UTC) -> list[Sighting]:
    return list(MailLog({ONE, TWO}, now=NOW, zone=zone).read(text.splitlines(keepends=True)))


def test_postfix_tells_what_it_delivered() -> None:
    assert read(POSTFIX) == [
        Sighting(ONE, "accepted"),
        Sighting(ONE, "sent", 250, "2.0.0", "250 2.0.0 Ok: queued as 77"),
    ]


def test_postfix_tells_what_came_back() -> None:
    (sighting,) = read(BOUNCED)

    assert (sighting.outcome, sighting.code, sighting.enhanced) == ("bounced", 550, "5.1.1")
    assert sighting.words == "550 5.1.1 <a@example.net>: no such user (RCPT)"


def test_a_message_that_postfix_still_tries_was_accepted() -> None:
    text = POSTFIX.replace("dsn=2.0.0, status=sent (250 2.0.0 Ok", "dsn=4.4.1, status=deferred (timed out")

    assert [sighting.outcome for sighting in read(text)] == ["accepted", "accepted"]


def test_a_body_that_never_ended_was_not_accepted() -> None:
    assert read("".join(POSTFIX.splitlines(keepends=True)[:2])) == []


def test_a_queue_id_that_is_used_again_is_another_message() -> None:
    again = POSTFIX.replace("message-id=<one@", "message-id=<other@")

    assert len(read(POSTFIX + again)) == 2


def test_exim_tells_what_it_delivered_and_what_came_back() -> None:
    sightings = read(EXIM)

    assert [(each.message_id, each.outcome) for each in sightings] == [
        (ONE, "accepted"),
        (TWO, "accepted"),
        (ONE, "sent"),
        (TWO, "bounced"),
    ]
    assert (sightings[2].code, sightings[2].words) == (250, "250 Ok")
    assert sightings[3].code == 550


def test_a_message_that_exim_still_tries_was_accepted() -> None:
    text = EXIM.replace("2k => a@example.net", "2k == a@example.net")

    assert {each.outcome for each in read(text) if each.message_id == ONE} == {"accepted"}


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("Nov 25 21:00:00 mx postfix", datetime(2026, 11, 25, 21, tzinfo=EAST)),
        ("Nov  5 21:00:00 mx postfix", datetime(2026, 11, 5, 21, tzinfo=EAST)),
        ("Dec 31 23:59:59 mx postfix", datetime(2025, 12, 31, 23, 59, 59, tzinfo=EAST)),
        ("Feb 29 10:00:00 mx postfix", None),
        ("2026-11-25T21:00:00.5+00:00 mx", datetime(2026, 11, 25, 21, tzinfo=UTC)),
        ("2026-11-25T21:00:00Z mx", datetime(2026, 11, 25, 21, tzinfo=UTC)),
        ("2026-11-25 21:00:00 1vNq0a-", datetime(2026, 11, 25, 21, tzinfo=EAST)),
        ("2026-11-25 21:00:00 +0100 1vN", datetime(2026, 11, 25, 20, tzinfo=UTC)),
        ("2026-99-25 21:00:00 1vNq0a-", None),
        ("no time at all", None),
        ("Foo 25 21:00:00 mx postfix", None),
    ],
)
def test_times_are_read_in_every_form(line: str, at: datetime | None) -> None:
    assert MailLog((), now=NOW, zone=EAST).parse_time(line) == at


def test_a_log_covers_what_lies_between_its_lines() -> None:
    log = MailLog((), now=NOW, zone=UTC)
    assert not log.covers(NOW, NOW)
    list(log.read(POSTFIX.splitlines()))
    start = datetime(2026, 11, 25, 21, tzinfo=UTC)

    assert log.covers(start, start + timedelta(seconds=1.9))
    assert not log.covers(start - timedelta(seconds=1), start)
    assert not log.covers(start, start + timedelta(seconds=2))
