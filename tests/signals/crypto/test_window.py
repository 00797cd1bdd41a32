"""The crypto window by date: what it is on each session, and what it never becomes."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from signals.conditions.measuring import Measuring
from signals.crypto.window import crypto_history
from signals.episode import Episode
from signals.model import Crypto, Window
from tests.signals.conditions.figures import NAN, days, episode, measuring

CONFIRMED = date(2020, 11, 17)
CASE = episode("2020-11-13", "2020-11-17")
COINS_SINCE = date(2020, 8, 1)
Frames = dict[str, pd.DataFrame]


def on(day: int) -> date:
    """Return the date so many calendar days after the confirmation."""
    return CONFIRMED + timedelta(days=day)


def coins(until: int, prices: dict[int, float] | None = None, last: float = 100.0) -> Frames:
    """Return ether at 100 and bitcoin at 10000 through a day after the confirmation; ``prices`` by day are ether's.

    A price holds from its day on.
    """
    count = (on(until) - COINS_SINCE).days + 1
    ether, now = [], last
    for i in range(count):
        now = (prices or {}).get((COINS_SINCE - CONFIRMED).days + i, now)
        ether.append(now)
    begins = COINS_SINCE.isoformat()
    return {"ETH-USD": days(begins, ether), "BTC-USD": days(begins, [10_000.0] * count)}


def seen(frames: Frames, day: int, *episodes: Episode) -> Crypto:
    """Return crypto on the session at or before so many days after the confirmation, by what was public then."""
    m = measuring(frames, on(day).isoformat(), "2020-08-03", episodes or (CASE,))
    return crypto_history(m).at(len(m.panel.sessions) - 1)


def test_before_any_confirmation_it_is_not_open() -> None:
    m = measuring(coins(5), "2020-11-18", "2020-08-03", [CASE])
    shown = crypto_history(m).at(m.panel.position(date(2020, 11, 16)))
    assert (shown.window, shown.day, shown.confirmed) == (Window.NOT_OPEN, None, None)


def test_an_attempt_opens_nothing() -> None:
    assert seen(coins(5), 3, episode("2020-11-13")).window is Window.NOT_OPEN


@pytest.mark.parametrize(("day", "window"), [(0, "waiting"), (1, "waiting"), (29, "waiting"), (30, "open"), (90, "open"), (91, "open"), (92, "elapsed without response")])  # fmt: skip
def test_it_waits_to_day_29_is_open_from_30_to_91_and_elapsed_at_92(day: int, window: str) -> None:
    session = date(2020, 12, 2)
    case = episode("2020-08-10", (session - timedelta(days=day)).isoformat())
    m = measuring(coins(60), session.isoformat(), "2020-08-03", [case])
    shown = crypto_history(m).at(len(m.panel.sessions) - 1)
    assert (shown.day, shown.window) == (day, window)


def test_the_evening_knows_the_bar_of_the_utc_day_before() -> None:
    frames = coins(40, {16: 110.0, 17: 150.0})
    assert on(17).isoweekday() == 5
    shown = seen(frames, 17)
    assert shown.change == pytest.approx(0.10)


def test_the_anchor_is_the_utc_close_of_day_0() -> None:
    shown = seen(coins(20, {-1: 90.0, 0: 100.0, 1: 120.0}), 3)
    assert shown.anchor == 100.0
    assert shown.change == pytest.approx(0.20)


def test_on_the_evening_of_day_0_there_is_no_anchor_yet() -> None:
    shown = seen(coins(20), 0)
    assert (shown.anchor, shown.change) == (None, None)


def test_it_responds_on_the_first_day_that_qualifies() -> None:
    # Day 41 is a Monday and known on Tuesday evening.
    frames = coins(60, {41: 120.0})
    assert seen(frames, 41).window is Window.OPEN
    shown = seen(frames, 42)
    assert (shown.window, shown.responded) == (Window.RESPONDED, on(41))


def test_a_rise_of_less_than_a_fifth_is_no_response() -> None:
    assert seen(coins(60, {41: 119.99}), 50).window is Window.OPEN


@pytest.mark.parametrize("anchor", [55.0, 100.0, 3.0, 5.15])
def test_a_rise_of_exactly_a_fifth_is_one(anchor: float) -> None:
    frames = coins(60, {41: round(anchor * 1.2, 2)}, last=anchor)
    assert seen(frames, 50).window is Window.RESPONDED


def test_a_rise_that_bitcoin_made_too_is_no_response() -> None:
    frames = coins(60, {41: 150.0})
    frames["BTC-USD"].loc[pd.Timestamp(on(41)) :, "value"] = 15_000.0
    # The ratio stands at its mean and not above it.
    assert seen(frames, 50).window is Window.OPEN


def test_a_response_is_final() -> None:
    for day in (50, 91, 120):
        shown = seen(coins(125, {41: 120.0, 43: 50.0}), day)
        assert (shown.window, shown.responded) == (Window.RESPONDED, on(41))


def test_one_before_day_30_is_early_and_no_response() -> None:
    frames = coins(60, {20: 130.0, 25: 100.0})
    shown = seen(frames, 35)
    assert (shown.window, shown.early, shown.responded) == (Window.OPEN, on(20), None)


def test_day_29_is_early_and_day_30_is_a_response() -> None:
    assert seen(coins(60, {29: 130.0, 30: 100.0}), 35).early == on(29)
    shown = seen(coins(60, {30: 130.0}), 35)
    assert (shown.early, shown.responded) == (None, on(30))


def test_day_91_is_a_response_and_day_92_none() -> None:
    assert seen(coins(100, {91: 130.0}), 98).responded == on(91)
    shown = seen(coins(100, {92: 130.0}), 98)
    assert (shown.window, shown.responded) == (Window.ELAPSED, None)


@pytest.mark.parametrize(("known", "window"), [(90, Window.OPEN), (91, Window.ELAPSED)])
def test_it_has_elapsed_only_when_every_day_of_it_is_known(known: int, window: Window) -> None:
    assert seen(coins(known), 93).window is window


def test_a_failure_cancels_it() -> None:
    failed = episode("2020-11-13", "2020-11-17", failed=on(10))
    frames = coins(60)
    assert seen(frames, 9, failed).window is Window.WAITING
    assert seen(frames, 10, failed).window is Window.CANCELLED
    assert seen(frames, 50, failed).window is Window.CANCELLED


def test_a_cancelled_window_is_not_answered_later() -> None:
    failed = episode("2020-11-13", "2020-11-17", failed=on(10))
    shown = seen(coins(60, {41: 130.0}), 50, failed)
    assert (shown.window, shown.responded) == (Window.CANCELLED, None)


def test_a_response_before_the_failure_stays_one() -> None:
    failed = episode("2020-11-13", "2020-11-17", failed=on(31))
    assert seen(coins(60, {30: 130.0}), 50, failed).window is Window.RESPONDED


def test_what_is_not_a_failure_cancels_nothing() -> None:
    ended = episode("2020-11-13", "2020-11-17", warning=on(7), established=on(29), ended=on(35))
    assert seen(coins(60), 50, ended).window is Window.OPEN


def test_a_newer_confirmation_replaces_it() -> None:
    newer = episode("2020-12-10", on(28).isoformat())
    frames = coins(60, {27: 90.0})
    assert seen(frames, 27, CASE, newer).confirmed == CONFIRMED
    shown = seen(frames, 31, CASE, newer)
    assert (shown.window, shown.day, shown.confirmed, shown.anchor) == (Window.WAITING, 3, on(28), 90.0)


def test_a_newer_attempt_does_not() -> None:
    shown = seen(coins(60), 50, CASE, episode("2020-12-10"))
    assert (shown.window, shown.confirmed) == (Window.OPEN, CONFIRMED)


@pytest.mark.parametrize("day", [0, 1, 29, 30, 91, 93])
def test_without_ether_the_response_is_not_measured_from_the_confirmation_on(day: int) -> None:
    frames = {"BTC-USD": coins(100)["BTC-USD"]}
    shown = seen(frames, day)
    assert (shown.window, shown.anchor, shown.change) == (Window.UNMEASURED, None, None)


@pytest.mark.parametrize("day", [3, 40, 93])
def test_ether_that_begins_after_the_confirmation_has_no_anchor(day: int) -> None:
    frames = coins(100)
    frames["ETH-USD"] = frames["ETH-USD"].loc[pd.Timestamp(on(1)) :]
    assert seen(frames, day).window is Window.UNMEASURED


def test_the_change_is_unknown_once_ethers_price_is_stale() -> None:
    # The last bar is that of day 20; on day 28 it is five sessions old.
    assert seen(coins(20), 23).change == 0
    assert seen(coins(20), 28).change is None


def _jumped(frames: Frames, day: int) -> Frames:
    """Let ether's last bar, of that day, be one that cannot be believed."""
    frames["ETH-USD"].loc[pd.Timestamp(on(day)), ["value", "doubted"]] = [900.0, True]
    return frames


