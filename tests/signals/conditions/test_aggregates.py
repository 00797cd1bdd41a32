"""From conditions to the liquidity regime and to the cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from signals.cascade import CascadeHistory, cascade_history
from signals.conditions.measured import Measured, measure_condition
from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.table import CONDITIONS, LINKS
from signals.liquidity import LiquidityHistory, liquidity_history
from signals.model import Regime, State
from tests.signals.conditions.figures import NAN, condition, measuring, table
from tests.worlds import CALENDAR

Rows = Mapping[str, Sequence[float]]
Paths = dict[str, list[float]]
NINE = [row.key for row in LIQUIDITY]


def states(given: Rows, in_time: Rows | None = None) -> dict[str, Measured]:
    """Return all conditions: those given, the others never had."""
    count = len(next(iter(given.values())))
    return {
        key: condition(key, given.get(key, [NAN] * count), (in_time or {}).get(key, given.get(key)))
        for key in CONDITIONS
    }  # fmt: skip


def liquidity(given: Rows, in_time: Rows | None = None) -> LiquidityHistory:
    count = len(next(iter(given.values())))
    nothing = measuring({}, f"{CALENDAR[-1]:%Y-%m-%d}", f"{CALENDAR[-count]:%Y-%m-%d}")
    return liquidity_history(nothing, states(given, in_time))


def cascade(given: Rows, in_time: Rows | None = None) -> CascadeHistory:
    count = len(next(iter(given.values())))
    nothing = measuring({}, f"{CALENDAR[-1]:%Y-%m-%d}", f"{CALENDAR[-count]:%Y-%m-%d}")
    return cascade_history(nothing, states(given, in_time))


def nine(on: Sequence[int], of: int = 9) -> Paths:
    """Return so many of the first ``of`` conditions of liquidity on, per session."""
    return {key: [1.0 if i < n else 0.0 for n in on] for i, key in enumerate(NINE[:of])}


def members(number: int, pattern: str, sessions: int = 5) -> Paths:
    """Return the conditions of a link as ``1``, ``0`` or ``?`` (missing now, had before) or ``-`` (never had)."""
    shown = {"1": [1.0] * (sessions + 1), "0": [0.0] * (sessions + 1), "-": [NAN] * (sessions + 1)}
    shown["?"] = [0.0, *[NAN] * sessions]
    return {row.key: shown[mark] for row, mark in zip(LINKS[number], pattern, strict=True)}


def raw(number: int, pattern: str) -> str:
    """Return what a link is by its conditions alone, on the session after they were all had."""
    value = cascade(members(number, pattern)).links[number - 1].state_by_conditions[1]
    return {1.0: "on", 0.0: "off"}.get(value, "unknown")


def account(through: str, *, doubted: bool) -> Measured:
    """Return the Treasury's account, which jumps by 600 on 22 May, as known on a session."""
    wednesdays = pd.date_range("2024-01-03", through, freq="W-WED")
    weekly = table(wednesdays, np.where(wednesdays < pd.Timestamp("2024-05-22"), 700.0, 1300.0), doubted)
    daily = table(pd.date_range("2024-01-02", through, freq="B")[:-1], 700.0)
    m = measuring({"WDTGAL": weekly, "TGA_DTS_CLOSING": daily}, through)
    return measure_condition(CONDITIONS["tga_drawdown"], m)


def test_a_far_move_confirmed_later_is_not_used_on_its_first_evening_though_another_source_stands_in() -> None:
    then, later = account("2024-05-23", doubted=True), account("2024-06-20", doubted=False)
    evening = len(then.days) - 1
    assert then.at(evening) == later.at(evening)


class TestLiquidityScore:
    def test_it_is_the_share_of_the_measured_that_are_on(self) -> None:
        shown = liquidity(nine([4])).at(0)
        assert shown.score == pytest.approx(400 / 9)
        assert shown.coverage == 1

    def test_one_never_had_is_left_out_of_the_score_and_lowers_the_coverage(self) -> None:
        shown = liquidity(nine([3], of=6)).at(0)
        assert shown.score == 50
        assert shown.coverage == pytest.approx(6 / 9)

    def test_under_six_tenths_covered_the_data_are_insufficient(self) -> None:
        shown = liquidity(nine([5] * 12, of=5)).at(11)
        assert (shown.score, shown.raw, shown.regime, shown.last_published) == (None, *[Regime.INSUFFICIENT] * 3)

    def test_with_insufficient_data_the_last_published_regime_is_held(self) -> None:
        rows = nine([6] * 12)
        for key in NINE[5:]:
            rows[key] = [*rows[key][:10], NAN, NAN]
        shown = liquidity(rows).at(11)
        assert (shown.regime, shown.last_published) == (Regime.INSUFFICIENT, Regime.EASING)


