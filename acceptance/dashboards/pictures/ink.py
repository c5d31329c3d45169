"""Fonts, colours and a box to draw into. No pyplot, so that nothing here is global but the list of known fonts.

Texts are drawn with NanumGothic, whose glyphs go into the picture as paths: Korean shows on every machine.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, Wedge
from matplotlib.transforms import Affine2D

__all__ = [
    "GRID",
    "INK",
    "MUTED",
    "PALETTE",
    "RED",
    "Box",
    "Dash",
    "contrast",
    "drawable",
    "drawing",
    "fit",
    "font",
    "font_file",
    "width",
    "wrap",
]

# Okabe and Ito's colours, which a colour-blind person can tell apart; without the yellow, which paper swallows.
PALETTE: tuple[str, ...] = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, MUTED, GRID, RED = "#1F2430", "#626B7A", "#DDE1E8", "#B3261E"
Dash = Literal["-", "--", ":", "-."]
DPI = 100  # pictures are laid out in pixels of this size
_ALIKE = str.maketrans("\u2212\u00b5", "-\u03bc")  # signs the font has under another number
_PX_PER_POINT = DPI / 72


def drawing() -> AbstractContextManager[None]:
    """Set, while a picture is made, the few of matplotlib's own settings that differ here."""
    return mpl.rc_context(
        {
            "svg.fonttype": "path",
            "svg.hashsalt": "arbitrage-preflight",  # ids inside the file, or two runs would differ
            "axes.unicode_minus": False,
            "text.parse_math": False,  # a dollar sign in a label is a dollar sign
            "text.usetex": False,
        }
    )


@functools.cache
def font_file(*, bold: bool = False) -> Path:
    """Find the font's file.

    Raises:
        RuntimeError: The package that brings the font is not installed.
    """
    # The package's own import changes matplotlib's settings for everybody: only its files are wanted.
    spec = find_spec("koreanize_matplotlib")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "the package koreanize-matplotlib, which brings the Korean font, is missing: run `make setup`"
        )
    return Path(spec.origin).parent / "fonts" / ("NanumGothicBold.ttf" if bold else "NanumGothic.ttf")


@functools.cache
def font(size: float = 9, *, bold: bool = False) -> FontProperties:
    """Give the font by its file, so that no list of fonts is searched and none is changed."""
    return FontProperties(fname=font_file(bold=bold), size=size)


@functools.cache
def _face(*, bold: bool) -> FT2Font:
    # Not matplotlib's own cached one: drawing changes that one's size.
    face = FT2Font(font_file(bold=bold))
    face.set_size(100, 72)
    return face


@functools.cache
def _known() -> frozenset[int]:
    return frozenset(_face(bold=False).get_charmap()) & frozenset(_face(bold=True).get_charmap())


def drawable(text: str) -> str:
    """Put a question mark in for each character that the font lacks, and a blank for line ends and tabs."""
    known = _known()
    plain = text.translate(_ALIKE)
    return "".join(sign if ord(sign) in known else " " if sign.isspace() else "?" for sign in plain)


@functools.cache
def _advance(sign: str, *, bold: bool) -> float:
    """Width of a character that the font has, in parts of its size."""
    return float(_face(bold=bold).load_char(ord(sign)).linearHoriAdvance) / 65536 / 100


def width(text: str, points: float, *, bold: bool = False) -> float:
    """Pixels that a text takes."""
    return sum(_advance(sign, bold=bold) for sign in drawable(text)) * points * _PX_PER_POINT


def fit(text: str, points: float, pixels: float, *, bold: bool = False) -> str:
    """Cut a text, with an ellipsis, so that it takes no more than `pixels`."""
    if width(text, points, bold=bold) <= pixels:
        return text
    while text and width(f"{text}…", points, bold=bold) > pixels:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


