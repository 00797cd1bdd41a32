"""What somebody watches a price for, judged on closed bars: by the breakout engine, or against a level."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.breakout.episodes import find_episodes
from signals.breakout.watching import Judged, judge_level, judge_record
from signals.nine_decimals import Sign
from tests.worlds import CALENDAR, day, lead, sessions

START = date(2020, 1, 1)


def series(closes: list[float]) -> pd.Series[float]:
    """Return closes of one day after the other."""
    return pd.Series(closes, index=pd.date_range(START, periods=len(closes), freq="D", unit="us"))


class TestARecord:
    closes = pd.Series([*lead(), 101.0, 102.0], index=sessions(len(lead()) + 2))

    def test_it_is_the_attempt_that_the_breakout_engine_finds(self) -> None:
        (episode,) = find_episodes(self.closes, CALENDAR[self.closes.index[0] <= CALENDAR])
        found = judge_record(self.closes, day(10)).fired
        assert found is not None
        assert (found.on, found.close, found.level, found.base) == (
            episode.attempt, episode.close, episode.level, episode.base_sessions
        )  # fmt: skip

    def test_a_bar_that_is_judged_already_does_not_fire_again(self) -> None:
        n = len(lead())
        assert judge_record(self.closes, day(n - 1)).fired is not None
        assert judge_record(self.closes, day(n)) == Judged(True, None)

    def test_a_record_shortly_after_the_last_one_is_none_from_a_base(self) -> None:
        assert judge_record(self.closes.iloc[:300], day(10)).fired is None


LEVEL = 100.0


class TestALevel:
    @pytest.mark.parametrize(
        ("closes", "armed", "expected"),
        [
            ([99.0, 101.0], True, (1, False)),
            # A close on the level is not beyond it, and arms again.
            ([99.0, 100.0], True, (None, True)),
            ([99.0, 101.0, 100.0], True, (1, True)),
            # Beyond it already when it began: only a close that is back arms it.
            ([101.0, 102.0], False, (None, False)),
            ([101.0, 99.0, 103.0], False, (2, False)),
            # Of several the last is told.
            ([101.0, 99.0, 102.0, 99.0, 103.0], True, (4, False)),
        ],
    )
    def test_above(self, closes: list[float], armed: bool, expected: tuple[int | None, bool]) -> None:
        found = judge_level(series(closes), START - timedelta(days=1), Sign.ABOVE, LEVEL, armed=armed)
        on = (found.fired.on - START).days if found.fired else None
        assert (on, found.armed) == expected

    @settings(max_examples=40)
    @given(st.lists(st.sampled_from([98.0, 99.0, 100.0, 101.0, 102.0]), min_size=1, max_size=30), st.booleans())
    def test_below_is_above_seen_from_the_other_side(self, closes: list[float], armed: bool) -> None:
        mirrored = [2 * LEVEL - close for close in closes]
        before = START - timedelta(days=1)
        above = judge_level(series(closes), before, Sign.ABOVE, LEVEL, armed=armed)
        below = judge_level(series(mirrored), before, Sign.BELOW, LEVEL, armed=armed)
        assert above.armed == below.armed
        assert (above.fired and above.fired.on) == (below.fired and below.fired.on)

    @settings(max_examples=40)
    @given(
        st.lists(st.sampled_from([99.0, 100.0, 101.0]), min_size=1, max_size=30), st.integers(1, 30), st.booleans()
    )  # fmt: skip
    def test_in_whatever_pieces_the_bars_come_each_crossing_fires_once(
        self, closes: list[float], size: int, armed: bool
    ) -> None:
        fired, through = list[date](), START - timedelta(days=1)
        state = armed
        for end in [*range(size, len(closes), size), len(closes)]:
            found = judge_level(series(closes[:end]), through, Sign.ABOVE, LEVEL, armed=state)
            fired += [found.fired.on] if found.fired else []
            state, through = found.armed, START + timedelta(days=end - 1)
        before = [99.0 if armed else 101.0, *closes]
        crossings = [i for i in range(len(closes)) if before[i] <= LEVEL < before[i + 1]]
        assert len(set(fired)) == len(fired)
        assert {(on - START).days for on in fired} <= set(crossings)
        assert bool(fired) == bool(crossings)
        if size == 1:
            assert [(on - START).days for on in fired] == crossings
