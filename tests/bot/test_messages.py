"""The words: calm, exact, with their numbers; fixed outputs that a person has read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from bot.messages.render import Messages, Told, day, instant, percent, points
from bot.sandbox.entities import parse_html, utf16_length
from signals.model import Breakout, Outcome, Verdict
from signals.sessions import decision_time
from storage.market import Agenda, Market
from tests.bot.running import attempt, confirmed, quiet
from tests.worlds import day as session
from tests.worlds import evaluated, lead, market

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
N = len(lead())


def alert(
    verdict: Verdict, phase: str, *, held: Market = LIVE, occurred: date | None = None, again: bool = False
) -> str:
    episode = verdict.breakout.episode
    assert episode is not None
    told = Told(phase, episode.attempt, verdict.session, occurred or verdict.session)
    text = MESSAGES.alert(verdict, [told], held, alert_id=12, summary=False, again=again)
    return parse_html(text).text


def after(*closes: float) -> Verdict:
    history = evaluated(market([*lead(), *closes]))
    last = history.panel.days[-1]
    return history.verdict(last, decision_time(last))


CONFIRM = (101.0, 102.0, 103.0)
EVERY_PHASE = {
    "attempt": (101.0,),
    "confirmed": CONFIRM,
    "warning": (*CONFIRM, *[99.0] * 5),
    "failed": (*CONFIRM, 96.0),
    "rejected": (101.0, 96.0),
    "recovered": (101.0, 96.0, 102.0),
    "established": (*CONFIRM, *[103.0] * 20),
    "ended": (*CONFIRM, *[103.0] * 20, 96.0),
}
FIRST_LINES = {
    "attempt": "Russell 2000 closed at a record, 101.00, after 130 sessions without one",
    "confirmed": "Russell 2000 breakout confirmed above 100.00 after 130 sessions",
    "warning": "Russell 2000: 5 closes in a row below the breakout level 100.00",
    "failed": "Russell 2000 breakout of 15 Sep 2016 failed",
    "rejected": "Russell 2000 breakout attempt of 15 Sep 2016 rejected",
    "recovered": "Russell 2000 back at a record close after the rejection of 16 Sep 2016",
    "established": "Russell 2000 breakout of 15 Sep 2016 established: 20 sessions without failing",
    "ended": "The Russell 2000 breakout of 15 Sep 2016 ended",
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


class TestAlerts:
    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_the_first_line_says_what_changed(self, phase: str) -> None:
        assert alert(after(*EVERY_PHASE[phase]), phase).splitlines()[0] == FIRST_LINES[phase]

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_each_says_its_session_its_decision_its_data_its_past_and_what_would_change_it(self, phase: str) -> None:
        text = alert(after(*EVERY_PHASE[phase]), phase)
        assert "Session " in text
        assert "decided " in text
        assert "UTC" in text
        assert "Data as of " in text
        assert "arlier breakout" in text
        assert "Information, not investment advice." in text
        assert "Alert 12 · method 1" in text
        expected = ("Invalid if: ", "What would change this: ", "It ends on ", "It re-opens nothing")
        assert any(words in text for words in expected)

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_none_shouts_or_promises(self, phase: str) -> None:
        text = alert(after(*EVERY_PHASE[phase]), phase).lower()
        for word in ("!", "imminent", "target", "limited risk", "statistically significant", "hit rate", "guarantee"):
            assert word not in text

    @pytest.mark.parametrize("phase", EVERY_PHASE)
    def test_each_fits_a_message_and_is_valid_html(self, phase: str) -> None:
        verdict = after(*EVERY_PHASE[phase])
        assert utf16_length(alert(verdict, phase, held=SIMULATED, again=True)) < 4096

    def test_the_attempt_of_the_fixed_example(self) -> None:
        assert alert(attempt(), "attempt") == (
            "Russell 2000 closed at a record, 101.00, after 130 sessions without one\n"
            "Session Thu 15 Sep 2016 · decided 15 Sep 2016 21:30 UTC\n"
            "Close 101.00 · level 100.00 · intermediate base of 130 sessions\n"
            "\n"
            "Checks: close 1 of 3 so far · volume ✗ 1.0× · participation ✓ 4/5 (proxy) · trend ✓ +10.3\u00a0% · relative strength ✓ now\n"
            "Not measured: liquidity, cascade stage, crypto window, ETF flows\n"
            "No earlier breakout from a long base in this data.\n"
            f"Invalid if: close < 97.00, or not confirmed by {day(session(N + 19))}\n"
            "\n"
            "Data as of 15 Sep 2016: ^RUT, IWM, SPY, RSP, IWC, IJR, XLB, XLC, XLE, XLF, XLI, XLK, XLP, XLRE, XLU, XLV, XLY\n"
            "Alert 12 · method 1 · Information, not investment advice."
        )

    def test_a_confirmation_names_the_price_and_the_date_at_which_it_is_wrong(self) -> None:
        until = day(session(N + 2 + 20))
        assert f"Invalid if: close < 97.00, or 10 closes in a row < 100.00, through {until}" in alert(
            confirmed(), "confirmed"
        )

    def test_earlier_cases_are_counted_and_called_a_backtest(self) -> None:
        breakout: Breakout = replace(
            attempt().breakout, past={Outcome.ESTABLISHED: 9, Outcome.FAILED: 3, Outcome.REJECTED: 1}
        )
        text = alert(replace(attempt(), breakout=breakout), "attempt")
        line = "Earlier breakouts from a long base in this data (13): 9 established · 3 failed · 1 rejected. Backtest, not live."
        assert line in text

    def test_one_whose_data_came_late_says_when_it_happened(self) -> None:
        text = alert(attempt(), "attempt", occurred=session(N - 1))
        assert f"Session {day(session(N - 1), weekday=True)}" in text
        assert "It happened on the session above; its data came late" in text

    def test_a_series_that_is_not_fresh_is_named_with_its_reason(self) -> None:
        frames = market([*lead(), 101.0])
        frames["IWC"] = frames["IWC"].iloc[:-2]
        del frames["RSP"]
        history = evaluated(frames)
        text = alert(history.verdict(session(N), decision_time(session(N))), "attempt")
        assert f"IWC: late, newest bar is {session(N - 2)}, 2 sessions behind" in text
        assert "No data at all: RSP" in text

    def test_an_episode_ended_by_a_new_attempt_is_named_by_its_own_date(self) -> None:
        verdict = after(101.0, 101.0, 101.0, *[100.5] * 125, 102.0)
        told = Told("ended", session(N), verdict.session, verdict.session)
        text = parse_html(MESSAGES.alert(verdict, [told], LIVE, alert_id=1, summary=False, again=False)).text
        assert text.startswith(f"The Russell 2000 breakout of {day(session(N))} ended: a new attempt began")

    def test_every_message_of_a_simulated_market_says_so_first(self) -> None:
        banner = "SIMULATED MARKET: every figure is made up"
        assert alert(attempt(), "attempt", held=SIMULATED).startswith(banner)
        now = datetime(2016, 9, 16, tzinfo=UTC)
        for text in (MESSAGES.status(quiet(), SIMULATED, now), MESSAGES.why(quiet(), SIMULATED)):
            assert parse_html(text).text.startswith(banner)
        for text in (MESSAGES.status(quiet(), LIVE, now), MESSAGES.why(quiet(), LIVE)):
            assert "SIMULATED" not in text

    def test_a_summary_lists_what_was_missed_and_where_things_stand(self) -> None:
        verdict = after(*CONFIRM)
        told = [Told(phase, session(N), session(N), session(N + i)) for i, phase in ((0, "attempt"), (2, "confirmed"))]
        text = parse_html(MESSAGES.alert(verdict, told, LIVE, alert_id=3, summary=True, again=False)).text
        assert text.startswith("What changed while the bot was not running")
        assert f"{day(session(N))}: Russell 2000 breakout of {day(session(N))} attempted" in text
        assert f"{day(session(N + 2))}: Russell 2000 breakout of {day(session(N))} confirmed" in text
        assert "Now, session " in text


class TestStatus:
    now = datetime(2016, 9, 16, tzinfo=UTC)

    def text(self, verdict: Verdict, held: Market = LIVE) -> str:
        return parse_html(MESSAGES.status(verdict, held, self.now)).text

    def test_an_unknown_index_is_called_unknown_with_its_reason(self) -> None:
        history = evaluated(market([*lead(), np.nan]), N)
        text = self.text(history.verdict(session(N), decision_time(session(N))))
        assert text.startswith("The Russell 2000 is unknown: ^RUT: newest bar is")
        assert "from its record" not in text
        assert "Next: waiting for the Russell 2000" in text

    def test_a_short_base_says_how_long_it_must_grow(self) -> None:
        assert "an attempt needs a record close after 126 sessions without one; 3 so far" in self.text(
            after(101.0, 96.0, 96.0, 96.0)
        )

    def test_an_established_episode_says_how_it_ends(self) -> None:
        text = self.text(after(*EVERY_PHASE["established"]))
        assert "the episode ends on a close below 97.00, or 126 sessions after" in text

    def test_the_last_episode_is_named_when_none_is_open(self) -> None:
        assert f"none open · last: {day(session(N))}, rejected" in self.text(after(101.0, 96.0))

    def test_overdue_is_measured_by_the_next_decision(self) -> None:
        for minutes, overdue in ((-1, True), (1, False)):
            agenda = Agenda(session(N), self.now + timedelta(minutes=minutes), session(N), None)
            assert ("No newer verdict" in self.text(quiet(), Market("live", None, agenda))) == overdue


class TestWhy:
    def test_what_is_not_measured_says_so_and_shows_no_number(self) -> None:
        text = parse_html(MESSAGES.why(after(), LIVE)).text
        assert "close no attempt open" in text
        frames = market(lead())
        del frames["IWM"]
        history = evaluated(frames)
        text = parse_html(MESSAGES.why(history.verdict(session(N - 1), decision_time(session(N - 1))), LIVE)).text
        assert "volume not measured\n" in text
        assert "relative strength not measured\n" in text
        assert "not measured IWM/SPY at a 63-session high within 10 sessions\n" in text

    def test_every_part_shows_its_threshold_in_words(self) -> None:
        text = parse_html(MESSAGES.why(attempt(), LIVE)).text
        for words in (
            "1.40× its mean",
            "mean of 1.20×",
            "60 % of 11 sectors",
            "within 3 % of its 252-day high",
            "200-day mean",
        ):
            assert words in text

    def test_it_fits_a_message(self) -> None:
        assert utf16_length(parse_html(MESSAGES.why(attempt(), SIMULATED)).text) < 4096