def wrap(text: str, points: float, pixels: float, *, lines: int) -> list[str]:
    """Break a text at blanks into at most `lines` lines; the last one is cut where more was to come."""
    words, rows = text.split(), [""]
    for index, word in enumerate(words):
        longer = f"{rows[-1]} {word}".strip()
        if not rows[-1] or width(longer, points) <= pixels:
            rows[-1] = longer
        elif len(rows) == lines:
            rows[-1] = " ".join([rows[-1], *words[index:]])
            break
        else:
            rows.append(word)
    return [fit(row, points, pixels) for row in rows if row]


def contrast(colour: str) -> str:
    """Give white or near-black, whichever is easier to read on a colour (relative luminance as WCAG has it)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#FFFFFF" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.065 else INK


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle of a figure; places in it are pixels from its upper left corner."""

    figure: Figure
    x: float
    y: float
    w: float
    h: float

    @classmethod
    def page(cls, w: float, h: float) -> Box:
        """Make a figure of this size and give all of it."""
        return cls(figure=Figure(figsize=(w / DPI, h / DPI), dpi=DPI, facecolor="white"), x=0, y=0, w=w, h=h)

    def inner(self, left: float, top: float, w: float, h: float) -> Box:
        """Give a part of the box, never of negative size."""
        return Box(figure=self.figure, x=self.x + left, y=self.y + top, w=max(w, 1), h=max(h, 1))

    def _at(self, left: float, top: float) -> tuple[float, float]:
        page = self.figure.get_size_inches() * DPI
        return float((self.x + left) / page[0]), float(1 - (self.y + top) / page[1])

    def text(
        self,
        left: float,
        top: float,
        text: str,
        *,
        size: float = 9,
        colour: str = INK,
        bold: bool = False,
        ha: str = "left",
        va: str = "center",
    ) -> None:
        """Write one line; `size` in points."""
        if text:
            x, y = self._at(left, top)
            self.figure.text(
                x,
                y,
                drawable(text),
                color=colour,
                ha=ha,
                va=va,
                fontproperties=font(size, bold=bold),
            )

    def fill(
        self, left: float, top: float, w: float, h: float, colour: str, *, edge: str = "none", line: float = 1
    ) -> None:
        """Fill a rectangle."""
        x, y = self._at(left, top + h)
        page = self.figure.get_size_inches() * DPI
        self.figure.add_artist(
            Rectangle(
                (x, y),
                w / page[0],
                h / page[1],
                facecolor=colour,
                edgecolor=edge,
                linewidth=line,
                transform=self.figure.transFigure,
            )
        )

    def line(self, points: Sequence[tuple[float, float]], colour: str, *, line: float = 1.5, dash: Dash = "-") -> None:
        """Draw a line through places of the box."""
        xs, ys = zip(*(self._at(left, top) for left, top in points), strict=True)
        self.figure.add_artist(
            Line2D(xs, ys, color=colour, linewidth=line, linestyle=dash, transform=self.figure.transFigure)
        )

    def axes(self, left: float, top: float, w: float, h: float) -> Axes:
        """Make axes in a part of the box."""
        x, y = self._at(left, top + h)
        page = self.figure.get_size_inches() * DPI
        # Above what is filled, below what is written.
        return self.figure.add_axes((x, y, max(w, 1) / page[0], max(h, 1) / page[1]), zorder=1.5)

    def wedge(self, left: float, top: float, radius: float, *, start: float, stop: float, colour: str) -> None:
        """Draw a slice of a ring around a place; angles in degrees, counted clockwise from the top."""
        page = self.figure.get_size_inches() * DPI
        x, y = self._at(left, top)
        # In pixels, since a figure's own coordinates would make an ellipse of it.
        self.figure.add_artist(
            Wedge(
                (x * page[0], y * page[1]),
                radius,
                90 - stop,
                90 - start,
                width=radius * 0.42,
                facecolor=colour,
                edgecolor="white",
                linewidth=1.5,
                # Not frozen: an SVG file is written at another resolution.
                transform=Affine2D().scale(1 / DPI) + self.figure.dpi_scale_trans,
            )
        )
