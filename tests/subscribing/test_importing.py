"""Lists of people come in as they are, however often, and never against anyone's will."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from newsletter.config import Settings
from newsletter.errors import NotFoundError, ParseError
from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.subscribing.csvlayouts import find_layout
from newsletter.subscribing.csvrows import iterate_records
from newsletter.subscribing.erasure import erase
from newsletter.subscribing.exporting import COLUMNS, export_subscribers, neutralise
from newsletter.subscribing.importing import ImportReport, import_subscribers
from newsletter.subscribing.peoplefiles import iterate_people
from newsletter.subscribing.subscribers import show_subscriber
from tests.support.store_builders import (
    NOW,
    dump,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"


@pytest.fixture(autouse=True)
def _publication(database: Database) -> None:
    with database.write() as session:
        make_publication_row(session)


def bring(database: Database, settings: Settings, text: str | bytes, **options: Any) -> ImportReport:  # noqa: ANN401 - passed on
    path = Path("people.list")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_subscribers(database, settings, path, None, now=NOW, **options)


def read_statuses(database: Database) -> dict[str, str]:
    with database.read() as session:
        rows = session.execute(
            select(models.Subscriber.email, models.Subscription.status).join(models.Subscription)
        )
        return {row[0]: row[1] for row in rows}


def list_cases(name: str) -> list[tuple[Path, dict[str, Any]]]:
    path = CORPORA / f"csv-{name}" / "cases.jsonl"
    if not path.exists():
        pytest.skip(f"the corpus {path.parent} is not here")
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(path.parent / case["files"][0]["path"], case.get("expect") or {}) for case in cases]


@pytest.mark.parametrize("name", ["ghost", "ghost-migrate", "keila", "listmonk", "newsletter"])
def test_lists_of_the_services_give_their_addresses(name: str) -> None:
    seen = 0
    for path, expect in list_cases(name):
        emails = expect.get("emails") or []
        if not any("@" in email for email in emails):
            continue
        entries = list(iterate_people(path))
        rejected = [entry for entry in entries if entry.person is None]
        assert len(entries) == expect["data_rows"], path
        assert bool(rejected) == ("malformed" in path.name), path
        assert [entry.email for entry in entries] == emails or rejected, path
        assert {entry.email for entry in entries if entry.person} <= set(emails), path
        seen += 1
    assert seen


@pytest.mark.parametrize("name", ["parser", "spectrum"])
def test_files_that_are_no_lists_of_people_are_refused(
    name: str, database: Database, settings: Settings
) -> None:
    before = dump(database)
    for path, expect in list_cases(name):
        if path.suffix == ".csv" and not expect.get("emails"):
            with pytest.raises(ParseError, match=re.escape(str(path))):
                import_subscribers(database, settings, path, None, now=NOW)
    assert dump(database) == before


def test_every_known_layout_has_its_column() -> None:
    path = CORPORA / "csv-layouts" / "layouts.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    for layout in json.loads(path.read_text(encoding="utf-8"))["layouts"]:
        columns = tuple(layout["columns"])
        found = find_layout([columns, tuple("x" for _ in columns)])
        assert "email" in columns[found.email].lower(), layout["platform"]


ROWS = "ada@example.org,Ada\nbea@example.org,Béa\n"


@pytest.mark.parametrize(
    "octets",
    [
        ("email,name\n" + ROWS).encode(),
        ("email,name\n" + ROWS).encode("utf-8-sig"),
        ("email,name\n" + ROWS).encode("utf-16"),
        ("email,name\n" + ROWS).encode("utf-16-le"),
        ("email,name\n" + ROWS).encode("utf-16-be"),
        ("email,name\n" + ROWS).encode("cp1252"),
        ("E-Mail Address;Name\r\n" + ROWS.replace(",", ";").replace("\n", "\r\n")).encode(),
        ("name\temail\rAda\tada@example.org\rBéa\tbea@example.org").encode(),
        ("who|where\nAda|ada@example.org\nBéa|bea@example.org\n").encode(),
        ROWS.encode(),
        '{"email": "ada@example.org", "name": "Ada"}\n\n{"Email": "bea@example.org", "name": "Béa"}'.encode(),
    ],
    ids=["utf8", "bom", "utf16", "le", "be", "cp1252", "excel", "mac-tabs", "pipes", "headerless", "jsonl"],
)
def test_any_usual_form_is_read(database: Database, settings: Settings, octets: bytes) -> None:
    report = bring(database, settings, octets)

    assert (report.read, report.added, report.rejected) == (2, 2, [])
    assert read_statuses(database) == {"ada@example.org": "active", "bea@example.org": "active"}
    if len(octets) > len(ROWS.encode()):
        assert show_subscriber(database, "bea@example.org")["name"] in {"Béa", None}


def test_the_same_again_changes_nothing(database: Database, settings: Settings) -> None:
    first = bring(database, settings, "email,name\n" + ROWS)
    before = dump(database)
    again = bring(database, settings, "email,name\n" + ROWS)

    assert (first.added, again.added, again.updated, again.skipped) == (2, 0, 0, 2)
    assert dump(database) == before


def test_counts_add_up_and_bad_rows_say_why(database: Database, settings: Settings) -> None:
    text = "email,name\nada@example.org,Ada\nADA@example.org,Ada B\nnobody,X\n\n,\n"
    text += 'bea@example.org,"B\nx@example.org,Y\n'
    report = bring(database, settings, text)

    assert [(each["line"], each["email"]) for each in report.rejected] == [(4, "nobody"), (7, "")]
    assert all(each["reason"] for each in report.rejected)
    assert (report.read, report.added, report.updated) == (5, 2, 1)
    assert show_subscriber(database, "ada@example.org")["name"] == "Ada B"


@pytest.mark.parametrize("status", ["unsubscribed", "bounced", "complained"])
def test_nobody_is_brought_back(database: Database, settings: Settings, status: str) -> None:
    with database.write() as session:
        publication = session.scalars(select(models.Publication)).one()
        make_subscription_row(
            session, publication, make_subscriber_row(session, "ada@example.org"), status=status
        )
    before = dump(database)

    report = bring(database, settings, "email,name,status\nada@example.org,Ada,active\n")

    assert (report.skipped, report.updated, report.added) == (1, 0, 0)
    assert dump(database) == before


def test_a_suppressed_address_is_left_out(database: Database, settings: Settings) -> None:
    bring(database, settings, ROWS)
    erase(database, settings, "ada@example.org", now=NOW)

    report = bring(database, settings, ROWS)

    assert (report.suppressed, report.skipped) == (1, 1)
    assert "ada@example.org" not in read_statuses(database)


@pytest.mark.parametrize(
    ("header", "cell", "status"),
    [
        ("status", "unsubscribed", "unsubscribed"),
        ("status", "Subscribed", "active"),
        ("status", "blocklisted", "complained"),
        ("status", "cleaned", "bounced"),
        ("subscriber_type", "unactivated", "pending"),
        ("subscribed_to_emails", "false", "unsubscribed"),
        ("email_disabled", "TRUE", "unsubscribed"),
        ("UNSUB_TIME", "2023-04-21 11:16:57", "unsubscribed"),
        ("CLEAN_TIME", "2023-04-21 11:16:57", "bounced"),
        ("deleted_at", "2023-04-21 11:16:57", "unsubscribed"),
        ("newsletter", "no", "active"),
    ],
)
def test_what_a_service_knew_holds_here(
    database: Database, settings: Settings, header: str, cell: str, status: str
) -> None:
    bring(database, settings, f"email,{header}\nada@example.org,{cell}\n")

    assert read_statuses(database) == {"ada@example.org": status}


def test_a_status_that_nobody_knows_is_not_guessed(database: Database, settings: Settings) -> None:
    report = bring(database, settings, "email,status\nada@example.org,gold\n")

    assert report.added == 0
    assert "'gold' is not known" in str(report.rejected[0]["reason"])


def test_a_leave_elsewhere_ends_what_is_active_here(database: Database, settings: Settings) -> None:
    bring(database, settings, ROWS)
    with database.write() as session:
        publication = session.scalars(select(models.Publication)).one()
        ada = session.scalars(select(models.Subscriber)).first()
        assert ada is not None
        make_delivery_row(session, make_issue_row(session, publication), ada)

    report = bring(database, settings, "email,status\nada@example.org,unsubscribed\n")

    assert report.updated == 1
    assert read_statuses(database)["ada@example.org"] == "unsubscribed"
    with database.read() as session:
        assert session.scalar(select(models.Delivery.state)) == "skipped"


def test_pending_stays_pending_where_that_is_asked(database: Database, settings: Settings) -> None:
    bring(database, settings, ROWS, status="pending")

    assert set(read_statuses(database).values()) == {"pending"}


def test_chunks_are_kept_as_they_are_read(database: Database, settings: Settings) -> None:
    text = "email\n" + "".join(f"reader{number}@example.org\n" for number in range(2500)) + "bad\n"

    report = bring(database, settings, text)

    assert (report.read, report.added, len(report.rejected)) == (2501, 2500, 1)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(models.Consent)) == 2500


def test_what_is_no_list_is_said_in_one_line(database: Database, settings: Settings) -> None:
    for text in ("", "\n\n", '[{"email": "a@example.org"}]', "title,text\na,b\n", "\0" * 50):
        with pytest.raises(ParseError):
            bring(database, settings, text)
    with pytest.raises(ParseError, match="cannot be read"):
        import_subscribers(database, settings, Path("gone.csv"), None, now=NOW)
    with pytest.raises(NotFoundError):
        import_subscribers(database, settings, Path("gone.csv"), "other", now=NOW)


def test_json_lines_that_are_none_are_rejected(database: Database, settings: Settings) -> None:
    report = bring(database, settings, '{"email": "ada@example.org"}\n{"email": \n[1]\n{"email": 7}\n')

    assert (report.added, [each["line"] for each in report.rejected]) == (1, [2, 3, 4])


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_went_out_comes_back(database: Database, settings: Settings, form: Any) -> None:  # noqa: ANN401 - one of two words
    people: list[dict[str, Any]] = [
        {
            "email": "=1+1@example.org",
            "name": "=cmd|'/C calc'!A0",
            "status": "active",
            "categories": ["A", "B"],
        },
        {"email": "+a@example.org", "name": "'quoted", "status": "pending", "cadence": "monthly"},
        {"email": "-b@example.org", "name": 'Say "hi", Bob', "status": "unsubscribed"},
        {"email": "'=c@example.org", "name": "-1", "status": "bounced"},
        {"email": "'d@example.org", "name": None, "status": "complained"},
    ]
    bring(database, settings, "".join(json.dumps(each) + "\n" for each in people))
    gone_out = "".join(export_subscribers(database, None, form))
    with database.write() as session:
        for table in (models.Consent, models.Subscription, models.Subscriber):
            session.query(table).delete()

    report = bring(database, settings, gone_out)

    assert (report.added, report.rejected) == (5, [])
    assert "".join(export_subscribers(database, None, form)) == gone_out
    assert [each["email"] for each in people] == list(read_statuses(database))


def test_no_exported_cell_is_a_formula(database: Database, settings: Settings) -> None:
    path = CORPORA / "hostile-csv-formula" / "items.jsonl"
    cells = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", "'=1"]
    if path.exists():
        cells += [json.loads(line)["cell"] for line in path.read_text(encoding="utf-8").splitlines()]
    for cell in cells:
        assert neutralise(cell)[:1] not in set("=+-@\t\r\uff1d")
    bring(database, settings, json.dumps({"email": "=a@example.org", "name": "=HYPERLINK(1)"}))

    line = list(export_subscribers(database, None))[1]

    assert line.startswith("'=a@example.org,'=HYPERLINK(1),active,")
    assert next(export_subscribers(database, None)) == ",".join(COLUMNS) + "\r\n"


def test_a_quote_never_closed_costs_one_line() -> None:
    lines = ['a,"b', *(f"c{number},d" for number in range(1000))]

    records = list(iterate_records(iter(lines), ","))

    assert records[0].error is not None
    assert [record.cells for record in records[1:]] == [(f"c{number}", "d") for number in range(1000)]
    assert [record.line for record in records] == list(range(1, 1002))


def test_cells_may_hold_lines_and_quotes() -> None:
    lines = iter(['x,"one', 'two ""2""",y', "z"])

    assert [(r.line, r.cells) for r in iterate_records(lines, ",")] == [
        (1, ("x", 'one\ntwo "2"', "y")),
        (3, ("z",)),
    ]