def test_a_price_that_cannot_be_believed_answers_nothing() -> None:
    shown = seen(_jumped(coins(42), 42), 43)
    assert (shown.window, shown.responded) == (Window.OPEN, None)


def test_a_price_that_cannot_be_believed_takes_no_answer_back() -> None:
    frames = _jumped(coins(42, {41: 120.0}), 42)
    assert seen(coins(41, {41: 120.0}), 42).responded == on(41)
    shown = seen(frames, 43)
    assert (shown.window, shown.responded) == (Window.RESPONDED, on(41))


def test_what_is_known_later_changes_no_evening() -> None:
    frames = coins(100, {35: 110.0, 45: 125.0, 60: 80.0})
    whole = _history(frames, 100)
    evenings = [whole.panel.position(on(day)) for day in (0, 1, 2, 29, 48, 50, 92)]
    later = crypto_history(whole)
    for at in evenings:
        m = measuring(frames, whole.panel.days[at].isoformat(), "2020-08-03", [CASE])
        assert crypto_history(m).at(at) == later.at(at)


def _history(frames: Frames, day: int) -> Measuring:
    return measuring(frames, on(day).isoformat(), "2020-08-03", [CASE])


def test_a_gap_in_ether_leaves_the_days_in_it_unanswered() -> None:
    frames = coins(60, {41: 130.0, 47: 100.0})
    frames["ETH-USD"].loc[pd.Timestamp(on(41)) : pd.Timestamp(on(46)), "value"] = NAN
    assert seen(frames, 50).window is Window.OPEN