class TestRegime:
    @pytest.mark.parametrize(
        ("path", "last"),
        [([6], "easing"), ([5], "neutral"), ([6, 5], "easing"), ([6, 4], "neutral"), ([6, 4, 5], "neutral"), ([3], "neutral"), ([2], "tightening"), ([2, 3], "tightening"), ([2, 4], "neutral"), ([2, 4, 3], "neutral"), ([2, 6], "easing"), ([6, 2], "tightening")],
    )  # fmt: skip
    def test_of_nine_six_are_easing_until_four_and_two_tightening_until_four(self, path: list[int], last: str) -> None:
        assert liquidity(nine(path)).at(len(path) - 1).raw == last

    def test_exactly_half_stays_easing_and_a_quarter_is_tightening(self) -> None:
        eight = liquidity(nine([6, 4, 2], of=8))
        assert [eight.at(i).raw for i in range(3)] == [Regime.EASING, Regime.EASING, Regime.TIGHTENING]

    def test_it_is_published_after_ten_sessions_of_the_same(self) -> None:
        shown = liquidity(nine([6] * 10 + [2] * 10))
        assert [shown.at(i).regime for i in (8, 9, 18, 19)] == [
            Regime.UNKNOWN, Regime.EASING, Regime.EASING, Regime.TIGHTENING,
        ]  # fmt: skip

    def test_where_a_missing_condition_decides_it_is_unknown_and_not_insufficient(self) -> None:
        rows = nine([6] * 12) | {NINE[5]: [1.0] * 11 + [NAN], NINE[4]: [1.0] * 11 + [NAN]}
        rows |= {key: [*rows[key][:11], 0.0] for key in NINE[3:4]}
        shown = liquidity(rows).at(11)
        assert (shown.regime, shown.raw, shown.last_published) == (Regime.UNKNOWN, Regime.UNKNOWN, Regime.EASING)
        assert shown.unknown_since is not None

    def test_it_lapses_after_ten_sessions_unknown_and_comes_back_silently(self) -> None:
        rows = nine([6] * 32)
        for key in NINE[4:]:
            rows[key] = [*rows[key][:11], *[NAN] * 11, *rows[key][22:]]
        found = liquidity(rows)
        assert [found.last_published(i) for i in (20, 21, 30, 31)] == [
            Regime.EASING, Regime.INSUFFICIENT, Regime.UNKNOWN, Regime.EASING,
        ]  # fmt: skip
        assert [i for i in range(32) if found.at(i).silent] == [9, 21, 31]

    def test_another_regime_between_begins_the_count_again(self) -> None:
        shown = liquidity(nine([6] * 10 + [2] * 9 + [6] + [2] * 9))
        assert shown.last_published(-1) is Regime.EASING

    def test_a_late_condition_that_decides_stops_the_count(self) -> None:
        # Easing from session 10 on; without one of the five that is late for three sessions it might not be.
        rows = nine([4] * 10 + [6] + [5] * 12)
        late = {NINE[0]: [*rows[NINE[0]][:12], NAN, NAN, NAN, *rows[NINE[0]][15:]]}
        shown = liquidity(rows, late)
        assert shown.at(12).score == pytest.approx(500 / 9)
        assert [shown.last_published(i) for i in (9, 21, 22)] == [
            Regime.NEUTRAL,
            Regime.NEUTRAL,
            Regime.EASING,
        ]

    def test_one_that_does_not_decide_stops_nothing(self) -> None:
        rows = nine([4] * 10 + [8] * 10)
        late = {NINE[0]: [*rows[NINE[0]][:12], NAN, NAN, NAN, *rows[NINE[0]][15:]]}
        assert liquidity(rows, late).last_published(-1) is Regime.EASING


