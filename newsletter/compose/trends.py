"""Terms and names that rise against the weeks before; nothing is said where nothing rises."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.compose.words import is_common, list_words
from newsletter.content import Rise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from newsletter.content import Article

SIGNIFICANT = 1.96
"""z of the weighted log-odds ratio (Monroe, Colaresi and Quinn 2008)."""
CHANCE = 0.02
"""How likely an issue may be to name a term that rose by chance alone, all its words together."""
FEWEST_ARTICLES = 5
FEWEST_SOURCES = 3
FEWEST_BEFORE = 30
"""Articles of the weeks before; with fewer nobody can say what is usual."""
WEEKS_BEFORE = 8
PRIOR = 0.2
"""How much the prior weighs, as a part of all the articles."""
MOST = 3
LONGEST = 3
"""Words in a term."""
SAME_ARTICLES = 0.5
"""Two terms that share so many of their articles are one matter."""
COVERING = 0.8
"""A longer term stands for a matter only if it is in so many of its articles."""
HEAD = 60
_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_CALENDAR = frozenset(
    list_words(
        "monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
        "august september october november december week month year today yesterday tomorrow"
    )
)

Term = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """The articles among which a trend is looked for, and what came before them."""

    articles: Sequence[Article]
    before: Sequence[str]
    """Title and summary of each article of the weeks before."""
    days: int
    days_before: int = WEEKS_BEFORE * 7


def find_rises(period: Period, stories: Mapping[int, int]) -> tuple[Rise, ...]:
    """The terms that rise most, each with its articles.

    Args:
        period: What to look at.
        stories: The story of each article, by ids; a term of one story alone is that story's own.

    """
    if len(period.before) < FEWEST_BEFORE:
        return ()
    now = {article.id: list_terms(_text_of(article)) for article in period.articles}
    counts = Counter(term for terms in now.values() for term in terms)
    candidates = [
        term
        for term, count in counts.items()
        if count >= FEWEST_ARTICLES and _is_wide(_holding(period.articles, now, term), stories)
    ]
    usual = Counter(term for text in period.before for term in list_terms(text))
    sizes = (len(period.articles), len(period.before))
    limit = _limit_chance([count for term, count in (counts + usual).items() if len(term) == 1], *sizes)
    rated = {
        term: z
        for term in candidates
        if (z := weigh_rise(counts[term], usual[term], *sizes)) > SIGNIFICANT
        and chance_of(counts[term], usual[term], *sizes) <= limit
    }
    # A run of words is named for a word in it that rises; by itself it would be one test more.
    risen = [term for term in rated if any((word,) in rated for word in term)]
    ranked = sorted(risen, key=lambda term: (-rated[term], -len(term), term))
    return _name_rises(period, now, ranked, usual)


def list_terms(text: str) -> set[Term]:
    """Words and runs of up to three words, folded, without those that mean nothing by themselves."""
    terms: set[Term] = set()
    for sentence in re.split(r"[.!?:;,()\"“”«»\n]+", text):
        words = [_fold(word) for word in _WORD.findall(sentence)]
        for length in range(1, LONGEST + 1):
            for start in range(len(words) - length + 1):
                run = words[start : start + length]
                if all(run):
                    terms.add(tuple(run))
    return terms


def weigh_rise(now: int, before: int, size_now: int, size_before: int) -> float:
    """How far the log-odds ratio is from none, in standard errors, with an informative Dirichlet prior."""
    total = size_now + size_before
    weight = PRIOR * total
    prior = weight * (now + before) / total
    odds_now = math.log((now + prior) / (size_now + weight - now - prior))
    odds_before = math.log((before + prior) / (size_before + weight - before - prior))
    return (odds_now - odds_before) / math.sqrt(1 / (now + prior) + 1 / (before + prior))


def chance_of(now: int, before: int, size_now: int, size_before: int) -> float:
    """How likely it is that so many articles or more fall into the period by chance (Fisher's exact test)."""
    holding, total = now + before, size_now + size_before
    whole = _log_choose(total, holding)
    return sum(
        math.exp(_log_choose(size_now, k) + _log_choose(size_before, holding - k) - whole)
        for k in range(now, min(holding, size_now) + 1)
        if holding - k <= size_before
    )


def _limit_chance(totals: Sequence[int], size_now: int, size_before: int) -> float:
    """How likely one rise may be by chance so that all together are as likely as `CHANCE`.

    A word so rare that even all its articles together could not be significant is no test (Tarone 1990).
    """
    least = sorted(
        chance_of(total, 0, size_now, size_before) if total <= size_now else 0.0 for total in totals
    )
    tests = next(k for k in range(1, len(least) + 2) if bisect_right(least, CHANCE / k) <= k)
    return CHANCE / tests


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _fold(word: str) -> str:
    folded = "".join(list_words(word)) if word.isalpha() else word.casefold()
    return "" if not folded or is_common(folded) or folded in _CALENDAR or not word[0].isalpha() else folded


def _holding(articles: Sequence[Article], terms: Mapping[int, set[Term]], term: Term) -> list[Article]:
    return [article for article in articles if term in terms[article.id]]


def _is_wide(articles: Sequence[Article], stories: Mapping[int, int]) -> bool:
    """Whether several sources tell it, of more than one event."""
    return (
        len({article.source_id for article in articles}) >= FEWEST_SOURCES
        and len({stories.get(article.id, article.id) for article in articles}) > 1
    )


def _name_rises(
    period: Period, terms: Mapping[int, set[Term]], ranked: Sequence[Term], usual: Mapping[Term, int]
) -> tuple[Rise, ...]:
    """One rise for each matter: of terms that share their articles, the longest says most."""
    matters: list[list[tuple[Term, frozenset[int]]]] = []
    for term in ranked:
        ids = frozenset(article.id for article in _holding(period.articles, terms, term))
        for matter in matters:
            if any(len(ids & others) > SAME_ARTICLES * len(ids | others) for _, others in matter):
                matter.append((term, ids))
                break
        else:
            matters.append([(term, ids)])
    rises = []
    for matter in matters[:MOST]:
        most = max(len(ids) for _, ids in matter)
        covering = [each for each in matter if len(each[1]) >= COVERING * most]
        term, ids = max(covering, key=lambda each: (len(each[0]), len(each[1]), each[0]))
        articles = sorted(
            (article for article in period.articles if article.id in ids), key=lambda article: article.id
        )
        rises.append(
            Rise(
                term=_spell(term, articles),
                articles=tuple(articles),
                sources=len({article.source_id for article in articles}),
                days=period.days,
                before=round(usual[term] * period.days / period.days_before, 1),
            )
        )
    return tuple(rises)


def _spell(term: Term, articles: Sequence[Article]) -> str:
    """The term as it is mostly written."""
    spellings: Counter[str] = Counter()
    for article in articles:
        for sentence in re.split(r"[.!?:;,()\"“”«»\n]+", _text_of(article)):
            words = _WORD.findall(sentence)
            for start in range(len(words) - len(term) + 1):
                run = words[start : start + len(term)]
                if tuple(map(_fold, run)) == term:
                    spellings[" ".join(run)] += 1
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))


def _text_of(article: Article) -> str:
    head = " ".join((article.summary or article.text).split()[:HEAD])
    return f"{article.title}. {head}"


def list_period(articles: Sequence[Article], *, days: int, now: datetime) -> list[Article]:
    """Those that are of the last so many days, by the time that they were published or collected."""
    since = now - timedelta(days=days)
    return [article for article in articles if (article.published_at or article.collected_at) >= since]
