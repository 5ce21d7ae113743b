"""The main job on PostgreSQL, by the same commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_fixtures import Call
from tests.support.smtp_server import SmtpServer


def test_the_main_job_on_postgresql_reaches_everyone_once(
    call: Call, tmp_path: Path, postgres_url: str, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", postgres_url)
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{smtp_server.port}")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/one.txt").write_text("A ship came in\n\nThe whole town was at the quay to see it.\n")
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"r{n}@example.net\n" for n in range(50)))
    for command in (
        ("init",),
        ("init",),
        ("source", "add", tmp_path / "texts"),
        ("collect",),
        ("collect",),
        ("issue", "draft"),
        ("subscriber", "import", tmp_path / "list.csv"),
        ("subscriber", "unsubscribe", "r7@example.net"),
        ("issue", "approve", "1"),
        ("issue", "send", "1"),
        ("issue", "send", "1"),
        ("issue", "draft"),
    ):
        ran = call(*command)
        assert ran.code == 0, (command, ran.err)

    assert call("issue", "status", "1", "--json").json["sent"] == 49
    assert [issue["state"] for issue in call("issue", "list", "--json").json] == ["skipped", "sent"]
    recipients = sorted(address for message in smtp_server.accepted for address in message.recipients)
    assert recipients == sorted(f"r{n}@example.net" for n in range(50) if n != 7)
