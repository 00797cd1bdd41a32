"""/why and the parts in depth: every number against its threshold, and unknown shown as unknown, with its reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from bot.messages.pages import pages
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.table import CONDITIONS, LINKS
from signals.model import Freshness, Regime, Supplied, Unit, Verdict, Window
from storage.market import Market
from tests.bot.messages.reviewed import plain, reviewed
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


def nothing_measured() -> Verdict:
    """Return the evening on which nothing was measured, with one short reason for all series."""
    verdict = early()
    return replace(verdict, sources=tuple(replace(s, reason="no observation yet") for s in verdict.sources))


class TestEveryPart:
    @pytest.mark.parametrize(
        "name", ["why", "why_liquidity", "why_breakout", "breakout", "liquidity", "cascade", "crypto", "supercycle"]
    )
    def test_a_part_of_the_whole_evening_reads_as_reviewed(self, name: str) -> None:
        assert plain(part(name)) == reviewed("parts", name)

    def test_a_link_in_full_reads_as_reviewed(self) -> None:
        assert plain(part("why_link", number=3)) == reviewed("parts", "why_link 3")

    @pytest.mark.parametrize("name", ["why_breakout", "breakout", "liquidity", "cascade", "crypto", "supercycle"])
    def test_a_part_reads_as_reviewed_where_nothing_is_measured(self, name: str) -> None:
        assert plain(part(name, nothing_measured())) == reviewed("parts", f"{name}, nothing measured")

    @pytest.mark.parametrize(("name", "context"), PARTS)
    @pytest.mark.parametrize("verdict", [whole(), early()], ids=["whole", "early"])
    def test_every_piece_of_a_part_fits_a_message(self, name: str, context: dict[str, Any], verdict: Verdict) -> None:
        for piece in pages(MESSAGES.part(name, verdict, SIMULATED, **context)):
            assert 0 < utf16_length(parse_html(piece).text) <= 4096

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_a_part_of_a_whole_evening_is_one_message(self, name: str, context: dict[str, Any]) -> None:
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
        assert "None" not in text

    @pytest.mark.parametrize(("name", "context"), PARTS)
    def test_the_word_supercycle_is_not_used_before_its_time(self, name: str, context: dict[str, Any]) -> None:
        assert "supercycle" not in part(name, **context).lower()


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

    def test_every_link_has_its_count(self) -> None:
        made = cascade(ON, ON, OFF, OFF)
        links = (link(1, ON, on=3, measured=3), *made.links[1:3], link(4, UNKNOWN))
        text = part("why", whole(cascade=replace(made, links=links)))
        assert "1 Bonds ● 3 of 3 measured on, 1 unknown" in text
        assert "2 Equities ● 2 of 3 measured on\n" in text
        assert "4 Crypto ? none of 4 measured" in text


class TestOneLink:
    def test_a_link_says_its_state_and_how_it_switches(self) -> None:
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

    def test_a_condition_whose_look_back_is_not_full_says_that(self) -> None:
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
        states = tuple(
            condition(row, OFF, value=0.9) if each == row else condition(each) for each in CONDITIONS.values()
        )
        text = part("why_link", whole(conditions=states), number=2)
        assert "○ Proximity: off since 9 Sep 2020" in text
        assert "of its 252-day high: 90.0\u00a0% (on ≥ 95\u00a0%, off < 92\u00a0%)" in text


class TestBreakout:
    def test_a_failed_episode_is_told_from_its_attempt_on(self) -> None:
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
    def test_the_scores_that_would_change_the_regime_are_named(self) -> None:
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


class TestCascade:
    def test_out_of_order_is_explained_as_common(self) -> None:
        text = part("cascade", whole(cascade=cascade(OFF, ON, OFF, OFF, out_of_order=True)))
        assert "It is common, and does not raise the stage." in text
        assert "Out of order" not in part("cascade")


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

    def test_what_the_operator_supplies_is_shown_as_that(self) -> None:
        flows = (Supplied("ETF_FLOWS", 0.42, date(2020, 11, 16)), Supplied("LEVERAGE", None, None))
        text = part("crypto", whole(crypto=crypto(Window.WAITING, supplied=flows)))
        assert "Net flows of spot crypto ETFs: 0.42 USD bn, 16 Nov 2020, supplied by the operator" in text

    def test_the_operators_note_is_shown_escaped_and_only_if_there_is_one(self) -> None:
        text = part("crypto", note="2026-11-01: custody <new> & safe")
        assert text.endswith("Operator's note, not scored: 2026-11-01: custody <new> & safe")
        assert "Operator's note" not in part("crypto")


class TestProperties:
    def test_an_unknown_property_says_what_was_last_known(self) -> None:
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
        replace(check, value=0.72, threshold=0.6, unit=Unit.SHARE, parts=()) if check.key == "participation" else check
        for check in BREAKOUT.checks
    )
    text = part("why_breakout", replace(whole(), breakout=replace(BREAKOUT, checks=checks)))
    assert "participation ✓ 72 % of members" in text.replace("\u00a0", " ")
    assert "as the operator supplies it" in text
