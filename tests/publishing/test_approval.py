"""What is approved is frozen; nothing is done to an issue that its state does not allow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.content import Publication
from newsletter.errors import BlockedError, NotFoundError, RenderError, StateError
from newsletter.publishing.approval import (
    Decision,
    approve_issue,
    cancel_issue,
    pause_issue,
    resume_issue,
    schedule_issue,
    stop_issue,
)
from newsletter.publishing.archive import get_archived_html, get_article_page, list_archive
from newsletter.publishing.checking import check_issue
from newsletter.publishing.issues import get_issue, get_issue_status, list_deliveries, list_issues
from newsletter.publishing.preview import _find_recipient, preview_issue
from newsletter.publishing.publications import PublicationChanges, set_publication
from newsletter.render import personal
from newsletter.render.issue import hash_content
from newsletter.render.message import nonce_of
from newsletter.store import issues
from newsletter.store.models import Article, AuditEntry, Issue
from tests.support.publishing_builders import DAY, NOW, Desk
from tests.support.smtp_server import SmtpServer

MJML = """<mjml lang="{{ publication.language }}" dir="{{ dir }}">
<mj-head><mj-title>{{ subject }}</mj-title></mj-head><mj-body><mj-section><mj-column><mj-text>
<h1>{{ publication.name }}</h1>
{% personal %}{% if subscriber.name %}Dear {{ subscriber.name }}{% else %}Hello{% endif %}{% endpersonal %}
{% for card in digest.cards %}
<p><a href="{{ card.article.link }}">{{ card.article.title }}</a></p>
{% endfor %}
{% if not archive %}<a href="{{ subscriber.unsubscribe_url }}">{{ _("Unsubscribe") }}</a>{% endif %}
<p>{{ publication.address }}</p>
</mj-text></mj-column></mj-section></mj-body></mjml>"""
STATES = ("draft", "approved", "scheduled", "sending", "sent", "paused", "cancelled", "skipped")


def render(desk: Desk, issue_id: int) -> bytes:
    return preview_issue(desk.database, desk.settings, issue_id, now=NOW).eml


def set_state(desk: Desk, issue_id: int, state: str) -> None:
    with desk.database.write() as session:
        session.execute(update(Issue).where(Issue.id == issue_id).values(state=state))


def write_theme(desk: Desk) -> None:
    """A theme of one's own, in MJML, with a block that differs from reader to reader."""
    folder = desk.folder / "templates/email/themes/own"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "body.mjml").write_text(MJML)


def hash_sent(desk: Desk, issue_id: int, data: bytes, reader: str) -> str:
    """The hash of a captured message, its slots masked, once it is the frozen body for its reader."""
    with desk.database.read() as session:
        variant = issues.find_variant(session, issue_id)
        assert variant is not None
        recipient = _find_recipient(session, desk.settings, Publication(**variant.headers), reader)
        body = personal.join(variant.mime, personal.values_of(recipient))
        assert data.endswith(b"\r\n" + body)
        return hash_content(variant.subject, variant.mime, nonce_of(variant.mime))


def change_everything(desk: Desk) -> None:
    """The template, the publication, the articles: all that a mail is made of."""
    override = desk.folder / "templates" / "email" / "issue"
    override.mkdir(parents=True)
    write_theme(desk)
    (override / "subject.txt").write_text("Another subject")
    (override / "body.txt").write_text("Another text {{ subscriber.unsubscribe_url }}")
    page = desk.folder / "templates/email/themes/own/body.mjml"
    page.write_text(page.read_text().replace("Hello", "Good morning"))
    (override / "theme.toml").write_text("[colours]\nink = '#123456'\n")
    changes = PublicationChanges(
        theme="own", name="Another name", sender="other@example.com", address="Elsewhere 2"
    )
    set_publication(desk.database, desk.settings, None, changes)
    with desk.database.write() as session:
        session.execute(update(Article).values(title="Another title", summary="Another summary"))


