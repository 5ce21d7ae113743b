"""A summary says something of its own, and ends where its article's text does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.compose.summaries import tidy_summary

TITLE = "The ferry runs again"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("It left the quay at noon.", "It left the quay at noon."),
        ("", ""),
        ("Comments", ""),
        ("the ferry  runs again.", ""),
        ("The ferry runs again…", ""),
        ("Read more", ""),
        ("It left the quay at noon. Read More Here →", "It left the quay at noon."),
        (
            "It left the quay at noon with all … Continue reading The ferry runs again →",
            "It left the quay at noon with all…",
        ),
        ("It left the quay at noon with […]", "It left the quay at noon with…"),
        (f"It left the quay. The post {TITLE} appeared first on Harbour Post.", "It left the quay."),
        (
            "Whoever wants to read more books has to read on. And so on.",
            "Whoever wants to read more books has to read on. And so on.",
        ),
        ("Наш паром ходит.", "Наш паром ходит."),
        ("渡船重新開航，碼頭擠滿了人群，大家都很高興。", "渡船重新開航，碼頭擠滿了人群，大家都很高興。"),
    ],
)
def test_small_print_goes_and_the_rest_stays(said: str, kept: str) -> None:
    assert tidy_summary(TITLE, said) == kept


@given(st.text(), st.text())
def test_a_summary_is_one_line_and_never_grows_by_more_than_its_end(title: str, said: str) -> None:
    tidy = tidy_summary(title, said)

    assert len(tidy) <= len(" ".join(said.split())) + 1
    assert tidy == " ".join(tidy.split())
    assert tidy_summary(title, tidy) in {tidy, ""}
