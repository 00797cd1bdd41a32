"""What a chart shows is what its evening's verdict and record say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from bot.charts.drawing import drawn
from bot.charts.frame import PALETTES
from bot.messages.chart_kinds import Chart, Kind, Period, Theme
from signals.data.sessions import decision_time
from signals.episode import Outcome
from signals.evaluate import History
from signals.model import Regime, State, Verdict
from signals.record.events import RULES
from signals.record.studies import Studies
from tests.bot.charts.histories import full, sparse

COLOURS = PALETTES[Theme.LIGHT]
LINKS = {State.ON: 0.56, State.OFF: 0.14, State.UNKNOWN: 0.36}
"""By the state of a link, how tall its bar is."""


def panels(kind: Kind, period: Period, history: History) -> list[Axes]:
    return drawn(Chart(kind, period, Theme.LIGHT), history, simulated=False).figure.axes


def verdict(history: History) -> Verdict:
    last = history.panel.days[-1]
    return history.verdict(last, decision_time(last))


def last(line: Line2D) -> float:
    return float(np.asarray(line.get_ydata(), dtype=float)[-1])


def marked(axes: Axes, marker: str) -> list[Any]:
    """Return where marks of a shape stand, from left to right."""
    return [x for line in axes.lines if line.get_marker() == marker for x in np.asarray(line.get_xdata()).tolist()]


class TestBreakout:
    @pytest.mark.parametrize("period", Period)
    def test_its_lines_end_at_the_close_and_the_record_of_the_evening(self, period: Period) -> None:
        price, _ = panels(Kind.BREAKOUT, period, full())
        record, close, *_ = price.lines
        breakout = verdict(full()).breakout
        assert (last(close), last(record)) == (breakout.close, breakout.record)

    def test_over_all_years_each_attempt_is_marked_by_what_became_of_it(self) -> None:
        price, _ = panels(Kind.BREAKOUT, Period.ALL, full())
        shapes = {Outcome.ESTABLISHED: "o", Outcome.FAILED: "X", Outcome.REJECTED: "s", Outcome.OPEN: "^"}
        for outcome, shape in shapes.items():
            assert len(marked(price, shape)) == sum(e.outcome is outcome for e in full().episodes), outcome

    def test_over_a_year_each_event_is_marked_on_its_day(self) -> None:
        history = sparse()
        price, _ = panels(Kind.BREAKOUT, Period.YEAR, history)
        (episode,) = history.episodes
        for day, shape in ((episode.attempt, "^"), (episode.confirmed, "D")):
            (at,) = marked(price, shape)
            assert np.datetime64(at, "ns").astype("datetime64[D]").item() == day

    def test_a_base_that_lasts_is_shaded_to_the_newest_close(self) -> None:
        price, _ = panels(Kind.BREAKOUT, Period.YEAR, full())
        base = verdict(full()).breakout.base_sessions
        assert bool(price.collections) == (base is not None and base >= 126)


class TestLiquidity:
    def test_it_ends_at_the_net_liquidity_and_the_regime_of_the_evening(self) -> None:
        level, _, lanes = panels(Kind.LIQUIDITY, Period.FIVE_YEARS, full())
        liquidity = verdict(full()).liquidity
        assert liquidity.net_liquidity_bn is not None
        assert last(level.lines[0]) == pytest.approx(liquidity.net_liquidity_bn / 1000)
        names = [text.get_text() for text in lanes.texts]
        if liquidity.regime in (Regime.EASING, Regime.NEUTRAL, Regime.TIGHTENING):
            assert names[round(last(lanes.lines[-1]))] == liquidity.regime

    def test_net_liquidity_is_the_first_part_less_the_other_two(self) -> None:
        level, parts, _ = panels(Kind.LIQUIDITY, Period.ALL, full())
        net, assets, account, repo = (
            dict(
                zip(
                    np.asarray(line.get_xdata()).astype("datetime64[D]").tolist(),
                    np.asarray(line.get_ydata()),
                    strict=True,
                )
            )
            for line in (level.lines[0], *parts.lines)
        )
        days = [day for day in net if day in assets and day in account and day in repo]
        assert len(days) > 100
        for day in days:
            assert net[day] == pytest.approx(assets[day] - account[day] - repo[day])


class TestCascade:
    @pytest.mark.parametrize("make", [full, sparse])
    def test_it_ends_at_the_stage_and_the_links_of_the_evening(self, make: Any) -> None:
        history = make()
        stage, lanes = panels(Kind.CASCADE, Period.ALL, history)
        cascade = verdict(history).cascade
        (ribbon,) = stage.collections
        x, y = np.asarray(ribbon.get_paths()[0].vertices).T
        assert y[x == x.max()].max() == cascade.stage
        for lane, link in enumerate(cascade.links):
            boxes = [path.get_extents() for bars in lanes.collections for path in bars.get_paths()]
            own = [box for box in boxes if abs((box.y0 + box.y1) / 2 - lane) < 0.01]
            newest = max(own, key=lambda box: (box.x1, box.x0))
            assert newest.height == pytest.approx(LINKS[link.state]), link


class TestCrypto:
    def test_while_a_window_is_ahead_the_newest_line_ends_at_its_change(self) -> None:
        history = sparse()
        eth, _ = panels(Kind.CRYPTO, Period.ALL, history)
        newest = next(line for line in eth.lines if line.get_linewidth() > 2)
        change = verdict(history).crypto.change
        assert change is not None
        assert last(newest) == pytest.approx(1 + change)

    def test_there_is_a_line_for_each_confirmation_with_a_price(self) -> None:
        eth, btc = panels(Kind.CRYPTO, Period.ALL, full())
        for axes, key in ((eth, "ETH-USD"), (btc, "BTC-USD")):
            prices = full().crypto.measuring.daily(key)
            priced = [r for r in full().crypto.responses if pd.Timestamp(r.confirmed) in prices.index]
            drawn_lines = [line for line in axes.lines if len(np.asarray(line.get_xdata())) > 2]
            assert len(drawn_lines) == len(priced), key
            assert [text.get_text() for text in axes.texts] == [
                str(r.confirmed.year) for r in sorted(priced[-6:], key=lambda r: _ends_at(prices, r.confirmed))
            ]


def _ends_at(prices: Any, day: Any) -> float:
    path = prices[str(day) :].iloc[:92]
    return float(path.iloc[-1] / path.iloc[0])


class TestRecord:
    def test_its_marks_are_the_known_cases_of_the_record(self) -> None:
        studies = Studies.of(full())
        days = studies.events(RULES["breakout.confirmed"].find(full()))
        rows = panels(Kind.RECORD, Period.ALL, full())
        for axes, (key, horizon) in zip(rows, [("^RUT", 63), ("IWM/SPY", 63), ("BTC-USD", 91)], strict=False):
            known = [case.change for case in studies.all[key, horizon].follow(days).known]
            shown = sorted(x for shape in "oX^" for x in marked(axes, shape))
            assert shown == pytest.approx(sorted(change for change in known if change is not None)), key

    def test_what_failed_has_a_shape_and_a_colour_of_its_own(self) -> None:
        first = panels(Kind.RECORD, Period.ALL, full())[0]
        tints = {
            line.get_marker(): to_hex(str(line.get_color())) for line in first.lines if line.get_marker() in ("o", "X")
        }
        assert tints == {"o": COLOURS.good.lower(), "X": COLOURS.bad.lower()}
