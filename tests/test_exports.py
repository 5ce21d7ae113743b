"""What `import newsletter` gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

import newsletter
from tests.support.cli_fixtures import make_environment


@pytest.mark.parametrize("name", newsletter.__all__)
def test_every_exported_stage_is_there_and_says_what_it_does(name: str) -> None:
    assert getattr(newsletter, name).__doc__


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        newsletter.nothing  # noqa: B018 - asking is the test


def test_asking_for_one_stage_loads_no_other() -> None:
    program = (
        "import sys, newsletter; newsletter.deliver_messages; "
        "print([m for m in ('premailer', 'feedparser', 'fastapi', 'sqlalchemy') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=make_environment()
    )

    assert run.stdout.strip() == "[]"
