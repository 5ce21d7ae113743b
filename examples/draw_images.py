"""Draws the pictures of the sample publication with nothing but the standard library.

Run `python draw_images.py` beside the folder `images`. Shapes are filled on a canvas three times as
wide and as high as the picture, which is then averaged down, so that edges come out smooth.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT, SCALE = 1200, 630, 3
COLOURS = {
    "night": 0x16324A, "deep": 0x1F5470, "sea": 0x2F7388, "shallow": 0x5A9DA8, "mist": 0xA9D3D2,
    "sky": 0xCFE7E1,
    "cream": 0xFBF2DF, "sand": 0xF1DDB5, "mustard": 0xE8B04A, "coral": 0xE56F4F, "brick": 0xB5482F,
    "wine": 0x7C2F33,
    "ink": 0x1E2B35, "slate": 0x54646F, "stone": 0x95A1A6, "pale": 0xCBD2D1, "white": 0xFFFFFF,
    "moss": 0x6B8F64,
    "pine": 0x3E6450, "fir": 0x2B4A40, "rose": 0xF2B8A0, "wood": 0x8A5A3C,
}  # fmt: skip
NAMES = list(COLOURS)
RGB = [((c >> 16) & 255, (c >> 8) & 255, c & 255) for c in COLOURS.values()]
Point = tuple[float, float]


class Canvas:
    """A picture in palette indices, addressed in pixels of the finished picture."""

    def __init__(self, background: str) -> None:
        self.width = WIDTH * SCALE
        self.rows = [bytearray([NAMES.index(background)]) * self.width for _ in range(HEIGHT * SCALE)]

    def span(self, row: int, left: float, right: float, colour: int) -> None:
        """Fill one row of the large canvas from `left` to `right`, in its own units."""
        start, end = max(0, round(left)), min(self.width, round(right))
        if end > start and 0 <= row < len(self.rows):
            self.rows[row][start:end] = bytes([colour]) * (end - start)

    def polygon(self, colour: str, *points: Point) -> None:
        """Fill a polygon by the even-odd rule."""
        ink = NAMES.index(colour)
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        edges = list(zip(scaled, scaled[1:] + scaled[:1], strict=True))
        top, bottom = min(y for _, y in scaled), max(y for _, y in scaled)
        for row in range(max(0, math.floor(top)), min(len(self.rows), math.ceil(bottom) + 1)):
            at = row + 0.5
            cuts = sorted(
                x1 + (at - y1) * (x2 - x1) / (y2 - y1)
                for (x1, y1), (x2, y2) in edges
                if (y1 <= at) != (y2 <= at)
            )
            for left, right in zip(cuts[::2], cuts[1::2], strict=False):
                self.span(row, left, right, ink)

    def box(self, colour: str, x: float, y: float, width: float, height: float) -> None:
        """Fill a rectangle given by its upper left corner."""
        self.polygon(colour, (x, y), (x + width, y), (x + width, y + height), (x, y + height))

    def oval(
        self, colour: str, x: float, y: float, across: float, down: float = 0, *, part: str = "all"
    ) -> None:
        """Fill an ellipse given by its centre and its radii, or only its upper half."""
        last = math.pi if part == "upper" else 2 * math.pi
        turns = [last * step / 96 for step in range(97)]
        self.polygon(colour, *((x + across * math.cos(t), y - (down or across) * math.sin(t)) for t in turns))

    def line(self, colour: str, start: Point, end: Point, thick: float) -> None:
        """Draw a straight bar between two points."""
        (x1, y1), (x2, y2) = start, end
        length = math.hypot(x2 - x1, y2 - y1)
        dx, dy = (y2 - y1) / length * thick / 2, (x1 - x2) / length * thick / 2
        self.polygon(colour, (x1 + dx, y1 + dy), (x2 + dx, y2 + dy), (x2 - dx, y2 - dy), (x1 - dx, y1 - dy))

    def wave(self, colour: str, level: float, height: float, length: float, shift: float = 0) -> None:
        """Fill everything below a line of waves or hills."""
        line = [
            (x, level - height * math.sin((x + shift) / length * 2 * math.pi))
            for x in range(0, WIDTH + 12, 12)
        ]
        self.polygon(colour, *line, (WIDTH, HEIGHT), (0, HEIGHT))

    def png(self) -> bytes:
        """Average the canvas down and pack it as a PNG with a palette of at most 256 colours."""
        cells = [
            list(
                zip(
                    *(self.rows[y + dy][dx::SCALE] for dy in range(SCALE) for dx in range(SCALE)), strict=True
                )
            )
            for y in range(0, len(self.rows), SCALE)
        ]
        mixes = {cell: _mix(cell) for row in cells for cell in set(row)}
        seen = Counter(mixes[cell] for row in cells for cell in row)
        palette = [colour for colour, _ in seen.most_common(256)]
        index = {colour: palette.index(min(palette, key=lambda p: math.dist(p, colour))) for colour in seen}
        data = b"".join(b"\0" + bytes(index[mixes[cell]] for cell in row) for row in cells)
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
        chunks = (
            (b"IHDR", header),
            (b"PLTE", bytes(sum(palette, ()))),
            (b"IDAT", zlib.compress(data, 9)),
            (b"IEND", b""),
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _mix(cell: Sequence[int]) -> tuple[int, ...]:
    return tuple(round(sum(RGB[i][channel] for i in cell) / len(cell)) for channel in range(3))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sea(c: Canvas, level: float) -> None:
    """Lay water in four tones from `level` down, with a few glints."""
    for step, (tone, height) in enumerate((("shallow", 0), ("sea", 5), ("deep", 7), ("night", 9))):
        depth = level + (HEIGHT - level) * (0, 0.18, 0.48, 0.8)[step]
        c.wave(tone, depth, height, 260 + 90 * step, 70 * step)
    for n in range(14):
        c.box("mist", (n * 397) % 1150, level + 14 + (n * 53) % (HEIGHT - level - 40), 34 + n * 7 % 40, 3)


def sun(c: Canvas, x: float, y: float, size: float) -> None:
    """Put up a low sun with one halo."""
    c.oval("sand", x, y, size * 1.5)
    c.oval("mustard", x, y, size)


def cloud(c: Canvas, x: float, y: float, size: float) -> None:
    """Draw three round puffs on a flat base."""
    for dx, up, r in ((-0.8, 0, 0.5), (0, 0, 0.8), (0.8, 0, 0.55)):
        c.oval("white", x + dx * size, y - up, r * size, part="upper")


def gull(c: Canvas, x: float, y: float, size: float) -> None:
    """Draw two wings."""
    for side in (-1, 1):
        c.polygon("ink", (x, y), (x + side * size, y - size * 0.5), (x + side * size * 0.5, y - size * 0.12))


def ferry(c: Canvas) -> None:
    """Draw a ferry with a red funnel before low islands."""
    sun(c, 930, 190, 62)
    cloud(c, 260, 150, 70)
    cloud(c, 1080, 110, 44)
    c.polygon("moss", (0, 400), (150, 335), (330, 372), (520, 400))
    c.polygon("pine", (760, 400), (930, 322), (1060, 356), (1200, 318), (1200, 400))
    sea(c, 395)
    c.polygon("ink", (255, 430), (905, 430), (965, 380), (930, 500), (310, 500))
    c.box("coral", 292, 470, 648, 12)
    c.polygon("white", (300, 430), (330, 340), (850, 340), (890, 430))
    c.polygon("cream", (370, 340), (385, 280), (780, 280), (810, 340))
    c.polygon("white", (650, 280), (660, 236), (765, 236), (790, 280))
    c.box("deep", 672, 248, 88, 18)
    for n in range(12):
        c.oval("sea", 370 + n * 41, 388, 11)
    for n in range(9):
        c.box("deep", 405 + n * 42, 300, 26, 22)
    c.polygon("coral", (470, 280), (478, 190), (556, 190), (570, 280))
    c.polygon("ink", (476, 212), (478, 190), (556, 190), (559, 212))
    for n, r in enumerate((16, 24, 34)):
        c.oval("pale", 500 - n * 58, 165 - n * 22, r, r * 0.7)
    c.wave("deep", 508, 5, 130)
    c.wave("night", 575, 8, 420, 90)
    gull(c, 1010, 270, 26)
    gull(c, 1070, 300, 18)


def assembly(c: Canvas) -> None:
    """Draw the domed Assembly at the top of wide steps."""
    cloud(c, 190, 190, 64)
    cloud(c, 1010, 150, 56)
    c.wave("moss", 450, 26, 900, 200)
    for n in range(5):
        x = (60, 160, 1000, 1090, 1170)[n]
        c.box("wood", x - 5, 420, 10, 60)
        c.oval("pine", x, 390, 34, 62)
    c.oval("deep", 600, 230, 120, 130, part="upper")
    c.oval("sea", 572, 230, 60, 122, part="upper")
    c.box("pale", 468, 228, 264, 34)
    c.box("cream", 580, 76, 40, 32)
    c.line("ink", (600, 80), (600, 30), 5)
    c.polygon("coral", (602, 30), (664, 44), (602, 58))
    c.box("sand", 250, 290, 700, 210)
    for n in range(3):
        for x in (275 + n * 46, 800 + n * 46):
            c.box("deep", x, 330, 26, 52)
            c.box("deep", x, 410, 26, 52)
    c.polygon("cream", (400, 300), (600, 232), (800, 300))
    c.polygon("sand", (455, 290), (600, 244), (745, 290))
    c.box("pale", 400, 298, 400, 24)
    c.box("slate", 420, 322, 360, 178)
    for n in range(6):
        c.box("white", 424 + n * 64, 322, 32, 178)
        c.box("pale", 446 + n * 64, 322, 10, 178)
    for n in range(6):
        c.box(("cream", "pale")[n % 2], 380 - n * 44, 498 + n * 15, 440 + n * 88, 15)
    c.box("slate", 0, 588, WIDTH, 42)


def crane(c: Canvas, x: float) -> None:
    """Draw a gantry crane whose boom reaches to the right."""
    for dx in (0, 120):
        c.line("mustard", (x + dx, 520), (x + dx + (14 if dx == 0 else -14), 190), 16)
    for y in (300, 400):
        c.line("mustard", (x + 6, y), (x + 114, y), 10)
    c.line("mustard", (x + 8, 400), (x + 112, 300), 7)
    c.box("mustard", x - 60, 176, 420, 18)
    c.polygon("brick", (x + 52, 100), (x + 68, 100), (x + 84, 178), (x + 36, 178))
    c.line("ink", (x + 60, 104), (x + 350, 178), 4)
    c.line("ink", (x + 60, 104), (x - 52, 178), 4)
    c.box("white", x + 20, 194, 52, 34)
    c.line("ink", (x + 270, 190), (x + 270, 300), 4)


def cranes(c: Canvas) -> None:
    """Draw two gantry cranes and a ship with containers."""
    sun(c, 180, 200, 56)
    cloud(c, 1010, 120, 60)
    c.wave("mist", 440, 30, 700)
    sea(c, 450)
    for x in (150, 560):
        crane(c, x)
    hues = ("coral", "deep", "moss", "mustard", "wine", "shallow", "sand")
    for column in range(9):
        for level in range((2, 3, 4, 3, 4, 4, 3, 4, 2)[column]):
            c.box(hues[(column * 3 + level * 2) % 7], 344 + column * 68, 436 - level * 36, 64, 33)
    c.box("coral", 398, 300, 64, 33)
    c.box("white", 990, 330, 90, 140)
    for n in range(3):
        c.box("deep", 1000, 346 + n * 36, 70, 14)
    c.box("coral", 1020, 290, 34, 40)
    c.polygon("ink", (290, 468), (1130, 468), (1090, 560), (350, 560))
    c.polygon("brick", (330, 530), (1103, 530), (1090, 560), (350, 560))
    c.box("stone", 0, 520, 300, 110)
    c.box("pale", 0, 520, 300, 12)
    c.wave("night", 566, 6, 210)
    c.box("slate", 0, 548, 286, 82)


def market(c: Canvas) -> None:
    """Draw striped awnings over stalls on a square by the water."""
    sun(c, 1030, 130, 48)
    for n in range(10):
        top = 210 + (n * 47) % 70
        c.box(("rose", "sand", "pale", "cream")[n % 4], n * 122 - 10, top, 116, 260)
        c.polygon(
            ("brick", "wine", "slate")[n % 3],
            (n * 122 - 18, top),
            (n * 122 + 48, top - 58),
            (n * 122 + 114, top),
        )
        for k in range(4):
            c.box("deep", n * 122 + 12 + 46 * (k % 2), top + 24 + 62 * (k // 2), 22, 34)
    c.box("sand", 0, 440, WIDTH, 190)
    for n in range(4):
        c.box("cream", 0, 476 + n * 42, WIDTH, 3)
    for stall, (stripe, goods) in enumerate((("coral", "stone"), ("deep", "mustard"), ("pine", "coral"))):
        x = 70 + stall * 370
        c.box("wood", x + 14, 330, 10, 240)
        c.box("wood", x + 296, 330, 10, 240)
        c.box("wood", x, 460, 320, 96)
        c.box("ink", x + 14, 556, 292, 10)
        for n in range(22):
            c.oval(goods, x + 30 + (n % 11) * 26, 452 - (n // 11) * 16, 15, 10)
        for n in range(8):
            left = x - 16 + n * 44
            tone = stripe if n % 2 == 0 else "white"
            c.polygon(
                tone, (x + 10 + n * 37.5, 270), (x + 47.5 + n * 37.5, 270), (left + 44, 344), (left, 344)
            )
            c.oval(tone, left + 22, 343, 22, 18)
    gull(c, 420, 110, 24)
    gull(c, 480, 140, 16)


def lighthouse(c: Canvas) -> None:
    """Draw a lighthouse on the breakwater at dusk."""
    c.box("deep", 0, 0, WIDTH, 170)
    c.box("sea", 0, 130, WIDTH, 110)
    c.box("shallow", 0, 230, WIDTH, 90)
    c.box("mist", 0, 310, WIDTH, 90)
    for n in range(24):
        c.oval("cream", (n * 173) % 1190, (n * 61) % 150 + 8, 1.6 + n % 2)
    c.polygon("mustard", (846, 152), (0, 40), (0, 210))
    c.polygon("sand", (846, 152), (0, 84), (0, 166))
    c.polygon("mustard", (846, 152), (1200, 96), (1200, 208))
    sea(c, 400)
    for n in range(34):
        c.oval(("slate", "stone", "ink")[n % 3], 330 + n * 27, 486 + (n * 37) % 26, 30, 26)
    c.polygon("stone", (360, 444), (1200, 416), (1200, 476), (340, 476))
    c.polygon("pale", (360, 444), (1200, 416), (1200, 426), (358, 454))
    for n in range(5):
        edge = [(798 + 6 * m, 440 - 50 * m) for m in (n, n + 1)]
        (l1, y1), (l2, y2) = edge
        c.polygon(("coral", "white")[n % 2], (l1, y1), (1692 - l1, y1), (1692 - l2, y2), (l2, y2))
    c.box("ink", 806, 180, 80, 12)
    c.box("cream", 824, 126, 44, 54)
    for x in (824, 844, 864):
        c.box("ink", x, 126, 4, 54)
    c.oval("brick", 846, 128, 32, 34, part="upper")
    c.box("ink", 843, 76, 6, 24)
    c.oval("ink", 846, 424, 16, 34, part="upper")
    c.box("ink", 830, 422, 32, 20)
    c.wave("night", 545, 10, 300, 40)


def river(c: Canvas) -> None:
    """Draw the Ose between hills, with its gauge."""
    cloud(c, 320, 130, 72)
    sun(c, 880, 170, 54)
    c.polygon(
        "mist",
        (0, 330),
        (220, 190),
        (420, 300),
        (640, 170),
        (900, 310),
        (1080, 220),
        (1200, 290),
        (1200, 400),
        (0, 400),
    )
    c.wave("moss", 350, 46, 760, 80)
    c.wave("pine", 418, 40, 920, 420)
    for n in range(18):
        x = (n * 211) % 1200
        y = 412 - 40 * math.sin((x + 420) / 920 * 2 * math.pi)
        c.polygon("fir", (x - 17, y + 14), (x, y - 44 - n % 3 * 9), (x + 17, y + 14))
    c.wave("moss", 520, 34, 1400, 620)
    c.polygon(
        "shallow",
        (640, 396),
        (668, 396),
        (760, 440),
        (560, 490),
        (900, 560),
        (1010, 630),
        (330, 630),
        (390, 500),
        (640, 440),
    )
    c.polygon("mist", (652, 400), (700, 440), (520, 486), (560, 486), (736, 440), (662, 400))
    c.polygon("mist", (470, 540), (620, 560), (600, 566), (466, 548))
    c.box("ink", 772, 250, 50, 360)
    c.box("white", 777, 255, 40, 350)
    for n in range(7):
        c.box("coral", 777 if n % 2 else 797, 255 + n * 50, 20, 50)
    for n in range(14):
        c.box("ink", 777, 280 + n * 25 - 1, 14, 3)
    c.oval("shallow", 797, 612, 70, 16)
    c.oval("mist", 797, 610, 46, 6)
    gull(c, 520, 210, 22)


def terraces(c: Canvas) -> None:
    """Draw narrow coloured houses that climb a hill."""
    cloud(c, 250, 120, 62)
    cloud(c, 660, 80, 40)
    c.polygon("moss", (0, 520), (1200, 210), (1200, 630), (0, 630))
    walls = ("coral", "cream", "shallow", "mustard", "rose", "pale", "moss", "sand", "brick", "mist")
    for n in range(10):
        x, base = 20 + n * 116, 566 - n * 26
        top = base - 250 - (n * 29) % 40
        c.box(walls[n], x, top, 112, 640)
        c.polygon(("slate", "wine", "ink")[n % 3], (x - 6, top), (x + 56, top - 66), (x + 118, top))
        c.box("brick", x + 76, top - 76, 18, 50)
        for k in range(6):
            wx, wy = x + 18 + 46 * (k % 2), top + 26 + 66 * (k // 2)
            c.box("white", wx - 4, wy - 4, 38, 50)
            c.box("mustard" if (n * 7 + k * 5) % 6 == 0 else "deep", wx, wy, 30, 42)
            c.box("white", wx + 13, wy, 4, 42)
        c.box("white", x + 38, base - 58, 38, 62)
        c.box(("wine", "pine", "deep")[n % 3], x + 42, base - 54, 30, 58)
    for n in range(10):
        c.box("stone", 20 + n * 116 - 20, 570 - n * 26, 116, 400)
        c.box("pale", 20 + n * 116 - 20, 570 - n * 26, 116, 8)
    c.polygon("slate", (0, 612), (1200, 342), (1200, 630), (0, 630))
    c.line("cream", (40, 640), (1220, 376), 4)


def silos(c: Canvas) -> None:
    """Draw three silos, a conveyor and a moored ship."""
    sun(c, 1020, 160, 60)
    cloud(c, 300, 110, 58)
    c.wave("sand", 450, 16, 800)
    c.box("stone", 0, 470, 820, 160)
    for n in range(3):
        x = 130 + n * 170
        c.box("cream", x, 190, 150, 290)
        c.box("pale", x + 104, 190, 46, 290)
        c.oval("slate", x + 75, 192, 82, 46, part="upper")
        for k in range(4):
            c.box("pale", x, 250 + k * 60, 150, 5)
    for n in range(7):
        c.line("wood", (462 + n * 28, 480), (462 + n * 28, 176), 5)
        c.line("wood", (456, 196 + n * 46), (640, 196 + n * 46), 5)
    c.box("mustard", 180, 120, 24, 360)
    c.line("mustard", (192, 132), (900, 250), 20)
    c.line("brick", (192, 146), (900, 264), 5)
    for x in (330, 500, 650):
        c.line("mustard", (x, 158 + (x - 330) / 6), (x, 190), 8)
    sea(c, 500)
    c.box("stone", 0, 486, 800, 70)
    c.box("pale", 0, 480, 800, 12)
    c.box("slate", 0, 556, 800, 12)
    c.polygon("sand", (888, 262), (904, 262), (914, 420), (878, 420))
    c.polygon("mustard", (820, 436), (896, 396), (972, 436))
    c.box("white", 1050, 340, 90, 100)
    c.box("deep", 1062, 356, 66, 18)
    c.box("coral", 1078, 296, 30, 44)
    c.polygon("wine", (790, 434), (1190, 434), (1160, 540), (830, 540))
    c.box("cream", 806, 462, 376, 8)
    c.wave("night", 560, 7, 330)


def seal(c: Canvas) -> None:
    """Draw a seal at the foot of a buoy."""
    sun(c, 240, 170, 52)
    cloud(c, 940, 120, 66)
    c.polygon("pine", (0, 372), (180, 330), (420, 372))
    c.box("stone", 900, 338, 300, 40)
    sea(c, 370)
    c.polygon("coral", (660, 450), (700, 190), (760, 190), (800, 450))
    c.polygon("white", (676, 350), (687, 275), (773, 275), (784, 350))
    c.box("ink", 694, 176, 72, 14)
    c.box("ink", 724, 128, 12, 50)
    c.oval("mustard", 730, 122, 22)
    c.oval("brick", 730, 456, 210, 44)
    c.oval("coral", 730, 444, 210, 40)
    c.polygon("slate", (420, 452), (470, 392), (560, 372), (650, 400), (700, 446), (610, 474), (480, 476))
    c.oval("slate", 470, 430, 76, 48)
    c.oval("slate", 600, 430, 96, 44)
    c.oval("slate", 428, 352, 54, 50)
    c.polygon("slate", (384, 372), (474, 356), (540, 420), (430, 470), (396, 430))
    c.oval("stone", 402, 372, 32, 24)
    c.oval("ink", 382, 360, 11, 8)
    c.oval("ink", 424, 340, 8, 9)
    c.oval("white", 427, 337, 2.6)
    for dy in (-6, 4, 14):
        c.line("ink", (398, 376), (344, 372 + dy * 1.6), 2.4)
    c.polygon("ink", (500, 446), (470, 506), (520, 498), (548, 452))
    c.polygon("slate", (680, 436), (762, 404), (744, 440), (772, 468), (690, 458))
    for n in range(5):
        c.oval("stone", 520 + n * 32, 398 + (n * 17) % 22, 7, 4)
    c.wave("deep", 510, 6, 180)
    c.wave("night", 580, 9, 420, 60)
    gull(c, 980, 230, 24)


def reading_room(c: Canvas) -> None:
    """Draw shelves on both sides of a tall window."""
    c.box("wood", 0, 0, WIDTH, HEIGHT)
    c.oval("cream", 600, 210, 170, 160, part="upper")
    c.box("cream", 430, 206, 340, 300)
    c.oval("sky", 600, 210, 150, 140, part="upper")
    c.box("sky", 450, 206, 300, 180)
    c.oval("mustard", 680, 250, 36)
    c.box("shallow", 450, 340, 300, 150)
    c.box("sea", 450, 400, 300, 90)
    c.polygon("white", (520, 366), (520, 280), (572, 366))
    c.polygon("coral", (514, 366), (514, 300), (480, 366))
    c.polygon("ink", (470, 372), (586, 372), (566, 392), (490, 392))
    for x, top, height in ((596, 80, 426), (450, 206, 300), (742, 206, 300)):
        c.box("cream", x, top, 8, height)
    c.box("cream", 450, 300, 300, 8)
    spines = ("coral", "deep", "mustard", "pine", "cream", "wine", "shallow", "rose", "moss", "brick")
    for side in (20, 800):
        c.box("ink", side, 30, 380, 490)
        for shelf in range(4):
            x, n, base = side + 10, shelf * 7 + side, 142 + shelf * 120
            while x < side + 350:
                width, height = 15 + (n * 7) % 14, 66 + (n * 13) % 34
                c.box(spines[(n * 3 + n // 4) % 10], x, base - height, width, height)
                c.box("sand", x + 4, base - height + 12, width - 8, 5)
                x, n = x + width + 2 + (n % 9 == 0) * 22, n + 1
            c.box("wood", side, base, 380, 12)
    c.box("wine", 0, 530, WIDTH, 100)
    c.polygon("brick", (330, 556), (870, 556), (940, 630), (260, 630))
    c.box("sand", 400, 470, 400, 18)
    c.box("wood", 420, 488, 16, 110)
    c.box("wood", 764, 488, 16, 110)
    c.polygon("white", (540, 470), (600, 456), (660, 470), (600, 466))
    c.box("ink", 724, 400, 6, 70)
    c.polygon("mustard", (696, 410), (758, 410), (744, 376), (710, 376))


PICTURES: dict[str, tuple[str, Callable[[Canvas], None]]] = {
    "assembly": ("sky", assembly),
    "cranes": ("sky", cranes),
    "ferry": ("sky", ferry),
    "lighthouse": ("mist", lighthouse),
    "market": ("sky", market),
    "reading-room": ("wood", reading_room),
    "river": ("sky", river),
    "seal": ("sky", seal),
    "silos": ("sky", silos),
    "terraces": ("sky", terraces),
}


def main() -> None:
    """Draw every picture into the folder `images` beside this file."""
    folder = Path(__file__).parent / "images"
    folder.mkdir(exist_ok=True)
    for name, (background, draw) in PICTURES.items():
        canvas = Canvas(background)
        draw(canvas)
        (folder / f"{name}.png").write_bytes(canvas.png())


if __name__ == "__main__":
    main()
