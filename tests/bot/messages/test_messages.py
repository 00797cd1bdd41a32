"""The words: calm, exact, with their numbers; fixed outputs that a person has read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest

from bot.messages.figures import clip, day, decimal, instant, percent, points, quantity, thresholds
from bot.messages.pages import pages
from bot.messages.render import Messages, Told
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.table import CONDITIONS
from signals.data.sessions import decision_time
from signals.episode import Outcome
from signals.evaluate import History
from signals.model import Breakout, Unit, Verdict
from storage.market import Market
from tests.worlds import day as session
from tests.worlds import evaluated, lead, market

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
N = len(lead())


def alert(
    verdict: Verdict, phase: str, *, market_row: Market = LIVE, occurred: date | None = None, again: bool = False
) -> str:
    episode = verdict.breakout.episode
    assert episode is not None
    subject = f"breakout:{episode.attempt}"
    told = Told(f"breakout.{phase}", subject, verdict.session, occurred or verdict.session)
    text = MESSAGES.alert(verdict, [told], market_row, alert_id=12, summary=False, again=again, live=0)
    return parse_html(text).text


CONFIRM = (101.0, 102.0, 103.0)
HELD = (*CONFIRM, *[103.0] * 20, 96.0)
BROKEN = (*CONFIRM, *[99.0] * 5, 96.0)
REFUSED = (101.0, 96.0, 102.0)
# The closes after the lead, and the session of them on which it happens.
EVERY_PHASE = {
    "attempt": (HELD, 0),
    "confirmed": (HELD, 2),
    "warning": (BROKEN, 7),
    "failed": (BROKEN, 8),
    "rejected": (REFUSED, 1),
    "recovered": (REFUSED, 2),
    "established": (HELD, 22),
    "ended": (HELD, 23),
}


@cache
def history(closes: tuple[float, ...]) -> History:
    return evaluated(market([*lead(), *closes]))


def after(closes: tuple[float, ...], position: int) -> Verdict:
    """Return the verdict of the session at a position after the lead."""
    on = session(N + position)
    return history(closes).verdict(on, decision_time(on))


def seen(phase: str) -> Verdict:
    return after(*EVERY_PHASE[phase])


FIRST_LINES = {
    "attempt": "Russell 2000 closed at a record, 101.00, after 130 sessions without one",
    "confirmed": "Russell 2000 breakout confirmed above 100.00 after 130 sessions",
    "warning": "Russell 2000: 5 closes in a row below the breakout level 100.00",
    "failed": "Russell 2000 breakout of 15 Sep 2016 failed",
    "rejected": "Russell 2000 breakout attempt of 15 Sep 2016 rejected",
    "recovered": "Russell 2000 back at a record close after the rejection of 16 Sep 2016",
    "established": "Russell 2000 breakout of 15 Sep 2016 established: 20 sessions without failing",
    "ended": "Russell 2000 breakout of 15 Sep 2016 ended",
}


class TestFigures:
    @pytest.mark.parametrize(("value", "text"), [(1740.75, "1,740.75"), (90.0, "90.00"), (12345.678, "12,345.68")])
    def test_points_have_two_decimals_and_commas(self, value: float, text: str) -> None:
        assert points(value) == text

    def test_a_percentage_has_a_true_minus_and_a_space_that_does_not_break(self) -> None:
        assert percent(-0.0551, sign=True) == "−5.5\u00a0%"
        assert percent(0.0588, sign=True) == "+5.9\u00a0%"
        assert percent(0.92, 0) == "92\u00a0%"

    def test_dates_and_instants(self) -> None:
        assert day(date(2020, 11, 6)) == "6 Nov 2020"
        assert day(date(2020, 11, 6), weekday=True) == "Fri 6 Nov 2020"
        assert instant(datetime(2020, 11, 17, 22, 30, tzinfo=UTC)) == "17 Nov 2020 22:30 UTC"

    def test_a_plain_number_has_a_true_minus_too(self) -> None:
        assert decimal(-0.451) == "−0.45"
        assert decimal(12_345.6, 0, sign=True) == "+12,346"

    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (282.6, Unit.BN, "+283 bn USD"),
            (-5.14, Unit.BN, "−5.1 bn USD"),
            (-0.382, Unit.POINTS, "−0.38 points"),
            (0.158, Unit.PERCENT, "+15.8\u00a0%"),
            (0.949, Unit.SHARE, "94.9\u00a0%"),
            (-0.61, Unit.INDEX, "−0.61"),
            (0.836, Unit.TIMES, "0.84×"),
            (0.0, Unit.AGO, "now"),
            (126.0, Unit.AGO, "126 observations ago"),
            (0.0, Unit.SESSIONS_AGO, "now"),
            (7.0, Unit.SESSIONS_AGO, "7 sessions ago"),
            (52.5, Unit.SESSIONS, "52.5"),
            (1080.0, Unit.DAYS, "1,080"),
            (4.0, Unit.COUNT, "4"),
            (1.0, Unit.YES, "yes"),
            (0.0, Unit.YES, "no"),
            (None, Unit.BN, "unknown"),
        ],
    )
    def test_a_measured_number_has_its_unit(self, value: float | None, unit: Unit, text: str) -> None:
        assert quantity(value, unit) == text

    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("net_liquidity", "on > +50 bn, off < −50 bn"),
            ("mortgage_spread", "on ≤ −0.10, off > +0.10"),
            ("financial_conditions", "on < 0, off > 0.1"),
            ("dollar", "on < 0\u00a0%, off > 0\u00a0% 10 times in a row"),
            ("proximity", "on ≥ 95\u00a0%, off < 92\u00a0%"),
            ("leadership", "on < 10"),
        ],
    )
    def test_a_threshold_is_written_as_its_row_has_it(self, key: str, text: str) -> None:
        assert thresholds(CONDITIONS[key].numbers[0]) == text

    def test_the_thresholds_of_other_numbers_too(self) -> None:
        rate, breakout = CONDITIONS["rate_volatility"].numbers[1], CONDITIONS["breakout"].numbers
        assert thresholds(rate) == "on ≤ 1.10×, off > 1.35×"
        assert thresholds(breakout[2]) == "on yes"
        assert thresholds(breakout[3]) == "off < −2\u00a0%"

    def test_a_long_reason_is_shortened(self) -> None:
        assert clip("short") == "short"
        assert len(clip("word " * 100)) <= 160
        assert clip("word " * 100).endswith("word…")


class TestPages:
    def test_what_fits_is_one(self) -> None:
        assert pages("one\n\ntwo") == ["one\n\ntwo"]

    def test_what_does_not_is_split_between_paragraphs(self) -> None:
        assert pages("a" * 6 + "\n\n" + "b" * 6 + "\n\n" + "c", most=10) == ["aaaaaa", "bbbbbb\n\nc"]

    def test_a_sign_outside_the_basic_plane_counts_twice(self) -> None:
        assert pages("😀😀\n\n😀", most=7) == ["😀😀", "😀"]
        assert pages("😀😀\n\n😀", most=8) == ["😀😀\n\n😀"]


class TestAlerts:
    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_the_first_line_says_what_changed(self, phase: str) -> None:
        assert alert(seen(phase), phase).splitlines()[0] == FIRST_LINES[phase]

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_each_says_its_session_its_decision_its_data_its_past_and_what_would_change_it(self, phase: str) -> None:
        text = alert(seen(phase), phase)
        assert "Session " in text
        assert "decided " in text
        assert "UTC" in text
        assert "Data as of " in text
        assert "arlier breakout" in text
        assert "Information, not investment advice." in text
        assert "Alert 12 · method 2" in text
        expected = ("Invalid if: ", "What would change this: ", "It ends on ", "It re-opens nothing")
        assert any(words in text for words in expected)

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_none_shouts_or_promises(self, phase: str) -> None:
        text = alert(seen(phase), phase).lower()
        for word in ("!", "imminent", "target", "limited risk", "statistically significant", "hit rate", "guarantee"):
            assert word not in text

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_each_fits_a_message_and_is_valid_html(self, phase: str) -> None:
        verdict = seen(phase)
        assert utf16_length(alert(verdict, phase, market_row=SIMULATED, again=True)) < 4096

    def test_the_attempt_of_the_fixed_example(self) -> None:
        assert alert(seen("attempt"), "attempt") == (
            "Russell 2000 closed at a record, 101.00, after 130 sessions without one\n"
            "Session Thu 15 Sep 2016 · decided 15 Sep 2016 21:30 UTC\n"
            "Close 101.00 · level 100.00 · intermediate base of 130 sessions\n"
            "\n"
            "Checks: close 1 of 3 so far · volume ✗ 1.0× · participation ✓ 4/5 (proxy) · trend ✓ +10.3\u00a0% · relative strength ✓ now\n"
            "Stage at least 0 of 4 · score 100 · coverage 36\u00a0%\n"
            "Liquidity insufficient data, 0\u00a0% measured\n"
            "Capitulation precondition: unknown\n"
            "Not measured: 17 of 22 conditions, ETF flows, leverage\n"
            "No earlier breakout from a long base in this data.\n"
            f"Invalid if: close < 97.00, or not confirmed by {day(session(N + 19))}\n"
            "\n"
            "Data as of 15 Sep 2016: ^RUT, IWM, SPY, RSP, IWC, IJR, XLB, XLC, XLE, XLF, XLI, XLK, XLP, XLRE, XLU, XLV, XLY\n"
            "Alert 12 · method 2 · Information, not investment advice."
        )

    def test_a_confirmation_names_the_price_and_the_date_at_which_it_is_wrong(self) -> None:
        until = day(session(N + 2 + 20))
        assert f"Invalid if: close < 97.00, or 10 closes in a row < 100.00, through {until}" in alert(
            seen("confirmed"), "confirmed"
        )

    def test_earlier_cases_are_counted_and_called_a_backtest(self) -> None:
        breakout: Breakout = replace(
            seen("attempt").breakout, past={Outcome.ESTABLISHED: 9, Outcome.FAILED: 3, Outcome.REJECTED: 1}
        )
        text = alert(replace(seen("attempt"), breakout=breakout), "attempt")
        line = "Earlier breakouts from a long base in this data (13): 9 established · 3 failed · 1 rejected. Backtest, not live."
        assert line in text

    def test_one_whose_data_came_late_says_when_it_happened(self) -> None:
        text = alert(seen("attempt"), "attempt", occurred=session(N - 1))
        assert f"Session {day(session(N - 1), weekday=True)}" in text
        assert "It happened on the session above; its data came late" in text

    def test_a_series_that_is_not_fresh_is_named_with_its_reason(self) -> None:
        frames = market([*lead(), 101.0])
        frames["IWC"] = frames["IWC"].iloc[:-2]
        del frames["RSP"]
        without = evaluated(frames)
        verdict = without.verdict(session(N), decision_time(session(N)))
        text, reasons = alert(verdict, "attempt"), {source.series: source.reason for source in verdict.sources}
        assert "2 sessions behind" in reasons["IWC"]
        assert f"IWC: late, {reasons['IWC']}" in text
        assert f"RSP: never had, {reasons['RSP']}" in text

    def test_an_episode_ended_by_a_new_attempt_is_named_by_its_own_date(self) -> None:
        verdict = after((101.0, 101.0, 101.0, *[100.5] * 125, 102.0), 128)
        told = Told("breakout.ended", f"breakout:{session(N)}", verdict.session, verdict.session)
        text = parse_html(MESSAGES.alert(verdict, [told], LIVE, alert_id=1, summary=False, again=False, live=0)).text
        assert text.startswith(f"The Russell 2000 breakout of {day(session(N))} ended: a new attempt began")

    def test_every_message_of_a_simulated_market_says_so_first(self) -> None:
        banner = "SIMULATED MARKET: every figure is made up"
        assert alert(seen("attempt"), "attempt", market_row=SIMULATED).startswith(banner)

    def test_a_summary_lists_what_was_missed_and_where_things_stand(self) -> None:
        verdict = seen("confirmed")
        happened = ((0, "attempt"), (2, "confirmed"))
        told = [Told(f"breakout.{p}", f"breakout:{session(N)}", session(N), session(N + i)) for i, p in happened]
        text = parse_html(MESSAGES.alert(verdict, told, LIVE, alert_id=3, summary=True, again=False, live=0)).text
        assert text.startswith("What changed while the bot was not running")
        assert f"{day(session(N))}: Russell 2000 breakout of {day(session(N))} attempted" in text
        assert f"{day(session(N + 2))}: Russell 2000 breakout of {day(session(N))} confirmed" in text
        assert "Now, session " in text
