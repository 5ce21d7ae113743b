"""The catcher keeps what it is sent, counts what it no longer keeps, and closes under open sessions."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest

from newsletter.operating.demo.catcher import Catcher, CaughtMail

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


def send(catcher: Catcher, *recipients: str, number: int = 1) -> bytes:
    data = f"Message-ID: <{number}@example.org>\r\nSubject: Test {number}\r\n\r\n.dot\r\n".encode()
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.sendmail("desk@example.org", recipients, data)
    return data


def test_a_message_is_kept_octet_for_octet() -> None:
    with Catcher(clock=lambda: NOW) as catcher:
        data = send(catcher, "ada@example.org", "bo@example.org")
        recipients = ("ada@example.org", "bo@example.org")
        assert catcher.messages() == [CaughtMail(1, NOW, "desk@example.org", recipients, data)]
        assert catcher.url == f"smtp://127.0.0.1:{catcher.port}"


def test_who_got_what_is_counted_for_all_and_the_newest_are_kept() -> None:
    with Catcher(kept=2) as catcher:
        for number in (1, 2, 3, 3):
            send(catcher, "ada@example.org", number=number)
        assert [mail.number for mail in catcher.messages()] == [4, 3]
        assert catcher.count == 4
        assert catcher.tally() == Counter(
            {
                ("ada@example.org", "<1@example.org>"): 1,
                ("ada@example.org", "<2@example.org>"): 1,
                ("ada@example.org", "<3@example.org>"): 2,
            }
        )


def test_many_at_once_are_all_caught() -> None:
    with Catcher() as catcher:
        threads = [
            threading.Thread(
                target=send, args=(catcher, f"reader{number}@example.org"), kwargs={"number": number}
            )
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert catcher.count == 20
        assert sorted(mail.number for mail in catcher.messages()) == list(range(1, 21))
        assert set(catcher.tally().values()) == {1}


def test_a_message_without_an_id_is_caught_too() -> None:
    with Catcher() as catcher:
        catcher.take("", ("ada@example.org",), b"\r\n")
        assert catcher.tally() == Counter({("ada@example.org", ""): 1})


def test_closing_ends_open_sessions_and_may_be_repeated() -> None:
    catcher = Catcher()
    with socket.create_connection(("127.0.0.1", catcher.port), timeout=10) as client:
        assert client.recv(200).startswith(b"220 ")
        catcher.close()
        catcher.close()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(200) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", catcher.port), timeout=5)
