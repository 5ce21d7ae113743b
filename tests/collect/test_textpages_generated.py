"""Reading what a generator wrote gives back the page that it had in mind."""

from __future__ import annotations

import pytest

from newsletter.collect.textpages import parse_text_page
from tests.collect.page_builder import make_page

SEEDS = 1000
SLICE = 10


def test_a_generated_page_is_read_back_whatever_the_order_and_the_gaps(
    request: pytest.FixtureRequest,
) -> None:
    step = 1 if request.config.getoption("--deep", default=False) else SLICE
    wrong = []
    for seed in range(0, SEEDS, step):
        page, text = make_page(seed)
        if parse_text_page(text.encode()) != page:
            wrong.append(seed)

    assert wrong == []
