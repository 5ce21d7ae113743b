"""Ledger and catcher are compared delivery by delivery: one lost and one doubled do not cancel out."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from newsletter.operating.demo import report
from newsletter.operating.demo.report import list_differences
from newsletter.store.engine import Database

NOBODY = cast("Database", None)


def row(name: str, state: str = "sent", issue: int = 1) -> dict[str, object]:
    email = f"{name}@example.org"
    return {"email": email, "state": state, "reply": "550 no", "message_id": f"<{issue}.{name}@example.org>"}


def caught(*names: str, issue: int = 1) -> Counter[tuple[str, str]]:
    return Counter((f"{name}@example.org", f"<{issue}.{name}@example.org>") for name in names)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[dict[str, object]]]:
    rows: dict[int, list[dict[str, object]]] = {1: [row("ada"), row("bo")]}
    monkeypatch.setattr(report, "list_deliveries", lambda _, issue_id: iter(rows[issue_id]))
    return rows


@pytest.mark.usefixtures("ledger")
def test_each_exactly_once_is_no_difference() -> None:
    assert list_differences(NOBODY, [1], caught("ada", "bo")) == []


@pytest.mark.usefixtures("ledger")
def test_one_lost_and_one_doubled_do_not_cancel() -> None:
    assert list_differences(NOBODY, [1], caught("ada", "ada")) == [
        "ada@example.org: the ledger says sent, the catcher got it 2 times",
        "bo@example.org: the ledger says sent, the catcher got it 0 times",
    ]


def test_two_mails_exchanged_are_seen(ledger: dict[int, list[dict[str, object]]]) -> None:
    ledger[2] = [row("ada", issue=2), row("bo", issue=2)]
    crossed = Counter(
        {
            ("ada@example.org", "<1.bo@example.org>"): 1,
            ("bo@example.org", "<1.ada@example.org>"): 1,
        }
    )
    found = list_differences(NOBODY, [1, 2], crossed + caught("ada", "bo", issue=2))
    assert len(found) == 4
    assert "ada@example.org: caught <1.bo@example.org>, which no ledger knows" in found


def test_what_the_ledger_calls_failed_is_a_difference(ledger: dict[int, list[dict[str, object]]]) -> None:
    ledger[1].append(row("cy", "failed"))
    assert list_differences(NOBODY, [1], caught("ada", "bo")) == [
        "cy@example.org: the ledger says failed: 550 no"
    ]


def test_many_differences_are_cut_short(ledger: dict[int, list[dict[str, object]]]) -> None:
    ledger[1] = [row(f"reader{number}") for number in range(9)]
    found = list_differences(NOBODY, [1], Counter())
    assert len(found) == 6
    assert found[-1] == "and 4 more"
