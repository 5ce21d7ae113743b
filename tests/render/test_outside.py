"""The sample issues before programs of others: SpamAssassin, a real Postfix, and the kernel's own view."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.render.environment import make_environment, packaged_templates
from newsletter.render.issue import render_issue
from newsletter.render.message import IssueIdentity, build_message
from tests.support.mail_builders import BASE_URL, NOW, make_publication, make_recipient, make_rich_digest

THEMES = ["default", "letter", "compact"]


def build(theme: str, language: str = "en") -> bytes:
    publication = make_publication(theme=theme, language=language)
    rendered = render_issue(make_rich_digest(), publication, make_environment())
    issue = IssueIdentity("sample", 12)
    return build_message(rendered, publication, make_recipient(), issue=issue, base_url=BASE_URL, date=NOW)


@pytest.fixture(scope="module")
def opened() -> list[tuple[str, str]]:
    """What this process connects to and opens; an audit hook cannot be taken back, so there is one."""
    seen: list[tuple[str, str]] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" or event.startswith(("socket.", "urllib", "subprocess", "os.system")):
            seen.append((event, str(arguments[:1])))

    sys.addaudithook(hook)
    return seen


@pytest.mark.parametrize("theme", THEMES)
def test_rendering_opens_no_connection_and_no_file_but_templates(
    opened: list[tuple[str, str]], theme: str
) -> None:
    build(theme)  # What libraries read of themselves on first use is no matter here.
    opened.clear()
    build(theme)

    folder = str(packaged_templates())
    assert [each for each in opened if each[0] != "open" or folder not in each[1]] == []


@pytest.mark.deep
@pytest.mark.parametrize("theme", THEMES)
def test_spamassassin_has_next_to_nothing_to_say(
    theme: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    program = shutil.which("spamassassin")
    if not program:
        pytest.skip("Debian's spamassassin is not installed")
    done = subprocess.run(
        [program, "-L", "-t", "--siteconfigpath=/etc/spamassassin", f"--prefspath={tmp_path / 'prefs'}"],
        input=build(theme),
        capture_output=True,
        check=True,
    )

    found = re.search(rb"score=(-?[\d.]+)", done.stdout)
    assert found
    record_property("figure", f"SpamAssassin -L, {theme}: {float(found[1])}")
    assert float(found[1]) <= 0.5, done.stdout[-2000:].decode(errors="replace")
