"""The whole exception tree; every message says what is wrong, why, and what to do.

NewsletterError
├── ConfigError            a setting is missing, misspelt or refused
├── DatabaseError          the database cannot be used
│   └── SchemaError        it is old, newer than the program, or foreign
├── NotFoundError          nothing by that name or number
├── StateError             not possible in the state that the thing is in
│   └── BlockedError       pre-flight findings block an approval or a send
├── AddressError           not an e-mail address that can be mailed
├── SourceError            a source of articles cannot be used
│   ├── FetchError         its bytes could not be had
│   └── ParseError         its bytes are not what they should be
├── RenderError            a template or a value in it is at fault
├── TokenError             a link's token is forged, altered or for another purpose
└── DeliveryError          an SMTP route cannot be used
"""

from __future__ import annotations


class NewsletterError(Exception):
    """Anything that a user or an operator can mend; shown as one line, never as a traceback."""


class ConfigError(NewsletterError, ValueError):
    """A setting is missing, misspelt or refused."""


class DatabaseError(NewsletterError):
    """The database cannot be reached, is locked, full or damaged."""


class SchemaError(DatabaseError):
    """The database is older or newer than this program, or belongs to another one."""


class NotFoundError(NewsletterError, LookupError):
    """Nothing by that name or number."""


class StateError(NewsletterError):
    """What was asked for is not possible in the present state."""


class BlockedError(StateError):
    """Pre-flight findings block an approval or a send."""


class AddressError(NewsletterError, ValueError):
    """Not an e-mail address that can be mailed."""


class SourceError(NewsletterError):
    """A source of articles cannot be used."""


class FetchError(SourceError, OSError):
    """The bytes of a source could not be had."""

    status: int | None = None
    """The HTTP status, where the server answered."""
    retry_after: float | None = None
    """How long the server asks to be left alone (RFC 9110, 10.2.3)."""


class ParseError(SourceError, ValueError):
    """The bytes of a source are not what they should be."""


class RenderError(NewsletterError):
    """A template or a value in it is at fault."""


class TokenError(NewsletterError, ValueError):
    """A link's token is forged, altered, out of date or for another purpose."""


class DeliveryError(NewsletterError):
    """An SMTP route cannot be used: unreachable, refused, or its login or TLS failed."""
