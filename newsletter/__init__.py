"""Collect articles, compose a digest, render it, deliver it to everyone once."""

from __future__ import annotations

__version__ = "0.1.0"
