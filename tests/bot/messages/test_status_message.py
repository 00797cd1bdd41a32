"""What /status and /asof say of a whole verdict, in every state it can be in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from signals.model import Cascade, Crypto, Freshness, Liquidity, Regime, State, Verdict, Window
from storage.market import Agenda, Market
from tests.bot.messages.reviewed import plain, reviewed
from tests.bot.messages.whole import (
    BREAKOUT,
    EPISODE,
    LIQUIDITY,
    OFF,
    ON,
    SESSION,
    UNKNOWN,
    UNKNOWN_BREAKOUT,
    UNKNOWN_LIQUIDITY,
    cascade,
    crypto,
    early,
    link,
    sources,
    supercycle,
    whole,
)

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
NOW = datetime(2020, 11, 18, tzinfo=UTC)


def status(verdict: Verdict, market_row: Market = LIVE) -> list[str]:
    return parse_html(MESSAGES.status(verdict, market_row, NOW)).text.splitlines()


def line(verdict: Verdict, label: str) -> str:
    """Return what /status says behind a label."""
    (found,) = [text for text in status(verdict) if text.startswith(label)]
    return found.removeprefix(label).strip()


class TestTheWholeCard:
    def test_a_whole_evening_reads_as_reviewed(self) -> None:
        assert plain("\n".join(status(whole()))) == reviewed("parts", "status")

    def test_the_readme_shows_that_example(self) -> None:
        readme = (Path(__file__).parents[3] / "README.md").read_text()
        assert "\n".join(status(whole())).replace("\u00a0", " ") in readme

    def test_the_card_fits_a_phone_even_when_all_is_in_motion(self) -> None:
        counting = tuple(replace(each, toward=3) for each in cascade(ON, ON, OFF, ON).links)
        verdict = whole(cascade=cascade(ON, ON, OFF, ON, links=counting, out_of_order=True))
        assert len(status(verdict)) <= 15

    def test_a_simulated_market_says_so_first(self) -> None:
        assert status(whole(), SIMULATED)[0] == "SIMULATED MARKET: every figure is made up"

    def test_a_market_never_seen_reads_as_reviewed(self) -> None:
        assert plain("\n".join(status(early()))) == reviewed("parts", "status, nothing measured")


class TestFirstLine:
    @pytest.mark.parametrize(
        ("states", "text"),
        [
            ((OFF, OFF, OFF, OFF), "Stage 0 of 4 · bonds are not calm yet"),
            ((ON, OFF, OFF, OFF), "Stage 1 of 4 · equities are not rising broadly yet"),
            ((ON, ON, OFF, OFF), "Stage 2 of 4 · small caps are not leading yet"),
            ((ON, ON, ON, OFF), "Stage 3 of 4 · crypto is not following yet"),
            ((ON, ON, ON, ON), "Stage 4 of 4 · all links are on"),
            ((ON, UNKNOWN, ON, ON), "Stage at least 1 of 4 · equities are unknown"),
            ((ON, ON, ON, UNKNOWN), "Stage at least 3 of 4 · crypto is unknown"),
        ],
    )
    def test_the_first_line_is_the_stage_and_what_is_missing(self, states: tuple[State, ...], text: str) -> None:
        assert status(whole(cascade=cascade(*states)))[0] == text

    def test_when_a_session_is_overdue_it_says_so_and_why(self) -> None:
        agenda = Agenda(SESSION, NOW - timedelta(minutes=1), SESSION, "^RUT: <late> & more")
        lines = status(whole(), Market("live", None, agenda))
        assert lines[0] == "No newer verdict than Tue 17 Nov 2020: ^RUT: <late> & more"
        assert lines[1].startswith("Stage 2 of 4")

    def test_overdue_is_measured_by_the_next_decision(self) -> None:
        for minutes, overdue in ((-1, True), (1, False)):
            agenda = Agenda(SESSION, NOW + timedelta(minutes=minutes), SESSION, None)
            lines = status(whole(), Market("live", None, agenda))
            assert lines[0].startswith("No newer verdict") == overdue


class TestRussell:
    def test_below_its_record_it_says_how_far(self) -> None:
        b = replace(BREAKOUT, close=1644.16, record=1740.75, distance=-0.0555, episode=None, base_sessions=555)
        assert line(whole(breakout=b), "Russell 2000  ") == "1,644.16, −5.5\u00a0% from its record"
        assert line(whole(breakout=b), "Next: ") == "a record close needs +5.9\u00a0% (1,740.75)"

    def test_armed_is_said(self) -> None:
        ended = replace(EPISODE, attempt=date(2016, 11, 14), confirmed=date(2016, 11, 16), ended=date(2017, 6, 19))
        b = replace(BREAKOUT, episode=ended, armed=True)
        assert line(whole(breakout=b), "Breakout") == "none open, armed · last: 14 Nov 2016, ended"

    def test_a_short_base_says_how_long_it_must_grow(self) -> None:
        b = replace(BREAKOUT, episode=None, base_sessions=3)
        text = line(whole(breakout=b), "Next: ")
        assert text == "an attempt needs a record close after 126 sessions without one; 3 so far"

    def test_an_attempt_says_what_confirms_and_what_rejects_it(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, confirmed=None, hold_until=None))
        text = line(whole(breakout=b), "Next: ")
        assert text == "3 closes in a row above 1,740.75 by 11 Dec 2020 confirm it; a close below 1,688.53 rejects it"

    def test_an_established_one_says_how_it_ends(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, established=date(2020, 12, 16), end_by=date(2021, 6, 18)))
        text = line(whole(breakout=b), "Next: ")
        assert text == "the episode ends on a close below 1,688.53, or on 18 Jun 2021"

    def test_unknown_is_called_unknown_with_its_reason(self) -> None:
        verdict = whole(breakout=replace(UNKNOWN_BREAKOUT, episode=EPISODE, reason="^RUT: newest is old"))
        assert line(verdict, "Russell 2000  ") == "unknown: ^RUT: newest is old"
        assert line(verdict, "Breakout") == "confirmed · level 1,740.75 · since 13 Nov 2020"


class TestLiquidity:
    @pytest.mark.parametrize(
        ("liquidity", "text"),
        [
            (LIQUIDITY, "55/100 neutral"),
            (UNKNOWN_LIQUIDITY, "insufficient data, 44\u00a0% measured"),
            (replace(LIQUIDITY, regime=Regime.UNKNOWN), "55/100, regime unknown: it needs 10 sessions"),
        ],
    )
    def test_liquidity_has_its_line(self, liquidity: Liquidity, text: str) -> None:
        assert status(whole(liquidity=liquidity))[5] == f"Liquidity  {text}"

    @pytest.mark.parametrize(
        ("score", "regime", "text"),
        [
            (55.0, Regime.NEUTRAL, "easing is 5 points of score away (at 60)"),
            (30.0, Regime.NEUTRAL, "tightening is 5 points of score away (at 25)"),
            (70.0, Regime.EASING, "neutral is 20 points of score away (at 50)"),
            (22.0, Regime.TIGHTENING, "neutral is 18 points of score away (at 40)"),
        ],
    )
    def test_how_far_the_nearest_regime_is(self, score: float, regime: Regime, text: str) -> None:
        liquidity = replace(LIQUIDITY, score=score, raw=regime, regime=regime)
        assert line(whole(liquidity=liquidity), "Liquidity: ") == text

    def test_a_score_that_already_says_otherwise_is_told(self) -> None:
        liquidity = replace(LIQUIDITY, score=66.0, raw=Regime.EASING)
        text = line(whole(liquidity=liquidity), "Liquidity: ")
        assert text == "easing by the score alone, shown after 10 sessions in a row"

    def test_nothing_is_said_of_the_next_regime_without_a_score(self) -> None:
        assert not [text for text in status(whole(liquidity=UNKNOWN_LIQUIDITY)) if text.startswith("Liquidity: ")]


class TestCryptoWindow:
    @pytest.mark.parametrize(
        ("x", "text"),
        [
            (crypto(Window.NOT_OPEN), "not open"),
            (crypto(Window.WAITING), "waiting, day 12, opens on 17 Dec 2020"),
            (crypto(Window.OPEN), "open, day 47 of 91, ETH +32.4\u00a0%"),
            (crypto(Window.OPEN, anchor=None, change=None), "open, day 47 of 91, ETH not measured"),
            (crypto(Window.RESPONDED), "responded 3 Jan 2021"),
            (crypto(Window.ELAPSED), "elapsed without response"),
            (crypto(Window.CANCELLED), "cancelled, the breakout failed"),
            (crypto(Window.UNMEASURED), "response not measured"),
        ],
    )
    def test_every_state_of_the_window_has_its_line(self, x: Crypto, text: str) -> None:
        assert status(whole(crypto=x))[6] == f"Crypto window  {text}"

    def test_the_next_date_of_the_window_is_named_while_it_has_one(self) -> None:
        assert line(whole(crypto=crypto(Window.OPEN)), "Crypto window: ") == "until 16 Feb 2021"
        for window in (Window.NOT_OPEN, Window.RESPONDED, Window.ELAPSED, Window.CANCELLED, Window.UNMEASURED):
            assert not [text for text in status(whole(crypto=crypto(window))) if text.startswith("Crypto window: ")]


class TestProperties:
    def test_the_word_supercycle_needs_all_four_for_twenty_sessions(self) -> None:
        for sessions, said in ((19, False), (20, True)):
            verdict = whole(supercycle=supercycle(ON, ON, ON, ON, full_sessions=sessions))
            assert ("Supercycle  4 of 4 properties hold" in "\n".join(status(verdict))) == said
        assert "supercycle" not in "\n".join(status(whole())).lower()

    def test_an_unknown_property_takes_the_word_away(self) -> None:
        verdict = whole(supercycle=supercycle(ON, ON, ON, UNKNOWN, full_sessions=40))
        assert "Long rally  3 of 4 properties hold (coverage 75\u00a0%)" in status(verdict)


class TestLinks:
    def test_out_of_order_is_marked(self) -> None:
        verdict = whole(cascade=cascade(ON, OFF, ON, UNKNOWN, out_of_order=True))
        assert "1 Bonds ●  2 Equities ○  3 Small caps ●  4 Crypto ?  (out of order)" in status(verdict)

    def test_links_that_count_say_how_far_they_are(self) -> None:
        made: Cascade = cascade(ON, ON, OFF, OFF)
        links = (link(1, ON, toward=2), *made.links[1:2], link(3, OFF, toward=4), made.links[3])
        text = line(whole(cascade=replace(made, links=links)), "Links: ")
        assert text == "Bonds 2 of 5 sessions toward off, Small caps 4 of 5 sessions toward on"


class TestAsOf:
    newest = date(2024, 1, 3)

    def text(self, asked: date, market_row: Market = LIVE) -> list[str]:
        return parse_html(MESSAGES.as_of(whole(), market_row, asked, self.newest)).text.splitlines()

    def test_asof_is_the_status_of_that_evening(self) -> None:
        lines = self.text(SESSION)
        assert lines[0] == "As of that evening, decided 17 Nov 2020 22:30 UTC"
        assert lines[1:] == status(whole())

    def test_an_evening_of_the_history_does_not_pretend_to_have_been_decided_then(self) -> None:
        market_row = Market("live", date(2023, 1, 3), None)
        assert self.text(SESSION, market_row)[0] == "As of that evening, computed later from the history"

    def test_a_day_without_a_session_says_that_the_one_before_is_shown(self) -> None:
        assert self.text(date(2020, 11, 22))[0] == "Sun 22 Nov 2020 was not a session: this is the one before."

    def test_a_day_to_come_says_that_the_newest_is_shown(self) -> None:
        assert self.text(date(2030, 1, 1))[0] == "1 Jan 2030 has no verdict: this is the newest."

    def test_an_overdue_session_is_no_matter_there(self) -> None:
        agenda = Agenda(SESSION, NOW - timedelta(days=1), SESSION, "late")
        assert "No newer verdict" not in "\n".join(self.text(SESSION, Market("live", None, agenda)))


def test_text_from_outside_is_escaped() -> None:
    late = {"RUT": (Freshness.STALE, "<b>bold</b> & more")}
    breakout = replace(UNKNOWN_BREAKOUT, reason="^RUT: <b>bold</b> & more")
    text = "\n".join(status(whole(breakout=breakout, sources=sources(**late))))
    assert "<b>bold</b> & more" in text
