"""A message as the commands and octets that one server takes it in, by what its EHLO offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from newsletter.deliver.replies import Reply, Stage
from newsletter.deliver.session import Outgoing
from newsletter.deliver.wire import encode_address, encode_body
from newsletter.errors import AddressError


class UnsendableError(Exception):
    """The message cannot go to this server; `stage` LOCAL blames the recipient, MAIL the issue."""

    def __init__(self, stage: Stage, code: int, text: str) -> None:
        super().__init__(text)
        self.stage, self.reply = stage, Reply(code, text)


def prepare_message(outgoing: Outgoing, extensions: Mapping[str, str]) -> tuple[bytes, bytes, list[bytes]]:
    """Make the MAIL command, the RCPT command and the octets that follow 354, these in parts.

    SMTPUTF8 is asked for only where an address needs it (RFC 6531), SIZE (RFC 1870) and 8BITMIME
    (RFC 6152) only where they are offered; domains go in IDNA.

    Args:
        outgoing: the message.
        extensions: keywords of the EHLO reply, upper case, to their parameters.

    Raises:
        UnsendableError: an address is none, or the server cannot take such a message.
    """
    try:
        recipient = encode_address(outgoing.recipient)
        body = encode_body(outgoing.data)
    except (AddressError, ValueError) as error:
        raise UnsendableError(Stage.LOCAL, 0, str(error)) from error
    try:
        sender = encode_address(outgoing.sender) if outgoing.sender else b""
    except AddressError as error:
        raise UnsendableError(Stage.MAIL, 553, f"the sender: {error}") from error
    if not recipient.isascii() and "SMTPUTF8" not in extensions:
        text = "5.6.7 the server takes no address with letters outside ASCII before the @"
        raise UnsendableError(Stage.LOCAL, 0, text)
    parameters = _name_size(sum(map(len, body)), extensions) + _name_letters(
        sender + recipient, body, extensions
    )
    return b"MAIL FROM:<%b>%b" % (sender, parameters), b"RCPT TO:<%b>" % recipient, body


def _name_size(size: int, extensions: Mapping[str, str]) -> bytes:
    limit = extensions.get("SIZE")
    if limit is None:
        return b""
    if limit.isdigit() and 0 < int(limit) < size:
        text = f"5.3.4 the message has {size} octets, the server takes {limit}"
        raise UnsendableError(Stage.MAIL, 552, text)
    return b" SIZE=%d" % size


def _name_letters(addresses: bytes, body: Sequence[bytes], extensions: Mapping[str, str]) -> bytes:
    parameters = b""
    if not all(map(bytes.isascii, body)):
        if "8BITMIME" not in extensions:
            text = "5.6.3 the message has 8-bit octets, which the server does not take"
            raise UnsendableError(Stage.MAIL, 554, text)
        parameters += b" BODY=8BITMIME"
    if not addresses.isascii():
        if "SMTPUTF8" not in extensions:
            text = "5.6.7 the server takes no sender with letters outside ASCII before the @"
            raise UnsendableError(Stage.MAIL, 553, text)
        parameters += b" SMTPUTF8"
    return parameters
