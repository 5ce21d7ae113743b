"""`newsletter demo`: four weeks on sample sources, counts that agree, and a mail that an editor lets go."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.operating.demo.catcher import Catcher
from newsletter.operating.demo.rehearsal import STEPS
from tests.support.cli_fixtures import Call, run_program
from tests.support.message_linter import MessageLinter

Start = Callable[..., "subprocess.Popen[str]"]


def get(url: str) -> tuple[str, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - the demo's own address
        return response.read().decode(), {name.lower(): value for name, value in response.getheaders()}


def wait_for(is_so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.deep  # CI runs it as `make demo ONCE=1` besides
def test_once_reports_counts_that_agree(tmp_path: Path) -> None:
    ran = run_program("-m", "newsletter", "demo", "--once", TMPDIR=str(tmp_path))

    report = ran.json
    assert ran.code == 0, ran.err
    assert report["articles"] >= 25
    assert report["sources"] == 4
    assert report["recipients"] == report["sent"] == report["caught"] == 25
    assert report["cards"] == 7
    assert report["agree"] is True
    assert report["problems"] == []
    assert [issue["number"] for issue in report["issues"]] == [1, 2, 3, 4]
    assert all(issue["caught"] == issue["recipients"] == 25 for issue in report["issues"])
    assert sum(issue["articles"] for issue in report["issues"]) == report["articles"]
    assert len(re.findall(r"(?m)^  \S", ran.err)) == STEPS - 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.deep
def test_a_mail_that_is_lost_is_told_and_the_directory_is_kept(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, linter = Catcher.take, MessageLinter()

    def lose(catcher: Catcher, sender: str, recipients: tuple[str, ...], data: bytes) -> None:
        linter.take(data)
        if recipients == ("bram@example.org",) and b"School kitchens" in data:
            recipients = ("matti.sund@example.net",)
        take(catcher, sender, recipients, data)

    monkeypatch.setattr(Catcher, "take", lose)
    folder = tmp_path / "kept"
    ran = call("demo", "--once", "--dir", folder)

    assert ran.code == 1
    assert linter.seen.total() == 100
    assert linter.faults == []
    report = json.loads(ran.out)
    assert report["agree"] is False
    # The totals alone would not tell.
    assert all(issue["caught"] == issue["sent"] for issue in report["issues"])
    assert "problem: bram@example.org: the ledger says sent, the catcher got it 0 times" in ran.err
    assert {file.name for file in folder.iterdir()} >= {"newsletter.key", "newsletter.toml", "subscribers.db"}

    again = call("demo", "--once", "--dir", folder)
    assert again.code == 1
    assert again.out == ""
    assert "is not empty, and a demo starts from nothing: remove it, or name another with --dir" in again.err


def test_a_taken_port_is_told_before_anything_is_made(call: Call, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = call("demo", "--port", port, "--dir", tmp_path / "new")
    assert ran.code == 1
    assert f"error: port {port} is taken" in ran.err
    assert "choose another with --port" in ran.err
    assert not (tmp_path / "new").exists()


def test_a_served_demo_shows_its_mail_and_sends_what_is_approved(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    process = start("-m", "newsletter", "demo", "--port", 0, "--dir", folder, "--json")
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C ends the demo"):
            break
    found = re.search(r"(http://localhost:\d+)/caught/", said)
    assert found is not None, said
    base = found[1]
    assert re.search(r"sign in with editor@example.org and the password \S{12,}", said)

    assert '"agree": true' in said
    check_caught_pages(base)
    assert "Grain terminal reopens" in get(f"{base}/archive")[0]

    settings = folder / "newsletter.toml"
    approved = run_program("-m", "newsletter", "--config", settings, "issue", "approve", "5")
    assert approved.code == 0, approved.err
    wait_for(lambda: 'href="/caught/125"' in get(f"{base}/caught")[0])

    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert (folder / "subscribers.db").exists()


def check_caught_pages(base: str) -> None:
    page, _ = get(f"{base}/caught/")
    assert "Port Arden and the Sarrow Isles initial ferry accord" in page
    mail, _ = get(f"{base}/caught/76")
    assert 'sandbox=""' in mail
    assert f'href="{base}/unsubscribe/' in mail
    assert "List-Unsubscribe-Post" in mail
    html, headers = get(f"{base}/caught/76/html")
    assert "ferry accord" in html
    assert headers["content-security-policy"].startswith("sandbox")
    eml, headers = get(f"{base}/caught/76/source.eml")
    assert headers["content-type"] == "message/rfc822"
    assert "\r\nList-Id: " in eml
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{base}/caught/9999")
