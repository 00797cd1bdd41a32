"""Alerts: what happened, the date and the number, what would make it wrong, for and against, one line of record."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.episode import Phase
from signals.model import Freshness, Liquidity, Regime, Verdict, Window
from signals.record.model import Past
from signals.transitions import transitions
from storage.market import Market
from tests.bot.messages.followed import followed, past, record
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
    coin,
    conditions,
    crypto,
    early,
    link,
    sources,
    supercycle,
    whole,
)

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
MOST = 700


def told(
    kind: str, subject: str = "", *, before: str = "", after: str = "", on: date = SESSION, past: Past | None = None
) -> ShownChange:
    return ShownChange(kind, subject or f"{kind.partition('.')[0]}:{SESSION}", SESSION, on, before, after, past)


def alert(
    verdict: Verdict,
    *changes: ShownChange,
    market_row: Market = LIVE,
    summary: bool = False,
    again: bool = False,
    skipped: tuple[ShownChange, ...] = (),
) -> str:
    text = MESSAGES.alert(verdict, changes, market_row, record=record(), summary=summary, again=again, skipped=skipped)
    return plain(parse_html(text).text)


EASING = replace(LIQUIDITY, score=62.5, on=5, regime=Regime.EASING, last_published=Regime.EASING, raw=Regime.EASING)
TIGHT = replace(
    LIQUIDITY, score=25.0, on=2, regime=Regime.TIGHTENING, last_published=Regime.TIGHTENING, raw=Regime.TIGHTENING
)
PROBLEM = whole(
    conditions=conditions(altcoin_breadth=UNKNOWN),
    sources=sources(LTC_USD=(Freshness.STALE, "newest is 2020-11-10, 7 sessions behind")),
)
# One of every kind: what was told, and the verdict that showed it.
CASES: dict[str, tuple[Verdict, ShownChange]] = {
    **{
        f"breakout.{phase}": (
            whole(
                breakout=replace(
                    BREAKOUT, episode=replace(EPISODE, failed=SESSION, established=SESSION, end_by=SESSION)
                )
            ),
            told(f"breakout.{phase}", "breakout:2020-11-13"),
        )
        for phase in Phase
    },
    "liquidity.regime": (whole(liquidity=EASING), told("liquidity.regime", before="neutral", after="easing")),
    "stage.up": (whole(cascade=cascade(ON, ON, ON, OFF)), told("stage.up", before="2", after="3")),
    "stage.down": (whole(cascade=cascade(ON, OFF, ON, OFF)), told("stage.down", before="3", after="1")),
    "window.opened": (whole(crypto=crypto(Window.OPEN, day=30)), told("window.opened")),
    "window.responded": (
        whole(crypto=crypto(Window.RESPONDED)),
        ShownChange("window.responded", f"window:{SESSION}", date(2021, 1, 4), date(2021, 1, 3), "open", "responded"),
    ),
    "window.elapsed": (whole(crypto=crypto(Window.ELAPSED)), told("window.elapsed")),
    "window.cancelled": (whole(crypto=crypto(Window.CANCELLED)), told("window.cancelled")),
    "precondition.met": (whole(crypto=crypto(Window.NOT_OPEN, precondition=ON)), told("precondition.met")),
    "precondition.ended": (whole(), told("precondition.ended")),
    "supercycle.up": (whole(), told("supercycle.up", before="1", after="2")),
    "supercycle.down": (whole(), told("supercycle.down", before="3", after="2")),
    "data.problem": (PROBLEM, told("data.problem", f"data:LTC-USD:{SESSION}", before="late", after="stale")),
    "data.cleared": (whole(), told("data.cleared", f"data:LTC-USD:{SESSION}", before="stale", after="ok")),
}


CONFIRMED = told(
    "breakout.confirmed", "breakout:2020-11-13", past=past(followed(12, asset="^RUT", horizon=63), followed(0))
)


class TestEveryKind:
    def test_a_cancellation_told_apart_from_its_failure_reads_as_reviewed(self) -> None:
        assert alert(*CASES["window.cancelled"]) == reviewed("alerts", "window.cancelled by itself")

    def test_a_confirmation_beside_everything_else_reads_as_reviewed(self) -> None:
        assert alert(whole(), CONFIRMED) == reviewed("alerts", "breakout.confirmed beside everything else")

    def test_an_attempt_that_ends_an_older_breakout_says_so(self) -> None:
        attempt = told("breakout.attempt", "breakout:2020-11-13")
        assert "Russell 2000 breakout of 14 Nov 2016 ended" in alert(
            whole(), attempt, told("breakout.ended", "breakout:2016-11-14")
        )

    @pytest.mark.parametrize("kind", CASES)
    def test_an_alert_is_short_even_when_nothing_is_measured_and_every_reason_is_long(self, kind: str) -> None:
        shown, change = CASES[kind]
        # An alert of a window has a day 0, whatever else is unknown.
        window = crypto(Window.OPEN, anchor=None, change=None)
        verdict = replace(early(), breakout=shown.breakout, crypto=window)
        assert utf16_length(alert(verdict, change, market_row=SIMULATED, again=True)) <= MOST

    @pytest.mark.parametrize("kind", CASES)
    def test_no_alert_shouts_or_promises(self, kind: str) -> None:
        text = alert(*CASES[kind]).lower()
        for word in ("!", "imminent", "target", "limited risk", "significant", "hit rate", "guarantee", "supercycle"):
            assert word not in text

    @pytest.mark.parametrize("kind", CASES)
    def test_a_simulated_market_is_named_first(self, kind: str) -> None:
        assert alert(*CASES[kind], market_row=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    @pytest.mark.parametrize("kind", CASES)
    def test_an_alert_sent_again_says_so(self, kind: str) -> None:
        assert "Sent once more: nobody can tell whether the first copy arrived." in alert(*CASES[kind], again=True)

    @pytest.mark.parametrize("kind", CASES)
    def test_the_second_line_begins_with_the_date(self, kind: str) -> None:
        verdict, change = CASES[kind]
        assert (
            f"{change.session:%a} {change.session.day} {change.session:%b %Y}" in alert(verdict, change).splitlines()[1]
        )

    def test_every_kind_that_can_be_found_is_covered(self) -> None:
        before = whole(
            liquidity=EASING,
            cascade=cascade(ON, ON, OFF, OFF),
            crypto=crypto(Window.WAITING, last_published=OFF),
            sources=sources(IWC=(Freshness.STALE, "old")),
        )
        after = replace(
            before,
            breakout=replace(BREAKOUT, episode=replace(EPISODE, failed=SESSION)),
            liquidity=TIGHT,
            cascade=cascade(ON, OFF, OFF, OFF),
            crypto=crypto(Window.CANCELLED, last_published=ON),
            supercycle=supercycle(ON, ON, ON, ON),
            sources=sources(HYG=(Freshness.INVALID, "moved")),
        )
        found = [*transitions(before, after), *transitions(after, before)]
        assert {change.kind for change in found} <= set(CASES)
        for change in found:
            one = ShownChange(change.kind, change.subject, SESSION, SESSION, str(change.before), str(change.after))
            assert alert(after, one)

    @pytest.mark.parametrize("kind", CASES)
    def test_its_details_say_when_it_was_decided_and_on_what(self, kind: str) -> None:
        verdict, change = CASES[kind]
        text = plain(parse_html(MESSAGES.details(verdict, [change], LIVE, 12)).text)
        assert "Details of alert 12" in text
        assert "decided 17 Nov 2020 22:30 UTC, method 3" in text
        assert "Information, not investment advice." in text


class TestBreakout:
    def test_a_warning_of_one_that_ended_since_does_not_count_the_closes_that_are_left(self) -> None:
        assert "It fails on: a close below 1,688.53 or 10 closes in a row below" in alert(*CASES["breakout.warning"])

    def test_a_check_that_fails_says_which_half(self) -> None:
        trend = CHECKS[3]
        falling = replace(trend, passed=False, parts=(trend.parts[0], replace(trend.parts[1], passed=False)))
        checks = tuple(falling if check.key == "trend" else check for check in CHECKS)
        text = alert(whole(breakout=replace(BREAKOUT, episode_checks=checks)), CONFIRMED)
        assert "Against: 200-day mean still falling" in text

    def test_a_volume_that_fails_says_under_what(self) -> None:
        low = replace(CHECKS[1], passed=False)
        parts = tuple(replace(part, value=1.3, passed=False) for part in low.parts)
        checks = tuple(replace(low, parts=parts) if check.key == "volume" else check for check in CHECKS)
        text = alert(whole(breakout=replace(BREAKOUT, episode_checks=checks)), CONFIRMED)
        assert "Against: volume only 1.3× its mean, under 1.4×" in text

    def test_a_check_that_is_not_measured_speaks_for_nothing(self) -> None:
        checks = tuple(replace(check, passed=None, parts=()) if check.key == "volume" else check for check in CHECKS)
        assert "volume" not in alert(whole(breakout=replace(BREAKOUT, episode_checks=checks)), CONFIRMED)

    @pytest.mark.parametrize(("regime", "side"), [(Regime.EASING, "For: "), (Regime.TIGHTENING, "Against: ")])
    def test_liquidity_speaks_for_it_or_against_it(self, regime: Regime, side: str) -> None:
        text = alert(whole(liquidity=replace(LIQUIDITY, regime=regime)), CONFIRMED)
        (line,) = [line for line in text.splitlines() if line.endswith(f"liquidity {regime}")]
        assert line.startswith(side)

    def test_neutral_liquidity_speaks_for_neither(self) -> None:
        assert "liquidity" not in alert(whole(), CONFIRMED)

    def test_an_alert_whose_data_came_late_says_so(self) -> None:
        text = alert(whole(), told("breakout.confirmed", "breakout:2020-11-13", on=date(2020, 11, 16)))
        assert "Mon 16 Nov 2020" in text
        assert "Its data came late: decided with the session of 17 Nov 2020." in text

    def test_an_episode_ended_by_a_new_attempt_is_named_by_its_own_date(self) -> None:
        text = alert(whole(), told("breakout.ended", "breakout:2016-11-14"))
        assert text.startswith("The Russell 2000 breakout of 14 Nov 2016 ended: a new attempt began")
        assert "Wrong if" not in text

    def test_what_it_replaces_unsent_is_named(self) -> None:
        text = alert(whole(), CONFIRMED, skipped=(told("breakout.attempt", "breakout:2020-11-13"),))
        assert "Not sent before, replaced by this: 17 Nov 2020, Russell 2000 breakout attempt of 13 Nov 2020." in text


class TestRecord:
    def test_five_cases_or_more_are_a_rate_beside_any_date(self) -> None:
        assert (
            "Russell after 3 months: 7 of 12 rose (true rate likely 32–81 %), any date 58 %: no better than chance"
            in alert(whole(), CONFIRMED)
        )

    def test_fewer_are_listed(self) -> None:
        change = told("breakout.confirmed", "breakout:2020-11-13", past=past(followed(3, asset="^RUT", horizon=63)))
        assert "Russell after 3 months: 2016 +30 % · 2017 −41 % · 2017 +271 %" in alert(whole(), change)

    def test_without_a_case_the_line_is_left_out(self) -> None:
        change = told("breakout.confirmed", "breakout:2020-11-13", past=past(followed(0, asset="^RUT", horizon=63)))
        assert "after 3 months" not in alert(whole(), change)

    def test_an_attempt_says_that_it_is_counted_from_a_confirmation(self) -> None:
        earlier = past(followed(12, asset="^RUT", horizon=63))
        attempt = told("breakout.attempt", "breakout:2020-11-13", past=earlier)
        assert "Russell 3 months after a confirmation: 7 of 12 rose" in alert(whole(), attempt)

    def test_a_window_shows_ether(self) -> None:
        verdict, change = CASES["window.opened"]
        shown = told("window.opened", past=past(followed(12, asset="BTC-USD"), followed(2)))
        assert "ETH 3 months after a confirmation: 2016 +30 % · 2017 −41 %" in alert(verdict, shown)
        assert "months" not in alert(verdict, change)


class TestLiquidity:
    @pytest.mark.parametrize(
        ("liquidity", "text"),
        [
            (EASING, "Wrong if: 3 or fewer of 8 on (neutral), for 10 sessions in a row"),
            (TIGHT, "Wrong if: 4 or more of 8 on (neutral), for 10 sessions in a row"),
            (
                LIQUIDITY,
                "Wrong if: 5 or more of 8 on (easing), or 2 or fewer of 8 on (tightening), for 10 sessions in a row",
            ),
        ],
    )
    def test_a_change_of_regime_counts_the_conditions_that_would_reverse_it(
        self, liquidity: Liquidity, text: str
    ) -> None:
        change = told("liquidity.regime", before="neutral", after=str(liquidity.regime))
        assert text in alert(whole(liquidity=liquidity), change)


class TestStage:
    def test_a_fall_says_what_is_off_and_what_is_still_on(self) -> None:
        verdict = whole(cascade=cascade(ON, OFF, ON, OFF), conditions=conditions(proximity=OFF))
        text = alert(verdict, told("stage.down", before="3", after="1"))
        assert "Off: SPY near its high\nStill on: SPY trend · Stock breadth" in text

    def test_a_jump_over_several_stages_is_one_message_with_every_link_it_now_counts(self) -> None:
        made = cascade(ON, ON, ON, ON)
        links = (*made.links[:2], link(3, ON), link(4, ON, since=date(2020, 10, 1)))
        text = alert(whole(cascade=replace(made, links=links)), told("stage.up", before="2", after="4"))
        assert text.startswith("Cascade stage 4 of 4, up from 2: small caps lead, crypto follows")

    def test_crypto_that_was_on_before_is_not_said_to_follow(self) -> None:
        made = cascade(ON, ON, ON, ON)
        links = (*made.links[:3], link(4, ON, sessions_since_on=64))
        text = alert(whole(cascade=replace(made, links=links)), told("stage.up", before="3", after="4"))
        assert text.startswith("Cascade stage 4 of 4, up from 3: crypto was on before")


class TestPrecondition:
    def test_the_heading_counts_the_assets_whose_sellers_look_exhausted(self) -> None:
        coins = (coin("BTC-USD", ON), coin("ETH-USD", OFF), coin("ALTCOINS", ON))
        made = replace(crypto(Window.NOT_OPEN, precondition=ON), coins=coins)
        text = alert(whole(crypto=made), told("precondition.met"))
        assert text.startswith("Crypto sellers look exhausted: BTC, altcoin basket (2 of 3)")

    def test_where_none_does_any_more_when_it_is_decided_the_heading_has_no_count(self) -> None:
        made = crypto(Window.NOT_OPEN, precondition=ON)
        none = replace(made, coins=tuple(replace(one, precondition=OFF) for one in made.coins))
        assert alert(whole(crypto=none), told("precondition.met")).startswith("Crypto sellers look exhausted: ")


class TestLongRally:
    def test_what_is_new_and_what_is_lost_is_named(self) -> None:
        made = supercycle(ON, OFF, ON, OFF)
        new, lost, *others = made.properties
        moved = (replace(new, since=SESSION), replace(lost, since=SESSION), *others)
        text = alert(whole(supercycle=replace(made, properties=moved)), told("supercycle.up", before="1", after="2"))
        assert "Holds: Structural support (new) · Money rotates within risk assets\n" in text
        assert "Does not hold: Corrections absorbed (lost) · Extended runway" in text


class TestWindow:
    def test_what_would_cancel_it_is_named_while_the_breakout_can_fail(self) -> None:
        opened = whole(crypto=crypto(Window.OPEN))
        assert "Cancelled by: a close below 1,688.53" in alert(opened, told("window.opened"))
        b = replace(BREAKOUT, episode=replace(EPISODE, established=date(2020, 12, 16), end_by=date(2021, 6, 18)))
        assert "Cancelled by" not in alert(replace(opened, breakout=b), told("window.opened"))

    def test_without_ether_it_says_so_and_shows_no_number(self) -> None:
        text = alert(whole(crypto=crypto(Window.OPEN, anchor=None, change=None)), told("window.opened"))
        assert "ETH not measured" in text
        assert "ETH does not gain 20 % with ETH/BTC above its 50-day mean" in text

    def test_an_early_response_is_mentioned_and_does_not_count(self) -> None:
        text = alert(whole(crypto=crypto(Window.OPEN, early=date(2020, 11, 23))), told("window.opened"))
        assert "ETH answered early, on 23 Nov 2020; before day 30 it does not count" in text

    def test_the_number_is_of_the_session_and_the_heading_of_the_day_it_happened(self) -> None:
        lines = alert(*CASES["window.responded"]).splitlines()
        assert lines[0] == "Crypto responded on 3 Jan 2021, day 47 after the breakout confirmed 17 Nov 2020"
        assert lines[1].startswith("Mon 4 Jan 2021 · ETH")


class TestData:
    def test_a_problem_of_the_index_says_that_the_breakout_is_held(self) -> None:
        change = told("data.problem", f"data:^RUT:{SESSION}", before="ok", after="late")
        others = [told("data.problem", f"data:{key}:{SESSION}", before="ok", after="late") for key in ("IWM", "SPY")]
        text = alert(whole(), change, *others)
        assert text.count("The breakout is held as it was until that is back.") == 1

    def test_several_problems_are_one_message(self) -> None:
        changes = [told("data.problem", f"data:X{i}:{SESSION}", before="ok", after="stale") for i in range(40)]
        text = alert(whole(), *changes)
        assert text.startswith("Data problem: X0 and 39 more")
        assert "Also: X3, X4" in text
        assert utf16_length(text) <= MOST

    def test_what_is_back_says_what_is_still_unknown(self) -> None:
        verdict = whole(conditions=conditions(altcoin_breadth=UNKNOWN))
        assert "Still unknown: Altcoin breadth" in alert(verdict, CASES["data.cleared"][1])


class TestSummary:
    def test_a_summary_of_every_kind_reads_as_reviewed(self) -> None:
        changes = [change for _, change in CASES.values() if change.family != "data"]
        assert alert(whole(), *changes, summary=True) == reviewed("alerts", "a summary")

    def test_a_very_long_summary_shows_the_newest_and_counts_the_rest(self) -> None:
        changes = [told("stage.up", before="2", after="3", on=SESSION - timedelta(days=i)) for i in range(60)]
        text = alert(whole(), *changes, summary=True)
        assert "55 earlier changes: /history" in text
        assert utf16_length(text) <= MOST
