"""Tests of the room that collects."""

from __future__ import annotations
