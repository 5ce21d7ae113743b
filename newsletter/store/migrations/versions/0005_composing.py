"""Schema of composing: full-text search over articles, editors' choices and notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The texts stay where they are; the index is kept in step by triggers.
SQLITE_SEARCH = (
    """
    CREATE VIRTUAL TABLE article_search USING fts5(
        title, summary, text, content='articles', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER article_search_insert AFTER INSERT ON articles BEGIN
        INSERT INTO article_search(rowid, title, summary, text)
        VALUES (new.id, new.title, new.summary, new.text);
    END
    """,
    """
    CREATE TRIGGER article_search_delete AFTER DELETE ON articles BEGIN
        INSERT INTO article_search(article_search, rowid, title, summary, text)
        VALUES ('delete', old.id, old.title, old.summary, old.text);
    END
    """,
    """
    CREATE TRIGGER article_search_update AFTER UPDATE OF title, summary, text ON articles BEGIN
        INSERT INTO article_search(article_search, rowid, title, summary, text)
        VALUES ('delete', old.id, old.title, old.summary, old.text);
        INSERT INTO article_search(rowid, title, summary, text)
        VALUES (new.id, new.title, new.summary, new.text);
    END
    """,
    "INSERT INTO article_search(article_search) VALUES ('rebuild')",
)
# A tsvector holds at most a megabyte, and a long one is slow to rank: what a text is about is said early.
# The simple configuration keeps every language's words as they are.
POSTGRESQL_SEARCH = (
    """
    CREATE TABLE article_search (
        article_id bigint PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
        document tsvector NOT NULL
    )
    """,
    "CREATE INDEX ix_article_search_document ON article_search USING gin (document)",
    """
    CREATE FUNCTION article_search_document(title text, summary text, body text) RETURNS tsvector AS $$
        SELECT setweight(to_tsvector('simple', left(title, 1000)), 'A')
            || to_tsvector('simple', left(summary, 10000)) || to_tsvector('simple', left(body, 10000))
    $$ LANGUAGE sql IMMUTABLE
    """,
    """
    CREATE FUNCTION article_search_write() RETURNS trigger AS $$
    BEGIN
        INSERT INTO article_search
        VALUES (new.id, article_search_document(new.title, new.summary, new.text))
        ON CONFLICT (article_id) DO UPDATE SET document = excluded.document;
        RETURN NULL;
    END
    $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER article_search_write AFTER INSERT OR UPDATE OF title, summary, text ON articles
    FOR EACH ROW EXECUTE FUNCTION article_search_write()
    """,
    "INSERT INTO article_search SELECT id, article_search_document(title, summary, text) FROM articles",
)


def upgrade() -> None:
    """Add what editors choose and write, and the index that finds similar articles."""
    op.add_column("articles", sa.Column("choice", sa.String(length=16), nullable=True))
    op.add_column("issues", sa.Column("asked_since", sa.Boolean(), nullable=True))
    op.create_table(
        "story_verdicts",
        sa.Column("id", ID, nullable=False),
        sa.Column("publication_id", ID, nullable=False),
        sa.Column("one_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
            name=op.f("fk_story_verdicts_publication_id_publications"),
        ),
        sa.ForeignKeyConstraint(
            ["one_id"], ["articles.id"], name=op.f("fk_story_verdicts_one_id_articles"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["articles.id"],
            name=op.f("fk_story_verdicts_other_id_articles"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story_verdicts")),
        sa.UniqueConstraint("one_id", "other_id", name=op.f("uq_story_verdicts_one_id_other_id")),
    )
    op.create_index(op.f("ix_story_verdicts_publication_id"), "story_verdicts", ["publication_id"])
    op.create_index(op.f("ix_story_verdicts_other_id"), "story_verdicts", ["other_id"])
    op.create_table(
        "trend_notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("publication_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_trend_notes_publication_id_publications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trend_notes")),
    )
    op.create_index(op.f("ix_trend_notes_publication_id"), "trend_notes", ["publication_id"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_SEARCH if is_sqlite else POSTGRESQL_SEARCH:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
