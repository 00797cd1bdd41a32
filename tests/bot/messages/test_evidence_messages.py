"""/why and the parts in depth: every number against its threshold, and unknown shown as unknown, with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.messages.pages import pages
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.table import CONDITIONS, LINKS
from signals.model import Freshness, Regime, Supplied, Verdict, Window
from signals.rules import CAPITULATION
from storage.market import Market
from tests.bot.messages.whole import (
    BREAKOUT,
    EPISODE,
    LIQUIDITY,
    OFF,
    ON,
    UNKNOWN,
    UNKNOWN_LIQUIDITY,
    cascade,
    condition,
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
PARTS: list[tuple[str, dict[str, Any]]] = [
    ("why", {}),
    ("why_breakout", {}),
    ("why_liquidity", {}),
    *(("why_link", {"number": number}) for number in LINKS),
    ("breakout", {}),
    ("liquidity", {}),
    ("cascade", {}),
    ("crypto", {"note": ""}),
    ("supercycle", {}),
]


def part(name: str, verdict: Verdict | None = None, market_row: Market = LIVE, **context: Any) -> str:
    defaults = {"note": ""} if name == "crypto" else {}
    return parse_html(MESSAGES.part(name, verdict or whole(), market_row, **(defaults | context))).text


class TestEveryPart:
    @pytest.mark.parametrize(("name", "context"), PARTS)
    @pytest.mark.parametrize("verdict", [whole(), early()], ids=["whole", "early"])
    def test_each_piece_of_it_fits_a_message(self, name: str, context: dict[str, Any], verdict: Verdict) -> None:
        for piece in pages(MESSAGES.part(name, verdict, SIMULATED, **context)):
            assert 0 < utf16_length(parse_html(piece).text) <= 4096

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_a_whole_one_is_one_message(self, name: str, context: dict[str, Any]) -> None:
        assert len(pages(MESSAGES.part(name, whole(), SIMULATED, **context))) == 1

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_a_simulated_market_is_named_first(self, name: str, context: dict[str, Any]) -> None:
        assert part(name, market_row=SIMULATED, **context).startswith("SIMULATED MARKET")
        assert "SIMULATED" not in part(name, **context)

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_where_nothing_is_measured_nothing_is_called_off_or_zero(self, name: str, context: dict[str, Any]) -> None:
        text = part(name, early(), **context)
        assert "\n○ " not in text
        assert ": off" not in text
        assert "Last published" not in text
        assert "None" not in text
        assert "nknown" in text or "not measured" in text

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_the_word_supercycle_is_not_used_before_its_time(self, name: str, context: dict[str, Any]) -> None:
        assert "upercycle" not in part(name, **context)


class TestWhy:
    def test_every_condition_has_one_line(self) -> None:
        text = part("why")
        assert "● Credit +0.10 points (on ≤ +0.10, off > +0.30) · 16 Nov 2020 · on since 9 Sep 2020" in text
        assert "? Fiscal impulse unknown since 9 Sep 2020" in text
        marked = [line for line in text.splitlines() if line[0:2] in ("● ", "○ ", "? ")]
        # Financial conditions count for the bonds and for liquidity.
        assert len(marked) == len(CONDITIONS) + 1

    def test_off_has_its_own_mark(self) -> None:
        assert "○ Dominance " in part("why", whole(conditions=conditions(dominance=OFF)))

    def test_it_counts_what_is_measured(self) -> None:
        assert "21 of 22 measured (● on, ○ off, ? unknown)" in part("why")

    def test_it_says_how_to_ask_for_one(self) -> None:
        assert part("why").endswith("One in full: /why bonds, /why 3, /why liquidity, /why breakout")

    def test_each_link_has_its_count(self) -> None:
        made = cascade(ON, ON, OFF, OFF)
        links = (link(1, ON, on=3, measured=3), *made.links[1:3], link(4, UNKNOWN))
        text = part("why", whole(cascade=replace(made, links=links)))
        assert "1 Bonds ● 3 of 3 measured on, 1 unknown" in text
        assert "2 Equities ● 2 of 3 measured on\n" in text
        assert "4 Crypto ? none of 4 measured" in text


class TestOneLink:
    def test_it_shows_the_sentence_and_every_number_against_its_thresholds(self) -> None:
        text = part("why_link", number=3)
        for row in LINKS[3]:
            assert f"Rule: {row.sentence}" in text
            for number in row.numbers:
                assert f"  {number.name}: " in text
        assert "confirmed or established: yes (on yes)" in text
        assert "IWM/SPY against its 50-day mean: +0.0\u00a0% (off < 0\u00a0% 10 times in a row)" in text
        assert "as of 16 Nov 2020" in text

    def test_it_says_its_state_and_how_it_switches(self) -> None:
        made = cascade(ON, ON, OFF, OFF)
        counting = replace(made, links=(*made.links[:2], link(3, OFF, toward=4), made.links[3]))
        text = part("why_link", whole(cascade=counting), number=3)
        assert "off since 17 Nov 2020 · Small caps 4 of 5 sessions toward on" in text
        assert "Small caps needs 2 of its 3 conditions, Breakout among them; 5 sessions in a row switch it." in text

    def test_an_unknown_condition_gives_the_reason_of_the_series_it_needs(self) -> None:
        stale = {"SPHB": (Freshness.STALE, "newest is 2020-11-10, 5 sessions behind: Yahoo <b>failed</b>")}
        verdict = whole(conditions=conditions(beta_appetite=UNKNOWN), sources=sources(**stale))
        text = part("why_link", verdict, number=3)
        assert "? Beta appetite: unknown since 9 Sep 2020" in text
        assert "SPHB: stale, newest is 2020-11-10, 5 sessions behind: Yahoo <b>failed</b>" in text
        assert "SPLV: " not in text

    def test_one_whose_look_back_is_not_full_says_that(self) -> None:
        text = part("why_link", whole(conditions=conditions(credit=UNKNOWN)), number=1)
        assert "What it needs is here, but not enough of it yet: its look-back is not full." in text

    def test_a_series_with_a_stand_in_is_not_blamed(self) -> None:
        gone = {"WDTGAL": (Freshness.NEVER_HAD, "none"), "WALCL": (Freshness.STALE, "old")}
        verdict = whole(conditions=conditions(net_liquidity=UNKNOWN), sources=sources(**gone))
        text = part("why_liquidity", verdict)
        assert "WALCL: stale, old" in text
        assert "WDTGAL" not in text

    def test_many_reasons_are_counted(self) -> None:
        text = part("why_link", early(), number=4)
        assert "and 8 more: DOGE-USD, TRX-USD, AVAX-USD, LINK-USD, LTC-USD, BCH-USD, DOT-USD, XLM-USD" in text

    def test_an_unknown_link_does_not_borrow_the_date_of_its_last_known_state(self) -> None:
        made = cascade(ON, UNKNOWN, OFF, OFF)
        links = (made.links[0], link(2, UNKNOWN, last_published=ON, measured=1), *made.links[2:])
        text = part("why_link", whole(cascade=replace(made, links=links)), number=2)
        assert "close · unknown, on when it was last known\n" in text
        assert "Unknown: what is missing decides it" in text

    def test_the_thresholds_are_those_of_the_row(self) -> None:
        (row,) = [row for row in LINKS[2] if row.key == "proximity"]
        states = tuple(condition(each) for each in CONDITIONS.values() if each.key != row.key)
        text = part("why_link", whole(conditions=(*states, condition(row, OFF, value=0.9))), number=2)
        assert "○ Proximity: off since 9 Sep 2020" in text
        assert "of its 252-day high: 90.0\u00a0% (on ≥ 95\u00a0%, off < 92\u00a0%)" in text


class TestWhyBreakout:
    def test_it_shows_every_check_with_its_number(self) -> None:
        text = part("why_breakout")
        for words in ("close ✓ 3 closes", "volume ✓ 1.9×", "participation ✓ 4/5 (proxy)", "trend ✓ +23.5\u00a0%"):
            assert words in text
        assert "relative strength ✓ now" in text
        assert "60 % of 11 sectors above their 50-day means · 80\u00a0%" in text

    def test_what_is_not_measured_says_so_and_shows_no_number(self) -> None:
        text = part("why_breakout", early())
        assert "close no attempt open\n" in text
        assert "volume not measured\n" in text
        assert "Russell 2000: unknown, ^RUT: no observation yet" in text


class TestBreakout:
    def test_it_tells_the_episode_from_its_attempt_on(self) -> None:
        failed = replace(EPISODE, failed=date(2020, 11, 25))
        text = part("breakout", whole(breakout=replace(BREAKOUT, episode=failed, episode_checks=())))
        assert "The episode of 13 Nov 2020\nLevel 1,740.75, primary base of 555 sessions\n" in text
        assert "13 Nov 2020  attempt\n17 Nov 2020  confirmed\n25 Nov 2020  failed\n" in text

    def test_an_unverified_level_says_so(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, level_verified=False))
        assert "Level 1,740.75 (unverified: the data begin too near)" in part("breakout", whole(breakout=b))

    def test_the_days_own_news_is_there(self) -> None:
        b = replace(BREAKOUT, new_high=EPISODE.base_class, round_hundred=1700, distance=-0.01, distance_atr=-0.6)
        text = part("breakout", whole(breakout=b))
        assert "Today  a record close out of a primary base" in text
        assert "Today  the first close above 1700" in text
        assert "Distance  −0.6 average true ranges" in text


class TestLiquidity:
    def test_it_shows_the_level_with_its_wednesday_and_the_nowcast_as_one(self) -> None:
        text = part("liquidity")
        assert text.startswith("US liquidity: 55/100 neutral\n")
        assert "Net liquidity  5,605 bn USD, Wed 11 Nov 2020" in text
        assert "Nowcast  5,592 bn USD, 16 Nov 2020 (a nowcast: " in text
        assert "Regime by the score alone: neutral. The one shown follows after 10 sessions in a row." in text

    def test_it_says_what_would_change_the_regime(self) -> None:
        text = part("liquidity")
        assert "easing: a score ≥ 60, 5 points from here" in text
        assert "tightening: a score ≤ 25, 30 points from here" in text
        easing = replace(LIQUIDITY, score=70.0, raw=Regime.EASING, regime=Regime.EASING)
        assert "neutral: a score under 50, 20 points from here" in part("liquidity", whole(liquidity=easing))
        tight = replace(LIQUIDITY, score=20.0, raw=Regime.TIGHTENING, regime=Regime.TIGHTENING)
        assert "neutral: a score over 40, 20 points from here" in part("liquidity", whole(liquidity=tight))

    def test_too_little_of_it_says_how_much_it_needs(self) -> None:
        text = part("liquidity", whole(liquidity=UNKNOWN_LIQUIDITY))
        assert "it needs 60\u00a0% of the conditions, 44\u00a0% are measured." in text
        assert "Net liquidity  unknown" in text

    def test_history_that_is_revised_is_flagged(self) -> None:
        assert "NFCI is flagged as revised history" in part("liquidity")


class TestCascade:
    def test_it_shows_the_four_links(self) -> None:
        text = part("cascade")
        assert text.startswith("Stage 2 of 4 · small caps are not leading yet\n")
        assert "score 68/100 · coverage 93\u00a0%" in text
        assert "1 Bonds ● 2 of 4 measured on\non since 17 Nov 2020" in text
        assert "3 Small caps ○ 0 of 3 measured on\noff since 17 Nov 2020" in text

    def test_regional_banks_and_biotech_stand_beside_link_3_unscored(self) -> None:
        text = part("cascade")
        assert "63 sessions against IWM: regional banks +3.1\u00a0%, biotech not measured" in text

    def test_out_of_order_is_explained_as_common(self) -> None:
        text = part("cascade", whole(cascade=cascade(OFF, ON, OFF, OFF, out_of_order=True)))
        assert "It is common, and does not raise the stage." in text
        assert "Out of order" not in part("cascade")

    def test_the_high_yield_spread_is_named_where_it_is_kept(self) -> None:
        assert "High-yield spread (BAMLH0A0HYM2): kept since the first download, newest 17 Nov 2020" in part("cascade")
        assert "High-yield" not in part("cascade", early())


class TestCrypto:
    @pytest.mark.parametrize("window", list(Window))
    def test_every_state_of_the_window_has_its_heading(self, window: Window) -> None:
        assert part("crypto", whole(crypto=crypto(window))).startswith("Crypto window: ")

    def test_an_open_one_shows_its_dates_its_anchor_and_the_rule(self) -> None:
        text = part("crypto", whole(crypto=crypto(Window.OPEN)))
        assert "the window is days 30 to 91, 17 Dec 2020 to 16 Feb 2021" in text
        assert "Anchor  ETH 482.33 USD\nSince then  ETH +32.4\u00a0%\n" in text
        assert "Response: ETH ≥ +20\u00a0% (578.80 USD) and ETH/BTC above its 50-day mean" in text

    def test_without_ether_the_response_is_not_measured(self) -> None:
        text = part("crypto", whole(crypto=crypto(Window.UNMEASURED)))
        assert text.startswith("Crypto window: response not measured")
        assert "Anchor  not measured: no ETH price of that day" in text

    def test_before_any_confirmation_it_says_when_one_opens(self) -> None:
        text = part("crypto", whole(crypto=crypto(Window.NOT_OPEN)))
        assert "It opens 30 days after a confirmed breakout of the Russell 2000." in text

    def test_an_early_response_is_mentioned(self) -> None:
        text = part("crypto", whole(crypto=crypto(Window.WAITING, early=date(2020, 11, 23))))
        assert "Early: on 23 Nov 2020, before day 30" in text

    def test_each_asset_shows_its_numbers_against_thresholds(self) -> None:
        text = part("crypto")
        assert text.count("volatility rank 47.0\u00a0% (≤ 30\u00a0%), volume 1.02× of its year (≤ 0.70×)") == 3
        assert f"{CAPITULATION.low_days}-day low (≥ {CAPITULATION.short_days})" in text

    def test_what_nobody_supplies_is_not_measured(self) -> None:
        text = part("crypto")
        assert "Net flows of spot crypto ETFs: not measured" in text
        assert "Leverage in crypto derivatives: not measured" in text
        assert "Order-book depth: not measured" in text

    def test_what_the_operator_supplies_is_shown_as_that(self) -> None:
        flows = (Supplied("ETF_FLOWS", 0.42, date(2020, 11, 16)), Supplied("LEVERAGE", None, None))
        text = part("crypto", whole(crypto=crypto(Window.WAITING, supplied=flows)))
        assert "Net flows of spot crypto ETFs: 0.42 USD bn, 16 Nov 2020, supplied by the operator" in text

    def test_amplifier_or_leader_is_a_number(self) -> None:
        text = part("crypto")
        assert "Same week: beta 0.96, correlation 0.48" in text
        assert "13 weeks later: beta 0.12, correlation 0.06" in text

    def test_the_list_of_altcoins_is_dated_for_its_survivorship(self) -> None:
        assert "The altcoins are today's list, of 22 Nov 2026" in part("crypto")

    def test_the_operators_note_is_shown_escaped_and_only_if_there_is_one(self) -> None:
        text = part("crypto", note="2026-11-01: custody <new> & safe")
        assert text.endswith("Operator's note, not scored: 2026-11-01: custody <new> & safe")
        assert "Operator's note" not in part("crypto")


class TestProperties:
    def test_each_has_its_rule_its_state_and_its_numbers(self) -> None:
        text = part("supercycle")
        assert text.startswith("Long rally: 2 of 4 properties hold (coverage 75\u00a0%)\n")
        assert "○ Corrections absorbed: off\nRule: Falls of ^RUT from 5\u00a0% and of BTC from 15\u00a0%" in text
        assert "rank correlation: 0.41" in text
        assert "? Extended runway: unknown" in text

    def test_an_unknown_one_says_what_was_last_known(self) -> None:
        made = supercycle(ON, OFF, ON, UNKNOWN)
        last = replace(made.properties[3], last_published=ON)
        text = part("supercycle", whole(supercycle=replace(made, properties=(*made.properties[:3], last))))
        assert "? Extended runway: unknown (last known: on)" in text

    def test_four_of_four_count_toward_the_name(self) -> None:
        text = part("supercycle", whole(supercycle=supercycle(ON, ON, ON, ON, full_sessions=7)))
        assert "All four for 7 of the 20 sessions after which it has a name." in text
        text = part("supercycle", whole(supercycle=supercycle(ON, ON, ON, ON, full_sessions=25)))
        assert text.startswith("Supercycle: 4 of 4 properties hold")
        assert "All four for 25 sessions." in text


def test_members_an_operator_supplies_are_told_as_what_they_are() -> None:
    checks = tuple(
        replace(check, value=0.72, threshold=0.6, parts=()) if check.key == "participation" else check
        for check in BREAKOUT.checks
    )
    text = part("why_breakout", replace(whole(), breakout=replace(BREAKOUT, checks=checks)))
    assert "participation ✓ 72 % of members" in text.replace("\u00a0", " ")
    assert "as the operator supplies it" in text
