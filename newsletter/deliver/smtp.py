"""One SMTP session (RFC 5321): connect, TLS, login, then messages by the pipeline, and a polite end."""

from __future__ import annotations

import asyncio
import socket
import ssl

from newsletter.deliver.auth import choose_login
from newsletter.deliver.connection import Connection, Log
from newsletter.deliver.pipeline import Pipeline
from newsletter.deliver.replies import Meaning, Reply, Stage, classify_reply
from newsletter.deliver.route import Route
from newsletter.deliver.session import SessionLost, Tray
from newsletter.errors import DeliveryError

_READY = 220
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
        self._is_dismissed = False
        self._pipeline: Pipeline | None = None

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
        self._pipeline = Pipeline(self._connection, self.route, self.extensions)
        await self._pipeline.run(tray)

    async def close(self) -> None:
        """Say QUIT where the server still listens, and close; a missing 221 is no fault."""
        if self._is_dismissed or (self._pipeline and not self._pipeline.is_between):
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
        banner = await self._connection.reply(timeouts.banner)
        self._require(Stage.BANNER, banner)
        if banner.code != _READY:
            # The greeting may still come, and would be taken for the answer to EHLO.
            raise SessionLost(f"the server greets with {banner}, which is no greeting (RFC 5321 4.2)")
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
        if connection.end:
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
