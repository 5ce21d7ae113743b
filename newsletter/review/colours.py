"""Colours: how CSS writes them, how far two are apart, and how clients invert them; all channels 0 to 1."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import tinycss2.color3

Rgb = tuple[float, float, float]

BLACK: Rgb = (0.0, 0.0, 0.0)
WHITE: Rgb = (1.0, 1.0, 1.0)
_KAPPA, _EPSILON = 24389 / 27, 216 / 24389
_D65 = (0.95047, 1.0, 1.08883)


@lru_cache(maxsize=1024)
def parse_colour(text: str) -> tuple[Rgb, float] | None:
    """A colour as CSS or an HTML attribute writes it, and its alpha; None for what is none."""
    colour: Any = tinycss2.color3.parse_color(text.strip())
    if colour is None or colour == "currentColor":
        return None
    return (colour.red, colour.green, colour.blue), colour.alpha


def blend(colour: Rgb, alpha: float, behind: Rgb) -> Rgb:
    """What is seen of a translucent colour on another."""
    red, green, blue = (own * alpha + other * (1 - alpha) for own, other in zip(colour, behind, strict=True))
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=1024)
def force_dark(colour: Rgb, *, is_background: bool) -> Rgb:
    """What a client that forces darkness where it is light makes of a colour.

    The rule of react-email's preview, near to what Outlook and Gmail on Android do: in LCH a light background
    and a dark text swap sides, a little closer to the middle and paler.
    """
    lightness, _, _ = _to_lch(colour)
    is_light = lightness >= 50  # noqa: PLR2004 - the middle of 0 to 100
    return invert(colour) if is_light is is_background else colour


@lru_cache(maxsize=1024)
def invert(colour: Rgb) -> Rgb:
    """What a client that turns over every colour makes of one, as Gmail on iOS does even where it is dark."""
    lightness, chroma, hue = _to_lch(colour)
    return _from_lch(50 - (lightness - 50) * 0.75, chroma * 0.8, hue)


def name_colour(colour: Rgb) -> str:
    """As `#rrggbb`."""
    return "#" + "".join(f"{round(min(1, max(0, channel)) * 255):02x}" for channel in colour)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's numbers


def _gamma(channel: float) -> float:
    channel = min(1.0, max(0.0, channel))
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055  # noqa: PLR2004 - as above


def _luminance(colour: Rgb) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_lch(colour: Rgb) -> tuple[float, float, float]:
    red, green, blue = map(_linear, colour)
    xyz = (
        0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
    )
    x, y, z = (
        ratio ** (1 / 3) if ratio > _EPSILON else (_KAPPA * ratio + 16) / 116
        for ratio in (value / white for value, white in zip(xyz, _D65, strict=True))
    )
    a, b = 500 * (x - y), 200 * (y - z)
    return 116 * y - 16, math.hypot(a, b), math.atan2(b, a)


def _from_lch(lightness: float, chroma: float, hue: float) -> Rgb:
    y = (lightness + 16) / 116
    x, z = y + chroma * math.cos(hue) / 500, y - chroma * math.sin(hue) / 200
    cubes = [part**3 if part**3 > _EPSILON else (116 * part - 16) / _KAPPA for part in (x, y, z)]
    across, up, deep = (part * white for part, white in zip(cubes, _D65, strict=True))
    return (
        _gamma(3.2404542 * across - 1.5371385 * up - 0.4985314 * deep),
        _gamma(-0.9692660 * across + 1.8760108 * up + 0.0415560 * deep),
        _gamma(0.0556434 * across - 0.2040259 * up + 1.0572252 * deep),
    )
