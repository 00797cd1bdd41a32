"""The words: calm, exact, with their numbers; fixed outputs that a person has read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import pytest
from msgspec.structs import replace

from bot.messages.figures import clip, day, decimal, instant, percent, points, quantity, thresholds
from bot.messages.pages import pages
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.table import CONDITIONS
from signals.data.sessions import decision_time
from signals.episode import Outcome
from signals.evaluate import History
from signals.model import Breakout, Unit, Verdict
from storage.market import Market
from tests.bot.messages.reviewed import plain, reviewed
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
    told = ShownChange(f"breakout.{phase}", subject, verdict.session, occurred or verdict.session)
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
    def test_an_alert_of_a_phase_reads_as_reviewed(self, phase: str) -> None:
        assert plain(alert(seen(phase), phase)) == reviewed("alerts", f"breakout.{phase}")

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_no_alert_shouts_or_promises(self, phase: str) -> None:
        text = alert(seen(phase), phase).lower()
        for word in ("!", "imminent", "target", "limited risk", "statistically significant", "hit rate", "guarantee"):
            assert word not in text

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_an_alert_fits_a_message_and_is_valid_html(self, phase: str) -> None:
        verdict = seen(phase)
        assert utf16_length(alert(verdict, phase, market_row=SIMULATED, again=True)) < 4096

    def test_earlier_cases_are_counted_and_called_a_backtest(self) -> None:
        breakout: Breakout = replace(
            seen("attempt").breakout, past={Outcome.ESTABLISHED: 9, Outcome.FAILED: 3, Outcome.REJECTED: 1}
        )
        text = alert(replace(seen("attempt"), breakout=breakout), "attempt")
        line = "Earlier breakouts from a long base in this data (13): 9 established · 3 failed · 1 rejected. Backtest, not live."
        assert line in text

    def test_an_alert_whose_data_came_late_says_when_it_happened(self) -> None:
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
        told = ShownChange("breakout.ended", f"breakout:{session(N)}", verdict.session, verdict.session)
        text = parse_html(MESSAGES.alert(verdict, [told], LIVE, alert_id=1, summary=False, again=False, live=0)).text
        assert text.startswith(f"The Russell 2000 breakout of {day(session(N))} ended: a new attempt began")

    def test_every_message_of_a_simulated_market_says_so_first(self) -> None:
        banner = "SIMULATED MARKET: every figure is made up"
        assert alert(seen("attempt"), "attempt", market_row=SIMULATED).startswith(banner)

    def test_a_summary_lists_what_was_missed_and_where_things_stand(self) -> None:
        verdict = seen("confirmed")
        happened = ((0, "attempt"), (2, "confirmed"))
        told = [ShownChange(f"breakout.{p}", f"breakout:{session(N)}", session(N), session(N + i)) for i, p in happened]
        text = parse_html(MESSAGES.alert(verdict, told, LIVE, alert_id=3, summary=True, again=False, live=0)).text
        assert text.startswith("What changed while the bot was not running")
        assert f"{day(session(N))}: Russell 2000 breakout of {day(session(N))} attempted" in text
        assert f"{day(session(N + 2))}: Russell 2000 breakout of {day(session(N))} confirmed" in text
        assert "Now, session " in text
