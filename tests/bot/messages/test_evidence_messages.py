"""What a verdict rests on: each part on one screen, and every condition with the number that decides it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from bot.messages import facts
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.condition import Condition
from signals.conditions.table import CONDITIONS
from signals.model import Check, ConditionState, Freshness, Regime, State, Unit, Verdict, Window
from storage.market import Market
from tests.bot.messages.reviewed import plain, reviewed
from tests.bot.messages.whole import (
    BREAKOUT,
    CHECKS,
    EPISODE,
    LIQUIDITY,
    OFF,
    ON,
    SESSION,
    UNKNOWN,
    cascade,
    condition,
    conditions,
    crypto,
    early,
    sources,
    supercycle,
    whole,
)

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
MOST = 900
PARTS: dict[str, dict[str, Any]] = {
    "why": {}, "why_breakout": {}, "why_liquidity": {}, "breakout": {}, "liquidity": {}, "cascade": {},
    "crypto": {"note": ""}, "coins_in_full": {}, "supercycle": {},
    **{f"why_link {number}": {"number": number} for number in (1, 2, 3, 4)},
}  # fmt: skip


def part(name: str, verdict: Verdict | None = None, market_row: Market = LIVE, **context: Any) -> str:
    html = MESSAGES.part(name.partition(" ")[0], verdict or whole(), market_row, **PARTS.get(name, {}) | context)
    return plain(parse_html(html).text)


def with_condition(key: str = "tga_drawdown", **changes: Any) -> Verdict:
    """Return a whole evening on which one condition was something else."""
    return whole(conditions=tuple(replace(s, **changes) if s.key == key else s for s in conditions()))


def shown(verdict: Verdict, title: str) -> str:
    return next(line for line in part("why_liquidity", verdict).splitlines() if title in line)


def account(verdict: Verdict) -> str:
    return shown(verdict, "Treasury account")


def unknown_reserves(since: date | None) -> Verdict:
    return with_condition("reserves", state=UNKNOWN, value=None, since=since)


class TestEveryPart:
    @pytest.mark.parametrize("name", PARTS)
    def test_a_part_of_the_whole_evening_reads_as_reviewed(self, name: str) -> None:
        assert part(name) == reviewed("parts", name)

    @pytest.mark.parametrize("name", PARTS)
    @pytest.mark.parametrize("verdict", [whole(), early()], ids=["whole", "early"])
    def test_it_is_one_screen(self, name: str, verdict: Verdict) -> None:
        assert utf16_length(part(name, verdict, SIMULATED)) <= MOST

    @pytest.mark.parametrize("name", PARTS)
    def test_a_simulated_market_is_named_first(self, name: str) -> None:
        assert part(name, market_row=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    @pytest.mark.parametrize("name", PARTS)
    def test_where_nothing_is_measured_nothing_is_called_off_or_zero(self, name: str) -> None:
        text = part(name, early())
        assert "○" not in text
        assert "●" not in text
        assert "✗" not in text

    @pytest.mark.parametrize("name", PARTS)
    def test_no_sentence_of_an_operator_or_a_file_reaches_a_subscriber(self, name: str) -> None:
        assert "<404>" not in part(name, early())


class TestCondition:
    def test_on_says_its_number_and_where_it_turns_off(self) -> None:
        assert account(with_condition(value=-80.0)) == "● Treasury account: −80 bn, on since 9 Sep 2020 (off > 0 bn)"

    def test_off_says_where_it_turns_on(self) -> None:
        text = account(with_condition(value=40.0, state=OFF))
        assert text == "○ Treasury account: +40 bn, off since 9 Sep 2020 (on < −50 bn)"

    def test_between_its_thresholds_it_is_still_on(self) -> None:
        text = account(with_condition(value=-11.0))
        assert text == "● Treasury account: −11 bn, still on since 9 Sep 2020 (on < −50 bn, off > 0 bn)"

    def test_between_its_thresholds_it_is_off_without_a_word(self) -> None:
        assert "still" not in account(with_condition(value=-11.0, state=OFF))

    def test_of_several_numbers_the_one_that_keeps_it_off_is_shown(self) -> None:
        row = CONDITIONS["credit"]
        enter = row.numbers[0].enter
        assert enter is not None
        state = condition(row, OFF, value=enter.figure, others=(5.0,))
        number, value = facts.MeasuredRow(row, state).shown
        assert (number, value) == (row.numbers[1], 5.0)

    def test_one_kept_off_by_another_number_shows_that_one(self) -> None:
        states = tuple(
            condition(CONDITIONS["breakout"], OFF, value=-0.05, others=(0.01, 1.0, -0.031))
            if s.key == "breakout"
            else s
            for s in conditions()
        )
        text = part("why_link 3", whole(conditions=states))
        assert "○ Russell at or near its record: −3.1 %, off since 9 Sep 2020 (off < −2 %)" in text

    def test_a_number_that_is_not_known_decides_nothing(self) -> None:
        state = condition(CONDITIONS["breadth"], ON, value=None, others=(0.64,))
        each = facts.MeasuredRow(CONDITIONS["breadth"], state)
        assert (each.shown[1], each.is_still) == (0.64, False)

    @pytest.mark.parametrize("row", CONDITIONS.values(), ids=lambda row: row.key)
    def test_a_number_that_speaks_for_on_is_not_still_on(self, row: Condition) -> None:
        assert not facts.MeasuredRow(row, condition(row)).is_still

    def test_an_unknown_one_says_since_when_why_and_what_ends_it(self) -> None:
        stale = sources(WRESBAL=(Freshness.STALE, "a sentence with a path /data/WRESBAL.csv"))
        text = shown(replace(unknown_reserves(date(2020, 11, 10)), sources=stale), "Bank reserves")
        assert text == (
            "? Bank reserves unknown since 10 Nov 2020: Reserve balances, week average is stale, last figure 17 Nov 2020"
        )

    def test_what_was_never_had_is_never_measured_here(self) -> None:
        never = replace(unknown_reserves(None), sources=sources(WRESBAL=(Freshness.NEVER_HAD, "none")))
        assert shown(never, "Bank reserves") == "? Bank reserves never measured here"

    def test_one_whose_look_back_is_not_full_says_that(self) -> None:
        text = shown(unknown_reserves(date(2020, 11, 10)), "Bank reserves")
        assert text == "? Bank reserves unknown since 10 Nov 2020: its look-back is not full yet"

    def test_members_that_are_missing_are_counted(self) -> None:
        assert account(with_condition(value=-80.0, members=(9, 11))).endswith("(off > 0 bn), 9 of 11 members")


class TestWhy:
    def states(self, **since: date) -> tuple[ConditionState, ...]:
        return tuple(replace(s, since=since.get(s.key, date(2020, 1, 2))) for s in conditions())

    def test_it_shows_what_changed_in_the_last_month_newest_first(self) -> None:
        changed = self.states(dollar=date(2020, 11, 12), credit=date(2020, 11, 16), reserves=date(2020, 10, 1))
        lines = part("why", whole(conditions=changed)).splitlines()
        shown = [line for line in lines if line.startswith("● ")]
        assert [line.split()[1] for line in shown] == ["Credit", "Dollar:"]

    def test_it_shows_what_stands_between_two_thresholds(self) -> None:
        states = tuple(replace(s, value=-11.0) if s.key == "tga_drawdown" else s for s in self.states())
        assert "● Treasury account: −11 bn, still on" in part("why", whole(conditions=states))

    def test_many_are_counted(self) -> None:
        states = tuple(replace(s, since=SESSION) for s in conditions())
        assert f"and {len(states) - 7} more" in part("why", whole(conditions=states))

    def test_nothing_is_called_nothing(self) -> None:
        assert "Nothing." in part("why", whole(conditions=self.states()))


class TestLiquidity:
    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({}, "easing if 1 more of 8 conditions switches on"),
            ({"on": 3, "score": 37.5}, "tightening if 1 of 8 conditions switches off"),
            (
                {"on": 6, "score": 75.0, "raw": Regime.EASING, "regime": Regime.EASING},
                "neutral if 3 of 8 conditions switch off",
            ),
            ({"raw": Regime.EASING, "toward": 4}, "turning easing: 4 of 10 sessions"),
        ],
    )
    def test_it_says_where_it_is_heading_in_conditions(self, changes: dict[str, Any], text: str) -> None:
        assert text in part("liquidity", whole(liquidity=replace(LIQUIDITY, **changes)))


class TestBreakout:
    def test_below_its_record_the_distance_is_also_in_average_true_ranges_and_armed_is_said(self) -> None:
        near = replace(BREAKOUT, close=1720.0, distance=-0.012, distance_atr=-0.7, base_sessions=200, armed=True)
        lines = part("breakout", whole(breakout=near)).splitlines()
        assert "0.7 ATR (20 sessions) below its record" in lines
        assert "Armed: within 2 % of a record older than 125 sessions" in lines
        text = part("breakout")
        assert "average true ranges" not in text
        assert "Armed" not in text

    def test_one_that_failed_is_told_for_21_sessions(self) -> None:
        failed = replace(EPISODE, warning=date(2020, 11, 24), failed=date(2020, 11, 27))
        assert BREAKOUT.course is not None
        for ended, told in ((0, True), (22, False)):
            b = replace(BREAKOUT, episode=failed, course=replace(BREAKOUT.course, ended=ended), record_after=None)
            assert ("27 Nov 2020  Breakout failed" in part("breakout", whole(breakout=b))) is told

    def test_an_unverified_level_says_so(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, level_verified=False))
        assert "(level unverified: the data begin too near)" in part("breakout", whole(breakout=b))

    def test_members_an_operator_supplies_are_told_as_what_they_are(self) -> None:
        members = Check("participation", True, 0.71, 0.6, Unit.SHARE)
        checks = tuple(members if check.key == "participation" else check for check in CHECKS)
        text = part("why_breakout", whole(breakout=replace(BREAKOUT, checks=checks)))
        assert "stocks taking part ✓ 71 % of members above their 50-day mean, needs 60 %" in text


class TestCascade:
    def test_out_of_order_is_explained_as_common(self) -> None:
        text = part("cascade", whole(cascade=cascade(OFF, ON, OFF, ON, out_of_order=True)))
        assert "Out of order: a later link is on while an earlier one is off. It is common" in text


class TestCrypto:
    @pytest.mark.parametrize("window", Window)
    def test_every_state_of_the_window_has_its_heading(self, window: Window) -> None:
        assert part("crypto", whole(crypto=crypto(window))).startswith("Crypto window: ")

    def test_an_early_response_is_mentioned(self) -> None:
        text = part("crypto", whole(crypto=crypto(Window.OPEN, early=date(2020, 11, 23))))
        assert "ETH answered early, on 23 Nov 2020" in text

    def test_what_the_operator_supplies_is_shown_as_that(self) -> None:
        made = crypto(Window.WAITING)
        supplied = (replace(made.supplied[0], value=0.5, on=SESSION), made.supplied[1])
        text = part("crypto", whole(crypto=replace(made, supplied=supplied)))
        assert "17 Nov 2020, supplied by the operator" in text

    def test_the_operators_note_is_shown_escaped_and_only_if_there_is_one(self) -> None:
        assert "Operator's note, not scored: <b> & more" in part("crypto", note="<b> & more")
        assert "note" not in part("crypto")


class TestProperties:
    def test_four_of_four_count_toward_the_name(self) -> None:
        full = supercycle(ON, ON, ON, ON, full_sessions=19)
        text = part("supercycle", whole(supercycle=full))
        assert text.startswith("Signs of a long rally: 4 of 4 hold")
        assert "all four for 19 sessions of 20" in text
        assert part("supercycle", whole(supercycle=replace(full, full_sessions=20))).startswith("Supercycle: 4 of 4")

    def test_an_unknown_one_says_since_when(self) -> None:
        made = supercycle(ON, OFF, ON, UNKNOWN)
        properties = tuple(
            replace(p, unknown_since=SESSION if p.state is State.UNKNOWN else None) for p in made.properties
        )
        text = part("supercycle", whole(supercycle=replace(made, properties=properties)))
        assert "? Extended runway unknown since 17 Nov 2020" in text
