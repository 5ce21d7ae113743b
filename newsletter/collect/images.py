"""What a picture's bytes are: its size from their beginning, and a copy that a mail can carry."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

HEAD: Final = 64 * 1024
"""Bytes from its beginning in which nearly every picture says its size."""
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
"""What a camera wrote with two pictures in it (MPO) is opened as a JPEG."""
_MOST_PIXELS: Final = 40_000_000
"""A larger one would take more memory than a newsletter's server has to spare."""
WIDEST: Final = 1200
"""Twice the width of a mail, for dense screens."""
_HIGHEST: Final = 2400
MOST_BYTES: Final = 200_000
"""As `images.heavy` of the checks advises."""
_QUALITIES: Final = (85, 72, 60)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is shown: pixels, and Pillow's name of its type."""

    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture made smaller."""

    data: bytes
    suffix: str
    """`jpg` or `png`."""


def parse_picture(data: bytes) -> Picture:
    """Read size and type from a picture's first bytes; nothing is unpacked.

    Raises:
        ParseError: it is no picture that has a size (SVG has none), or it has more pixels than can be meant.
    """
    with _opened(data) as image:
        width, height = image.size
        # EXIF, 0x0112: a camera held upright says that its picture is to be turned.
        turned = image.format in {"JPEG", "MPO"} and image.getexif().get(0x0112, 1) in {5, 6, 7, 8}
        return Picture(*((height, width) if turned else (width, height)), str(image.format))


def make_copy(data: bytes) -> Copy:
    """Make a picture that every mail client shows: JPEG or PNG, at most `WIDEST` wide and `MOST_BYTES` long.

    Of one that moves it is the first frame; what the file said beside the picture, as where it was taken, is
    left out.

    Raises:
        ParseError: as `parse_picture` does, or its bytes are damaged.
    """
    from PIL import ImageOps

    with _opened(data) as image:
        # JPEG is unpacked at a fraction of its size already.
        image.draft(None, (WIDEST * 2, _HIGHEST * 2))
        upright = ImageOps.exif_transpose(image)
        clear = upright.has_transparency_data
        shown = upright.convert("RGBA" if clear else "RGB")
        shown.thumbnail((WIDEST, _HIGHEST))
        if (clear or image.format in {"PNG", "GIF"}) and len(packed := _pack(shown, "PNG")) <= MOST_BYTES:
            return Copy(packed, "png")
        return Copy(_squeeze(_on_white(shown) if clear else shown), "jpg")


@contextmanager
def _opened(data: bytes) -> Iterator[Image]:
    import PIL.Image

    try:
        with warnings.catch_warnings():
            # Pillow warns of a bomb and of damaged EXIF; the pixels are counted below.
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(image)
                yield image
    except ParseError:
        raise
    except PIL.UnidentifiedImageError as error:
        message = f"not a picture that can be read: it is none of {', '.join(_FORMATS)}"
        raise ParseError(message) from error
    except Exception as error:
        message = f"not a picture that can be read: {type(error).__name__}: {error}"
        raise ParseError(message) from error


def _check_size(image: Image) -> None:
    if not 0 < image.width * image.height <= _MOST_PIXELS:
        message = f"a picture of {image.width} by {image.height} pixels is not read"
        raise ParseError(message)


def _on_white(image: Image) -> Image:
    import PIL.Image

    paper = PIL.Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _squeeze(image: Image) -> bytes:
    """As good as the bytes allow; a picture that needs still more is made smaller."""
    while True:
        for quality in _QUALITIES:
            if len(packed := _pack(image, "JPEG", quality)) <= MOST_BYTES:
                return packed
        image = image.reduce(2)


def _pack(image: Image, kind: str, quality: int = 0) -> bytes:
    out = io.BytesIO()
    if kind == "JPEG":
        image.save(out, kind, quality=quality, optimize=True, progressive=True)
    else:
        image.save(out, kind, optimize=True)
    return out.getvalue()
