"""A private Postfix on loopback that logs every recipient, and discards what it accepts or hands it on."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from tests.support.smtp_server import Accepted, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDED_ON = "handed-on.example"
"""What goes to this domain is kept as Postfix hands it on."""

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = discard
relay_transport = discard
transport_maps = inline:{{{handed_on}=smtp:[127.0.0.1]:{next_hop}}}
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{refused.example=REJECT}}
smtpd_forbid_unauth_pipelining = yes
maillog_file_prefixes = {home}
maillog_file = {home}/mail.log
alias_maps =
in_flow_delay = 0s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
discard unix - - n - - discard
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running instance."""

    port: int
    log: Path
    next_hop: SmtpServer

    def await_handed_on(self, email: str, seconds: float = 60.0) -> Accepted:
        """The first message for that address, as the next server got it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for message in self.next_hop.accepted:
                if email in message.recipients:
                    return message
            time.sleep(0.05)
        pytest.fail(f"Postfix handed nothing on for {email}: {self.log.read_text()[-2000:]}")

    def count_delivered(self, domain: str = "") -> Counter[str]:
        """How often each address of a domain was delivered to, by the log, which other tests write in too."""
        delivered = re.findall(r"discard\[\d+\].* to=<([^>]+)>.* status=sent", self.log.read_text())
        return Counter(address for address in delivered if address.endswith(domain))

    def message_ids(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        return Counter(re.findall(r"cleanup\[\d+\].* message-id=(<[^>]+>)", self.log.read_text()))

    def wait_for(self, count: int, domain: str = "", seconds: float = 60.0) -> None:
        """Until so many recipients of a domain were delivered to."""
        until = time.monotonic() + seconds
        while self.count_delivered(domain).total() < count and time.monotonic() < until:
            time.sleep(0.1)


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    """Debian's Postfix with a configuration of its own; needs root, as Postfix does."""
    if shutil.which("postfix") is None:
        pytest.skip("Postfix is not installed: apt-get install postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix can only be started by root")
    home = Path(mkdtemp(prefix="postfix-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["postfix", "-c", str(home / "etc")]
    with SmtpServer() as next_hop:
        _write(home, port, next_hop.port)
        subprocess.run([*command, "start"], check=True, capture_output=True, timeout=60)
        try:
            _await_port(port)
            yield Postfix(port, home / "mail.log", next_hop)
        finally:
            subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=60)
            shutil.rmtree(home, ignore_errors=True)


def _write(home: Path, port: int, next_hop: int) -> None:
    home.chmod(0o755)
    for folder in ("etc", "queue", "data"):
        (home / folder).mkdir()
    os.chown(home / "data", pwd.getpwnam("postfix").pw_uid, -1)
    daemons = subprocess.run(
        ["postconf", "-hd", "daemon_directory"], check=True, capture_output=True, text=True
    ).stdout.strip()
    main = _MAIN.format(home=home, daemons=daemons, handed_on=HANDED_ON, next_hop=next_hop)
    (home / "etc/main.cf").write_text(main)
    (home / "etc/master.cf").write_text(_MASTER.format(port=port))


def _await_port(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.recv(100)
            return
        time.sleep(0.1)
    pytest.fail("Postfix did not answer within 10 s")
