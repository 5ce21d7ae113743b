"""Use case: make everything that a first issue needs, or bring it up to date."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.errors import ConfigError, StateError
from newsletter.publishing.publications import PublicationChanges, add_publication, list_publications
from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings

SAMPLE = Path(__file__).with_name("settings.toml")
FIRST_SLUG = "newsletter"
FIRST_NAME = "My newsletter"


@dataclass(frozen=True, slots=True)
class InitReport:
    """What there is now, and what of it was made just now."""

    database: str
    schema_before: str | None
    """None where there were no tables."""
    schema: str
    config: str
    config_made: bool
    key_file: str | None
    """None where the key is a setting."""
    key_made: bool
    publications: tuple[str, ...]
    publication_made: bool


def initialise(settings: Settings, config: Path, *, now: datetime) -> InitReport:
    """Create or upgrade the database, the settings file, the key and a first publication; safe to repeat.

    Raises:
        ConfigError: A file cannot be written.
        DatabaseError: The database cannot be made, or is not ours.

    """
    config_made = write_config(config)
    key_file = None if settings.secret_key else settings.secret_key_file
    key_made = key_file is not None and write_once(key_file, secrets.token_urlsafe(48) + "\n")
    read_keys(settings)
    database = Database(settings.database_url)
    try:
        before, after = upgrade_schema(database)
        if before is None and database.path is not None:
            # It holds people's addresses; SQLite gives its side files the same mode.
            Path(database.path).chmod(0o600)
        publication_made = _add_first_publication(database, settings, now)
        slugs = tuple(each.slug for each in list_publications(database, settings))
    finally:
        database.close()
    return InitReport(
        database=database.name,
        schema_before=before,
        schema=after,
        config=str(config),
        config_made=config_made,
        key_file=str(key_file) if key_file else None,
        key_made=key_made,
        publications=slugs,
        publication_made=publication_made,
    )


def write_config(path: Path) -> bool:
    """Write a settings file in which everything is a comment, if there is none."""
    return write_once(path, SAMPLE.read_text(encoding="utf-8"))


def write_once(path: Path, text: str) -> bool:
    """Make a file with mode 0600, whole or not at all; False where there is one already.

    Raises:
        ConfigError: It cannot be written.

    """
    if path.exists():
        return False
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename, a link never takes the place of what another process has just made.
            os.link(temporary, path)
        finally:
            Path(temporary).unlink()
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): check its folder") from error
    return True


def _add_first_publication(database: Database, settings: Settings, now: datetime) -> bool:
    if list_publications(database, settings):
        return False
    try:
        add_publication(database, settings, FIRST_SLUG, PublicationChanges(name=FIRST_NAME), now=now)
    except StateError:
        # Another `init` was a moment faster.
        return False
    return True
