"""A contact sheet of charts at a phone's width: ``python -m tests.bot.charts.sheet FILE``, or ``make charts``.

In each language, of a full history every chart, light and dark; below, those of one that has just begun and is called
simulated, of its first days, and of nothing. Names behind the file (``breakout-5y-light``) make a sheet of those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import product
from pathlib import Path

from PIL import Image

from bot.charts.drawing import drawn
from bot.messages.chart_kinds import CHARTS, Chart, Kind, Theme, charts_in, periods
from bot.messages.languages import NAMES
from signals.evaluate import History
from tests.bot.charts.histories import HISTORIES

PHONE = 390
_BETWEEN = 8
_A_ROW = 11


def named(names: Sequence[str]) -> Iterator[Image.Image]:
    """Yield some charts of a full history."""
    by_name = {chart.name: chart for chart in CHARTS}
    yield from (_at_phone_width(by_name[name], HISTORIES["full"]()) for name in names)


def every() -> Iterator[Image.Image]:
    """Yield each chart, in the order of the sheet."""
    full = HISTORIES["full"]()
    for language in NAMES:
        for theme in Theme:
            charts = (chart for chart in charts_in(language) if chart.theme is theme)
            yield from (_at_phone_width(chart, full) for chart in charts)
        for name in ("sparse", "first days", "empty"):
            for kind, theme in product(Kind, Theme):
                chart = Chart(kind, periods(kind)[-1], theme, language)
                yield _at_phone_width(chart, HISTORIES[name](), simulated=name == "sparse")


def _at_phone_width(chart: Chart, history: History, *, simulated: bool = False) -> Image.Image:
    picture = Image.open(BytesIO(drawn(chart, history, simulated=simulated).png())).convert("RGB")
    return picture.resize((PHONE, round(PHONE * picture.height / picture.width)), Image.Resampling.LANCZOS)


def sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures in rows."""
    width, height = (side + _BETWEEN for side in pictures[0].size)
    across, rows = min(len(pictures), _A_ROW), -(-len(pictures) // _A_ROW)
    made = Image.new("RGB", (across * width - _BETWEEN, rows * height - _BETWEEN), "#8a8f94")
    for number, picture in enumerate(pictures):
        made.paste(picture, (number % _A_ROW * width, number // _A_ROW * height))
    return made


if __name__ == "__main__":
    file, *names = sys.argv[1:]
    sheet([*(named(names) if names else every())]).save(Path(file))
