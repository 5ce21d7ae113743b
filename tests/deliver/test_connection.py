"""One connection's memory and its end: floods are cut off, the first reason for the end stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from newsletter.deliver.connection import Connection
from newsletter.deliver.session import SessionLost


def run(scenario: Callable[[Connection], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        await scenario(Connection())

    asyncio.run(whole())


def test_a_server_that_talks_on_and_on_is_cut_off() -> None:
    async def scenario(connection: Connection) -> None:
        connection.data_received(b"250 ok\r\n" * 1000)
        assert connection.end == "the server said '250 ok' unasked"
        assert (await connection.reply(1)).text == "ok"
        with pytest.raises(SessionLost, match="unasked"):
            await connection.reply(1)

    run(scenario)


def test_what_came_before_the_end_can_still_be_read() -> None:
    async def scenario(connection: Connection) -> None:
        connection.data_received(b"250 ok\r\n")
        connection.connection_lost(ConnectionResetError("reset"))
        connection.connection_lost(None)
        connection.data_received(b"250 too late\r\n")

        assert (await connection.reply(1)).text == "ok"
        with pytest.raises(SessionLost, match="the connection broke: reset"):
            await connection.reply(1)
        with pytest.raises(SessionLost, match="the connection broke: reset"):
            await connection.drain(1)
        with pytest.raises(SessionLost, match="the connection broke: reset"):
            connection.write([b"MAIL"], 1)

    run(scenario)


def test_half_a_line_before_a_command_is_a_reply_to_nothing() -> None:
    async def scenario(connection: Connection) -> None:
        connection.data_received(b"220 hello\r\n250 o")
        assert (await connection.reply(1)).text == "hello"
        with pytest.raises(SessionLost, match="half a line"):
            await connection.ask(b"MAIL", 1)

    run(scenario)


def test_a_server_that_takes_nothing_in_is_given_up() -> None:
    async def scenario(connection: Connection) -> None:
        connection.pause_writing()
        with pytest.raises(SessionLost, match=r"nothing taken within 0\.05 s"):
            await connection.drain(0.05)

    run(scenario)


def test_writing_goes_on_when_the_server_reads_on() -> None:
    async def scenario(connection: Connection) -> None:
        connection.pause_writing()
        asyncio.get_running_loop().call_later(0.01, connection.resume_writing)
        await connection.drain(1)

    run(scenario)


def test_a_deadline_that_moves_forward_or_back_is_kept() -> None:
    async def scenario(connection: Connection) -> None:
        connection.data_received(b"220 hello\r\n")
        await connection.reply(60)
        for seconds in (60, 0.05):
            waiting = asyncio.ensure_future(connection.reply(seconds))
            await asyncio.sleep(0)
            if seconds == 60:
                waiting.cancel()
        with pytest.raises(SessionLost, match=r"no answer within 0\.05 s"):
            await waiting

    run(scenario)


def test_a_deadline_that_nobody_waits_for_ends_nothing() -> None:
    async def scenario(connection: Connection) -> None:
        connection.data_received(b"220 hello\r\n")
        connection.pause_writing()
        drained = asyncio.ensure_future(connection.drain(0.02))
        await asyncio.sleep(0)
        connection.resume_writing()
        await drained
        await asyncio.sleep(0.05)

        assert connection.end is None

    run(scenario)
