"""Charts of full, sparse and empty histories: what is written on them can be read, and there is always a picture."""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO
from itertools import combinations, pairwise

import pytest
from babel import Locale
from matplotlib.text import Text
from msgspec.structs import replace
from PIL import Image

from bot.charts.crypto import spread
from bot.charts.drawing import drawn
from bot.charts.frame import WATERMARK, Frame, runs
from bot.messages.chart_kinds import CHARTS, Chart, Kind, Period, Theme
from bot.messages.figures import Figures
from tests.bot.charts.histories import HISTORIES, first_days, full, sparse
from tests.bot.messages.extracted import extracted
from tests.bot.messages.pseudo import Longer, Marked

LIGHT = [chart for chart in CHARTS if chart.theme is Theme.LIGHT]
BY_KIND = [Chart(kind, Period.ALL, Theme.LIGHT) for kind in Kind]
_WORD = re.compile(r"[^\W\d_]{2,}")


class Noted(Marked):
    """English that keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def gettext(self, message: str) -> str:
        self.asked.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.asked.add(msgid1)
        return msgid1 if n == 1 else msgid2


@cache
def in_english(chart: Chart, name: str) -> tuple[Frame, set[str]]:
    """Return a picture, and the texts of the catalogue that are on it."""
    words = Noted()
    return drawn(chart, HISTORIES[name](), simulated=True, figures=Figures(Locale("en"), words)), words.asked


def written(frame: Frame) -> list[Text]:
    """Return every text of a picture but the one across it."""
    frame.figure.draw_without_rendering()
    texts = [text for text in frame.figure.texts if text.get_gid() != WATERMARK]
    texts += [text for legend in frame.figure.legends for text in legend.get_texts()]
    for axes in frame.figure.axes:
        texts += axes.texts
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            # A mark outside of an axis' limits keeps a label that is never drawn.
            marks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            texts += [axis.label, *(label for at, label in marks if low <= at <= high)]
    return [text for text in texts if text.get_text().strip()]


def unreadable(frame: Frame) -> list[str]:
    """Return what is clipped by the edge of a picture or lies over another text."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in written(frame)]
    edge = frame.figure.bbox.padded(1)
    clipped = [
        text
        for text, box in boxes
        if not (box.x0 >= edge.x0 and box.x1 <= edge.x1 and box.y0 >= edge.y0 and box.y1 <= edge.y1)
    ]
    over = [
        f"{one} / {other}" for (one, a), (other, b) in combinations(boxes, 2) if a.padded(-2).overlaps(b.padded(-2))
    ]
    return clipped + over


@pytest.mark.parametrize("chart", LIGHT, ids=lambda chart: chart.name)
def test_nothing_written_on_a_full_chart_is_clipped_or_lies_over_another_text(chart: Chart) -> None:
    assert unreadable(in_english(chart, "full")[0]) == []


@pytest.mark.parametrize("chart", BY_KIND, ids=lambda chart: chart.name)
def test_nothing_written_on_a_french_chart_is_clipped_or_lies_over_another_text(chart: Chart) -> None:
    frame = drawn(replace(chart, language="fr"), full(), simulated=True)
    assert unreadable(frame) == []
    assert "SIMULÉ" in [text.get_text() for text in frame.figure.texts]


@pytest.mark.parametrize("name", ["sparse", "first days", "empty"])
@pytest.mark.parametrize("chart", BY_KIND, ids=lambda chart: chart.name)
def test_nothing_written_on_a_chart_of_little_data_is_clipped_or_lies_over_another_text(
    chart: Chart, name: str
) -> None:
    assert unreadable(in_english(chart, name)[0]) == []


def test_what_cannot_be_read_is_found() -> None:
    frame = drawn(BY_KIND[0], HISTORIES["empty"](), simulated=False)
    for x, text in ((0.5, "one"), (0.52, "another"), (0.98, "beyond the edge")):
        frame.figure.text(x, 0.2, text)
    assert unreadable(frame) == ["beyond the edge", "one / another"]


