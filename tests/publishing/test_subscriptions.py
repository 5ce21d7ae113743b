"""A publication's sources as a list of feeds."""

from __future__ import annotations

from pathlib import Path

from newsletter.publishing.sources import list_sources
from newsletter.publishing.subscriptions import OpmlReport, export_opml, import_opml
from newsletter.store.engine import Database
from tests.support.ledger_builders import NOW, add_publication, add_source
from tests.support.publishing_builders import make_settings

LIST = """<opml version="2.0"><body><outline text="News"><outline text="Post" xmlUrl="https://post.example/feed"/>
<outline text="Mine" xmlUrl="/etc/passwd"/><outline text="No host" xmlUrl="http://"/></outline>
<outline text="Known" xmlUrl="https://known.example/feed"/></body></opml>"""


def test_a_list_adds_what_is_new_and_leaves_what_is_there(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        known = add_source(session, add_publication(session), "https://known.example/feed")
        known.disabled_at = NOW
    path = tmp_path / "list.opml"
    path.write_text(LIST, encoding="utf-8")
    settings = make_settings(tmp_path)
    first = import_opml(database, settings, None, path, now=NOW)
    again = import_opml(database, settings, None, path, now=NOW)
    found = {each.location: each for each in list_sources(database, None)}

    assert (first.read, first.added, first.known) == (4, 1, 1)
    assert [each["source"] for each in first.rejected] == ["/etc/passwd", "http://"]
    assert first.rejected[0]["error"] == "/etc/passwd is no http or https address"
    assert again == OpmlReport(4, 0, 2, first.rejected)
    assert (found["https://post.example/feed"].category, found["https://post.example/feed"].title) == (
        "News",
        "Post",
    )
    assert found["https://known.example/feed"].disabled_at == NOW


def test_what_is_exported_is_what_is_imported(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        publication = add_publication(session)
        add_source(session, publication, "https://post.example/feed")
        add_source(session, publication, str(tmp_path), kind="folder")
    path = tmp_path / "list.opml"
    path.write_bytes(export_opml(database, None))

    assert import_opml(database, make_settings(tmp_path), None, path, now=NOW) == OpmlReport(1, 0, 1)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