def test_an_approval_freezes_the_mail(desk: Desk) -> None:
    issue_id = desk.approve_one(1)
    before = render(desk, issue_id)
    page = preview_issue(desk.database, desk.settings, issue_id, now=NOW)

    change_everything(desk)

    assert render(desk, issue_id) == before
    assert preview_issue(desk.database, desk.settings, issue_id, now=NOW) == page
    assert desk.approve(issue_id).content_hash == page.content_hash


@pytest.mark.parametrize("theme", ["default", "letter", "compact", "own"])
def test_what_was_frozen_is_what_goes_out(sending_desk: Desk, smtp_server: SmtpServer, theme: str) -> None:
    write_theme(sending_desk)
    set_publication(
        sending_desk.database, sending_desk.settings, None, PublicationChanges(theme=theme, language="be")
    )
    issue_id = sending_desk.approve_one(1)
    reader = "reader0000@example.net"
    seen = preview_issue(sending_desk.database, sending_desk.settings, issue_id, now=NOW, email=reader)

    change_everything(sending_desk)
    sending_desk.send(issue_id)

    (message,) = smtp_server.accepted
    assert message.data == seen.eml
    assert hash_sent(sending_desk, issue_id, message.data, reader) == seen.content_hash
    assert message.sender == "desk@example.org"
    (row,) = list_deliveries(sending_desk.database, issue_id)
    assert row["message_id"] == message.message_id
    assert "A ship came in" in get_archived_html(sending_desk.database, None, 1)


def test_a_draft_follows_every_change(desk: Desk) -> None:
    desk.add_article("A ship came in")
    issue_id = desk.draft().id
    before = render(desk, issue_id)

    change_everything(desk)

    assert render(desk, issue_id) != before


def test_an_approval_of_what_was_not_seen_is_refused(desk: Desk) -> None:
    article = desk.add_article("A ship came in")
    issue_id = desk.draft().id
    seen = preview_issue(desk.database, desk.settings, issue_id, now=NOW).content_hash
    with desk.database.write() as session:
        session.execute(update(Article).where(Article.id == article).values(title="A ship went down"))

    with pytest.raises(StateError, match="issue 1 changed since you looked at it: look again, then approve"):
        desk.approve(issue_id, seen_hash=seen)

    assert get_issue(desk.database, issue_id).state == "draft"
    seen = preview_issue(desk.database, desk.settings, issue_id, now=NOW).content_hash
    assert desk.approve(issue_id, seen_hash=seen).state == "approved"


def read_audit(desk: Desk) -> list[tuple[str, str, str | None]]:
    with desk.database.read() as session:
        return [
            (row.actor, row.action, row.detail)
            for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        ]


def test_what_blocks_is_overridden_with_a_recorded_reason(desk: Desk) -> None:
    desk.add_article("A ship came in")
    issue_id = desk.draft().id
    with desk.database.write() as session:
        session.execute(update(Issue).values(subject="TODO {{ name }}"))
    blocking = [
        finding.rule for finding in check_issue(desk.database, desk.settings, issue_id, now=NOW).blocking
    ]
    assert blocking

    for override in (None, "", "  "):
        with pytest.raises(BlockedError, match=f"issue 1 is blocked by .*{blocking[0]}: .*--override REASON"):
            desk.approve(issue_id, override=override)
    assert get_issue(desk.database, issue_id).state == "draft"

    issue = desk.approve(issue_id, override="it is a joke")

    assert (issue.state, issue.approved_by, issue.approved_at) == ("approved", "ada", NOW)
    assert read_audit(desk) == [
        ("ada", "issue_approved", f"{issue.content_hash} overriding {', '.join(blocking)}: it is a joke")
    ]
    with desk.database.read() as session:
        assert issues.get_issue(session, issue_id).override_reason == "it is a joke"


