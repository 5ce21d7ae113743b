"""One SMTP session (RFC 5321) in lockstep: connect, TLS, login, then one message after another."""

from __future__ import annotations

import asyncio
import socket
import ssl

from newsletter.deliver.auth import choose_login
from newsletter.deliver.connection import Connection, Log
from newsletter.deliver.envelope import UnsendableError, prepare_message
from newsletter.deliver.replies import CLOSING, Meaning, Reply, Stage, classify_reply
from newsletter.deliver.route import Route
from newsletter.deliver.session import Job, SessionLost, Tray
from newsletter.errors import DeliveryError

_BLOCK = 65_536
_NO_SUCH_COMMAND = {500, 501, 502, 504}
_CHALLENGE = 334
_ADVICE = {
    Stage.BANNER: "ask whoever runs the server why it turns this machine away",
    Stage.EHLO: "set the route's local_hostname to a name that the server accepts",
    Stage.STARTTLS: "use a port and tls= mode that the server offers",
    Stage.AUTH: "check the user and the password of the route",
}


def make_context(route: Route) -> ssl.SSLContext | None:
    """Make what TLS needs to know, certificates verified; None for a route without TLS.

    Raises:
        DeliveryError: the route's `cafile` cannot be read.
    """
    if route.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=route.cafile)
    except OSError as error:
        raise DeliveryError(
            f"route {route.name!r}: its cafile {route.cafile} cannot be used ({error}); "
            "give a PEM file of certificates"
        ) from error


