"""The breakouts of the real Russell 2000, against the table of the method."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from signals.episode import BaseClass, Episode, Outcome
from signals.evaluate import History
from tests.signals.breakout import answers

NOW = datetime(2025, 7, 1, tzinfo=UTC)

# Attempt, close, level, base, class, confirmed, outcome, its date, recovered. Dates and figures are the method's
# table; the days of 'established' are 20 sessions after the confirmation, counted by hand on a calendar.
EPISODES = [
    ("1991-10-16", 182.84, 180.78, 511, "primary", "1991-10-18", "established", "1991-11-15", None),
    ("1999-12-29", 497.01, 491.41, 427, "primary", "1999-12-31", "failed", "2000-01-06", "2000-01-14"),
    ("2004-04-05", 606.39, 606.05, 1022, "primary", None, "rejected", "2004-04-13", None),
    ("2005-07-08", 662.14, 654.57, 133, "intermediate", "2005-07-12", "established", "2005-08-09", None),
    ("2011-04-27", 858.31, 855.77, 955, "primary", "2011-04-29", "failed", "2011-05-05", None),
    ("2016-11-14", 1298.60, 1295.80, 353, "primary", "2016-11-16", "established", "2016-12-15", None),
    ("2020-11-13", 1744.04, 1740.75, 555, "primary", "2020-11-17", "established", "2020-12-16", None),
]
MINOR = [("1993-05-27", 232.66, 232.36, 78), ("2018-05-16", 1616.37, 1610.71, 79)]


def _found(history: History, attempt: str) -> Episode:
    return next(e for e in history.episodes if e.attempt == date.fromisoformat(attempt))


@pytest.mark.parametrize("row", EPISODES, ids=[row[0] for row in EPISODES])
def test_it_finds_the_documented_episode(history: History, row: tuple[str, float, float, int, str, str, str, str, str]) -> None:  # fmt: skip
    attempt, close, level, base, base_class, confirmed, outcome, outcome_date, recovered = row
    episode = _found(history, attempt)
    assert (episode.close, episode.level, episode.base_sessions) == (close, level, base)
    assert episode.base_class == BaseClass(base_class)
    assert str(episode.confirmed) == str(confirmed)
    assert episode.outcome == Outcome(outcome)
    assert str(episode.outcome_date) == outcome_date
    assert str(episode.recovered) == str(recovered)
    assert episode.level_verified


@pytest.mark.parametrize("row", MINOR, ids=[row[0] for row in MINOR])
def test_minor_highs_are_reported_and_start_no_episode(history: History, row: tuple[str, float, float, int]) -> None:
    day, close, level, base = row
    high = next(h for h in history.highs if h.date == date.fromisoformat(day))
    assert (high.close, high.level, high.base_sessions, high.base_class) == (close, level, base, BaseClass.MINOR)
    assert all(str(e.attempt) != day for e in history.episodes)


def test_a_session_that_traded_above_the_record_and_closed_below_it_fires_nothing(history: History) -> None:
    day = date(2024, 11, 25)
    record = history.standing.record[history.panel.position(date(2024, 11, 25))]
    assert history.panel.field("^RUT", "high")["2024-11-25"] == 2466.49 > record
    assert record - history.panel.close("^RUT")["2024-11-25"] == pytest.approx(0.71)
    assert all(e.attempt != day for e in history.episodes)
    assert all(h.date != day for h in history.highs)
    standing = history.verdict(day, NOW).breakout
    assert standing.new_high is None
    assert standing.distance is not None
    assert standing.distance < 0


def test_the_checks_beside_the_confirmation_of_november_2020(history: History) -> None:
    breakout = history.verdict(date(2020, 11, 17), NOW).breakout
    checks = {check.key: check for check in breakout.episode_checks}
    # The vaccine Monday, four sessions before the attempt, is the day of heavy volume.
    assert checks["volume"].passed
    assert checks["volume"].value == pytest.approx(2.2257, abs=1e-4)
    assert checks["participation"].value == 4.0
    assert checks["close"].passed
    # After the spring of 2020 the 200-day mean was still falling.
    assert checks["trend"].passed is False
    assert checks["relative_strength"].passed


def test_the_frozen_checks_do_not_change_after_the_confirmation(history: History) -> None:
    at_confirmation = history.verdict(date(2020, 11, 17), NOW).breakout.episode_checks
    later = history.verdict(date(2020, 12, 10), NOW).breakout
    assert later.episode_checks == at_confirmation
    assert later.checks != at_confirmation


def test_early_sessions_have_verdicts_that_say_what_is_unknown(history: History) -> None:
    verdict = history.verdict(date(1990, 1, 2), NOW)
    assert verdict.coverage == pytest.approx(2 / 8, abs=0.13)
    assert verdict.breakout.close is not None
    by_key = {check.key: check for check in verdict.breakout.checks}
    assert by_key["volume"].passed is None
    assert by_key["relative_strength"].passed is None


def test_every_shorter_high_is_the_one_found_independently(history: History) -> None:
    assert [(str(high.date), high.base_sessions) for high in history.highs] == answers.HIGHS


@pytest.mark.parametrize("answer", answers.EPISODES, ids=[attempt for attempt, _, _ in answers.EPISODES])
def test_every_event_of_every_episode_is_the_one_found_independently(
    history: History, answer: tuple[str, int, dict[str, str]]
) -> None:
    attempt, base, events = answer
    episode = _found(history, attempt)
    assert episode.base_sessions == base
    assert {phase: str(on) for phase, on in episode.events().items() if phase != "attempt"} == events


def test_there_are_no_other_episodes(history: History) -> None:
    assert [str(e.attempt) for e in history.episodes] == [attempt for attempt, _, _ in answers.EPISODES]