@pytest.mark.parametrize("chart", BY_KIND, ids=lambda chart: chart.name)
def test_a_chart_of_nothing_says_in_a_sentence_that_there_is_nothing(chart: Chart) -> None:
    texts = [text.get_text() for text in written(in_english(chart, "empty")[0])]
    assert any(text.endswith(" yet.") for text in texts)


def test_a_panel_without_figures_says_so_beside_one_that_has_some() -> None:
    texts = [text.get_text() for text in written(drawn(BY_KIND[0], first_days(), simulated=False))]
    assert "IWM's volume is not known for these dates." in texts


def test_a_simulated_market_is_called_one_across_the_picture_and_a_real_one_is_not() -> None:
    for simulated in (True, False):
        frame = drawn(BY_KIND[0], sparse(), simulated=simulated)
        marks = [text.get_text() for text in frame.figure.texts if text.get_gid() == WATERMARK]
        assert marks == (["SIMULATED"] if simulated else [])


@pytest.mark.parametrize("theme", Theme)
def test_a_picture_has_the_paper_of_its_theme_and_fits_a_phone_and_telegram(theme: Theme) -> None:
    png = drawn(Chart(Kind.CASCADE, Period.YEAR, theme), sparse(), simulated=False).png()
    with Image.open(BytesIO(png)) as picture:
        width, height = picture.size
        brightness = sum(picture.convert("RGB").crop((2, 2, 3, 3)).tobytes())
    assert 3 * 390 <= width <= 1280
    assert height <= 1.3 * width
    assert (brightness > 600) == (theme is Theme.LIGHT)
    assert len(png) < 300_000


@pytest.mark.parametrize("name", ["full", "empty"])
@pytest.mark.parametrize("chart", BY_KIND, ids=lambda chart: chart.name)
def test_every_word_on_a_chart_can_be_translated(chart: Chart, name: str) -> None:
    frame = drawn(chart, HISTORIES[name](), simulated=True, figures=Figures(Locale("en"), Marked()))
    texts = [text.get_text().replace("\n", " ") for text in written(frame)]
    months = {
        frame.figures.month(HISTORIES["full"]().panel.days[0].replace(day=1, month=n)).split()[0] for n in range(1, 13)
    }
    plain = [re.sub("«.*»", "", text) for text in texts]
    assert [text for text in plain if set(_WORD.findall(text)) - months] == []


class TestWhereTheCasesAreNamed:
    def test_names_that_are_clear_of_each_other_stay_where_they_are(self) -> None:
        assert spread([0.2, 0.5, 0.9], 0.1) == [0.2, 0.5, 0.9]

    def test_those_at_one_place_are_moved_apart_and_stay_within_the_panel(self) -> None:
        moved = spread([0.97, 0.97, 0.98], 0.1)
        assert all(later - sooner >= 0.1 - 1e-9 for sooner, later in pairwise(moved))
        assert all(0 <= place <= 0.95 + 1e-9 for place in moved)


def test_runs_are_where_a_figure_stays_the_same_and_unknown_is_one_too() -> None:
    nan = float("nan")
    found = [(first, after, str(value)) for first, after, value in runs([1.0, 1.0, nan, nan, 0.0])]
    assert found == [(0, 2, "1.0"), (2, 4, "nan"), (4, 5, "0.0")]
    assert runs([]) == []


@pytest.mark.parametrize("name", ["full", "empty"])
def test_every_text_of_a_chart_is_extracted_for_translators(name: str) -> None:
    asked = set().union(*(in_english(chart, name)[1] for chart in LIGHT))
    assert asked
    assert asked - {text for _, text in extracted()} == set()


@pytest.mark.parametrize("name", ["full", "sparse", "empty"])
@pytest.mark.parametrize("chart", BY_KIND, ids=lambda chart: chart.name)
def test_a_language_of_longer_words_can_be_read_too(chart: Chart, name: str) -> None:
    figures = Figures(Locale("fr"), Longer())
    assert unreadable(drawn(chart, HISTORIES[name](), simulated=True, figures=figures)) == []