class Session:
    """A connection that is open, secured and logged in; `run` sends, `close` says QUIT."""

    def __init__(self, route: Route, connection: Connection, context: ssl.SSLContext | None) -> None:
        self.route = route
        self.extensions: dict[str, str] = {}
        """What the last EHLO offered: keyword, upper case, to its parameters."""
        self._connection = connection
        self._context = context
        self._is_open = False
        """A refused recipient left a transaction open, which the next MAIL would nest in."""
        self._is_dismissed = False
        self._is_busy = False

    @classmethod
    async def open(cls, route: Route, context: ssl.SSLContext | None, log: Log | None = None) -> Session:
        """Connect to the route.

        Args:
            route: the server.
            context: of `make_context`.
            log: called with each line of the dialogue, secrets masked.

        Raises:
            SessionLost: it did not work now, and may later.
            DeliveryError: the route is down until somebody mends it.
        """
        session = cls(route, Connection(log), context)
        try:
            await session._connect()
            await session._greet()
        except BaseException:
            session._connection.abort("given up")
            await session._connection.close(route.timeouts.quit)
            raise
        return session

    async def run(self, tray: Tray) -> None:
        """Send what the tray gives until it gives no more or takes no more answers.

        Raises:
            SessionLost: the connection ended; the tray's jobs without an answer are the caller's.
        """
        while (job := await tray.take()) is not None:
            self._is_busy = True
            answer = await self._transact(job, tray)
            self._is_busy = False
            if answer is None:
                # After 354 the only way not to send is to close without the dot.
                self._connection.abort("the claim was gone")
                return
            self._is_dismissed = answer[1].code == CLOSING
            if not tray.settle(job, *answer):
                return
            if self._is_open:
                await self._reset()

    async def close(self) -> None:
        """Say QUIT where the server still listens, and close; a missing 221 is no fault."""
        if self._is_dismissed or self._is_busy:
            # In mid-message QUIT would be read as a part of it.
            self._connection.abort("given up")
        try:
            if not self._connection.end:
                await self._connection.ask(b"QUIT", self.route.timeouts.quit)
        except SessionLost:
            pass
        finally:
            await self._connection.close(self.route.timeouts.quit)

    # --- opening -----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        route, loop = self.route, asyncio.get_running_loop()
        if route.user is not None and route.tls == "none" and not route.is_loopback:
            raise self._unsafe_login()
        secure = self._context if route.tls == "implicit" else None
        host = route.host.strip("[]")
        try:
            async with asyncio.timeout(2 * route.timeouts.connect):
                await loop.create_connection(
                    lambda: self._connection,
                    host,
                    route.port,
                    ssl=secure,
                    server_hostname=host if secure else None,
                )
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except TimeoutError:
            raise SessionLost(f"no connection within {2 * route.timeouts.connect:g} s") from None
        except OSError as error:
            raise SessionLost(f"no connection: {error.strerror or error}") from error
        self._keep_alive()

    def _keep_alive(self) -> None:
        transport = self._connection.transport
        sock: socket.socket | None = transport.get_extra_info("socket") if transport else None
        if sock is not None:
            # A peer that is gone without a word is noticed also where a time limit is long.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    async def _greet(self) -> None:
        timeouts = self.route.timeouts
        self._require(Stage.BANNER, await self._connection.reply(timeouts.banner))
        await self._hello()
        if self.route.tls == "starttls":
            await self._start_tls()
            # What was offered in the clear may have been put in by anyone (RFC 3207 4.2).
            await self._hello()
        if self.route.user is not None:
            await self._log_in()

    async def _hello(self) -> None:
        name = self._local_name()
        seconds = self.route.timeouts.command
        reply = await self._connection.ask(b"EHLO " + name, seconds)
        if reply.code in _NO_SUCH_COMMAND:
            reply = await self._connection.ask(b"HELO " + name, seconds)
        self._require(Stage.EHLO, reply)
        offers = (line.replace("=", " ").partition(" ") for line in reply.text.split("\n")[1:])
        self.extensions = {keyword.upper(): rest.strip() for keyword, _, rest in offers}

    def _local_name(self) -> bytes:
        name = self.route.local_hostname or socket.gethostname()
        if "." in name or self.route.local_hostname:
            return name.encode("ascii", "replace")
        transport = self._connection.transport
        address = transport.get_extra_info("sockname")[0] if transport else "127.0.0.1"
        return (f"[IPv6:{address}]" if ":" in address else f"[{address}]").encode()

    async def _start_tls(self) -> None:
        if "STARTTLS" not in self.extensions:
            raise self._down("offers no STARTTLS, so nothing is sent in the clear", Stage.STARTTLS)
        connection = self._connection
        self._require(Stage.STARTTLS, await connection.ask(b"STARTTLS", self.route.timeouts.command))
        if not connection.is_quiet:
            # Bytes sent in the clear would be read as if they came under TLS (GHSA-vxj7-4xrp-5vr4).
            raise SessionLost("the server sent more than its answer to STARTTLS")
        if connection.transport is None or self._context is None:
            raise SessionLost("not connected")
        try:
            connection.transport = await asyncio.get_running_loop().start_tls(
                connection.transport,
                connection,
                self._context,
                server_hostname=self.route.host.strip("[]"),
                ssl_handshake_timeout=self.route.timeouts.connect,
                ssl_shutdown_timeout=self.route.timeouts.quit,
            )
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except OSError as error:
            raise SessionLost(f"the TLS handshake failed: {error}") from error

    async def _log_in(self) -> None:
        login = choose_login(self.route, self.extensions.get("AUTH", "").upper().split())
        if login is None:
            offered = self.extensions.get("AUTH") or "none"
            raise self._down(f"shares no login mechanism with us (it offers: {offered})", Stage.AUTH)
        seconds, answers = self.route.timeouts.command, list(login.answers)
        reply = await self._connection.ask(login.command, seconds, f"AUTH {login.mechanism} ****")
        while reply.code == _CHALLENGE:
            # RFC 4954: a single * gives the exchange up.
            reply = await self._connection.ask(answers.pop(0) if answers else b"*", seconds, "****")
        self._require(Stage.AUTH, reply)

    def _require(self, stage: Stage, reply: Reply) -> None:
        meaning = classify_reply(stage, reply)
        if meaning is Meaning.DOWN:
            raise self._down(f"refuses at {stage.upper()}: {reply}", stage)
        if meaning is not Meaning.ACCEPT:
            self._is_dismissed = True
            raise SessionLost(f"the server says at {stage.upper()}: {reply}")

    def _down(self, what: str, stage: Stage) -> DeliveryError:
        return DeliveryError(f"route {self.route.name!r}: {self.route.place} {what}; {_ADVICE[stage]}")

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> DeliveryError:
        return DeliveryError(
            f"route {self.route.name!r}: the certificate of {self.route.place} is not to be trusted "
            f"({error.verify_message}); set the host that the certificate names, or the authority's cafile"
        )

    def _unsafe_login(self) -> DeliveryError:
        return DeliveryError(
            f"route {self.route.name!r}: the password would go to {self.route.place} in the clear; "
            "set tls=starttls or use smtps://"
        )

    # --- sending -----------------------------------------------------------------------------------

    async def _transact(self, job: Job, tray: Tray) -> tuple[Stage, Reply] | None:
        """Send one message; None: its claim was gone when the server was ready for the body."""
        try:
            mail, rcpt, body = prepare_message(job.outgoing, self.extensions)
        except UnsendableError as error:
            return error.stage, error.reply
        ask, timeouts = self._connection.ask, self.route.timeouts
        for stage, command in ((Stage.MAIL, mail), (Stage.RCPT, rcpt)):
            reply = await ask(command, timeouts.command)
            if classify_reply(stage, reply) is not Meaning.ACCEPT:
                self._is_open = stage is Stage.RCPT
                return stage, reply
        intent = asyncio.ensure_future(tray.intend(job))
        try:
            reply = await ask(b"DATA", timeouts.data)
            is_held = await intent
        finally:
            intent.cancel()
        if classify_reply(Stage.DATA, reply) is not Meaning.ACCEPT:
            self._is_open = True
            return Stage.DATA, reply
        if not is_held:
            return None
        await self._write_body(job, body)
        return Stage.DOT, await self._connection.reply(timeouts.dot)

    async def _write_body(self, job: Job, body: bytes) -> None:
        view, blocks = memoryview(body), max(0, len(body) - 1) // _BLOCK
        for block in range(blocks):
            self._connection.write(view[block * _BLOCK : (block + 1) * _BLOCK], "(part of the message)")
            await self._connection.drain(self.route.timeouts.block)
        job.dotted = True
        self._connection.write(view[blocks * _BLOCK :], f"(the message, {len(body)} octets) .")

    async def _reset(self) -> None:
        reply = await self._connection.ask(b"RSET", self.route.timeouts.command)
        if reply.code // 100 != 2:  # noqa: PLR2004 - first digit of a positive reply
            raise SessionLost(f"the server says at RSET: {reply}")
        self._is_open = False
