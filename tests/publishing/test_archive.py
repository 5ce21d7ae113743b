"""The public pages of issues that were cancelled: readers may hold their links."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from newsletter.errors import NotFoundError
from newsletter.publishing.approval import cancel_issue
from newsletter.publishing.archive import get_archived_html, get_article_page, list_archive
from tests.support.publishing_builders import NOW, Desk
from tests.support.smtp_server import Fault, SmtpServer, reply


def test_an_issue_cancelled_in_mid_send_keeps_the_pages_that_its_readers_can_reach(
    desk: Desk, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    busy = serve(SmtpServer([Fault("rcpt", "reader0001@", reply(451, "4.2.0 later"))]))
    desk = desk.sent_by(busy.port)
    issue_id = desk.approve_one(2)
    assert (desk.send(issue_id).sent, desk.status(issue_id).deferred) == (1, 1)
    cancel_issue(desk.database, issue_id, actor="ada", now=NOW)

    assert "A ship came in" in get_archived_html(desk.database, None, 1)
    assert get_article_page(desk.database, desk.settings, None, 1).title == "A ship came in"
    assert list_archive(desk.database, desk.settings, None) == []


def test_an_issue_cancelled_before_its_send_has_no_page(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    cancel_issue(desk.database, issue_id, actor="ada", now=NOW)

    with pytest.raises(NotFoundError):
        get_archived_html(desk.database, None, 1)
    with pytest.raises(NotFoundError):
        get_article_page(desk.database, desk.settings, None, 1)