def test_a_list_brings_what_is_known_up_to_date(database: Database, settings: Settings) -> None:
    bring(database, settings, "email,status\nada@example.org,pending\n")

    text = "email,categories,cadence,status\nada@example.org,City;Sea,monthly,active\n"
    assert bring(database, settings, text).updated == 1

    found = show_subscriber(database, "ada@example.org")["subscriptions"][0]
    assert (found["status"], found["categories"], found["cadence"]) == ("active", ["City", "Sea"], "monthly")
    assert found["confirmed_at"] is not None
    assert bring(database, settings, text).skipped == 1


def test_a_pause_comes_along_only_with_its_end(database: Database, settings: Settings) -> None:
    text = "email,status,paused_until\na@example.org,paused,2027-01-01\nb@example.org,paused,\n"

    bring(database, settings, text)

    assert read_statuses(database) == {"a@example.org": "paused", "b@example.org": "pending"}


def test_odd_quotes_and_lines_are_rejected_alone() -> None:
    lines = ['"a"b,c', '"d",e', 'f"g,h']

    records = list(iterate_records(iter(lines), ","))

    assert [(record.cells, record.error is None) for record in records] == [
        ((), False),
        (("d", "e"), True),
        ((), False),
    ]
    long = Path("long.csv")
    long.write_text("email\n" + "a" * 1_000_001, encoding="utf-8")
    with pytest.raises(ParseError, match="not a list of people"):
        list(iterate_people(long))
