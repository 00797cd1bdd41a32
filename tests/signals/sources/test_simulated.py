"""The simulated market in acts: the same however far it is computed, public when its publishers say so, of this time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from signals.data.series import SERIES
from signals.sources.simulated import START_OF_ACTS, SimulatedSource
from signals.sources.simulated_acts import ACTS, play

NOW = datetime(2024, 3, 28, 22, tzinfo=UTC)
SOURCE = SimulatedSource(3, in_acts=True)


def figures(key: str, now: datetime = NOW, since: date | None = None) -> pd.DataFrame:
    return SOURCE.fetch(SERIES[key], since, now).frame


@pytest.mark.parametrize("key", ["^RUT", "BTC-USD", "WALCL"])
def test_a_path_does_not_depend_on_how_far_it_is_computed(key: str) -> None:
    short, long = figures(key, datetime(2018, 6, 1, 22, tzinfo=UTC)), figures(key)
    pd.testing.assert_frame_equal(long.loc[short.index], short)
    assert len(long) > len(short)


@pytest.mark.parametrize("key", ["^RUT", "BTC-USD", "DGS10"])
def test_nothing_has_a_figure_before_bitcoin_had_one(key: str) -> None:
    assert figures(key).index[0] >= START_OF_ACTS >= pd.Timestamp("2014-09-17")


def test_a_weekly_figure_is_public_only_when_its_release_clock_says_so() -> None:
    # The balance sheet of a Wednesday comes on Thursday afternoon.
    wednesday = datetime(2024, 3, 27, 22, tzinfo=UTC)
    assert figures("WALCL", wednesday).index[-1] == pd.Timestamp("2024-03-20")
    assert figures("WALCL").index[-1] == pd.Timestamp("2024-03-27")


@pytest.mark.parametrize("length", [1, 500, 4_000])
def test_the_acts_follow_one_another_for_ever_each_within_its_length(length: int) -> None:
    played = play(length, np.random.default_rng(1))
    assert {len(column) for column in (played.regime, played.market, played.small, played.coins)} == {length}
    drifts = played.market * 252
    lengths = np.diff([0, *(np.flatnonzero(np.diff(drifts)) + 1)])
    for act, lasted in zip(ACTS * 9, lengths, strict=False):
        assert act.least <= lasted <= act.most


def test_in_march_one_publisher_does_not_answer_and_what_is_there_already_stays_all_that_is_known() -> None:
    in_march = datetime(2024, 3, 12, 22, tzinfo=UTC)
    known = SOURCE.fetch(SERIES["DGS10"], date(2024, 3, 1), in_march)
    assert (len(known.frame), known.reason) == (0, "the simulated FRED does not answer, as every March")
    assert len(figures("DGS10", in_march)), "a first history is never withheld"
    assert len(figures("^RUT", in_march, date(2024, 3, 1)))