class TestLinks:
    @pytest.mark.parametrize(("pattern", "state"), [("1110", "on"), ("1111", "on"), ("1100", "off"), ("111-", "on"), ("110-", "on"), ("100-", "off"), ("11--", "on"), ("10--", "off"), ("1---", "unknown"), ("----", "unknown")])  # fmt: skip
    def test_bonds_need_three_of_four_two_of_three_or_two_of_two(self, pattern: str, state: str) -> None:
        assert raw(1, pattern) == state

    @pytest.mark.parametrize(("pattern", "state"), [("110", "on"), ("011", "on"), ("100", "off"), ("11-", "on"), ("10-", "off"), ("1--", "unknown")])  # fmt: skip
    def test_equities_need_two(self, pattern: str, state: str) -> None:
        assert raw(2, pattern) == state

    @pytest.mark.parametrize(("pattern", "state"), [("110", "on"), ("101", "on"), ("011", "off"), ("100", "off"), ("11-", "on"), ("01-", "off")])  # fmt: skip
    def test_small_caps_need_two_and_the_breakout_among_them(self, pattern: str, state: str) -> None:
        assert raw(3, pattern) == state

    @pytest.mark.parametrize(("pattern", "state"), [("1100", "on"), ("1000", "off"), ("0011", "on"), ("01--", "off"), ("1---", "unknown")])  # fmt: skip
    def test_crypto_needs_two_of_four(self, pattern: str, state: str) -> None:
        assert raw(4, pattern) == state

    @pytest.mark.parametrize(("number", "pattern", "state"), [(1, "111?", "on"), (1, "11?0", "unknown"), (1, "10?0", "off"), (1, "11??", "unknown"), (2, "11?", "on"), (2, "1?0", "unknown"), (2, "?00", "off"), (3, "?11", "unknown"), (3, "0?1", "off"), (3, "?00", "off"), (3, "11?", "on"), (4, "11??", "on"), (4, "00??", "unknown"), (4, "00?-", "off")])  # fmt: skip
    def test_one_missing_for_now_is_tried_both_ways(self, number: int, pattern: str, state: str) -> None:
        assert raw(number, pattern) == state

    @pytest.mark.parametrize(("number", "pattern"), [(1, "1???"), (1, "0???"), (2, "0??"), (3, "0??"), (4, "0???")])
    def test_with_under_half_measured_it_is_unknown_either_way(self, number: int, pattern: str) -> None:
        assert raw(number, pattern) == "unknown"

    @pytest.mark.parametrize(("number", "pattern", "needs"), [(1, "1111", 3), (1, "11??", 3), (1, "111-", 2), (2, "111", 2), (4, "1111", 2)])  # fmt: skip
    def test_it_says_how_many_conditions_it_needs(self, number: int, pattern: str, needs: int) -> None:
        assert cascade(members(number, pattern)).at(1).links[number - 1].needs == needs

    def test_it_switches_after_five_sessions_in_a_row(self) -> None:
        link = cascade(members(2, "110", sessions=6)).links[1]
        assert [str(link.at(i).state) for i in range(7)] == ["off"] * 4 + ["on"] * 3
        assert [link.at(i).toward for i in range(6)] == [1, 2, 3, 4, 0, 0]

    def test_a_session_unknown_stops_the_count_without_beginning_it_again(self) -> None:
        key = LINKS[2][0].key
        rows = members(2, "110", sessions=6) | {key: [1.0, 1.0, NAN, NAN, 1.0, 1.0, 1.0]}
        link = cascade(rows).links[1]
        assert [str(link.at(i).state) for i in range(7)] == ["off", "off", "unknown", "unknown", "off", "off", "on"]
        assert [str(link.at(i).last_published) for i in range(7)] == ["off"] * 6 + ["on"]

    def test_a_session_against_it_begins_it_again(self) -> None:
        key = LINKS[2][0].key
        rows = members(2, "110", sessions=8) | {key: [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]}
        assert cascade(rows).links[1].at(8).last_published is State.OFF

    def test_a_late_input_switches_nothing_either_way(self) -> None:
        key = LINKS[2][0].key
        on, off = members(2, "110", sessions=9), members(2, "010", sessions=4)
        late = cascade(on, {key: [1.0] + [NAN] * 9}).links[1]
        assert late.at(9).last_published is State.OFF
        assert late.at(9).on == 2
        falls = {row: [*on[row][:5], *off[row]] for row in on}
        held = cascade(falls, {key: [1.0] * 5 + [NAN] * 5}).links[1]
        assert held.at(9).last_published is State.ON

    def test_a_held_state_lapses_after_ten_sessions_and_comes_back_silently(self) -> None:
        keys = [row.key for row in LINKS[2]]
        rows = {key: [*[1.0] * 7, *[NAN] * 11, *[1.0] * 6] for key in keys}
        link = cascade(rows).links[1]
        assert [str(link.at(i).last_published) for i in (16, 17, 21, 22)] == ["on", "unknown", "unknown", "on"]
        assert [i for i in range(24) if link.at(i).silent] == [4, 17, 22]
        assert (link.at(16).unknown_since, link.at(22).unknown_since) == (link.days[7], None)

    def test_it_says_for_how_long_it_has_been_on_since_it_switched(self) -> None:
        rows = {row.key: [0.0, *[1.0] * 7, *[NAN] * 11, *[1.0] * 6] for row in LINKS[2]}
        link = cascade(rows).links[1]
        # Switched on on session 5; after a lapse it is found on, and nobody knows since when.
        assert [link.at(i).sessions_since_on for i in (4, 5, 7, 24)] == [None, 0, 2, None]

    def test_a_condition_measured_for_the_first_time_switches_it_silently(self) -> None:
        first, second, third = (row.key for row in LINKS[2])
        rows = {first: [1.0] * 12, second: [0.0] * 12, third: [*[NAN] * 4, *[1.0] * 8]}
        link = cascade(rows).links[1]
        assert next(i for i in range(12) if link.at(i).last_published is State.ON) == 8
        assert link.at(8).silent


