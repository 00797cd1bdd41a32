"""The alerts of every kind but the breakout's own phases, and the words that /history and the summary share."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.episode import Phase
from signals.model import Freshness, Regime, Verdict, Window
from signals.transitions import transitions
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


def told(kind: str, subject: str = "", *, before: str = "", after: str = "", on: date = SESSION) -> ShownChange:
    return ShownChange(kind, subject or f"{kind.partition('.')[0]}:{SESSION}", SESSION, on, before, after)


def alert(
    verdict: Verdict, *changes: ShownChange, market_row: Market = LIVE, summary: bool = False, again: bool = False
) -> str:
    text = MESSAGES.alert(verdict, changes, market_row, alert_id=12, summary=summary, again=again, live=0)
    return parse_html(text).text


EASING = replace(LIQUIDITY, score=66.7, regime=Regime.EASING, last_published=Regime.EASING, raw=Regime.EASING)
TIGHT = replace(
    LIQUIDITY, score=22.2, regime=Regime.TIGHTENING, last_published=Regime.TIGHTENING, raw=Regime.TIGHTENING
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


class TestEveryKind:
    @pytest.mark.parametrize("kind", [kind for kind in CASES if not kind.startswith("breakout.")])
    def test_an_alert_reads_as_reviewed(self, kind: str) -> None:
        assert plain(alert(*CASES[kind])) == reviewed("alerts", kind)

    def test_a_confirmation_beside_everything_else_reads_as_reviewed(self) -> None:
        text = alert(whole(), told("breakout.confirmed", "breakout:2020-11-13"))
        assert plain(text) == reviewed("alerts", "breakout.confirmed beside everything else")

    @pytest.mark.parametrize("kind", CASES)
    def test_no_alert_shouts_or_promises(self, kind: str) -> None:
        text = alert(*CASES[kind]).lower()
        for word in ("!", "imminent", "target", "limited risk", "significant", "hit rate", "guarantee", "supercycle"):
            assert word not in text

    @pytest.mark.parametrize("kind", CASES)
    def test_an_alert_fits_a_message_even_when_nothing_is_measured_and_every_reason_is_long(self, kind: str) -> None:
        shown, change = CASES[kind]
        # An alert of a window has a day 0, whatever else is unknown.
        window = crypto(Window.OPEN, anchor=None, change=None)
        verdict = replace(early(), breakout=shown.breakout, crypto=window)
        assert utf16_length(alert(verdict, change, market_row=SIMULATED, again=True)) < 4096

    @pytest.mark.parametrize("kind", CASES)
    def test_a_simulated_market_is_named_first(self, kind: str) -> None:
        assert alert(*CASES[kind], market_row=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    @pytest.mark.parametrize("kind", CASES)
    def test_no_line_is_left_blank_twice(self, kind: str) -> None:
        assert "\n\n\n" not in alert(*CASES[kind], again=True)

    @pytest.mark.parametrize("kind", CASES)
    def test_an_alert_sent_again_says_so(self, kind: str) -> None:
        again = "Sent once more: nobody can tell whether the first copy of alert 12 arrived."
        assert again in alert(*CASES[kind], again=True)

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


class TestBreakout:
    def test_what_is_not_measured_is_built_from_what_is_not(self) -> None:
        missing = tuple(replace(check, passed=None) if check.key == "volume" else check for check in CHECKS)
        verdict = whole(
            breakout=replace(BREAKOUT, episode_checks=missing),
            conditions=conditions(crypto_trend=UNKNOWN, equity_trend=UNKNOWN),
            crypto=replace(crypto(Window.WAITING), supplied=(replace(crypto(Window.WAITING).supplied[0], value=0.5),)),
        )
        text = alert(verdict, told("breakout.confirmed", "breakout:2020-11-13"))
        assert "Not measured: check of volume, trend (equities), trend (crypto), leverage" in text

    def test_many_unknown_conditions_are_counted(self) -> None:
        verdict = replace(early(), breakout=BREAKOUT)
        text = alert(verdict, told("breakout.confirmed", "breakout:2020-11-13"))
        assert "Not measured: 22 of 22 conditions, ETF flows, leverage" in text
        assert "Capitulation precondition: unknown" in text

    def test_an_alert_whose_data_came_late_says_so(self) -> None:
        text = alert(whole(), told("breakout.confirmed", "breakout:2020-11-13", on=date(2020, 11, 16)))
        assert "Session Mon 16 Nov 2020" in text
        assert "its data came late and passed the checks with the session of 17 Nov 2020." in text


class TestLiquidity:
    @pytest.mark.parametrize(
        ("after", "text"),
        [
            ("easing", "a score under 50 for 10 sessions in a row"),
            ("tightening", "a score over 40 for 10 sessions in a row"),
            ("neutral", "a score of 60 or more (easing) or of 25 or less (tightening) for 10 sessions in a row"),
        ],
    )
    def test_a_change_of_regime_names_the_score_that_would_reverse_it(self, after: str, text: str) -> None:
        change = told("liquidity.regime", before="x", after=after)
        assert f"What would reverse it: {text}" in alert(whole(liquidity=EASING), change)


class TestStage:
    def test_bonds_say_that_fewer_may_exist(self) -> None:
        change = told("stage.up", before="0", after="1")
        text = alert(whole(cascade=cascade(ON, OFF, OFF, OFF)), change)
        assert "Bonds needs 3 of its 4 conditions (2 where fewer exist)" in text

    def test_a_jump_over_several_stages_is_one_message_with_every_link_it_now_counts(self) -> None:
        made = cascade(ON, ON, ON, ON)
        links = (*made.links[:2], link(3, ON), link(4, ON, since=date(2020, 10, 1)))
        text = alert(whole(cascade=replace(made, links=links)), told("stage.up", before="2", after="4"))
        assert text.startswith("Cascade stage 2 → 4 of 4: small caps are leading, crypto is following")
        assert "4 Crypto is on since 1 Oct 2020" in text


class TestWindow:
    def test_an_established_breakout_fails_no_more(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, established=date(2020, 12, 16), end_by=date(2021, 6, 18)))
        text = alert(whole(breakout=b, crypto=crypto(Window.OPEN)), told("window.opened"))
        assert "failure of the breakout" not in text

    def test_without_ether_it_says_so_and_shows_no_number(self) -> None:
        text = alert(whole(crypto=crypto(Window.OPEN, anchor=None, change=None)), told("window.opened"))
        assert "ETH is not measured: there is no price of day 0 to compare with." in text
        assert "Response: ETH ≥ +20\u00a0% and ETH/BTC" in text

    def test_an_early_response_is_mentioned_and_does_not_count(self) -> None:
        text = alert(whole(crypto=crypto(Window.OPEN, early=date(2020, 11, 23))), told("window.opened"))
        assert "Early: on 23 Nov 2020, before day 30, it was there already. It does not count." in text


class TestData:
    def test_a_problem_that_makes_nothing_unknown_says_so(self) -> None:
        change = told("data.problem", f"data:XBI:{SESSION}", before="late", after="stale")
        assert "Unknown because of it: no condition" in alert(whole(), change)

    def test_a_problem_of_the_index_says_that_the_breakout_is_held(self) -> None:
        change = told("data.problem", f"data:^RUT:{SESSION}", before="ok", after="invalid")
        assert "The breakout is held as it was until it is back." in alert(whole(), change)

    def test_several_problems_are_one_message(self) -> None:
        names = ("LTC-USD", "BCH-USD", "XRP-USD", "ADA-USD", "SOL-USD", "BNB-USD", "TRX-USD")
        changes = [told("data.problem", f"data:{n}:{SESSION}", before="late", after="stale") for n in names]
        text = alert(PROBLEM, *changes)
        assert text.startswith("Data problem: LTC-USD is stale and 6 more")
        assert "Also: TRX-USD" in text

    def test_what_is_back_says_what_is_still_unknown(self) -> None:
        change = told("data.cleared", f"data:LTC-USD:{SESSION}", before="stale", after="ok")
        assert "Still unknown: Altcoin breadth" in alert(whole(conditions=conditions(altcoin_breadth=UNKNOWN)), change)
        assert "Still unknown" not in alert(whole(), change)

    def test_a_series_of_the_past_is_named_by_its_key(self) -> None:
        change = told("data.problem", f"data:GONE:{SESSION}", before="ok", after="stale")
        assert "GONE: ok → stale" in alert(whole(), change)


class TestSummary:
    def test_a_summary_of_every_kind_reads_as_reviewed(self) -> None:
        text = alert(whole(), *(change for _, change in CASES.values()), summary=True)
        assert plain(text) == reviewed("alerts", "a summary of every kind")

    def test_a_very_long_summary_shows_the_newest_and_counts_the_rest(self) -> None:
        changes = [told("stage.up", before="1", after="2", on=SESSION - timedelta(days=400 - i)) for i in range(400)]
        text = alert(early(), *changes, summary=True, again=True)
        assert "370 earlier ones: /history" in text
        assert "16 Nov 2020: Cascade stage 1 → 2 of 4" in text
        assert utf16_length(text) < 4096
