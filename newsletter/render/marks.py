"""Marks: the words that stand in a rendered issue where each reader's own values will be."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Self

from newsletter.errors import RenderError

SLOTS = frozenset({"unsubscribe_url", "preferences_url", "email", "name"})
ATTRIBUTES = "attributes."
"""What begins the names of the slots that subscribers' own attributes are."""

BRANCHES = frozenset({"if", "else", "endif"})
"""Marks that are no slots: between them stands what only some readers get."""

_ANY = re.compile(r"slot-[0-9a-f]+-[a-z0-9_]+-[0-9a-f]*-tols")
_ATTRIBUTE = "at_"
_TELLING = 6
"""So many letters of a nonce after `slot-` are a mark that was cut or put in capitals."""


class Slot(str):
    """The mark that stands for one slot: ASCII letters, digits, `_` and `-` only.

    Premailer, libxml2's escaping of addresses and attribute quoting all leave such a word as it is.
    """

    __slots__ = ("key", "nonce")
    key: str
    nonce: str

    def __new__(cls, nonce: str, key: str, otherwise: str = "") -> Self:
        """Make the mark of slot `key`; `otherwise` stands in where a reader has no value."""
        slot = super().__new__(cls, make_mark(nonce, key, otherwise))
        slot.nonce = nonce
        slot.key = key
        return slot

    def or_else(self, value: str) -> Slot:
        """Return the same slot with a value for readers who have none."""
        return Slot(self.nonce, self.key, value)

    def __bool__(self) -> bool:
        """Refuse: a mark is never empty, so a template that asks would be told the same for everybody.

        Raises:
            RenderError: always.
        """
        message = (
            f"subscriber.{self.key} differs from reader to reader: ask for it inside "
            "{% personal %}…{% endpersonal %}."
        )
        raise RenderError(message)


class Attributes:
    """What templates see as `subscriber.attributes`: a slot for whatever name is asked for."""

    def __init__(self, nonce: str) -> None:
        """Take the issue's nonce."""
        self._nonce = nonce

    def __getattr__(self, name: str) -> Slot:
        """Return the mark of an attribute, which is empty for readers who lack it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Slot:
        """Return the same for a name that is no word, as `attributes["First name"]`."""
        return Slot(self._nonce, f"{ATTRIBUTES}{name}")


class Subscriber:
    """What templates see as `subscriber`: an attribute for each slot, nothing else.

    The nonce keeps an article from forging a mark (and so a link that gives away a reader's token): it
    depends on the whole digest, the article included.
    """

    def __init__(self, nonce: str) -> None:
        """Take the issue's nonce, lower-case hexadecimal."""
        self._nonce = nonce

    def __getattr__(self, name: str) -> Slot | Attributes:
        """Return the mark of a slot.

        Raises:
            RenderError: there is no such slot.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "attributes":
            return Attributes(self._nonce)
        refuse_unknown(name)
        return Slot(self._nonce, name)


def refuse_unknown(name: str) -> None:
    """Raise for a name that is no slot.

    Raises:
        RenderError: it names the slots there are.
    """
    if name not in SLOTS and not name.startswith(ATTRIBUTES):
        known = ", ".join(sorted(SLOTS))
        message = f"subscriber.{name} is no slot. Templates may use: {known}, attributes."
        raise RenderError(message)


def make_mark(nonce: str, key: str, payload: str = "") -> str:
    """Return the word for a slot or a branch; its payload is a fallback or a condition."""
    if key.startswith(ATTRIBUTES):
        key = _ATTRIBUTE + key.removeprefix(ATTRIBUTES).encode("utf-8", "replace").hex()
    return f"slot-{nonce}-{key}-{payload.encode('utf-8', 'replace').hex()}-tols"


def make_branch(subscriber: Subscriber, word: str, condition: Any = None) -> str:  # noqa: ANN401 - it is JSON
    """Return the mark of a branch.

    Args:
        subscriber: what templates see; its nonce becomes the mark's.
        word: one of BRANCHES.
        condition: for `if`: what `newsletter.render.personal.decide` reads.
    """
    payload = json.dumps(condition, ensure_ascii=False) if word == "if" else ""
    return make_mark(vars(subscriber)["_nonce"], word, payload)


def is_marked(text: str) -> bool:
    """Tell whether a text holds a mark, of whichever issue."""
    return "-tols" in text and _ANY.search(text) is not None


def without_marks(text: str, stand_in: str) -> str:
    """Return a text with `stand_in` for every mark, as for counting its columns."""
    return _ANY.sub(stand_in, text) if "-tols" in text else text


def refuse_lost_marks(before: str, after: str) -> None:
    """Raise if a step between template and mail dropped a mark: a reader's value, or where a block ends.

    Raises:
        RenderError: it tells what a page cannot hold.
    """
    if lost := set(_ANY.findall(before)).difference(_ANY.findall(after)):
        key, _ = read_mark(*min(lost).split("-")[2:4])
        message = f"{key!r} of the subscriber stands where no text can be, and would be lost: move it."
        raise RenderError(message)


@lru_cache(maxsize=64)
def _of(nonce: str) -> re.Pattern[str]:
    return re.compile(rf"slot-{re.escape(nonce)}-([a-z0-9_]+)-((?:[0-9a-f]{{2}})*)-tols")


def split_marks(text: str, nonce: str) -> list[str]:
    """Part a text at its marks.

    Returns:
        Static text, word and payload of a mark as they stand in it, static text, … static text.

    Raises:
        RenderError: a filter made something else of a mark, or a branch does not end.
    """
    parts = _of(nonce).split(text)
    if any(f"slot-{nonce[:_TELLING]}" in static.lower() for static in parts[::3]):
        message = (
            "A filter was applied to a value that differs from reader to reader, such as subscriber.name: "
            "only |default may be."
        )
        raise RenderError(message)
    _check_nesting(parts[1::3])
    return parts


def read_mark(word: str, payload: str) -> tuple[str, str]:
    """Return the key and the payload that a mark was made with."""
    plain = bytes.fromhex(payload).decode()
    if not word.startswith(_ATTRIBUTE):
        return word, plain
    return ATTRIBUTES + bytes.fromhex(word.removeprefix(_ATTRIBUTE)).decode(), plain


def _check_nesting(keys: list[str]) -> None:
    depth = 0
    for key in keys:
        depth += {"if": 1, "endif": -1}.get(key, 0)
        if depth < 0 or (key == "else" and not depth):
            break
    else:
        if not depth:
            return
    message = "A {% personal %} block was torn apart: let it hold whole elements, with their ends."
    raise RenderError(message)
