"""The page of a made-up record: what is live stands apart, and a simulated market is called one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from msgspec import structs

from bot.cli.report.page import Charts, Live, page
from bot.messages.record import LiveCase, live_cases
from bot.messages.render import ShownChange
from signals.evaluate import History
from signals.record.model import TrackRecord
from signals.record.track_record import track_record
from signals.rules import RECORD
from storage.market import Market
from tests.worlds import evaluated, lead, market

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SESSION = date(2020, 11, 17)
LIVE, SIMULATED = Market("live", date(2020, 11, 12), None), Market("simulated", None, None)


@dataclass(frozen=True)
class Row:
    """An outcome as it is stored."""

    id: int
    transition_id: int
    change: float
    corrects: int | None = None
    asset: str = "ETH-USD"
    horizon: int = 30
    entry_on: date = SESSION
    exit_on: date = date(2020, 12, 17)
    worst: float = -0.018


@pytest.fixture(scope="module")
def history() -> History:
    return evaluated(market([*lead(), 101.0, 102.0, 103.0, 104.0]))


@pytest.fixture(scope="module")
def record(history: History) -> TrackRecord:
    return track_record(history, sampling=replace(RECORD, draws=20, resamples=5))


def case(*rows: Row) -> LiveCase:
    told = ShownChange("breakout.confirmed", "breakout:2020-11-13", SESSION, SESSION)
    return LiveCase(told, "3", rows)


@pytest.fixture(scope="module")
def charts(history: History, record: TrackRecord) -> Charts:
    return Charts.of(history, record)


def of(charts: Charts, record: TrackRecord, live: Live, origin: str = "live") -> str:
    return page(record, charts, live, origin, NOW)


class TestLive:
    def test_an_outcome_stands_with_its_dates_and_the_method(self, charts: Charts, record: TrackRecord) -> None:
        html = of(charts, record, Live(LIVE, [case(Row(1, 1, 0.338))]))
        live = html[html.index("The live record") :]
        assert "breakout confirmed</td>" in live
        assert "+33.8\u00a0%" in live
        assert "17 Dec 2020" in live
        assert "Each alert since 12 Nov 2020" in live

    def test_an_alert_whose_horizons_are_ahead_is_listed_too(self, charts: Charts, record: TrackRecord) -> None:
        assert "no outcome yet" in of(charts, record, Live(LIVE, [case()]))

    def test_without_alerts_it_says_since_when(self, charts: Charts, record: TrackRecord) -> None:
        assert "No alert has been sent yet since 12 Nov 2020." in of(charts, record, Live(LIVE))

    def test_a_correction_takes_the_place_of_what_it_corrects(self, charts: Charts, record: TrackRecord) -> None:
        @dataclass(frozen=True)
        class Transition:
            id: int = 1
            kind: str = "breakout.confirmed"
            subject: str = "breakout:2020-11-13"
            session: date = SESSION
            occurred_on: date = SESSION
            before: str = ""
            after: str = ""
            evidence: str | None = None
            method_version: str = "3"

        rows = [Row(1, 1, 0.338), Row(2, 1, 0.35, corrects=1)]
        html = of(charts, record, Live(LIVE, list(live_cases([Transition()], rows))))
        assert "+35.0\u00a0% (corrected)" in html
        assert "+33.8" not in html


class TestMarkets:
    def test_a_simulated_one_is_named_first(self, charts: Charts, record: TrackRecord) -> None:
        html = of(charts, record, Live(SIMULATED), "simulated")
        assert html.index("SIMULATED MARKET: every figure on this page is made up.") < html.index("<h1>")

    @pytest.mark.parametrize(
        ("market_row", "origin"), [(SIMULATED, "live"), (SIMULATED, "folder"), (LIVE, "simulated")]
    )
    def test_a_live_record_of_the_other_kind_of_market_is_not_on_it(
        self, charts: Charts, record: TrackRecord, market_row: Market, origin: str
    ) -> None:
        html = of(charts, record, Live(market_row, [case(Row(1, 1, 0.338))]), origin)
        assert "+33.8" not in html
        assert "holds another market than this page" in html

    def test_a_real_one_is_not_called_simulated(self, charts: Charts, record: TrackRecord) -> None:
        assert "SIMULATED" not in of(charts, record, Live(LIVE))


class TestOutcomes:
    def test_each_has_a_shape_and_a_word_beside_its_colour(self, charts: Charts, record: TrackRecord) -> None:
        html = of(charts, record, Live(None))
        assert '<span class="open">▲ open</span>' in html

    def test_a_level_that_may_be_none_is_drawn_hollow_and_counted_with_no_other(
        self, history: History, record: TrackRecord
    ) -> None:
        (event,) = record.events
        episode = structs.replace(event.episode, level_verified=False)
        unsure = structs.replace(record, events=(structs.replace(event, episode=episode),))
        html = of(Charts.of(history, unsure), unsure, Live(None))
        assert "level unverified (1)" in html
        assert "open (1)" not in html
        assert "15 Sep 2016</time> *" in html
        assert "left out of every statistic" in html

    def test_under_five_cases_each_is_listed_with_its_year_and_no_share_is_computed(
        self, charts: Charts, record: TrackRecord
    ) -> None:
        html = of(charts, record, Live(None))
        assert "Each case</th>" in html
        assert "Than chance</th>" not in html


def test_the_charts_take_their_colours_from_the_page_in_the_light_and_in_the_dark(
    charts: Charts, record: TrackRecord
) -> None:
    html = of(charts, record, Live(None))
    drawn = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    used = {colour for chart in drawn for colour in re.findall(r"(?:fill|stroke): (#\w+|var\(--\w+\))", chart)}
    assert used
    assert {colour for colour in used if colour.startswith("#")} == set()
    themes = re.findall(r":root \{(.*?)\}", html, re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        assert [colour for colour in used if f"{colour[4:-1]}:" not in theme] == []


def test_two_pages_of_one_record_are_the_same(history: History, charts: Charts, record: TrackRecord) -> None:
    assert of(charts, record, Live(None)) == of(Charts.of(history, record), record, Live(None))


def test_a_record_without_any_breakout_is_a_page_too() -> None:
    flat = evaluated(market([100.0] * 300))
    nothing = track_record(flat, sampling=replace(RECORD, draws=20, resamples=5))
    html = of(Charts.of(flat, nothing), nothing, Live(None))
    assert "0 times in this data the Russell 2000 closed at a record" in html
    assert '<p class="lead">No confirmed breakout in this data.</p>' in html


def test_it_opens_with_how_many_and_how_they_turned_out(charts: Charts, record: TrackRecord) -> None:
    html = of(charts, record, Live(None))
    opening = html[html.index('<p class="lead">') : html.index("</p>", html.index('<p class="lead">'))]
    assert opening == '<p class="lead">1 breakout confirmed since 2016: 0 held, 0 failed, 1 open.'
