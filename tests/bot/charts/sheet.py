"""A contact sheet of every chart: ``python -m tests.bot.charts.sheet FILE``, or ``make charts``.

Each is as wide as a phone. A full history is shown in light and dark, by itself and as a simulated one; below are
one that has just begun and one of nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from bot.charts.drawing import drawn
from bot.messages.chart_kinds import CHARTS, Chart, Kind, Theme, periods
from signals.evaluate import History
from tests.bot.charts.histories import HISTORIES

PHONE = 390
_BETWEEN = 8
_A_ROW = 11


def pictures() -> Iterator[Image.Image]:
    """Yield each chart at a phone's width, in the order of the sheet."""
    full = HISTORIES["full"]()
    for theme in Theme:
        yield from (_at_phone_width(chart, full) for chart in CHARTS if chart.theme is theme)
    for name in ("sparse", "first days", "empty"):
        for theme, kind in ((theme, kind) for kind in Kind for theme in Theme):
            yield _at_phone_width(Chart(kind, periods(kind)[-1], theme), HISTORIES[name](), simulated=name == "sparse")


def _at_phone_width(chart: Chart, history: History, *, simulated: bool = False) -> Image.Image:
    picture = Image.open(BytesIO(drawn(chart, history, simulated=simulated).png())).convert("RGB")
    return picture.resize((PHONE, round(PHONE * picture.height / picture.width)), Image.Resampling.LANCZOS)


def sheet() -> Image.Image:
    """Return all of them in rows."""
    all_of_them = list(pictures())
    width, height = (side + _BETWEEN for side in all_of_them[0].size)
    made = Image.new("RGB", (_A_ROW * width, -(-len(all_of_them) // _A_ROW) * height), "#8a8f94")
    for number, picture in enumerate(all_of_them):
        made.paste(picture, (number % _A_ROW * width, number // _A_ROW * height))
    return made


if __name__ == "__main__":
    sheet().save(Path(sys.argv[1]))
