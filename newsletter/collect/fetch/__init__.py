"""The only HTTP client of the room: nothing else in it touches the network."""

from __future__ import annotations

from newsletter.collect.fetch.client import fetch_sources
from newsletter.collect.fetch.values import Fetched, FetchOptions, FetchRequest

__all__ = ["FetchOptions", "FetchRequest", "Fetched", "fetch_sources"]
