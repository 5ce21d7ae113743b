"""Mails to one person: each renders in full, and says when a value is missing."""

from __future__ import annotations

import pytest

from newsletter.errors import RenderError
from newsletter.render.environment import make_environment
from newsletter.render.message import build_notice
from newsletter.render.notice import NOTICES, render_notice
from newsletter.render.themes import load_theme
from newsletter.review.mail import Facts
from newsletter.review.rules import check_issue
from tests.support.mail_builders import BASE_URL, LEAVE, NOW, PREFERENCES, make_publication

VALUES: dict[str, object] = {
    "confirm_url": f"{BASE_URL}/confirm/abc", "days": 7,
    "preferences_url": PREFERENCES, "unsubscribe_url": LEAVE,
    "archive_url": f"{BASE_URL}/archive", "number": 12, "issue_subject": "Minsk & <co>", "articles": 9,
    "editor_url": f"{BASE_URL}/editor", "blocking": 0, "advisory": 2,
    "sends_at": NOW, "reason": "nothing new.",
    "sign_in_url": f"{BASE_URL}/editor/sign-in/x", "minutes": 15,
}  # fmt: skip
LINK = {"confirm": "confirm_url", "welcome": "archive_url", "preferences-link": "preferences_url",
        "draft-waits": "editor_url", "issue-skipped": "editor_url", "sign-in": "sign_in_url"}  # fmt: skip


@pytest.mark.parametrize("name", NOTICES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_notice_holds_its_link_in_both_parts_and_passes_the_rules_of_access(
    name: str, language: str
) -> None:
    publication = make_publication(language=language)
    values = {key: VALUES[key] for key in NOTICES[name]}
    notice = render_notice(name, publication, make_environment(), values)
    mail = build_notice(notice, publication, "a@example.net", uid=name, date=NOW)
    allowed = load_theme(make_environment(), "default").allow
    facts = Facts(BASE_URL, address=publication.address, allowed_features=allowed)
    faults = [finding for finding in check_issue(mail, facts) if not finding.rule.startswith("headers.")]

    assert str(VALUES[LINK[name]]) in notice.text
    assert f'href="{VALUES[LINK[name]]}"' in notice.html
    assert notice.subject
    assert {finding.rule for finding in faults} <= {"content.preheader", "content.empty"}


@pytest.mark.parametrize("name", NOTICES)
def test_a_missing_value_is_an_error_that_names_it(name: str) -> None:
    for missing in NOTICES[name]:
        values = {key: VALUES[key] for key in NOTICES[name] if key != missing}
        with pytest.raises(RenderError, match=missing):
            render_notice(name, make_publication(), make_environment(), values)


@pytest.mark.parametrize(
    ("sends_at", "words"),
    [
        (NOW, "goes out on November 23, 2026, 8:00 AM (Europe/Minsk) unless"),
        (None, "only once someone approves"),
    ],
)
def test_the_notice_of_a_draft_says_when_it_goes_out(sends_at: object, words: str) -> None:
    values = {key: VALUES[key] for key in NOTICES["draft-waits"]} | {"sends_at": sends_at}
    notice = render_notice("draft-waits", make_publication(), make_environment(), values)

    assert words in " ".join(notice.text.split())
    assert notice.subject == "Issue 12 waits for you: Minsk & <co>"
    assert "<co>" not in notice.html
