"""The words of a text that carry meaning, for telling how alike two texts are."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.content import Article

_WORD = re.compile(r"[^\W\d_]{3,}|\d{2,}", re.UNICODE)
_STOP = frozenset(
    re.findall(
        r"\w+",
        "about after again all also and any are as at be been before being between both but by can could "
        "did does down during each few for from further had has have having her here him his how into its "
        "just more most new not now off once one only other our out over own said same says she should "
        "since some such than that the their them then there these they this those through too under "
        "until very was were what when where which while who whom why will with would you your",
    )
)
_HEAD_WORDS = 60
_SEARCH_WORDS = 16


def list_words(text: str) -> list[str]:
    """The words of a text in order, folded, without the commonest English ones and a plural's ending."""
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _STOP]


def list_search_words(title: str) -> list[str]:
    """The words of a title that a full-text search for its like goes by, each once."""
    words = (word for word in _WORD.findall(title.casefold()) if word not in _STOP)
    return list(dict.fromkeys(words))[:_SEARCH_WORDS]


def is_common(word: str) -> bool:
    """Whether a folded word carries no meaning of its own."""
    return word in _STOP


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004 - shorter words lose their meaning


def headline_words(article: Article) -> frozenset[str]:
    """The words of an article's title and of the beginning of what follows it."""
    head = " ".join((article.summary or article.text).split()[:_HEAD_WORDS])
    return frozenset(list_words(f"{article.title} {head}"))


def weigh_words(documents: Iterable[frozenset[str]]) -> Mapping[str, float]:
    """Inverse document frequency of each word, smoothed so that it is never zero."""
    counted: Counter[str] = Counter()
    total = 0
    for words in documents:
        counted.update(words)
        total += 1
    return {word: math.log((1 + total) / (0.5 + count)) + 0.1 for word, count in counted.items()}


def likeness(one: frozenset[str], other: frozenset[str], weights: Mapping[str, float]) -> float:
    """Weighted Jaccard similarity of two sets of words, 0 to 1."""
    common = one & other
    if not common:
        return 0.0
    both = sum(weights.get(word, 1.0) for word in common)
    either = sum(weights.get(word, 1.0) for word in one | other)
    return both / either
