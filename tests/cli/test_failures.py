"""Whatever is wrong, people get one line that says what, and never a traceback."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.cli import main
from tests.support.cli_fixtures import Call, Ran, run_program
from tests.support.smtp_server import SmtpServer


def assert_one_line(ran: Ran, *words: str) -> None:
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1
    assert [word for word in words if word not in ran.err] == []


def test_without_a_database_the_way_out_is_named(call: Call) -> None:
    assert_one_line(call("issue", "list"), "does not exist", "newsletter init")
    assert not Path("subscribers.db").exists()


def test_a_misspelt_variable_is_named_with_the_right_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SMPT_URL", "smtp://localhost")

    assert_one_line(call("issue", "list"), "NEWSLETTER_SMPT_URL", "did you mean NEWSLETTER_SMTP_URL?")


def test_a_misspelt_key_is_named_with_the_right_one(call: Call) -> None:
    Path("newsletter.toml").write_text('databse_url = "x"\n', encoding="utf-8")

    assert_one_line(call("config", "show"), "databse_url", "did you mean database_url?")


def test_a_settings_file_that_is_not_there_is_named(call: Call) -> None:
    assert_one_line(call("--config", "gone.toml", "issue", "list"), "gone.toml", "does not exist")


def test_a_refused_value_is_named_with_its_origin(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_MAX_CARDS", "many")

    assert_one_line(call("config", "check"), "max_cards", "NEWSLETTER_MAX_CARDS")


def test_no_key_is_a_line(call: Call, home: Path) -> None:
    (home / "newsletter.key").unlink()

    assert_one_line(call("config", "check"), "newsletter.key", "newsletter init")


@pytest.mark.usefixtures("home")
def test_no_mail_server_is_a_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{port}")

    assert_one_line(call("mail", "test", "ada@example.org"), "no mail was sent", "refused")


@pytest.mark.usefixtures("home")
def test_an_unknown_mail_host_is_a_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", "smtp://nowhere.invalid:2525?tls=none")

    assert_one_line(call("mail", "test", "ada@example.org"), "nowhere.invalid")


@pytest.mark.usefixtures("home")
def test_a_wrong_password_is_a_line_and_is_not_shown(
    call: Call, serve: Callable[[SmtpServer], SmtpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(SmtpServer(login=("ada", "right")))
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://ada:wr0ng@127.0.0.1:{server.port}")

    ran = call("mail", "test", "ada@example.org")

    assert_one_line(ran, "no mail was sent", "535")
    assert "wr0ng" not in ran.out + ran.err


@pytest.mark.usefixtures("home")
def test_a_test_mail_shows_the_dialogue(
    call: Call, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{smtp_server.port}")

    ran = call("mail", "test", "ada@example.org")

    assert ran.code == 0
    assert "C: RCPT TO:<ada@example.org>" in ran.out
    assert [message.recipients for message in smtp_server.accepted] == [("ada@example.org",)]


def test_a_damaged_database_is_a_line(call: Call, home: Path) -> None:
    (home / "subscribers.db").write_bytes(b"this is no database at all" * 100)

    assert_one_line(call("issue", "list"), "not an SQLite database")


@pytest.mark.parametrize("scheme", ["mysql", "postgresql+nothing", "sqlite+nothing"])
def test_a_database_of_another_kind_is_refused_without_its_password(
    call: Call, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", f"{scheme}://u:s3cret@127.0.0.1:9/x")

    ran = call("issue", "list")

    assert_one_line(ran, "database_url")
    assert "s3cret" not in ran.err


def test_another_program_s_database_is_refused(call: Call, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "subscribers.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()

    assert_one_line(call("init"), "another program's tables")


def test_a_locked_database_is_a_line(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.store.engine.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("newsletter.store.engine.Database.__init__.__kwdefaults__", {"busy_seconds": 0.1})
    connection = sqlite3.connect(home / "subscribers.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")

    ran = call("publication", "set", "--name", "Other")
    connection.close()

    assert_one_line(ran, "locked", "another process")


def test_a_folder_that_cannot_be_written_is_a_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert_one_line(call("--config", "file/newsletter.toml", "init"), "newsletter.toml", "cannot be written")


def test_a_database_in_a_folder_that_is_not_there_is_a_line(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", "sqlite:///gone/subscribers.db")

    assert_one_line(call("init"), "cannot be opened", "folder")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("issue",),
        ("issue", "show", "first"),
        ("issue", "render", "1"),
        ("user", "add", "a@example.org"),
        ("user", "add", "a@example.org", "--role", "king"),
        ("scheduler", "--now", "2026-11-23"),
        ("subscriber", "import", "x", "--status", "bounced"),
        ("issue", "send", "1", "--connections", "0"),
    ],
)
def test_wrong_usage_is_2(call: Call, arguments: tuple[str, ...]) -> None:
    ran = call(*arguments)

    assert ran.code == 2
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "arguments",
    [
        ("issue", "show", "7"),
        ("issue", "approve", "7"),
        ("issue", "send", "7"),
        ("issue", "status", "7"),
        ("issue", "deliveries", "7", "--state", "lost"),
        ("issue", "render", "7", "--out", "out"),
        ("issue", "check", "7"),
        ("article", "show", "7"),
        ("article", "list", "--since", "yesterday"),
        ("publication", "show", "other"),
        ("publication", "set", "--schedule", "daily"),
        ("publication", "add", "newsletter"),
        ("source", "add", "not/there", "--kind", "folder"),
        ("source", "remove", "not/there"),
        ("subscriber", "show", "ada@example.org"),
        ("subscriber", "add", "ada"),
        ("subscriber", "import", "not/there.csv"),
        ("subscriber", "unsubscribe", "ada@example.org"),
        ("subscriber", "erase", "ada@example.org"),
        ("user", "add", "ada", "--role", "editor"),
        ("collect", "--now", "soon"),
        ("mail", "test", "ada"),
    ],
)
def test_what_is_not_there_or_not_possible_is_a_line(call: Call, arguments: tuple[str, ...]) -> None:
    assert_one_line(call(*arguments))


def test_a_bug_is_a_line_and_a_traceback_only_when_asked_for(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr("newsletter.config.load_settings", break_down)

    assert_one_line(call("config", "show"), "ZeroDivisionError: by nothing", "bug", "--debug")
    assert "Traceback" in call("--debug", "config", "show").err


def test_a_full_disk_is_a_line(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28), str(home / "out"))

    monkeypatch.setattr("newsletter.publishing.preview.preview_issue", fill)

    assert_one_line(call("issue", "render", "1", "--out", "out"), "No space left", "out")


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("newsletter.config.load_settings", interrupt)

    with pytest.raises(SystemExit) as ended:
        main(["config", "show"])

    assert ended.value.code == 130


@pytest.mark.usefixtures("home")
def test_a_reader_who_is_gone_is_no_error() -> None:
    script = (
        "import os, subprocess, sys\n"
        "reader, writer = os.pipe(); os.close(reader)\n"
        "done = subprocess.run([sys.executable, '-m', 'newsletter', 'config', 'show'],"
        " stdout=writer, stderr=subprocess.PIPE, text=True)\n"
        "print(done.returncode, done.stderr)"
    )

    assert run_program("-c", script).out.split() == ["1"]
