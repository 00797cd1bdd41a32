"""The picture around every chart: its size, colours, header, panels and axes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from PIL import Image

from bot.messages.chart_kinds import Chart, Period, Theme
from bot.messages.figures import Figures

# A phone is 390 points wide: shown there, a point of text is a little more than one of its points.
WIDTH, HEIGHT, DPI = 3.9, 4.8, 300
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.14, 0.58, 0.31, 0.48
_LEGEND_ROW, _PANEL_TITLE, _GAP, _TICKS = 0.175, 0.22, 0.06, 0.17
TEXT, SMALL = 8.5, 8.0
_WIDE_SCALE = 4.0
_LETTERS_A_LINE, _COLOURS = 42, 128
# What stands before a label of the legend and behind it, in inches.
_HANDLE, _MOST_COLUMNS = 0.34, 4
# Up to how many days single ones are written, or months.
_OF_DAYS, _OF_MONTHS, _YEARS_WRITTEN = 60, 800, 7
WATERMARK = "watermark"
"""The id of the one text that stands across everything."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they say, those of data from Okabe and Ito's set, which colour-blind people can tell apart.

    ``tint`` is how opaque an area of such a colour is that lies behind something.
    """

    paper: str
    ink: str
    quiet: str
    grid: str
    shade: str
    main: str
    tint: float
    good: str = "#009E73"
    bad: str = "#D55E00"
    warn: str = "#E69F00"
    other: str = "#CC79A7"


PALETTES = {
    Theme.LIGHT: Palette("#ffffff", "#1d232a", "#5b6672", "#e3e8ed", "#c9d6e1", "#0072B2", 0.16),
    Theme.DARK: Palette("#17212b", "#e8edf2", "#98a5b3", "#2b3a49", "#34475a", "#56B4E9", 0.30),
}
_SPAN = {Period.YEAR: pd.DateOffset(years=1), Period.FIVE_YEARS: pd.DateOffset(years=5)}


class Frame:
    """One picture, built from the top down; ``panels`` comes once, after it everything is drawn on what it returns."""

    def __init__(self, chart: Chart, figures: Figures, *, simulated: bool) -> None:
        self.chart, self.figures = chart, figures
        self.words = figures.words
        self.colours = PALETTES[chart.theme]
        self.figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=self.colours.paper)
        FigureCanvasAgg(self.figure)
        if simulated:
            self._text(
                WIDTH / 2, HEIGHT / 2, self.words.gettext("SIMULATED"), size=40, weight="bold", alpha=0.16,
                rotation=40, ha="center", va="center", gid=WATERMARK, color=self.colours.ink, zorder=10,
            )  # fmt: skip

    def title(self, title: str, below: str) -> None:
        """Write what it shows, and from when to when or on how many cases."""
        self._line(HEIGHT - 0.10, title, size=10, weight="bold", color=self.colours.ink)
        self._line(HEIGHT - 0.29, below, size=TEXT, color=self.colours.quiet)

    def dates(self, index: pd.DatetimeIndex) -> str:
        """Write from when to when, for ``title``."""
        first, last = index[0].date(), index[-1].date()
        return self.figures.span(first, last) if first != last else self.figures.day(last)

    def shown(self, index: pd.Index) -> pd.DatetimeIndex:
        """Return the part of some dates that lies within the period, counted back from the last of them."""
        dates = pd.DatetimeIndex(index)
        back = _SPAN.get(self.chart.period)
        return dates if back is None or not len(dates) else dates[dates >= dates[-1] - back]

    def panels(self, *panels: tuple[float, str], legend: Sequence[Any] = (), own_ticks: bool = False) -> list[Axes]:
        """Return axes one below the other, each of a relative height and with a line of text above it.

        ``own_ticks``: something is written below each of them, not only below the last.
        """
        gap = _GAP + (_TICKS if own_ticks else 0)
        columns = self._columns([handle.get_label() for handle in legend])
        rows = -(-len(legend) // columns)
        top = HEIGHT - _TOP - rows * _LEGEND_ROW - (0.05 if rows else 0)
        if rows:
            self._legend(legend, columns)
        height = (top - _BOTTOM - _PANEL_TITLE * len(panels) - gap * (len(panels) - 1)) / sum(h for h, _ in panels)
        made = []
        for share, title in panels:
            self._line(top - 0.05, title, size=SMALL, color=self.colours.quiet)
            top -= _PANEL_TITLE + share * height
            box = (_LEFT / WIDTH, top / HEIGHT, (WIDTH - _LEFT - _RIGHT) / WIDTH, share * height / HEIGHT)
            made.append(self._styled(self.figure.add_axes(box)))
            top -= gap
        return made

    def nothing(self, title: str, sentence: str) -> None:
        """Say why there is nothing to draw."""
        self.title(title, "")
        lines = "\n".join(textwrap.wrap(sentence, _LETTERS_A_LINE))
        self._text(WIDTH / 2, HEIGHT / 2, lines, size=9, ha="center", va="center", color=self.colours.quiet)

    def say(self, axes: Axes, sentence: str) -> None:
        """Say in one panel why nothing is drawn on it."""
        axes.set_yticks([])
        axes.set_xticks([])
        axes.text(
            0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", size=TEXT, color=self.colours.quiet
        )

    def line(self, label: str, **style: Any) -> Line2D:
        """Return an entry of the legend."""
        return Line2D([], [], label=label, **style)

    def patch(self, label: str, **style: Any) -> Patch:
        """Return an entry of the legend for an area."""
        return Patch(label=label, **style)

    def png(self) -> bytes:
        """Return the picture, in so few colours that it has a third of the bytes and looks the same."""
        raw, drawn = BytesIO(), BytesIO()
        self.figure.savefig(raw, format="rgba", facecolor=self.colours.paper)
        picture = Image.frombuffer("RGBA", self.figure.canvas.get_width_height(), raw.getvalue())
        few = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(drawn, "png")
        return drawn.getvalue()

    def log_prices(self, axes: Axes, low: float, high: float, write: Callable[[float], str]) -> None:
        """Scale prices by their ratios, with marks at round ones."""
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        wide = high / low > _WIDE_SCALE
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        self.write_y(axes, write)

    @staticmethod
    def write_y(axes: Axes, write: Callable[[float], str]) -> None:
        """Write the figures beside an axis."""
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())

    def lanes(self, axes: Axes, names: Sequence[str]) -> None:
        """Make room for lanes one below the other, each with its name above where its bars lie."""
        axes.set_ylim(len(names) - 0.45, -0.85)
        axes.set_yticks([])
        for lane, name in enumerate(names):
            axes.text(
                0, lane - 0.34, name, transform=axes.get_yaxis_transform(), size=SMALL, va="bottom",
                color=self.colours.ink,
            )  # fmt: skip

    @staticmethod
    def end(index: pd.DatetimeIndex) -> pd.Timestamp:
        """Return where dates end on an axis: a little after the last, or nobody would see what began on it."""
        return index[-1] + max((index[-1] - index[0]) / 100, pd.Timedelta(days=1))

    def date_axis(self, axes: Sequence[Axes], index: pd.DatetimeIndex) -> None:
        """Give axes below one another the same dates; they are written below the last."""
        first, last = index[0], self.end(index)
        ticks, labels = self._ticks(first, index[-1])
        for each in axes:
            each.set_xlim(*on_axis([first, last]))
            each.xaxis.set_major_locator(FixedLocator(ticks))
            each.set_xticklabels(labels if each is axes[-1] else [])
            each.grid(axis="x", color=self.colours.grid, linewidth=0.5)

    def _ticks(self, first: pd.Timestamp, last: pd.Timestamp) -> tuple[list[float], list[str]]:
        """Return where dates are written, as matplotlib counts days, and how: days, months or years."""
        days = (last - first).days
        write: Callable[[date], str] = self.figures.day
        # So that what is centred on a mark runs neither over the edge nor into the figures on the right.
        begin, end = first + (last - first) * 0.08, last - (last - first) * 0.06
        if days < _OF_DAYS:
            marks = pd.date_range(begin, end, freq="D", normalize=True)[days // 8 :: max(days // 3, 1)]
        elif days < _OF_MONTHS:
            months = 1 if days < _OF_MONTHS / 6 else 3 if days < _OF_MONTHS / 2 else 6
            marks = pd.date_range(begin, end, freq="MS", normalize=True)
            marks, write = marks[(marks.month - 1) % months == 0], self.figures.month
        else:
            marks = pd.date_range(begin, end, freq="YS", normalize=True)
            years = next((years for years in (1, 2, 5) if len(marks) <= _YEARS_WRITTEN * years), 10)
            marks, write = marks[marks.year % years == 0], _year
        marks = marks[(marks >= begin) & (marks > first)]
        return on_axis(marks), [write(mark.date()) for mark in marks]

    def _styled(self, axes: Axes) -> Axes:
        colours = self.colours
        axes.set_facecolor(colours.paper)
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(colours.grid)
        axes.tick_params(colors=colours.quiet, labelsize=SMALL, length=0, pad=3)
        axes.yaxis.tick_right()
        axes.grid(axis="y", color=colours.grid, linewidth=0.5)
        axes.set_axisbelow(True)
        return axes

    def _legend(self, handles: Sequence[Any], columns: int) -> None:
        self.figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(_LEFT / WIDTH, (HEIGHT - _TOP) / HEIGHT), ncols=columns,
            frameon=False, fontsize=SMALL, labelcolor=self.colours.ink, borderpad=0, borderaxespad=0,
            handlelength=1.5, handletextpad=0.5, columnspacing=1.0, labelspacing=0.45,
        )  # fmt: skip

    def _columns(self, labels: Sequence[str]) -> int:
        """Return how many columns of a legend fit beside one another."""
        widths = [self._width(label, size=SMALL) + _HANDLE for label in labels]
        for columns in range(min(len(labels), _MOST_COLUMNS), 1, -1):
            # As matplotlib fills them: one column after the other.
            if sum(max(column) for column in np.array_split(widths, columns)) <= WIDTH - _LEFT:
                return columns
        return 1

    def _width(self, text: str, **style: Any) -> float:
        """Return how wide a text is, in inches."""
        written = self.figure.text(0, 0, text, **style)
        width = written.get_window_extent().width / DPI
        written.remove()
        return width

    def _line(self, y: float, text: str, *, size: float, **style: Any) -> None:
        """Write a line from the left edge, in smaller letters where another language needs more of them."""
        room, width = WIDTH - 2 * _LEFT, self._width(text, size=size, **style)
        if width > room:
            # Letters do not get narrower quite as they get smaller.
            size *= 0.95 * room / width
        self._text(_LEFT, y, text, size=size, va="top", **style)

    def _text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write at a place in inches from the lower left corner."""
        self.figure.text(x / WIDTH, y / HEIGHT, text, **style)


def on_axis(dates: Iterable[pd.Timestamp]) -> list[float]:
    """Return dates as matplotlib counts them: days since 1970."""
    return [(day - pd.Timestamp(0)) / pd.Timedelta(days=1) for day in dates]


def _year(day: date) -> str:
    return str(day.year)


def runs(values: Any) -> list[tuple[int, int, float]]:
    """Return where figures stay the same: first position, the one after the last, and the figure; NaN is one too."""
    figures = np.asarray(values, dtype=np.float64)
    if not len(figures):
        return []
    same = (figures[1:] == figures[:-1]) | (np.isnan(figures[1:]) & np.isnan(figures[:-1]))
    starts = [0, *(np.flatnonzero(~same) + 1).tolist()]
    return [(a, b, figures.item(a)) for a, b in zip(starts, [*starts[1:], len(figures)], strict=True)]