def test_an_override_is_not_recorded_where_nothing_blocks(desk: Desk) -> None:
    desk.add_article("A ship came in")
    issue = desk.approve(desk.draft().id, override="just in case")

    assert read_audit(desk) == [("ada", "issue_approved", issue.content_hash)]
    with desk.database.read() as session:
        assert issues.get_issue(session, issue.id).override_reason is None


def test_approving_twice_changes_nothing(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    first = get_issue(desk.database, issue_id)

    assert desk.approve(issue_id, NOW + DAY) == first
    assert len(read_audit(desk)) == 1


def test_a_stopped_issue_thaws_and_can_be_approved_again(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    before = render(desk, issue_id)
    stopped = stop_issue(desk.database, issue_id, actor="bo", now=NOW)
    change_everything(desk)

    assert (stopped.state, stopped.reason, stopped.approved_by, stopped.content_hash) == (
        "draft",
        "stopped by bo",
        None,
        None,
    )
    assert render(desk, issue_id) != before

    again = desk.approve(issue_id, NOW + DAY)

    assert (again.state, again.reason, again.approved_at) == ("approved", None, NOW + DAY)


def test_the_clock_does_not_approve_what_an_editor_stopped(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    stop_issue(desk.database, issue_id, actor="bo", now=NOW)
    clock = Decision(actor="scheduler", unless_stopped=True)

    assert approve_issue(desk.database, desk.settings, issue_id, clock, now=NOW).state == "draft"
    assert (
        approve_issue(desk.database, desk.settings, issue_id, Decision(actor="bo"), now=NOW).state
        == "approved"
    )


def test_an_approved_issue_is_scheduled(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    issue = schedule_issue(desk.database, issue_id, NOW + DAY, actor="ada", now=NOW)

    assert (issue.state, issue.scheduled_at) == ("scheduled", NOW + DAY)
    assert (
        schedule_issue(desk.database, issue_id, NOW + 2 * DAY, actor="ada", now=NOW).scheduled_at
        == NOW + 2 * DAY
    )
    with pytest.raises(StateError, match="has passed: `newsletter issue send 1` sends it at once"):
        schedule_issue(desk.database, issue_id, NOW, actor="ada", now=NOW)


def approve(desk: Desk) -> None:
    desk.approve(1)


def stop(desk: Desk) -> None:
    stop_issue(desk.database, 1, actor="ada", now=NOW)


def schedule(desk: Desk) -> None:
    schedule_issue(desk.database, 1, NOW + DAY, actor="ada", now=NOW)


def pause(desk: Desk) -> None:
    pause_issue(desk.database, 1, actor="ada", now=NOW)


def resume(desk: Desk) -> None:
    resume_issue(desk.database, 1, actor="ada", now=NOW)


def cancel(desk: Desk) -> None:
    cancel_issue(desk.database, 1, actor="ada", now=NOW)


ALLOWED: dict[Callable[[Desk], None], dict[str, str]] = {
    approve: {"draft": "approved", "approved": "approved", "scheduled": "scheduled"},
    stop: {"draft": "draft", "approved": "draft", "scheduled": "draft"},
    schedule: {"approved": "scheduled", "scheduled": "scheduled"},
    pause: {"sending": "paused", "paused": "paused"},
    resume: {"paused": "sending", "sending": "sending"},
    cancel: dict.fromkeys(("draft", "approved", "scheduled", "sending", "paused", "cancelled"), "cancelled"),
}


@pytest.mark.parametrize("act", ALLOWED, ids=lambda act: act.__name__)
def test_each_act_is_allowed_in_its_states_only(desk: Desk, act: Callable[[Desk], None]) -> None:
    desk.approve_one(0)
    ended = {}
    for state in STATES:
        set_state(desk, 1, state)
        try:
            act(desk)
        except StateError as error:
            assert str(error).startswith(f"issue 1 is {state} and cannot be ")  # noqa: PT017 - which of them raise is the point
        else:
            ended[state] = get_issue(desk.database, 1).state

    assert ended == ALLOWED[act]


@pytest.mark.parametrize("act", ALLOWED, ids=lambda act: act.__name__)
def test_nothing_is_done_to_an_issue_that_is_not_there(desk: Desk, act: Callable[[Desk], None]) -> None:
    with pytest.raises(NotFoundError, match="no issue 1: `newsletter issue list` shows them"):
        act(desk)


def test_a_skipped_issue_has_no_mail(desk: Desk) -> None:
    issue_id = desk.draft().id

    with pytest.raises(StateError, match="issue 1 has no mail: no article has been collected yet"):
        render(desk, issue_id)
    with pytest.raises(StateError, match="has no mail"):
        desk.approve(issue_id)
    assert get_issue_status(desk.database, issue_id).recipients == 0


def test_a_faulty_template_is_a_clear_error_and_freezes_nothing(desk: Desk) -> None:
    desk.add_article("A ship came in")
    issue_id = desk.draft().id
    override = desk.folder / "templates" / "email" / "issue"
    override.mkdir(parents=True)
    (override / "body.html").write_text("{% if %}")

    with pytest.raises(RenderError, match=r"body\.html"):
        desk.approve(issue_id)

    assert get_issue(desk.database, issue_id).state == "draft"


def test_the_archive_shows_what_has_gone_out(sending_desk: Desk) -> None:
    issue_id = sending_desk.approve_one(1)

    assert list_archive(sending_desk.database, sending_desk.settings, None) == []
    with pytest.raises(NotFoundError, match="there is no issue 1 in the archive"):
        get_archived_html(sending_desk.database, None, 1)

    sending_desk.send(issue_id)
    (archived,) = list_archive(sending_desk.database, sending_desk.settings, None)

    assert (archived.number, archived.sent_at, archived.url) == (1, NOW, "http://localhost:8000/archive/1")
    html = get_archived_html(sending_desk.database, None, 1)
    assert "A ship came in" in html
    assert "/unsubscribe/" not in html
    for number in (0, 2, 10**30):
        with pytest.raises(NotFoundError):
            get_archived_html(sending_desk.database, None, number)
        with pytest.raises(NotFoundError):
            get_article_page(sending_desk.database, sending_desk.settings, None, number)


def test_issues_and_deliveries_are_listed(sending_desk: Desk) -> None:
    issue_id = sending_desk.approve_one(2)
    assert list(list_deliveries(sending_desk.database, issue_id)) == []
    sending_desk.send(issue_id)

    assert [
        (issue.number, issue.articles, issue.publication)
        for issue in list_issues(sending_desk.database, None)
    ] == [(1, 1, "harbour")]
    assert list(list_deliveries(sending_desk.database, issue_id, "failed")) == []
    assert sending_desk.list_states(issue_id) == {
        "reader0000@example.net": "sent",
        "reader0001@example.net": "sent",
    }
    with pytest.raises(StateError, match="'lost' is no state of a delivery: use one of queued, "):
        list(list_deliveries(sending_desk.database, issue_id, "lost"))


def test_a_preview_is_for_a_reader_of_the_publication(desk: Desk) -> None:
    issue_id = desk.approve_one(1)

    preview = preview_issue(desk.database, desk.settings, issue_id, now=NOW, email=" Reader0000@example.net ")

    assert dict(preview.headers)["To"] == "reader0000@example.net"
    with pytest.raises(NotFoundError, match=r"nobody@example\.net is no subscriber of harbour"):
        preview_issue(desk.database, desk.settings, issue_id, now=NOW, email="nobody@example.net")


def test_an_operators_template_goes_before_the_packaged_one(desk: Desk, tmp_path: Path) -> None:
    desk.add_article("A ship came in")
    issue_id = desk.draft().id
    override = tmp_path / "templates" / "email" / "issue"
    override.mkdir(parents=True)
    (override / "body.txt").write_text("Ahoy {{ subscriber.unsubscribe_url }}")

    assert preview_issue(desk.database, desk.settings, issue_id, now=NOW).text.startswith("Ahoy ")
