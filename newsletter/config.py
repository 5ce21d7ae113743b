"""The settings of the program, read once, at a door."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(env_prefix="NEWSLETTER_", frozen=True, extra="forbid")
