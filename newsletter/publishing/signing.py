"""From the settings' DKIM keys to what signs the mails that go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from newsletter.config import read_secret_file
from newsletter.deliver.wire import Shape
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings


class Sign(Protocol):
    """Signs a message of a sender, a bare address, at an aware time."""

    def __call__(self, message: Shape, sender: str, at: datetime) -> Shape: ...


def make_signer(settings: Settings) -> Sign:
    """Make what puts a signature before a message for every key of its sender's domain, RSA on top.

    A message is left as it is where no key is the domain's: its relay may sign it.

    Raises:
        ConfigError: A key cannot be read, others may read it, or a domain has an Ed25519 key alone, which
            Gmail, Yahoo and Microsoft do not look at.

    """
    if not settings.dkim:
        return lambda message, sender, at: message  # noqa: ARG005 - the protocol's names
    from newsletter.deliver.dkim import load_key, sign_message

    keys = []
    for each in settings.dkim:
        pem = read_secret_file(each.key_file, "DKIM key", "run `newsletter dkim new`")
        try:
            keys.append(load_key(each.domain, each.selector, pem))
        except ConfigError as error:
            raise ConfigError(f"{each.key_file}: {error}; `newsletter dkim new` makes one") from error
    keys.sort(key=lambda key: key.kind != "rsa")
    lonely = {key.domain for key in keys} - {key.domain for key in keys if key.kind == "rsa"}
    if lonely:
        raise ConfigError(
            f"dkim: {min(lonely)} has an Ed25519 key alone, which large providers do not look at: "
            f"add an RSA key by `newsletter dkim new --domain {min(lonely)}`"
        )

    def sign(message: Shape, sender: str, at: datetime) -> Shape:
        domain = sender.rpartition("@")[2].lower()
        fit = [key for key in keys if key.is_aligned(domain)]
        return sign_message(message, fit, at=int(at.timestamp()))

    return sign
