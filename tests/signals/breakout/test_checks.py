"""The checks beside a breakout, on markets made for each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from signals.data.series import SECTORS
from signals.model import Check
from signals.rules import BREAKOUT, CHECKS
from tests.worlds import breakout, day, evaluated, frame, lead, market

N = len(lead())
UP = [101.0, 102.0, 103.0]


def check(key: str, frames: dict[str, pd.DataFrame], through: int | None = None) -> Check:
    found = breakout(frames, through)
    return next(c for c in (found.episode_checks or found.checks) if c.key == key)


def with_volume(last: list[float], closes: list[float] | None = None) -> dict[str, pd.DataFrame]:
    """Return a market whose IWM volume is a million but for its last sessions."""
    closes = closes or [*lead(), *UP]
    volume = np.full(len(closes), 1e6)
    volume[len(closes) - len(last) :] = last
    iwm = frame(np.asarray(closes) / 2, volume=volume)
    return market(closes, IWM=iwm)


class TestVolume:
    def test_an_up_day_with_1_4_times_the_mean_passes(self) -> None:
        assert check("volume", with_volume([1e6, 1.45e6, 1e6])).passed is True
        assert check("volume", with_volume([1e6, 1.3e6, 1e6])).passed is False

    def test_a_heavy_day_on_which_the_etf_fell_does_not(self) -> None:
        falling = [*lead(), 102.0, 101.0, 103.0]
        assert check("volume", with_volume([1e6, 1.45e6, 1e6], falling)).passed is False

    def test_five_sessions_with_a_mean_of_1_2_pass(self) -> None:
        assert check("volume", with_volume([1.35e6] * 5)).passed is True

    def test_a_heavy_day_five_sessions_before_the_attempt_does_not_count(self) -> None:
        closes = [*lead(), *UP]
        closes[N - 5] = 91.0  # an up day, one session too early
        assert check("volume", with_volume([2e6, *[1e6] * 7], closes)).passed is False
        closes = [*lead(), *UP]
        closes[N - 4] = 91.0
        assert check("volume", with_volume([2e6, *[1e6] * 6], closes)).passed is True

    def test_what_happens_after_the_confirmation_is_never_looked_at(self) -> None:
        closes = [*lead(), *UP, 104.0]
        assert check("volume", with_volume([5e6], closes)).passed is False

    def test_an_unknown_volume_in_the_window_is_not_measured_unless_another_day_passes(self) -> None:
        assert check("volume", with_volume([0.0, 1e6, 1e6])).passed is None
        assert check("volume", with_volume([0.0, 1e6, 1.5e6])).passed is True

    def test_the_index_own_volume_plays_no_part(self) -> None:
        frames = with_volume([1e6, 1e6, 1e6])
        closes = np.asarray([*lead(), *UP])
        frames["^RUT"] = frame(closes, high=closes * 1.01, low=closes * 0.99, volume=closes * 1e9)
        assert check("volume", frames).passed is False

    def test_its_number_is_the_best_up_day(self) -> None:
        assert check("volume", with_volume([1e6, 1.45e6, 1e6])).value == pytest.approx(1.45)


class TestClose:
    def test_it_counts_the_closes_above_the_level_until_confirmation(self) -> None:
        for count in (1, 2):
            closes = check("close", market([*lead(), *UP[:count]]))
            assert (closes.passed, closes.value, closes.threshold) == (None, float(count), 3.0)

    def test_it_passes_with_the_confirmation(self) -> None:
        assert check("close", market([*lead(), *UP])).passed is True

    def test_a_close_below_the_level_starts_the_count_again(self) -> None:
        assert check("close", market([*lead(), 101.0, 99.0, 101.0])).value == 1.0

    def test_without_an_open_attempt_there_is_nothing_to_count(self) -> None:
        assert check("close", market(lead())).value is None


class TestTrend:
    def test_it_needs_a_close_above_a_rising_mean(self) -> None:
        assert check("trend", market(list(np.linspace(50, 100, 260)))).passed is True

    def test_a_close_above_a_falling_mean_fails(self) -> None:
        falling = [*np.linspace(100, 50, 260), 99.0]
        trend = check("trend", market([*falling[:-1], 59.0, 70.0, 83.0, 99.0]))
        assert {part.key: part.passed for part in trend.parts} == {"above_mean": True, "mean_rising": False}
        assert trend.passed is False

    def test_it_is_not_measured_before_220_sessions(self) -> None:
        closes = list(np.linspace(50, 100, 219))
        assert check("trend", market(closes)).passed is None
        assert check("trend", market([*closes, 101.0])).passed is True


class TestRelativeStrength:
    def test_a_63_session_high_nine_sessions_ago_passes_and_ten_fails(self) -> None:
        rising = list(np.linspace(50, 100, 100))
        for since, passed in ((9, True), (10, False)):
            falls = [100 - i for i in range(1, since + 1)]
            strength = check("relative_strength", market([*rising, *falls]))
            assert (strength.value, strength.passed) == (float(since), passed)

    def test_it_is_not_measured_without_one_of_the_two(self) -> None:
        frames = market(lead())
        del frames["SPY"]
        assert check("relative_strength", frames).passed is None


class TestParticipation:
    def test_three_of_five_pass(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        participation = check("participation", market(closes))
        on = {part.key for part in participation.parts if part.passed}
        # Everything rises with the index; IWC/IWM alone stays level.
        assert on == {"iwm_spy_high", "rsp_spy_mean", "ijr_near_high", "sectors"}
        assert (participation.value, participation.passed) == (4.0, True)

    def test_two_of_five_fail(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        falling = frame(list(np.linspace(100, 50, 300)))
        participation = check("participation", market(closes, RSP=falling, IJR=falling))
        assert (participation.value, participation.passed) == (2.0, False)

    def test_with_fewer_than_three_measured_it_is_not_measured(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        frames = market(closes)
        for key in ("IWC", "RSP", "IJR"):
            del frames[key]
        assert check("participation", frames).passed is None

    def test_sectors_need_eight_listed(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        for listed, measured in ((8, True), (7, False)):
            frames = market(closes)
            for key in list(SECTORS)[listed:]:
                del frames[key]
            sectors = check("participation", frames).parts[-1]
            assert (sectors.passed is not None) == measured

    def test_sixty_percent_of_the_sectors_is_enough(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        falling = frame(list(np.linspace(100, 50, 300)))
        for down, passed in ((4, True), (5, False)):
            frames = market(closes, **dict.fromkeys(list(SECTORS)[:down], falling))
            sectors = check("participation", frames).parts[-1]
            assert sectors.passed is passed
            assert sectors.value == pytest.approx((11 - down) / 11)

    @pytest.mark.parametrize("behind", [1, 3, 4, 10])
    def test_a_sector_that_is_late_or_stale_is_tried_both_ways(self, behind: int) -> None:
        closes = list(np.linspace(50, 100, 300))
        falling, cut = frame(list(np.linspace(100, 50, 300))), frame(closes).iloc[:-behind]
        for down, passed in ((3, True), (4, None), (5, False)):
            frames = market(closes, **dict.fromkeys(list(SECTORS)[:down], falling))
            sectors = check("participation", frames | {[*SECTORS][-1]: cut}).parts[-1]
            assert sectors.passed is passed
            assert sectors.value == pytest.approx((10 - down) / 10)

    def test_so_is_one_whose_newest_bar_is_not_to_be_believed(self) -> None:
        closes = list(np.linspace(50, 100, 300))
        falling, wrong = frame(list(np.linspace(100, 50, 300))), frame([*closes[:-1], 3 * closes[-1]])
        for down, passed in ((3, True), (4, None), (5, False)):
            frames = market(closes, **dict.fromkeys(list(SECTORS)[:down], falling))
            sectors = check("participation", frames | {[*SECTORS][-1]: wrong}).parts[-1]
            assert sectors.passed is passed
            assert sectors.value == pytest.approx((10 - down) / 10)


class TestMembersAnOperatorSupplies:
    CLOSES: ClassVar = list(np.linspace(50, 100, 300))

    @pytest.mark.parametrize(("share", "passed"), [(60.0, True), (59.9, False)])
    def test_they_replace_the_proxy_and_pass_at_sixty_percent(self, share: float, passed: bool) -> None:
        found = check("participation", market(self.CLOSES, MEMBER_BREADTH=frame([share] * 300)))
        assert found.passed is passed
        assert found.value == pytest.approx(share / 100)
        assert found.parts == ()

    def test_when_they_end_they_are_late_and_then_unknown(self) -> None:
        for behind, passed in ((3, True), (4, None)):
            found = check("participation", market(self.CLOSES, MEMBER_BREADTH=frame([70.0] * (300 - behind))))
            assert found.passed is passed

    def test_before_they_begin_the_proxy_stands(self) -> None:
        members = frame([float("nan")] * 299 + [70.0])
        history = evaluated(market(self.CLOSES, MEMBER_BREADTH=members))
        before = next(c for c in history.checks.on(day(298)) if c.key == "participation")
        assert len(before.parts) == 5


def test_the_rules_in_use_are_those_of_the_method() -> None:
    assert (BREAKOUT.primary, BREAKOUT.intermediate, BREAKOUT.minor, BREAKOUT.continuation) == (252, 126, 63, 10)
    assert (BREAKOUT.confirm_closes, BREAKOUT.confirm_within, BREAKOUT.depth) == (3, 20, 0.97)
    assert (BREAKOUT.fail_closes, BREAKOUT.warn_closes, BREAKOUT.recover_within) == (10, 5, 63)
    assert (CHECKS.volume_day, CHECKS.volume_days_mean, CHECKS.participation_parts) == (1.40, 1.20, 3)
