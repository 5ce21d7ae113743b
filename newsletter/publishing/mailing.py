"""Everything that the messages of one issue are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.content import Claimed, Publication, Recipient
from newsletter.deliver.session import Outgoing
from newsletter.errors import StateError
from newsletter.publishing.composition import to_rendered
from newsletter.publishing.recipients import make_recipient, with_attributes
from newsletter.publishing.signing import Sign, make_signer
from newsletter.render.headers import mailbox
from newsletter.render.message import IssueIdentity, build_parts
from newsletter.store import issues

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import RenderedIssue
    from newsletter.store.engine import Database
    from newsletter.store.ledger import ClaimedRow


@dataclass(frozen=True, slots=True)
class Mailing:
    """Everything that the messages of one issue are made of."""

    variants: Mapping[str, RenderedIssue]
    """Each once, by key; with 200 of them some 20 MB."""
    publication: Publication
    identity: IssueIdentity
    sender: str
    base_url: str
    keys: tuple[bytes, ...]
    sign: Sign
    is_signed: bool
    """There are keys, be they of this sender or of another."""

    def claim(self, row: ClaimedRow) -> Claimed:
        recipient = make_recipient(
            row.subscription_id,
            row.subscriber_id,
            row.email,
            row.name,
            base_url=self.base_url,
            keys=self.keys,
        )
        recipient = with_attributes(recipient, row.attributes)
        return Claimed(row.id, recipient, row.attempts + 1, row.variant)

    def build(self, claimed: Claimed, now: datetime) -> Outgoing:
        recipient: Recipient = claimed.recipient
        data = build_parts(
            self.variants[claimed.variant],
            self.publication,
            recipient,
            issue=self.identity,
            base_url=self.base_url,
            date=now,
        )
        return Outgoing(sender=self.sender, recipient=recipient.email, data=self.sign(data, self.sender, now))


def load_mailing(database: Database, settings: Settings, issue_id: int) -> Mailing:
    """What was frozen of an issue, and who signs and sends it.

    Raises:
        StateError: It is not approved, or it is over.

    """
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        if issue.state not in {"approved", "scheduled", "sending"}:
            hints = {
                "draft": f"`newsletter issue approve {issue_id}` first",
                "paused": f"`newsletter issue resume {issue_id}` first",
            }
            message = f"issue {issue_id} is {issue.state} and cannot be sent"
            raise StateError(": ".join(filter(None, [message, hints.get(issue.state, issue.reason)])))
        frozen = issues.list_variants(session, issue_id)
        publication = Publication(**frozen[0].headers)
    return Mailing(
        variants={variant.key: to_rendered(variant) for variant in frozen},
        publication=publication,
        identity=IssueIdentity(issue.uid, issue.number or 0),
        sender=mailbox(publication.sender).address,
        base_url=settings.base_url,
        keys=read_keys(settings),
        sign=make_signer(settings),
        is_signed=bool(settings.dkim),
    )