def chain(*patterns: str, sessions: int = 5) -> Paths:
    return {key: path for i, p in enumerate(patterns) for key, path in members(i + 1, p, sessions).items()}


class TestCascade:
    @pytest.mark.parametrize(
        ("patterns", "stage", "at_least", "out_of_order"),
        [
            (("1111", "111", "111", "1111"), 4, False, False),
            (("1111", "111", "111", "0000"), 3, False, False),
            (("1111", "000", "111", "1111"), 1, False, True),
            (("0000", "000", "000", "0000"), 0, False, False),
            (("0000", "000", "000", "1111"), 0, False, True),
            (("1111", "---", "111", "0000"), 1, True, False),
            (("----", "111", "000", "0000"), 0, True, False),
            (("1111", "111", "111", "----"), 3, True, False),
            (("1111", "000", "---", "0000"), 1, False, False),
            (("----", "000", "111", "0000"), 0, True, True),
        ],
    )
    def test_the_stage_counts_links_on_from_the_first(
        self, patterns: tuple[str, ...], stage: int, at_least: bool, out_of_order: bool
    ) -> None:
        shown = cascade(chain(*patterns)).at(5)
        assert (shown.stage, shown.at_least, shown.out_of_order) == (stage, at_least, out_of_order)

    def test_the_score_is_the_mean_fraction_of_the_measured_links(self) -> None:
        shown = cascade(chain("1100", "110", "1--", "0000")).at(5)
        assert shown.score == pytest.approx(100 * (2 / 4 + 2 / 3 + 0) / 3)

    def test_the_coverage_is_of_all_conditions(self) -> None:
        assert cascade(chain("1100", "110", "1--", "00--")).at(5).coverage == pytest.approx(10 / 14)

    def test_with_nothing_measured_there_is_no_score(self) -> None:
        shown = cascade(chain("----", "---", "---", "----")).at(5)
        assert (shown.score, shown.stage, shown.at_least, shown.coverage) == (None, 0, True, 0)

    def test_an_unknown_link_keeps_the_stage_that_transitions_compare(self) -> None:
        rows = chain("1111", "111", "000", "0000", sessions=7)
        for row in LINKS[2]:
            rows[row.key] = [*rows[row.key][:7], NAN]
        shown = cascade(rows).at(7)
        assert (shown.stage, shown.at_least, shown.last_published) == (1, True, 2)
