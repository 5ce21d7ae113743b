"""Fresh, old, newer and foreign databases, and migrations against models."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import text

import newsletter.store.checks
import newsletter.store.editing
import newsletter.store.models
import newsletter.store.pace_models  # noqa: F401 - fills the metadata
from newsletter.errors import SchemaError
from newsletter.store.columns import Base
from newsletter.store.engine import Database
from newsletter.store.schema import APPLICATION_ID, HEAD, MIGRATIONS, check_schema, upgrade_schema
from tests.support.ledger_processes import run_at_once
from tests.support.ledger_work import upgrade


def set_revision(database: Database, revision: str) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def test_a_fresh_database_gets_every_table(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")

    assert upgrade_schema(database) == (None, HEAD)

    check_schema(database)
    with database.raw() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_upgrading_again_changes_nothing(either_database: Database) -> None:
    assert upgrade_schema(either_database) == (HEAD, HEAD)


def test_eight_processes_may_create_one_file_together(tmp_path: Path) -> None:
    said = run_at_once(upgrade, [(f"sqlite:///{tmp_path / 'new.db'}",)] * 8)

    assert sorted(said, key=str) == [(HEAD, HEAD)] * 7 + [(None, HEAD)]


def test_a_file_that_another_process_holds_just_then_is_waited_for(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.5, writer.close)
    end.start()

    assert upgrade_schema(Database(f"sqlite:///{tmp_path / 'new.db'}")) == (None, HEAD)
    end.join()


def test_processes_may_create_one_postgresql_database_together(postgres_url: str) -> None:
    said = run_at_once(upgrade, [(postgres_url,)] * 4)

    assert sorted(said, key=str) == [(HEAD, HEAD)] * 3 + [(None, HEAD)]


def test_the_head_is_that_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_make_what_the_models_say(either_database: Database) -> None:
    with either_database.read() as session:
        # Not ours: the full-text index, virtual on SQLite with shadows of its own, and the job queue.
        foreign = ("article_search", "procrastinate_")
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or not name.startswith(foreign),
        }
        context = MigrationContext.configure(session.connection(), opts=options)
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_the_queues_schema_is_that_of_the_library() -> None:
    """Another release of it needs a revision with its own `sql/migrations`."""
    kept = (MIGRATIONS / "versions/0003_procrastinate.sql").read_text(encoding="utf-8")

    assert kept == SchemaManager.get_schema()


def test_an_older_schema_is_refused_with_the_way_out(either_database: Database) -> None:
    set_revision(either_database, "0000")

    with pytest.raises(
        SchemaError, match=r"has schema 0000, this program needs .*copy the database, then run"
    ):
        check_schema(either_database)


def test_a_newer_schema_is_refused_with_the_way_out(either_database: Database) -> None:
    set_revision(either_database, "9999")

    with pytest.raises(SchemaError, match=r"newer than .* install the newer version again"):
        check_schema(either_database)
    with pytest.raises(SchemaError, match="newer than"):
        upgrade_schema(either_database)


def test_an_empty_database_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    with pytest.raises(SchemaError, match="is empty: run `newsletter init`"):
        check_schema(Database(f"sqlite:///{tmp_path / 'empty.db'}"))


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"

    with pytest.raises(SchemaError, match="does not exist: run `newsletter init`"):
        check_schema(Database(f"sqlite:///{path}"))

    assert not path.exists()


@pytest.mark.parametrize("script", ["CREATE TABLE songs (id)", "PRAGMA application_id=77"])
def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path, script: str) -> None:
    path = tmp_path / "songs.db"
    connection = sqlite3.connect(path)
    connection.execute(script)
    connection.commit()
    connection.close()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    database = Database(f"sqlite:///{path}")

    with pytest.raises(SchemaError, match="holds another program's tables"):
        check_schema(database)
    with pytest.raises(SchemaError, match="holds another program's tables"):
        upgrade_schema(database)

    database.close()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_another_programs_file_with_revisions_of_its_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wiki.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE alembic_version (version_num); CREATE TABLE pages (id)")
    connection.close()

    with pytest.raises(SchemaError, match="holds another program's tables"):
        upgrade_schema(Database(f"sqlite:///{path}"))


def test_another_programs_postgresql_database_is_refused(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE songs (id integer)")
    database = Database(postgres_url)

    with pytest.raises(SchemaError, match="holds another program's tables"):
        check_schema(database)
    with pytest.raises(SchemaError, match="holds another program's tables"):
        upgrade_schema(database)
    database.close()


def test_going_back_needs_a_backup(database: Database) -> None:
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        with pytest.raises(SchemaError, match="restore the backup made before the upgrade"):
            command.downgrade(config, "base")
