"""What each reply of reliability.md S1 and S2 means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.replies import STATES, TEXT_LIMIT, Meaning, Reply, Stage, classify_reply

BANNER, EHLO, STARTTLS, AUTH = Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.AUTH
MAIL, RCPT, DATA, DOT = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT

TABLE = [
    (BANNER, 220, "mx ready", Meaning.ACCEPT),
    (EHLO, 250, "hello", Meaning.ACCEPT),
    (STARTTLS, 220, "go on", Meaning.ACCEPT),
    (AUTH, 235, "2.7.0 welcome", Meaning.ACCEPT),
    (BANNER, 421, "too busy", Meaning.RETRY),
    (BANNER, 450, "not now", Meaning.RETRY),
    (STARTTLS, 454, "4.7.0 TLS not available", Meaning.RETRY),
    (BANNER, 554, "no service for you", Meaning.DOWN),
    (BANNER, 521, "does not accept mail", Meaning.DOWN),
    (EHLO, 550, "bad name", Meaning.DOWN),
    (AUTH, 535, "5.7.8 bad credentials", Meaning.DOWN),
    (AUTH, 454, "4.7.0 temporary failure", Meaning.RETRY),
    (MAIL, 250, "ok", Meaning.ACCEPT),
    (MAIL, 451, "4.3.0 try later", Meaning.DEFER),
    (MAIL, 452, "4.3.1 disk full", Meaning.DEFER),
    (MAIL, 421, "closing", Meaning.RETRY),
    (MAIL, 550, "5.7.1 sender refused", Meaning.ISSUE),
    (MAIL, 553, "5.1.8 bad sender", Meaning.ISSUE),
    (MAIL, 530, "5.7.0 must issue STARTTLS", Meaning.ISSUE),
    (RCPT, 250, "ok", Meaning.ACCEPT),
    (RCPT, 251, "will forward", Meaning.ACCEPT),
    (RCPT, 450, "4.2.0 greylisted", Meaning.DEFER),
    (RCPT, 451, "", Meaning.DEFER),
    (RCPT, 452, "4.5.3 too many recipients", Meaning.DEFER),
    (RCPT, 499, "unheard of", Meaning.DEFER),
    (RCPT, 552, "too many recipients", Meaning.DEFER),
    (RCPT, 552, "5.2.2 mailbox full", Meaning.SOFT),
    (RCPT, 550, "5.1.1 no such user", Meaning.HARD),
    (RCPT, 551, "5.1.6 moved", Meaning.HARD),
    (RCPT, 553, "5.1.3 bad address", Meaning.HARD),
    (RCPT, 550, "No such user here", Meaning.HARD),
    (RCPT, 550, "5.1.8 the sender's domain does not exist", Meaning.POLICY),
    (RCPT, 550, "5.2.1 mailbox disabled", Meaning.HARD),
    (RCPT, 550, "5.2.1 receiving mail at a rate that prevents delivery", Meaning.SOFT),
    (RCPT, 550, "5.1.7 bad address of the sender", Meaning.POLICY),
    (RCPT, 550, "5.2.2 mailbox full", Meaning.SOFT),
    (RCPT, 599, "unheard of", Meaning.SOFT),
    (RCPT, 550, "5.7.1 blocked", Meaning.POLICY),
    (RCPT, 554, "5.7.1 relay access denied", Meaning.POLICY),
    (RCPT, 550, "Blocked: see our spam policy", Meaning.POLICY),
    (DATA, 550, "5.7.1 policy", Meaning.POLICY),
    (DOT, 554, "5.7.9 DMARC", Meaning.POLICY),
    (DOT, 550, "Message rejected as spam", Meaning.POLICY),
    (RCPT, 556, "5.1.10 null MX", Meaning.HARD),
    (RCPT, 556, "domain takes no mail", Meaning.HARD),
    (RCPT, 421, "4.7.28 unusual rate of mail", Meaning.SLOW_DOMAIN),
    (DOT, 421, "4.7.0 deferred for complaints", Meaning.SLOW_DOMAIN),
    (MAIL, 421, "4.7.0 too much from you", Meaning.RETRY),
    (RCPT, 421, "4.7.0 too many messages in this session", Meaning.RETRY),
    (RCPT, 421, "4.3.2 shutting down", Meaning.RETRY),
    (RCPT, 450, "4.7.1 try later", Meaning.SLOW_DOMAIN),
    (DATA, 451, "4.7.500 server busy", Meaning.SLOW_DOMAIN),
    (MAIL, 451, "4.7.1 try later", Meaning.DEFER),
    (RCPT, 451, "4.7.1 Greylisting in action", Meaning.DEFER),
    (RCPT, 450, "4.7.1 you are grey-listed", Meaning.DEFER),
    (MAIL, 450, "4.7.1 Error: too much mail from 192.0.2.1", Meaning.SLOW),
    (RCPT, 450, "4.7.1 Error: too many recipients from 192.0.2.1", Meaning.SLOW),
    (RCPT, 450, "rate limit exceeded", Meaning.SLOW),
    (RCPT, 503, "5.5.1 need MAIL", Meaning.RETRY),
    (RCPT, 354, "what", Meaning.RETRY),
    (DATA, 354, "go on", Meaning.ACCEPT),
    (DATA, 250, "not 354", Meaning.RETRY),
    (DATA, 451, "later", Meaning.DEFER),
    (DATA, 554, "no", Meaning.SOFT),
    (DOT, 250, "2.0.0 queued", Meaning.ACCEPT),
    (DOT, 299, "unheard of", Meaning.ACCEPT),
    (DOT, 451, "4.3.0 later", Meaning.DEFER),
    (DOT, 421, "closing", Meaning.RETRY),
    (DOT, 554, "5.6.0 no", Meaning.SOFT),
    (DOT, 552, "too big", Meaning.SOFT),
    (DOT, 550, "5.1.1 no such user", Meaning.HARD),
    (DOT, 354, "again?", Meaning.UNCERTAIN),
    (MAIL, 454, "Throttling failure: Maximum sending rate exceeded.", Meaning.SLOW),
    (DOT, 454, "Throttling failure: Maximum sending rate exceeded.", Meaning.SLOW),
    (MAIL, 454, "Throttling failure: Daily message quota exceeded.", Meaning.DOWN),
    (RCPT, 450, "4.7.1 rate limit, slow down", Meaning.SLOW_DOMAIN),
    (Stage.LOCAL, 0, "5.1.3 no address", Meaning.SOFT),
]


@pytest.mark.parametrize(("stage", "code", "text", "meaning"), TABLE)
def test_a_reply_means_what_the_table_says(stage: Stage, code: int, text: str, meaning: Meaning) -> None:
    assert classify_reply(stage, Reply(code, text)) is meaning


@given(st.sampled_from([RCPT, DATA, DOT]), st.integers(400, 599), st.text(max_size=60))
def test_no_negative_reply_to_a_message_counts_as_sent(stage: Stage, code: int, text: str) -> None:
    assert STATES.get(classify_reply(stage, Reply(code, text))) != "sent"


@given(st.sampled_from([RCPT, DATA, DOT]), st.integers(400, 499), st.text(max_size=60))
def test_no_temporary_reply_fails_a_recipient(stage: Stage, code: int, text: str) -> None:
    assert STATES.get(classify_reply(stage, Reply(code, text))) in {None, "deferred"}


@given(st.integers(500, 599), st.text(max_size=60))
def test_no_refused_sender_fails_a_recipient(code: int, text: str) -> None:
    assert STATES.get(classify_reply(MAIL, Reply(code, text))) is None


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (Reply(550, "5.1.1 no such user"), "5.1.1"),
        (Reply(550, "5.1.1"), "5.1.1"),
        (Reply(550, "5.1.10 null MX"), "5.1.10"),
        (Reply(450, "5.1.1 of another class than the code"), None),
        (Reply(550, "5.1.1x"), None),
        (Reply(550, "see 5.1.1"), None),
        (Reply(0, "5.6.7 ours"), "5.6.7"),
        (Reply(250, ""), None),
    ],
)
def test_the_enhanced_code_stands_first_and_is_of_the_class_of_the_code(
    reply: Reply, enhanced: str | None
) -> None:
    assert reply.enhanced == enhanced


@given(st.text())
def test_what_is_stored_of_a_reply_is_one_printable_bounded_line(text: str) -> None:
    words = Reply(550, text * 30).words

    assert len(words) <= TEXT_LIMIT
    assert words.isprintable()
