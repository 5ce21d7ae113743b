"""What a publication wants of its issues: how many cards of what, how often, how far back."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Cadence = Literal["daily", "weekly", "monthly"]
DAYS: dict[Cadence, int] = {"daily": 1, "weekly": 7, "monthly": 31}
"""How long a period of each is."""


class CategoryRule(BaseModel):
    """What is wanted of one category."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: int = Field(default=0, ge=0, le=200)
    """So many cards are kept for it, as far as there are any."""
    most: int | None = Field(default=None, ge=0, le=200)
    weight: float = Field(default=1.0, gt=0, le=16)
    """Twice the weight is worth as much as twice the sources."""

    @model_validator(mode="after")
    def _check(self) -> CategoryRule:
        if self.most is not None and self.least > self.most:
            message = f"least {self.least} is more than most {self.most}"
            raise ValueError(message)
        return self


class Rules(BaseModel):
    """The rules of one publication; documented in docs/composing.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cards: int | None = Field(default=None, ge=1, le=200)
    """At most so many; None leaves it to the setting `max_cards`."""
    minimum: int = Field(default=1, ge=1, le=200)
    """With fewer stories there is no issue; they wait for the next."""
    per_source: int | None = Field(default=None, ge=1, le=200)
    lookback_days: int | None = Field(default=None, ge=1, le=366)
    """None leaves it to the setting of that name."""
    diversity: float = Field(default=0.3, ge=0, le=0.9)
    """1 - lambda of maximal marginal relevance (Carbonell and Goldstein 1998); 0 orders by score alone."""
    cadence: Cadence = "weekly"
    """That of the publication's own schedule."""
    cadences: tuple[Cadence, ...] = ()
    """What subscribers may choose from; empty: nothing to choose."""
    choose_categories: bool = False
    """Whether subscribers may choose categories."""
    categories: dict[str, CategoryRule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Rules:
        if self.cadences and self.cadence not in self.cadences:
            message = f"cadences must hold the publication's own, which is {self.cadence}"
            raise ValueError(message)
        if self.cards is not None and self.minimum > self.cards:
            message = f"minimum {self.minimum} is more than cards {self.cards}"
            raise ValueError(message)
        return self

    def of_category(self, name: str | None) -> CategoryRule:
        """The rule of a category, whatever its capitals; none is a rule without limits."""
        folded = (name or "").casefold()
        return next(
            (rule for key, rule in self.categories.items() if key.casefold() == folded), CategoryRule()
        )
