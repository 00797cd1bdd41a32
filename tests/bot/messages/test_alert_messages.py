"""The alerts of every kind but the breakout's own phases, and the words that /history and the summary share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.messages.render import Messages, Told
from bot.sandbox.entities import parse_html, utf16_length
from signals.episode import Phase
from signals.model import Freshness, Regime, Verdict, Window
from signals.transitions import transitions
from storage.market import Market
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


def told(kind: str, subject: str = "", *, before: str = "", after: str = "", on: date = SESSION) -> Told:
    return Told(kind, subject or f"{kind.partition('.')[0]}:{SESSION}", SESSION, on, before, after)


def alert(
    verdict: Verdict, *changes: Told, market_row: Market = LIVE, summary: bool = False, again: bool = False
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
CASES: dict[str, tuple[Verdict, Told]] = {
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
        Told("window.responded", f"window:{SESSION}", date(2021, 1, 4), date(2021, 1, 3), "open", "responded"),
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
FIRST_LINES = {
    "liquidity.regime": "US liquidity: neutral → easing",
    "stage.up": "Cascade stage 2 → 3 of 4: small caps are leading",
    "stage.down": "Cascade stage 3 → 1 of 4: equities are no longer rising broadly",
    "window.opened": "Crypto window of 17 Nov 2020 opened: day 30 of 91",
    "window.responded": "Crypto responded to the breakout confirmed on 17 Nov 2020",
    "window.elapsed": "Crypto window of 17 Nov 2020 elapsed without response",
    "window.cancelled": "Crypto window of 17 Nov 2020 cancelled: the breakout failed",
    "precondition.met": "Capitulation precondition met: crypto fell far, its sellers are exhausted, and it is still low",
    "precondition.ended": "Capitulation precondition no longer met: no asset fell far, is exhausted and is still low",
    "supercycle.up": "Long-rally properties that hold: 1 → 2 of 4",
    "supercycle.down": "Long-rally properties that hold: 3 → 2 of 4",
    "data.problem": "Data problem: LTC-USD is stale",
    "data.cleared": "Data back in order: LTC-USD",
}


class TestEveryKind:
    @pytest.mark.parametrize("kind", FIRST_LINES)
    def test_the_first_line_says_what_changed_in_words(self, kind: str) -> None:
        verdict, change = CASES[kind]
        assert alert(verdict, change).splitlines()[0] == FIRST_LINES[kind]

    @pytest.mark.parametrize("kind", CASES)
    def test_each_says_its_session_when_it_was_decided_and_what_would_reverse_it(self, kind: str) -> None:
        verdict, change = CASES[kind]
        text = alert(verdict, change)
        assert "Session " in text
        assert "decided 17 Nov 2020 22:30 UTC" in text
        assert text.endswith("Alert 12 · method 2 · Information, not investment advice.")
        reversal = ("everse", "Invalid if", "What would", "It ends on", "It re-opens", "It clears")
        assert any(words in text for words in reversal)

    @pytest.mark.parametrize("kind", CASES)
    def test_none_shouts_or_promises(self, kind: str) -> None:
        text = alert(*CASES[kind]).lower()
        for word in ("!", "imminent", "target", "limited risk", "significant", "hit rate", "guarantee", "supercycle"):
            assert word not in text

    @pytest.mark.parametrize("kind", CASES)
    def test_each_fits_a_message_even_when_nothing_is_measured_and_every_reason_is_long(self, kind: str) -> None:
        shown, change = CASES[kind]
        verdict = replace(early(), breakout=shown.breakout)
        if change.family == "window":
            verdict = replace(verdict, crypto=crypto(Window.OPEN, anchor=None, change=None))
        assert utf16_length(alert(verdict, change, market_row=SIMULATED, again=True)) < 4096

    @pytest.mark.parametrize("kind", CASES)
    def test_a_simulated_market_is_named_first(self, kind: str) -> None:
        assert alert(*CASES[kind], market_row=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    @pytest.mark.parametrize("kind", CASES)
    def test_no_line_is_left_blank_twice(self, kind: str) -> None:
        assert "\n\n\n" not in alert(*CASES[kind], again=True)

    @pytest.mark.parametrize("kind", CASES)
    def test_one_sent_again_says_so(self, kind: str) -> None:
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
            one = Told(change.kind, change.subject, SESSION, SESSION, str(change.before), str(change.after))
            assert alert(after, one)


class TestBreakout:
    def test_beside_a_confirmation_stands_the_state_of_everything_else(self) -> None:
        lines = alert(whole(), told("breakout.confirmed", "breakout:2020-11-13")).splitlines()
        assert lines[0] == "Russell 2000 breakout confirmed above 1,740.75 after 555 sessions"
        assert lines[4].startswith("Checks: close ✓ 3 closes · volume ✓ 1.9× · participation ✓ 4/5 (proxy)")
        assert lines[5:8] == [
            "Stage 2 of 4 · score 68 · coverage 93\u00a0%",
            "Liquidity 55/100 neutral",
            "Capitulation precondition: not met",
        ]
        assert lines[8] == "Not measured: fiscal impulse, ETF flows, leverage"
        assert "Invalid if: close < 1,688.53, or 10 closes in a row < 1,740.75, through 16 Dec 2020" in lines

    def test_what_is_not_measured_is_built_from_what_is_not(self) -> None:
        missing = tuple(replace(check, passed=None) if check.key == "volume" else check for check in CHECKS)
        verdict = whole(
            breakout=replace(BREAKOUT, episode_checks=missing),
            conditions=conditions(crypto_trend=UNKNOWN, equity_trend=UNKNOWN),
            crypto=replace(crypto(Window.WAITING), supplied=(replace(crypto(Window.WAITING).supplied[0], value=0.5),)),
        )
        text = alert(verdict, told("breakout.confirmed", "breakout:2020-11-13"))
        assert "Not measured: check of volume, trend (equities), trend (crypto), leverage" in text

    def test_many_of_them_are_counted(self) -> None:
        verdict = replace(early(), breakout=BREAKOUT)
        text = alert(verdict, told("breakout.confirmed", "breakout:2020-11-13"))
        assert "Not measured: 22 of 22 conditions, ETF flows, leverage" in text
        assert "Capitulation precondition: unknown" in text

    def test_one_whose_data_came_late_says_so(self) -> None:
        text = alert(whole(), told("breakout.confirmed", "breakout:2020-11-13", on=date(2020, 11, 16)))
        assert "Session Mon 16 Nov 2020" in text
        assert "its data came late and passed the checks with the session of 17 Nov 2020." in text


class TestLiquidity:
    def test_it_shows_every_condition_with_its_number_and_threshold(self) -> None:
        text = alert(*CASES["liquidity.regime"])
        assert "Score 67/100 · coverage 89\u00a0%" in text
        assert "Net liquidity  5,605 bn USD, Wed 11 Nov 2020" in text
        assert "● Net liquidity +50 bn USD (on > +50 bn, off < −50 bn) · 16 Nov 2020 · on since 9 Sep 2020" in text
        assert "? Fiscal impulse unknown since 9 Sep 2020" in text

    @pytest.mark.parametrize(
        ("after", "text"),
        [
            ("easing", "a score under 50 for 10 sessions in a row"),
            ("tightening", "a score over 40 for 10 sessions in a row"),
            ("neutral", "a score of 60 or more (easing) or of 25 or less (tightening) for 10 sessions in a row"),
        ],
    )
    def test_it_says_the_score_that_would_reverse_it(self, after: str, text: str) -> None:
        change = told("liquidity.regime", before="x", after=after)
        assert f"What would reverse it: {text}" in alert(whole(liquidity=EASING), change)


class TestStage:
    def test_it_says_which_link_switched_and_on_which_conditions(self) -> None:
        text = alert(*CASES["stage.up"])
        assert "1 Bonds ●  2 Equities ●  3 Small caps ●  4 Crypto ○" in text
        assert "3 Small caps is on since 17 Nov 2020, 2 of 3 measured on" in text
        assert "● Breakout −3.0\u00a0% (on ≥ −3\u00a0%, off < −10\u00a0%)" in text
        assert "Small caps needs 2 of its 3 conditions, Breakout among them; 5 sessions in a row switch it." in text
        assert "What would reverse it: fewer than that, for 5 sessions in a row" in text
        assert "Bonds is" not in text

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

    def test_a_fall_names_the_link_that_went_off_and_not_those_behind_it_that_hold(self) -> None:
        text = alert(*CASES["stage.down"])
        assert "2 Equities is off since 17 Nov 2020" in text
        assert "Small caps is" not in text
        assert "What would reverse it: as many as that, for 5 sessions in a row" in text

    def test_its_data_are_those_of_the_link(self) -> None:
        assert "Data as of 17 Nov 2020: ^RUT, IWM, SPY, SPHB, SPLV\n" in alert(*CASES["stage.up"])


class TestWindow:
    def test_an_opening_says_what_it_waits_for_and_what_would_end_it(self) -> None:
        text = alert(*CASES["window.opened"])
        assert "ETH 482.33 USD on day 0, 17 Nov 2020; +32.4\u00a0% since then" in text
        assert "Response: ETH ≥ +20\u00a0% (578.80 USD) and ETH/BTC above its 50-day mean, within the window" in text
        assert "its last day, 16 Feb 2021, or a failure of the breakout: close < 1,688.53" in text

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

    def test_a_response_is_dated_by_its_utc_day_which_is_not_late_data(self) -> None:
        text = alert(*CASES["window.responded"])
        assert "Session Mon 4 Jan 2021" in text
        assert "Response on the UTC day 3 Jan 2021, day 47 of 91" in text
        assert "came late" not in text
        assert "Nothing reverses it: the first response is final." in text

    @pytest.mark.parametrize("kind", ["window.elapsed", "window.cancelled"])
    def test_an_end_says_what_would_open_another(self, kind: str) -> None:
        assert "Only a newer confirmed breakout opens another window." in alert(*CASES[kind])


class TestPrecondition:
    def test_it_shows_the_numbers_of_each_asset_against_their_thresholds(self) -> None:
        text = alert(*CASES["precondition.met"])
        assert "BTC capitulated ● exhausted ○ both and still low ○" in text
        assert "deepest fall in a year −52.0\u00a0% (≤ −50\u00a0%), now −11.0\u00a0% (≤ −25\u00a0%)" in text
        assert "deepest fall in a year −52.0\u00a0% (≤ −60\u00a0%), now −11.0\u00a0% (≤ −40\u00a0%)" in text
        assert "Mayer multiple < 0.70, now 1.55; weekly RSI < 35, now 79" in text
        assert "no asset meets all of it for 21 UTC days in a row" in text

    def test_its_end_says_what_would_bring_it_back(self) -> None:
        assert "one asset meets all of it for 21 UTC days in a row" in alert(*CASES["precondition.ended"])


class TestProperties:
    def test_each_is_shown_with_its_rule_and_its_numbers(self) -> None:
        text = alert(*CASES["supercycle.up"])
        assert "● Structural support: on\nRule: The rise of ^RUT since its last 10\u00a0% fall" in text
        assert "share of legs outlived: 68.8\u00a0%" in text
        assert "? Extended runway: unknown" in text
        assert "2 of 4 properties hold (coverage 75\u00a0%)" in text

    def test_it_says_how_one_switches_back(self) -> None:
        assert "the rule of a property broken for 10 sessions in a row" in alert(*CASES["supercycle.up"])
        assert "the rule of a property met for 10 sessions in a row" in alert(*CASES["supercycle.down"])


class TestData:
    def test_a_problem_says_what_is_wrong_and_what_it_makes_unknown(self) -> None:
        text = alert(*CASES["data.problem"])
        assert "Litecoin: late → stale\nLTC-USD: stale, newest is 2020-11-10, 7 sessions behind" in text
        assert "Unknown because of it: Altcoin breadth" in text
        assert "python -m bot doctor tries every source" in text

    def test_one_that_makes_nothing_unknown_says_so(self) -> None:
        change = told("data.problem", f"data:XBI:{SESSION}", before="late", after="stale")
        assert "Unknown because of it: no condition" in alert(whole(), change)

    def test_one_of_the_index_says_that_the_breakout_is_held(self) -> None:
        change = told("data.problem", f"data:^RUT:{SESSION}", before="ok", after="invalid")
        assert "The breakout is held as it was until it is back." in alert(whole(), change)

    def test_several_are_one_message(self) -> None:
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
    def test_every_kind_is_told_in_words(self) -> None:
        text = alert(whole(), *(change for _, change in CASES.values()), summary=True)
        assert text.startswith("What changed while the bot was not running\n")
        for words in (
            "17 Nov 2020: Russell 2000 breakout of 13 Nov 2020 attempted",
            "17 Nov 2020: Russell 2000 breakout of 13 Nov 2020: 5 closes in a row below its level",
            "17 Nov 2020: Russell 2000 breakout of 13 Nov 2020 failed",
            "17 Nov 2020: Russell 2000 back at a record close after the breakout of 13 Nov 2020",
            "17 Nov 2020: US liquidity: neutral → easing",
            "17 Nov 2020: Cascade stage 3 → 1 of 4",
            "3 Jan 2021: Crypto responded to the breakout confirmed on 17 Nov 2020",
            "17 Nov 2020: Capitulation precondition met",
            "17 Nov 2020: Long-rally properties that hold: 1 → 2 of 4",
            "17 Nov 2020: Data back in order: LTC-USD",
        ):
            assert words in text
        assert sum(line.startswith(("17 Nov 2020: ", "3 Jan 2021: ")) for line in text.splitlines()) == len(CASES)

    def test_it_ends_with_where_things_stand_now(self) -> None:
        text = alert(whole(), told("stage.up", before="1", after="2"), summary=True)
        assert "Now, session Tue 17 Nov 2020: Stage 2 of 4 · small caps are not leading yet" in text
        assert "Breakout: confirmed · level 1,740.75" in text
        assert "Liquidity: 55/100 neutral" in text
        assert "Crypto window: waiting, day 12, opens on 17 Dec 2020" in text

    def test_a_very_long_one_shows_the_newest_and_counts_the_rest(self) -> None:
        changes = [told("stage.up", before="1", after="2", on=SESSION - timedelta(days=400 - i)) for i in range(400)]
        text = alert(early(), *changes, summary=True, again=True)
        assert "370 earlier ones: /history" in text
        assert "16 Nov 2020: Cascade stage 1 → 2 of 4" in text
        assert utf16_length(text) < 4096
