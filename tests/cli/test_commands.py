"""The commands: what they print for people, and the JSON that programs rely on."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.support.cli_fixtures import Call
from tests.support.smtp_server import CLOSE, Fault, SmtpServer, reply

ISSUE_KEYS = {"id", "number", "subject", "articles", "state"}
FINDING_KEYS = {"rule", "message", "where", "why", "fix", "line", "snippet", "card"}
DELIVERY_KEYS = ("email", "state", "attempts", "code", "reply", "message_id", "variant")
COUNTS = ["queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped"]


@pytest.fixture
def filled(call: Call, home: Path) -> Path:
    """A folder with a source of two articles that were collected, and two subscribers."""
    folder = home / "articles"
    folder.mkdir()
    for name in ("harbour", "market"):
        text = f"# News of the {name}\n\nWhat happened at the {name} was seen by everybody in the town.\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    assert call("source", "add", folder, "--kind", "folder", "--category", "City").code == 0
    assert call("collect").code == 0
    for email in ("ada@example.org", "bo@example.org"):
        assert call("subscriber", "add", email).code == 0
    return home


@pytest.fixture
def server(smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> SmtpServer:
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{smtp_server.port}")
    return smtp_server


def test_init_tells_what_it_made_and_repeats_without_harm(call: Call) -> None:
    first, second = call("init"), call("init", "--json")

    assert first.out.count("made") == 4
    assert "newsletter run" in first.err
    assert [second.json[key] for key in ("config_made", "key_made", "publication_made")] == [False] * 3
    assert second.json["publications"] == ["newsletter"]


def test_init_makes_a_settings_file_that_is_named(call: Call, tmp_path: Path) -> None:
    ran = call("--config", "own.toml", "init", "--json")

    assert (ran.json["config"], ran.json["config_made"]) == ("own.toml", True)
    assert not (tmp_path / "newsletter.toml").exists()
    assert call("--config", "own.toml", "config", "check").code == 0


@pytest.mark.parametrize("spelling", ["--config={}", "--config {}"])
def test_the_settings_file_may_be_named_behind_the_command(call: Call, tmp_path: Path, spelling: str) -> None:
    (tmp_path / "other.toml").write_text('base_url = "https://other.example"\n')
    option = spelling.format(tmp_path / "other.toml").split()

    shown = call("config", "show", "--json", *option)

    assert shown.code == 0, shown.err
    assert "https://other.example" in shown.out
    assert call("source", "check", "--debug", "--", "--config").code == 0


@pytest.mark.usefixtures("home")
def test_a_publication_is_added_changed_and_shown(call: Call) -> None:
    added = call("publication", "add", "city-news", "--name", "City News", "--timezone", "Europe/Vilnius")
    changed = call("publication", "set", "city-news", "--from", "Desk <desk@example.org>", "--json")
    shown = call("publication", "show", "city-news")

    assert added.code == 0
    assert (changed.json["name"], changed.json["sender"]) == ("City News", "Desk <desk@example.org>")
    assert changed.json["approval"] == "required"
    assert "next issue  Monday" in shown.out
    assert [each["slug"] for each in call("publication", "list", "--json").json] == [
        "city-news",
        "newsletter",
    ]
    assert "Europe/Vilnius" in call("publication", "list").out


@pytest.mark.usefixtures("home")
def test_one_of_several_publications_must_be_named(call: Call) -> None:
    call("publication", "add", "other")

    unnamed = call("issue", "list")

    assert unnamed.code == 1
    assert "--publication" in unnamed.err
    assert call("issue", "list", "--publication", "other", "--json").json == []


def test_sources_are_listed_collected_and_removed(call: Call, filled: Path) -> None:
    again = call("collect", "--json", "--now", "2030-01-01")

    assert again.json == {"sources": 1, "new": 0, "updated": 0, "unchanged": 2, "failed": []}
    assert call("source", "list", "--json").json[0]["articles"] == 2
    assert call("source", "add", filled / "articles", "--weight", 3, "--json").json["weight"] == 3
    assert call("source", "add", filled / "articles", "--weight", 99).code == 1
    assert str(filled / "articles") in call("source", "list").out
    assert call("source", "remove", filled / "articles").code == 0
    assert call("source", "list", "--json").json == []
    assert "no source yet" in call("source", "list").err


def test_a_source_that_fails_stops_nothing(call: Call, filled: Path) -> None:
    call("source", "add", "http://127.0.0.1:9/feed.xml")

    ran = call("collect", "--json", "--now", "2030-01-01")

    assert ran.code == 0
    assert [failure["source"] for failure in ran.json["failed"]] == ["http://127.0.0.1:9/feed.xml"]
    assert filled.exists()
    assert "failed: http://127.0.0.1:9" in call("collect", "--now", "2030-02-01").err


def test_source_check_needs_no_database_and_makes_none(call: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n\nAnd what it is about, in a sentence.\n", encoding="utf-8")

    ran = call("source", "check", page, tmp_path / "gone.xml", "--json")

    assert ran.code == 0
    assert [line["source"] for line in ran.lines] == [str(page), str(tmp_path / "gone.xml")]
    assert set(ran.lines[0]) == {"source", "kind", "title", "articles", "problems"}
    assert ran.lines[0]["articles"][0]["title"] == "A title"
    assert ran.lines[1]["problems"]
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
    assert "A title" in call("source", "check", page).out


def test_articles_are_listed_and_shown(call: Call, filled: Path) -> None:
    listed = call("article", "list", "--json").json
    shown = call("article", "show", listed[0]["id"])

    assert filled.exists()
    assert {each["title"] for each in listed} == {"News of the harbour", "News of the market"}
    assert listed[0]["title"] in shown.out
    assert "seen by everybody" in shown.out
    assert call("article", "show", listed[0]["id"], "--json").json["category"] == "City"
    assert "News of the market" in call("article", "list").out
    assert call("article", "list", "--since", "2099-01-01", "--json").json == []


def test_editors_choose_and_write_and_the_issue_says_why(call: Call, filled: Path) -> None:
    rules = filled / "rules.toml"
    rules.write_text("cards = 1\n", encoding="utf-8")
    assert "cards              1" in call("publication", "rules", "--file", rules).out
    assert call("publication", "rules", "--json").json["cards"] == 1
    one, other = sorted(each["id"] for each in call("article", "list", "--json").json)
    assert call("article", "pin", other).code == call("article", "drop", one).code == 0
    assert call("article", "drop", one, "--undo").code == call("article", "different", one, other).code == 0
    assert call("article", "same", one, other).code == 0
    assert call("category", "set", "City", "--status", "Busy.").code == 0
    assert [each["status"] for each in call("category", "list", "--json").json] == ["Busy."]
    note = call("trend", "add", "Ships", "--text", "Many.", "--json").json
    assert [each["title"] for each in call("trend", "list", "--json").json] == ["Ships"]

    drafted = call("issue", "draft", "--json").json
    shown = call("issue", "show", drafted["id"], "--json").json

    assert sum(card["score"]["pin"] for card in shown["cards"]) == 10.0
    (card,) = shown["cards"]
    assert {card["article"], *[each["id"] for each in card["also"]]} == {one, other}
    assert [each["title"] for each in shown["notes"]] == ["Ships"]
    assert (shown["statuses"][0]["status"], shown["possible"], shown["cadence"]) == ("Busy.", [], "weekly")
    assert "pin 10.00" in call("issue", "show", drafted["id"]).out
    assert call("trend", "remove", note["id"]).code == 0
    assert call("trend", "list").err == "there is none: `newsletter trend add`\n"
    assert "Busy." in call("category", "list").out


@pytest.mark.usefixtures("filled")
def test_an_issue_goes_all_the_way(call: Call, server: SmtpServer, tmp_path: Path) -> None:
    draft = call("issue", "draft", "--json")
    number = draft.json["id"]
    rendered = call("issue", "render", number, "--out", "out", "--subscriber", "ada@example.org")
    refused = call("issue", "send", number)
    checked = call("issue", "check", number, "--quick", "--json")
    approved = call("issue", "approve", number, "--json")
    sent = call("issue", "send", number, "--json")

    assert set(draft.json) >= ISSUE_KEYS
    assert (draft.json["state"], draft.json["articles"]) == ("draft", 2)
    assert rendered.code == 0
    assert message_from_bytes((tmp_path / "out/issue.eml").read_bytes(), policy=policy.default)["To"]
    assert refused.code == 1
    assert set(checked.json) == {"blocking", "advisory", "notes"}
    assert checked.json["blocking"] == []
    assert all(set(each) >= FINDING_KEYS for each in checked.json["advisory"])
    assert approved.json["state"] == "approved"
    assert (sent.code, sent.json["state"], sent.json["sent"]) == (0, "sent", 2)
    status = call("issue", "status", number, "--json").json
    assert sum(status[name] for name in COUNTS) == status["recipients"] == 2
    lines = call("issue", "deliveries", number, "--json").lines
    assert {tuple(line) for line in lines} == {
        ("email", "state", "attempts", "code", "reply", "message_id", "variant")
    }
    assert {message.message_id for message in server.accepted} == {line["message_id"] for line in lines}
    assert call("issue", "send", number).code == 0
    assert len(server.accepted) == 2


@pytest.mark.usefixtures("filled", "server")
def test_an_issue_is_shown_to_people(call: Call) -> None:
    assert "next: newsletter issue render 1" in call("issue", "draft").err
    assert "draft" in call("issue", "list").out
    assert "state" in call("issue", "show", 1).out
    assert "advisory" in call("issue", "check", 1, "--quick").out
    assert "next: newsletter issue send 1" in call("issue", "approve", 1).err
    assert "2 recipients: 2 sent" in call("issue", "send", 1).out
    assert "sent: 2 recipients: 2 sent" in call("issue", "status", 1).out
    assert "ada@example.org" in call("issue", "deliveries", 1, "--state", "sent").out
    assert "no such delivery" in call("issue", "deliveries", 1, "--state", "failed").err


def test_two_issues_are_compared(call: Call, filled: Path) -> None:
    call("issue", "draft")
    (filled / "articles/quay.md").write_text("# News of the quay\n\nIt was seen by all.\n", encoding="utf-8")
    call("collect")
    call("issue", "draft")
    compared = call("issue", "diff", 1, "--draft", "--json")

    assert compared.json["added"] == ["News of the quay"]
    assert len(compared.json["kept"]) == 2
    assert "+ added: News of the quay" in call("issue", "diff", 1, "--draft").out
    assert "no issue went out before" in call("issue", "diff", 1).err
    assert "Why: " in call("issue", "check", 1, "--quick").out


@pytest.mark.usefixtures("home")
def test_nothing_new_is_a_skipped_issue_with_the_reason(call: Call) -> None:
    ran = call("issue", "draft", "--json")

    assert (ran.code, ran.json["state"]) == (0, "skipped")
    assert "no article" in ran.json["reason"]


@pytest.mark.usefixtures("filled")
def test_issues_are_stopped_scheduled_and_cancelled(call: Call) -> None:
    call("issue", "draft")
    call("issue", "approve", 1)

    assert call("issue", "schedule", 1, "--at", "2099-01-01T08:00", "--json").json["state"] == "scheduled"
    assert call("issue", "stop", 1, "--json").json["state"] == "draft"
    assert call("issue", "schedule", 1, "--at", "2099-01-01").code == 1
    assert call("issue", "pause", 1).code == 1
    assert call("issue", "resume", 1).code == 1
    assert call("issue", "cancel", 1, "--json").json["state"] == "cancelled"


@pytest.mark.usefixtures("filled")
def test_a_deferred_delivery_is_75(
    call: Call, serve: Callable[[SmtpServer], SmtpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = serve(SmtpServer([Fault("rcpt", "bo@", reply(451, "4.2.0 later"))]))
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{full.port}")
    call("issue", "draft")
    call("issue", "approve", 1)

    ran = call("issue", "send", 1)

    assert ran.code == 75
    assert "1 sent, 1 deferred" in ran.out
    assert "deliveries are put off, the first until 2026-" in ran.err
    assert call("scheduler", "--once").code == 75


@pytest.mark.usefixtures("filled")
def test_no_mail_server_for_a_send_is_a_line_and_nothing_is_lost(call: Call) -> None:
    call("issue", "draft")
    call("issue", "approve", 1)

    ran = call("issue", "send", 1)

    assert ran.code == 1
    assert ran.err.startswith("error: issue 1: ")
    status = call("issue", "status", 1, "--json").json
    assert (status["state"], status["queued"] + status["deferred"]) == ("sending", 2)
    assert "127.0.0.1" in call("issue", "status", 1).out


@pytest.mark.usefixtures("home")
def test_lists_are_imported_and_exported(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("people.csv").write_text("Email Address\nada@example.org\nnobody\n", encoding="utf-8")
    first = call("subscriber", "import", "people.csv", "--json").json
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bo@example.org\n")))
    second = call("subscriber", "import", "-", "--status", "pending")

    assert (first["read"], first["added"], len(first["rejected"])) == (2, 1, 1)
    assert set(first) == {"read", "added", "updated", "skipped", "suppressed", "rejected"}
    assert set(first["rejected"][0]) == {"line", "email", "reason"}
    assert "1 added" in second.out
    assert call("subscriber", "export").out.splitlines()[1].startswith("ada@example.org,")
    exported = [
        json.loads(line) for line in call("subscriber", "export", "--format", "jsonl").out.splitlines()
    ]
    assert [each["status"] for each in exported] == ["active", "pending"]
    assert "line 3: nobody" in call("subscriber", "import", "people.csv").err


@pytest.mark.usefixtures("home")
def test_a_subscriber_comes_goes_and_is_forgotten(call: Call) -> None:
    added = call("subscriber", "add", "Ada@Example.org", "--name", "Ada", "--json").json

    assert added["email"] == "Ada@example.org" or added["email"] == "ada@example.org"
    assert (
        call("subscriber", "show", "ada@example.org", "--json").json["subscriptions"][0]["status"] == "active"
    )
    assert "active" in call("subscriber", "show", "ada@example.org").out
    assert len(call("subscriber", "list", "--json").json) == 1
    assert "active" in call("subscriber", "list").out
    assert call("subscriber", "unsubscribe", "ada@example.org").code == 0
    assert call("subscriber", "list", "--status", "active", "--json").json == []
    assert "no such subscriber" in call("subscriber", "list", "--status", "active").err
    assert call("subscriber", "erase", "ada@example.org").code == 0
    assert call("subscriber", "add", "ada@example.org").code == 1


@pytest.mark.usefixtures("home")
def test_users_get_a_password_that_is_shown_once(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    made = call("user", "add", "ed@example.org", "--role", "editor")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long pass phrase\n"))
    own = call("user", "add", "op@example.org", "--role", "operator", "--password-stdin")

    assert len(made.out.strip()) >= 12
    assert "this once" in made.err
    assert own.out == "op@example.org may sign in as operator\n"
    assert call("user", "add", "ad@example.org", "--role", "admin", "--json").json["password"]
    assert [each["role"] for each in call("user", "list", "--json").json] == ["admin", "editor", "operator"]
    assert "op@example.org" in call("user", "list").out


def test_settings_are_shown_with_their_origin_and_without_secrets(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("newsletter.toml").write_text(
        'max_cards = 7\n[[routes]]\nname = "a"\nurl = "smtps://u:s3cret@mail.example.org"\n', encoding="utf-8"
    )
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", "smtp://u:s3cret@mail.example.org")
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", "postgresql+psycopg://u:s3cret@db.example.org/news")
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "s3cret" * 8)

    shown, told = call("config", "show", "--json"), call("config", "show", "--origin")

    assert "s3cret" not in shown.out + told.out
    assert shown.json["smtp_url"] == "smtp://u:***@mail.example.org"
    assert shown.json["routes"][0]["url"] == "smtps://u:***@mail.example.org"
    assert "max_cards = 7  (newsletter.toml)" in told.out
    assert "(NEWSLETTER_SMTP_URL)" in told.out
    assert call("config", "show", "--origin", "--json").json["port"] == {"value": 8000, "origin": "default"}
    assert "max_cards" in call("config", "check").out
    assert call("config", "check", "--json").json["set"]["max_cards"] == "newsletter.toml"


@pytest.mark.usefixtures("filled")
def test_what_failed_or_is_uncertain_is_settled_by_commands(
    call: Call, serve: Callable[[SmtpServer], SmtpServer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults = [Fault("rcpt", "ada@", reply(554, "5.2.0 no")), Fault("dot", "bo@", CLOSE)]
    port = serve(SmtpServer(faults)).port
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{port}")
    call("issue", "draft")
    call("issue", "approve", 1)
    assert call("issue", "send", 1, "--on-uncertain", "hold").code == 0

    (row,) = call("issue", "deliveries", 1, "--state", "uncertain", "--json").lines
    assert row["email"] == "bo@example.org"
    log = tmp_path / "mail.log"
    log.write_text("2020-01-01T00:00:00+00:00 mx postfix/qmgr[1]: AAAAAA: removed\n")
    said = call("issue", "reconcile", 1, "--log", log)
    assert "bo@example.org  outside" in said.out
    assert "give the log of that time" in said.err
    now = datetime.now(UTC)
    later = (now + timedelta(minutes=1)).isoformat(timespec="seconds")
    log.write_text(f"{log.read_text()}{later} mx postfix/qmgr[1]: BBBBBB: removed\n")
    assert "--resend-missing sends them" in call("issue", "reconcile", 1, "--log", log).err
    assert call("issue", "reconcile", 1, "--log", log, "--resend-missing", "--json").json["requeued"] == 1

    retried = call("issue", "retry", 1)
    assert "1 queued again" in retried.out
    assert "next: newsletter issue send 1" in retried.err
    assert call("issue", "retry", 1, "--state", "uncertain", "--json").json == {
        "requeued": 0,
        "bounced": 0,
        "left": 0,
    }
    assert call("issue", "status", 1, "--json").json["queued"] == 2
    assert call("issue", "reconcile", 1, "--log", tmp_path / "none.log").code == 1
