"""The record of the real history against a second implementation that shares no code with the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import norm

from signals.evaluate import History
from signals.record.events import statistical
from signals.record.model import ASSETS, TrackRecord
from tests.signals.record import independent_record as by_hand


def test_every_long_base_event_has_the_same_forward_returns(record: TrackRecord, real_history: Path) -> None:
    expected = by_hand.followed(real_history)
    confirmed = [event for event in record.events if event.episode.confirmed]
    assert [str(event.episode.attempt) for event in confirmed] == list(expected)
    compared = 0
    for event in confirmed:
        answers = expected[str(event.episode.attempt)]
        assert {(asset, str(h)) for asset, h, _ in event.followed} == {(a, h) for a in answers for h in answers[a]}
        for asset, horizon, case in event.followed:
            answer = answers[asset][str(horizon)]
            assert (case.outcome is None) == (answer is None), (event.episode.attempt, asset, horizon)
            if case.outcome is not None and answer is not None:
                assert case.outcome.change == pytest.approx(answer["change"], abs=1e-9)
                assert case.outcome.worst == pytest.approx(answer["worst"], abs=1e-9)
                compared += 1
    # Events with a price, of each asset in turn, over four horizons.
    assert compared == 4 * (15 + 9 + 4 + 2 + 2)


def test_the_base_rates_are_those_of_every_date(record: TrackRecord, real_history: Path) -> None:
    expected = by_hand.base_medians(real_history)
    for followed in record.rules[0].followed:
        count, median = expected[followed.asset, followed.horizon]
        assert followed.base.dates == count
        assert followed.base.median == pytest.approx(median, abs=1e-9)


def test_the_events_that_count_are_the_same(history: History, real_history: Path) -> None:
    confirmed = [episode.attempt for episode in statistical(history) if episode.confirmed]
    assert confirmed == by_hand.counted(real_history)


def test_every_range_is_wilsons(record: TrackRecord) -> None:
    z = float(norm.ppf(0.975))
    rates = [f.numbers.rate for rule in record.rules for f in rule.followed if f.numbers]
    assert len(rates) > 100
    for rate in rates:
        share, n = rate.hits / rate.of, rate.of
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        assert (rate.low, rate.high) == pytest.approx((max(middle - half, 0), min(middle + half, 1)), abs=1e-9)


def test_every_asset_is_followed_over_every_horizon_after_every_rule(record: TrackRecord) -> None:
    wanted = [(key, horizon) for key, asset in ASSETS.items() for horizon in asset.horizons]
    for rule in record.rules:
        assert [(f.asset, f.horizon) for f in rule.followed] == wanted
