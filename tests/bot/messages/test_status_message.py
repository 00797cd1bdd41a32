"""Where things stand: one screen of a phone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.model import Breakout, Course, Crypto, Freshness, Liquidity, Regime, State, Verdict, Window
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
    cascade,
    crypto,
    early,
    sources,
    whole,
)

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
NOW = datetime(2020, 11, 18, 1, tzinfo=UTC)
MOST = 600
QUIET = replace(BREAKOUT, episode=None, course=None, episode_checks=(), record_after=None, base_sessions=300)


def status(verdict: Verdict, market_row: Market = LIVE) -> list[str]:
    return plain(parse_html(MESSAGES.status(verdict, market_row, NOW)).text).splitlines()


def line(verdict: Verdict, label: str) -> str:
    """Return what stands behind a label."""
    return next(each.removeprefix(label).strip() for each in status(verdict) if each.startswith(label))


def russell(breakout: Breakout) -> str:
    return line(whole(breakout=breakout), "Russell 2000")


class TestTheWholeCard:
    def test_a_whole_evening_reads_as_reviewed(self) -> None:
        assert "\n".join(status(whole())) == reviewed("parts", "status")

    def test_a_market_never_seen_reads_as_reviewed(self) -> None:
        assert "\n".join(status(early())) == reviewed("parts", "status where nothing is measured")

    def test_the_card_fits_a_phone_even_when_all_is_in_motion(self) -> None:
        counting = tuple(replace(each, toward=3) for each in cascade(ON, ON, OFF, ON).links)
        liquidity = replace(LIQUIDITY, raw=Regime.TIGHTENING, regime=Regime.EASING, toward=9)
        verdict = whole(cascade=cascade(ON, ON, OFF, ON, links=counting), liquidity=liquidity)
        assert utf16_length("\n".join(status(verdict, SIMULATED))) <= MOST

    def test_a_simulated_market_says_so_first(self) -> None:
        assert status(whole(), SIMULATED)[0] == "SIMULATED MARKET: every figure is made up"

    def test_when_a_session_is_overdue_it_says_so_and_why(self) -> None:
        agenda = Agenda(date(2020, 11, 18), datetime(2020, 11, 18, 0, tzinfo=UTC), SESSION, "^RUT: <no> answer")
        assert (
            status(whole(), Market("live", None, agenda))[0] == "Wed 18 Nov 2020 is not decided yet. ^RUT: <no> answer"
        )


class TestFirstLine:
    @pytest.mark.parametrize(
        ("breakout", "text"),
        [
            (BREAKOUT, "Breakout confirmed · stage 2 of 4"),
            (replace(QUIET, distance=-0.1, close=1_600.0), "Stage 2 of 4 · small caps do not lead"),
            (replace(QUIET, record_after=18), "A record close, no breakout · stage 2 of 4"),
            (replace(QUIET, close=1_791.20, distance=-0.0004), "0.71 points below a record · stage 2 of 4"),
            (UNKNOWN_BREAKOUT, "Stage 2 of 4 · small caps do not lead"),
        ],
    )
    def test_it_is_the_breakout_a_record_or_the_stage(self, breakout: Breakout, text: str) -> None:
        assert status(whole(breakout=breakout))[0] == text

    @pytest.mark.parametrize(("since", "leads"), [(0, True), (21, True), (22, False)])
    def test_a_failure_leads_for_21_sessions_and_leaves(self, since: int, leads: bool) -> None:
        failed = replace(EPISODE, failed=date(2020, 11, 26))
        b = replace(BREAKOUT, episode=failed, course=Course(9, 7, since, 3, -0.06), record_after=None, base_sessions=30)
        text = "\n".join(status(whole(breakout=b)))
        assert ("Breakout failed 26 Nov 2020" in text) is leads
        assert ("26 Nov" in text) is leads

    @pytest.mark.parametrize(
        ("states", "text"),
        [
            ((ON, ON, ON, ON), "Stage 4 of 4 · all links are on"),
            ((OFF, ON, ON, ON), "Stage 0 of 4 · bonds are not calm"),
            ((ON, UNKNOWN, ON, ON), "Stage at least 1 of 4 · equities unknown"),
        ],
    )
    def test_the_stage_says_where_it_stops(self, states: tuple[State, ...], text: str) -> None:
        quiet = replace(QUIET, close=1_600.0, distance=-0.1)
        assert status(whole(cascade=cascade(*states), breakout=quiet))[0] == text


class TestRussell:
    def test_below_its_record_it_says_how_far_and_how_old(self) -> None:
        text = russell(replace(QUIET, close=1_600.0, distance=-0.107))
        assert text == "1,600.00, 10.7 % below its record of 1,791.91 (300 sessions old)"

    def test_a_record_that_is_no_breakout_says_so(self) -> None:
        text = russell(replace(QUIET, record_after=18, round_hundred=1_700))
        assert text == (
            "1,791.91, a record 18 sessions after the last one: a continuation, no breakout from a base; "
            "first close above 1,700"
        )

    def test_no_distance_rounds_to_nothing(self) -> None:
        text = russell(replace(QUIET, close=1_791.20, distance=-0.0004))
        assert text == "1,791.20, 0.71 points below its record of 1,791.91 (300 sessions old)"

    def test_an_attempt_says_what_confirms_it_and_what_rejects_it(self) -> None:
        attempt = replace(EPISODE, confirmed=None, hold_until=None)
        checks = tuple(replace(c, passed=None, value=1.0) if c.key == "close" else c for c in BREAKOUT.episode_checks)
        verdict = whole(breakout=replace(BREAKOUT, episode=attempt, episode_checks=checks))
        assert line(verdict, "Wrong if") == "a close below 1,688.53, or not confirmed by 11 Dec 2020"
        assert line(verdict, "Next:") == "2 more closes in a row above 1,740.75 confirm it"

    def test_an_established_one_says_how_it_ends(self) -> None:
        b = replace(BREAKOUT, episode=replace(EPISODE, established=SESSION, end_by=date(2021, 6, 18)))
        assert line(whole(breakout=b), "Wrong if") == "a close below 1,688.53, to 18 Jun 2021"
        assert line(whole(breakout=b), "Next:") == "the breakout's term ends on 18 Jun 2021 at the latest"

    def test_a_short_base_says_how_long_it_must_grow(self) -> None:
        b = replace(QUIET, close=1_600.0, distance=-0.1, base_sessions=18)
        assert line(whole(breakout=b), "Next:") == "a breakout needs 126 sessions without a record; 18 so far"

    def test_unknown_is_called_unknown(self) -> None:
        assert russell(UNKNOWN_BREAKOUT) == "unknown: no close that passes the checks"

    def test_what_is_open_stays_so_with_its_price_while_the_close_is_unknown(self) -> None:
        held = whole(breakout=replace(UNKNOWN_BREAKOUT, episode=EPISODE, course=BREAKOUT.course))
        assert status(held)[0] == "Breakout confirmed · stage 2 of 4"
        assert line(held, "Russell 2000") == (
            "unknown: no close that passes the checks; held: confirmed above 1,740.75"
        )
        assert line(held, "Wrong if").startswith("a close below 1,688.53")

    def test_what_is_held_since_an_earlier_close_says_of_which_day_it_is(self) -> None:
        late = tuple(
            replace(source, verdict=Freshness.LATE, newest=date(2020, 11, 13)) if source.series == "^RUT" else source
            for source in sources()
        )
        breakout = replace(UNKNOWN_BREAKOUT, episode=EPISODE, course=BREAKOUT.course)
        held = whole(breakout=breakout, sources=late)
        assert status(held)[1] == "Tue 17 Nov 2020 · prices of Fri 13 Nov 2020"
        assert line(held, "Russell 2000").endswith("; as of 13 Nov: confirmed above 1,740.75")


class TestLiquidity:
    @pytest.mark.parametrize(
        ("liquidity", "text"),
        [
            (LIQUIDITY, "neutral since 17 Jul 2020 · 4 of 8 conditions"),
            (replace(LIQUIDITY, score=None, coverage=4 / 9), "insufficient data, 44 % measured"),
            (replace(LIQUIDITY, regime=Regime.UNKNOWN), "regime unknown: it needs 10 sessions · 4 of 8 conditions"),
            (
                replace(LIQUIDITY, regime=Regime.UNKNOWN, unknown_since=SESSION),
                "regime unknown since 17 Nov 2020 · 4 of 8 conditions",
            ),
        ],
    )
    def test_it_says_since_when_and_how_many_conditions(self, liquidity: Liquidity, text: str) -> None:
        assert line(whole(liquidity=liquidity), "Liquidity") == text

    def test_a_regime_that_its_score_contradicts_is_turning(self) -> None:
        turning = replace(LIQUIDITY, raw=Regime.TIGHTENING, toward=3)
        assert "Liquidity is turning tightening: 3 of 10 sessions" in status(whole(liquidity=turning))

    def test_that_it_and_the_links_disagree_is_said(self) -> None:
        tight = replace(LIQUIDITY, regime=Regime.TIGHTENING, raw=Regime.TIGHTENING)
        assert "Links and liquidity disagree" in status(whole(liquidity=tight, cascade=cascade(ON, ON, ON, ON)))
        assert "Links and liquidity disagree" not in status(whole(liquidity=tight))


class TestCryptoWindow:
    @pytest.mark.parametrize(
        ("x", "text"),
        [
            (crypto(Window.NOT_OPEN), "none open"),
            (crypto(Window.WAITING), "opens 17 Dec, closes 16 Feb 2021"),
            (crypto(Window.OPEN), "open, day 47 of 91, to 16 Feb 2021 · ETH +32.4 % since 17 Nov 2020"),
            (crypto(Window.RESPONDED), "ETH responded on 3 Jan 2021"),
            (crypto(Window.CANCELLED), "that of 17 Nov 2020 is cancelled: the breakout failed"),
            (crypto(Window.ELAPSED), "that of 17 Nov 2020 is over without a response"),
            (crypto(Window.UNMEASURED), "the response to 17 Nov 2020 was not measured"),
            (crypto(Window.UNMEASURED, ended=None), "none: no ETH price to measure it by"),
            *((crypto(w, ended=22), "none open") for w in (Window.RESPONDED, Window.CANCELLED, Window.ELAPSED)),
        ],
    )
    def test_every_state_of_the_window_has_its_line_and_leaves(self, x: Crypto, text: str) -> None:
        assert line(whole(crypto=x), "Crypto window") == text


class TestLinks:
    def test_links_that_count_say_how_far_they_are(self) -> None:
        made = cascade(ON, ON, OFF, OFF)
        links = (*made.links[:2], replace(made.links[2], toward=1), made.links[3])
        assert "Bonds ●  Equities ●  Small caps ○ (turning on, 1 of 5)  Crypto ○" in status(
            whole(cascade=replace(made, links=links))
        )


class TestAsOf:
    def as_of(self, asked: date, market_row: Market = LIVE) -> str:
        return plain(parse_html(MESSAGES.as_of(whole(), market_row, asked)).text)

    def test_it_is_the_status_of_that_evening(self) -> None:
        assert self.as_of(SESSION).endswith("\n".join(status(whole())))

    def test_an_evening_of_the_history_does_not_pretend_to_have_been_decided_then(self) -> None:
        assert "computed later from the history" in self.as_of(SESSION, Market("live", SESSION, None))
        assert "decided 17 Nov 2020 22:30 UTC" in self.as_of(SESSION)

    def test_a_day_without_a_session_says_that_the_one_before_is_shown(self) -> None:
        assert self.as_of(date(2020, 11, 22)).startswith("Sun 22 Nov 2020 was not a session: this is the one before.")
