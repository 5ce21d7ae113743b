"""`init` makes what is missing, keeps what is there, and may run twice at once."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.config import Settings, load_settings
from newsletter.errors import ConfigError, DatabaseError, SchemaError
from newsletter.operating.setup import SAMPLE, InitReport, initialise, write_once
from newsletter.operating.startup import open_database
from newsletter.publishing.publications import get_publication
from tests.support.cli_fixtures import run_program

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def init(settings: Settings | None = None) -> InitReport:
    return initialise(settings or Settings(), Path("newsletter.toml"), now=NOW)


def test_everything_is_made_once() -> None:
    first, second = init(), init()

    assert (first.schema_before, first.config_made, first.key_made, first.publication_made) == (
        None,
        True,
        True,
        True,
    )
    assert second.schema_before == second.schema == first.schema
    assert (second.config_made, second.key_made, second.publication_made) == (False, False, False)


def test_the_first_publication_is_ready_for_this_machine() -> None:
    init()
    database = open_database(Settings())

    made = get_publication(database, Settings(), None)
    database.close()

    assert (made.slug, made.sender) == ("newsletter", "My newsletter <newsletter@localhost>")
    assert (made.schedule, made.timezone, made.approval) == ("0 8 * * 1", "UTC", "required")


def test_nobody_else_may_read_what_it_makes() -> None:
    init()

    names = ("newsletter.key", "newsletter.toml", "subscribers.db")

    assert [stat.S_IMODE(Path(name).stat().st_mode) for name in names] == [0o600] * 3


def test_a_key_of_the_settings_needs_no_file() -> None:
    report = init(Settings(secret_key="k" * 40))  # type: ignore[arg-type] # pydantic wraps it

    assert (report.key_file, report.key_made) == (None, False)
    assert not Path("newsletter.key").exists()


def test_the_settings_file_says_every_setting_and_changes_none() -> None:
    init()

    settings, origins = load_settings(None, {})

    assert settings == Settings()
    assert set(origins.values()) == {"default"}
    sample = SAMPLE.read_text(encoding="utf-8")
    unnamed = [name for name in Settings.model_fields if name not in sample]
    assert unnamed in (["secret_key"], [])


def test_the_settings_file_holds_when_its_comments_are_taken_off(tmp_path: Path) -> None:
    plain, *tables = re.split(r"(?m)^(?=# \[\[)", SAMPLE.read_text(encoding="utf-8"))
    # The mail server stands there twice: the pattern, then the default.
    values = {line.split(" = ")[0]: line for line in re.findall(r"(?m)^# (\w+ = .+)$", plain)}
    lines = [line for table in tables for line in re.findall(r"(?m)^# (\[\[\w+\]\]|\w+ = .+)$", table)]
    (tmp_path / "all.toml").write_text("\n".join([*values.values(), *lines]), encoding="utf-8")

    settings, _ = load_settings(tmp_path / "all.toml", {})

    unset = {
        "routes": (),
        "domains": (),
        "dkim": (),
        "contact": None,
        "image_copies": None,
        "log_format": None,
    }
    assert settings.model_copy(update=unset) == Settings()


@pytest.mark.deep
def test_eight_at_once_make_one_of_each() -> None:
    script = (
        "from tests.operating.test_setup import init\n"
        "r = init(); print(r.key_made, r.config_made, r.publication_made)"
    )

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: run_program("-c", script), range(8)))

    assert [run.err for run in runs] == [""] * 8
    columns = list(zip(*(run.out.split() for run in runs), strict=True))
    assert [column.count("True") for column in columns] == [1, 1, 1]


def test_a_file_is_there_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(ConfigError, match="No space left"):
        write_once(Path("newsletter.key"), "secret")
    assert list(Path().iterdir()) == []


def test_a_file_that_came_in_between_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def overtake(_source: object, target: Path) -> None:
        target.write_text("theirs", encoding="utf-8")
        raise FileExistsError(17, "there")

    monkeypatch.setattr(os, "link", overtake)

    assert not write_once(Path("newsletter.key"), "ours")
    assert Path("newsletter.key").read_text(encoding="utf-8") == "theirs"


def test_a_database_without_tables_is_refused_with_the_way_out() -> None:
    Path("subscribers.db").touch()

    with pytest.raises(SchemaError, match="newsletter init"):
        open_database(Settings())


def test_a_database_that_cannot_be_opened_is_refused() -> None:
    Path("subscribers.db").mkdir()

    with pytest.raises(DatabaseError, match="cannot be opened"):
        open_database(Settings())
