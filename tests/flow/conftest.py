"""In flows a site is the folder that commands run in; elsewhere in the tests it is the web's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def site(home: Path) -> Path:
    return home
