"""Who may write when, and what the errors of a database say."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from newsletter.errors import ConfigError, DatabaseError
from newsletter.store import engine
from newsletter.store.engine import Database, clock, explain_words
from newsletter.store.models import AuditEntry, Publication
from tests.support.ledger_builders import NOW, add_publication, add_sending_issue
from tests.support.ledger_processes import kill, run_at_once, start_process
from tests.support.ledger_work import count_up, die_in_mid_commit


def add_entry(database: Database, at: datetime, detail: str = "") -> None:
    with database.write() as session:
        session.add(AuditEntry(at=at, actor="ada", action="tested", subject="it", detail=detail))


@pytest.fixture
def locked(database: Database) -> Iterator[Database]:
    """A database that another connection has locked, seen by a handle that soon gives up."""
    other = sqlite3.connect(str(database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database(database.url, busy_seconds=0.05)
    yield database
    database.close()
    other.close()


def add_counter(database: Database) -> None:
    with database.write() as session:
        session.execute(text("CREATE TABLE counter (value integer)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))


def read_counter(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT value FROM counter")).scalar_one())


def test_two_processes_that_read_and_write_back_lose_no_update(database: Database) -> None:
    add_counter(database)

    run_at_once(count_up, [(database.url, 300)] * 2)

    assert read_counter(database) == 600


def test_two_processes_that_take_turns_lose_no_update(postgres_database: Database) -> None:
    add_counter(postgres_database)

    run_at_once(count_up, [(postgres_database.url, 100)] * 2)

    assert read_counter(postgres_database) == 200


def test_a_reader_does_not_wait_for_a_writer(locked: Database) -> None:
    with locked.read() as session:
        assert session.scalars(select(Publication)).all() == []


def test_a_reader_sees_one_state_of_the_database(either_database: Database) -> None:
    with either_database.read() as session:
        before = len(session.scalars(select(AuditEntry.id)).all())
        add_entry(either_database, NOW)

        assert len(session.scalars(select(AuditEntry.id)).all()) == before

    with either_database.read() as session:
        assert len(session.scalars(select(AuditEntry.id)).all()) == before + 1


def test_what_fails_leaves_nothing_behind(either_database: Database) -> None:
    def fail() -> None:
        with either_database.write() as session:
            add_publication(session)
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    with either_database.read() as session:
        assert session.scalars(select(Publication)).all() == []


def test_a_locked_database_is_a_database_error(locked: Database) -> None:
    with pytest.raises(DatabaseError, match="another process keeps it locked too long"):
        add_entry(locked, NOW)


def test_a_full_disk_is_a_database_error_and_loses_nothing(database: Database) -> None:
    add_entry(database, NOW)
    with database.raw() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(DatabaseError, match="the disk is full: make room, nothing recorded so far is lost"):
        add_entry(database, NOW, "x" * 100_000)

    with database.read() as session:
        assert session.scalars(select(AuditEntry.detail)).all() == [""]


def test_a_read_only_file_is_a_database_error(database: Database) -> None:
    # Root may write everywhere, so the mode of the file would not hold it back.
    database = Database(f"sqlite:///file:{database.path}?mode=ro&uri=true")

    with pytest.raises(DatabaseError, match="it may only be read: check the owner and mode of the file"):
        add_entry(database, NOW)
    database.close()


def test_a_missing_folder_is_a_database_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="it cannot be opened: check that its folder exists"):
        add_entry(Database(f"sqlite:///{tmp_path / 'none' / 'a.db'}"), NOW)


@pytest.mark.parametrize("content", [b"hello, I am a letter and not a database" * 99, b"\0" * 4096])
def test_a_file_that_is_no_database_is_a_database_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.txt").write_bytes(content)

    with pytest.raises(DatabaseError, match="the file is not an SQLite database"):
        add_entry(Database(f"sqlite:///{tmp_path / 'letter.txt'}"), NOW)
    with (
        pytest.raises(DatabaseError, match="the file is not an SQLite database"),
        Database(f"sqlite:///{tmp_path / 'letter.txt'}").raw() as connection,
    ):
        connection.execute("SELECT * FROM sqlite_master")


def test_the_drivers_own_connection_gives_the_same_errors(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path / 'none' / 'a.db'}")

    with pytest.raises(DatabaseError, match="it cannot be opened"), missing.raw():
        pytest.fail("there is nothing to open")


def stand_still(database: Database, updates: int, before_another: int) -> None:
    """Hold a row that another writer wants."""
    with database.write() as frozen:
        frozen.execute(text("UPDATE counter SET value = :value"), [{"value": 1}] * updates)
        with database.write() as other:
            other.execute(text("UPDATE counter SET value = :value"), {"value": before_another})


@pytest.mark.timeout(20)
@pytest.mark.parametrize("updates", [1, 2])
def test_a_writer_that_stands_still_on_postgresql_holds_the_others_up_no_longer(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, updates: int
) -> None:
    monkeypatch.setattr(engine, "IDLE_SECONDS", 0.3)
    database = Database(postgres_url)
    add_counter(database)

    with pytest.raises(DatabaseError, match="this process stood still"):
        stand_still(database, updates, before_another=2)
    with database.read() as session:
        seen = []
        for pause in (0.6, 0.0):
            seen.append(session.execute(text("SELECT value FROM counter")).scalar_one())
            time.sleep(pause)
    assert seen == [2, 2]
    database.close()


def test_missing_tables_are_a_database_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="its tables are missing: run `newsletter init`"):
        add_entry(Database(f"sqlite:///{tmp_path / 'new.db'}"), NOW)


def test_a_server_that_does_not_answer_is_a_database_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="the server does not answer: check that it runs"):
        add_entry(Database(f"postgresql://ada:secret@/news?host={tmp_path}"), NOW)


def test_a_missing_postgresql_database_is_a_database_error(postgres_url: str) -> None:
    with pytest.raises(DatabaseError, match="it lacks what the program needs: check database_url"):
        add_entry(Database(postgres_url.replace("/test_", "/best_")), NOW)


def test_an_error_never_shows_the_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        add_entry(Database(f"postgresql+psycopg://ada:secret@/news?host={tmp_path}"), NOW)

    assert "secret" not in str(caught.value)


def test_unknown_words_of_a_driver_are_passed_on() -> None:
    assert str(explain_words("something\n odd", "here")) == "database here: something odd"


@pytest.mark.parametrize(
    "url",
    ["mysql://localhost/news", "subscribers.db", "oracle://x", "nonsense://x", "postgresql+psycopg2://x/y"],
)
def test_a_url_of_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        Database(url)


def test_an_instant_comes_back_in_utc(either_database: Database) -> None:
    given = datetime(2026, 3, 29, 3, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    add_entry(either_database, given)

    with either_database.read() as session:
        found = session.scalars(select(AuditEntry.at)).one()
        same = session.scalars(select(AuditEntry.at).where(AuditEntry.at == given)).all()
        earlier = session.scalars(select(AuditEntry.at).where(AuditEntry.at < given)).all()

    assert found == given
    assert found.utcoffset() == timedelta(0)
    assert (len(same), earlier) == (1, [])


def test_an_instant_without_a_zone_is_refused(either_database: Database) -> None:
    with pytest.raises(StatementError, match="has no zone"):
        add_entry(either_database, datetime(2026, 3, 29))  # noqa: DTZ001 - what is refused


def test_the_clock_of_the_database_tells_the_time(either_database: Database) -> None:
    with either_database.read() as session:
        assert abs(clock(session) - datetime.now(tz=UTC).timestamp()) < 5


def test_a_process_killed_in_mid_commit_leaves_a_whole_database(database: Database) -> None:
    add_sending_issue(database, 3)
    for _ in range(3):
        with start_process(die_in_mid_commit, database.url) as (pid, _):
            kill(pid)

    with database.raw() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
