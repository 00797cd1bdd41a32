"""The four properties, each in a market where all of them hold but for what a test changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.conditions.falls import deepest_falls
from signals.data.series import SECTORS
from signals.model import Property, State, Supercycle, Unit
from signals.supercycle.needs import COMPOSITE, RISK_PANEL
from signals.supercycle.properties import SupercycleHistory, supercycle_history
from tests.signals.conditions.figures import NAN, bonds, condition, measuring, on_sessions, since, table

BEGINS = "2015-01-02"
COUNT = 1150
TURN = 800  # the session from which small caps lead
SESSIONS = since(BEGINS)[:COUNT]
THROUGH = f"{SESSIONS[-1]:%Y-%m-%d}"
Frames = dict[str, pd.DataFrame]
Path = np.ndarray


def grows(rate: float, count: int = COUNT, start: float = 100.0) -> Path:
    """Return prices that grow at a rate and shiver a little, all on the same beat."""
    beat = 1 + 0.001 * (-1.0) ** np.arange(count)
    return np.asarray(start * (1 + rate) ** np.arange(count) * beat)


def waves(low: float, count: int = COUNT, late: Sequence[float] = ()) -> Path:
    """Return seven falls from 100 and back, a steady rise, and what comes last as multiples of the record."""
    rise = 101 * 1.0005 ** np.arange(count - 14 - len(late))
    return np.concatenate((np.tile([100.0, low], 7), rise, rise[-1] * np.asarray(late)))


def years(*falls: float, length: int = COUNT) -> Path:
    """Return a steady rise with a fall of one step every 100, the last of them 100 before the end."""
    path = 100 * 1.0001 ** np.arange(length)
    for i, depth in enumerate(reversed(falls), 1):
        path[length - 100 * i] *= 1 - depth
    return np.asarray(path)


def daily(path: Path) -> pd.DataFrame:
    dates = pd.date_range(end=SESSIONS[-1], periods=len(path)).as_unit("us")
    return table(dates, path)


def sector(first: float, then: float) -> Path:
    """Return a price with one rate and another one over the last 63 sessions."""
    rates = np.concatenate((np.full(COUNT - 63, first), np.full(63, then)))
    return np.asarray(100 * np.cumprod(1 + rates))


def sectors(base: float = 0.001, turned: bool = True) -> Frames:
    rates = base + 0.0001 * np.arange(len(SECTORS))
    after = rates[::-1] if turned else rates
    return {key: on_sessions(BEGINS, sector(rates[i], after[i])) for i, key in enumerate(SECTORS)}


def small_caps(fall: float = -0.0005, rise: float = 0.002) -> pd.DataFrame:
    rates = np.concatenate((np.full(TURN, fall), np.full(COUNT - TURN, rise)))
    return on_sessions(BEGINS, np.cumprod(1 + rates) * grows(0.0))


def world(**other: pd.DataFrame) -> Frames:
    frames = {key: on_sessions(BEGINS, grows(0.001)) for key in ("RSP", "IWC", "IJR", "EEM", "HYG", "SPHB")}
    frames |= sectors()
    frames |= {
        "SPY": on_sessions(BEGINS, grows(0.0001)),
        "SPLV": on_sessions(BEGINS, grows(0.0)),
        "IWM": small_caps(),
        "^RUT": on_sessions(BEGINS, years(*[0.2] * 8, 0.0, 0.05, 0.0)),
        "BTC-USD": daily(years(*[0.4] * 8, 0.0, 0.0, 0.05, 0.0, length=1300)),
    }
    return frames | {key.replace("RUT", "^RUT").replace("BTC", "BTC-USD"): frame for key, frame in other.items()}


def history(frames: Frames, change: Sequence[float] | None = None, link: Sequence[float] | None = None, late: Sequence[float] | None = None) -> SupercycleHistory:  # fmt: skip
    """Judge a world; ``change`` and ``link`` are net liquidity's change and link 1 on the last sessions."""
    liquidity, first = np.full(COUNT, 10.0), np.ones(COUNT)
    if change is not None:
        liquidity[-len(change) :] = change
    if link is not None:
        first[-len(link) :] = link
    in_time = np.where(np.isnan(liquidity), NAN, 1.0)
    if late is not None:
        in_time[-len(late) :] = late
    row = condition(
        "net_liquidity", np.where(np.isnan(liquidity), NAN, 1.0).tolist(), in_time.tolist(), liquidity.tolist()
    )
    return supercycle_history(measuring(frames, THROUGH, BEGINS), {"net_liquidity": row}, bonds(first, np.nan_to_num(first)))  # fmt: skip


def raw(frames: Frames, key: str, **other: Sequence[float]) -> str:
    """Return what a property is by its parts alone, on the last session."""
    return walk(frames, key, 1, **other)[0]


def walk(frames: Frames, key: str, count: int, **other: Sequence[float]) -> list[str]:
    """Return what a property is by its parts alone, on the last sessions."""
    found = next(each for each in history(frames, **other).properties if each.key == key)
    return [{1.0: "on", 0.0: "off"}.get(state, "unknown") for state in found.raw[-count:].tolist()]


@pytest.fixture(scope="module")
def whole() -> SupercycleHistory:
    return history(world())


def values(found: Property) -> dict[str, float | None]:
    return {number.name: number.value for number in found.numbers}


def last(found: SupercycleHistory) -> Supercycle:
    return found.at(COUNT - 1)


class TestAll:
    @pytest.mark.parametrize(
        ("position", "units"),
        [
            (0, [Unit.SESSIONS, Unit.SESSIONS, Unit.SHARE, Unit.BN]),
            (1, [Unit.PERCENT, Unit.SHARE] * 2),
            (2, [Unit.SHARE, Unit.COUNT, Unit.COUNT, Unit.SHARE, Unit.INDEX]),
            (3, [Unit.SESSIONS, Unit.DAYS, Unit.SHARE]),
        ],
    )
    def test_every_number_carries_its_unit(self, whole: SupercycleHistory, position: int, units: list[Unit]) -> None:
        assert [number.unit for number in last(whole).properties[position].numbers] == units

    def test_all_four_hold_here(self, whole: SupercycleHistory) -> None:
        shown = last(whole)
        assert {each.key: str(each.state) for each in shown.properties} == dict.fromkeys(
            ("support", "corrections", "rotation", "runway"), "on"
        )
        assert (shown.holds, shown.last_published, shown.coverage) == (4, 4, 1)

    @pytest.mark.parametrize("key", ["support", "corrections", "rotation", "runway"])
    def test_each_switches_after_ten_sessions_in_a_row(self, whole: SupercycleHistory, key: str) -> None:
        found = next(each for each in whole.properties if each.key == key)
        first = int(np.flatnonzero(found.published.state == 1)[0])
        assert list(found.raw[first - 9 : first + 1]) == [1.0] * 10
        assert found.raw[first - 10] != 1.0
        assert found.at(first).since == found.at(first + 1).since == found.days[first]
        assert found.at(first - 1).since < found.days[first]

    def test_the_sessions_on_which_all_four_hold_are_counted(self, whole: SupercycleHistory) -> None:
        held = np.all([each.published.state == 1 for each in whole.properties], axis=0).tolist()
        count = 0
        for at, full in enumerate(held):
            count = count + 1 if full else 0
            assert whole.full_sessions[at] == count
        assert count > 20

    def test_one_that_is_lost_is_so_after_ten_sessions_and_the_count_begins_again(self) -> None:
        nine, ten = (history(world(), link=[0.0] * count) for count in (9, 10))
        assert (last(nine).holds, last(nine).full_sessions > 0) == (4, True)
        assert (last(ten).holds, last(ten).full_sessions) == (3, 0)

    def test_an_unknown_one_is_shown_as_such_and_held(self) -> None:
        shown = last(history(world(), link=[NAN] * 10))
        assert (shown.holds, shown.last_published, shown.coverage) == (3, 4, 0.75)
        assert (shown.properties[0].state, shown.properties[0].last_published) == (State.UNKNOWN, State.ON)

    def test_unknown_sessions_stop_its_count(self) -> None:
        shown = last(history(world(), link=[*[0.0] * 5, NAN, NAN, *[0.0] * 4]))
        assert shown.properties[0].last_published is State.ON
        shown = last(history(world(), link=[*[0.0] * 5, NAN, NAN, *[0.0] * 5]))
        assert shown.properties[0].last_published is State.OFF


class TestSupport:
    @pytest.mark.parametrize(("change", "state"), [(0.0, "on"), (-0.1, "off"), (NAN, "unknown")])
    def test_net_liquidity_must_not_have_fallen(self, change: float, state: str) -> None:
        assert raw(world(), "support", change=[change]) == state

    def test_a_late_figure_of_it_is_unknown(self) -> None:
        assert raw(world(), "support", late=[NAN]) == "unknown"

    @pytest.mark.parametrize(("link", "state"), [(0.0, "off"), (NAN, "unknown")])
    def test_link_1_must_be_on(self, link: float, state: str) -> None:
        assert raw(world(), "support", link=[link]) == state

    def test_one_that_is_off_settles_it_whatever_is_missing(self) -> None:
        assert raw(world(), "support", link=[0.0], change=[NAN]) == "off"

    @pytest.mark.parametrize(("late", "state"), [((0.85, 0.95), "off"), ((0.85, 0.95, 0.96), "on"), ((0.85,), "off")])
    def test_the_leg_must_be_longer_than_the_median(self, late: tuple[float, ...], state: str) -> None:
        # The legs before were of one session; this one is of one, of two, or has not begun.
        assert raw(world(RUT=on_sessions(BEGINS, waves(85, late=late))), "support") == state

    @pytest.mark.parametrize("wrong", [0.02, 50.0])
    def test_a_newest_close_that_is_not_to_be_believed_leaves_it_unknown(self, wrong: float) -> None:
        assert raw(world(RUT=on_sessions(BEGINS, waves(85, late=(0.85, 0.95, wrong)))), "support") == "unknown"

    def test_the_leg_is_shown_in_sessions_with_its_rank(self, whole: SupercycleHistory) -> None:
        numbers = values(last(whole).properties[0])
        # Every leg before was from one fall to the next, a hundred sessions on; the last one began 400 before the end.
        assert (numbers["leg in sessions"], numbers["median leg"]) == (399, 99)
        assert numbers["share of legs outlived"] == 1


class TestCorrections:
    """The last year's deepest fall against that of every earlier year: milder than at least half of them."""

    @pytest.mark.parametrize(("last", "state"), [(0.05, "on"), (0.30, "off")])
    def test_the_fall_of_the_index_must_be_milder_than_usual(self, last: float, state: str) -> None:
        path = years(*[0.2] * 8, 0.0, last, 0.0)
        assert raw(world(RUT=on_sessions(BEGINS, path)), "corrections") == state

    @pytest.mark.parametrize(("last", "state"), [(0.05, "on"), (0.45, "off")])
    def test_the_fall_of_bitcoin_must_be_milder_than_usual(self, last: float, state: str) -> None:
        path = years(*[0.4] * 8, 0.0, 0.0, last, 0.0, length=1300)
        assert raw(world(BTC=daily(path)), "corrections") == state

    @pytest.mark.parametrize(("count", "state"), [(252 + 755, "unknown"), (252 + 756, "on")])
    def test_it_is_unknown_until_756_earlier_windows_are_held(self, count: int, state: str) -> None:
        path = years(*[0.2] * 8, 0.0, 0.05, 0.0)[-count:]
        frame = on_sessions(f"{SESSIONS[-count]:%Y-%m-%d}", path)
        assert raw(world(RUT=frame), "corrections") == state

    @given(st.lists(st.floats(50, 150), min_size=20, max_size=60), st.integers(2, 8))
    @settings(max_examples=40, deadline=None)
    def test_a_fall_is_from_the_highest_close_inside_its_window(self, closes: list[float], length: int) -> None:
        found = deepest_falls(np.array(closes), length)
        for at in range(length - 1, len(closes)):
            window = closes[at - length + 1 : at + 1]
            deepest = min(low / max(window[: i + 1]) - 1 for i, low in enumerate(window))
            assert found[at] == pytest.approx(deepest)

    def test_without_bitcoin_it_is_unknown(self) -> None:
        frames = world()
        del frames["BTC-USD"]
        assert raw(frames, "corrections") == "unknown"


class TestRotation:
    def test_leadership_must_have_turned(self) -> None:
        assert raw(world(**sectors(turned=False)), "rotation") == "off"

    def test_six_tenths_of_the_panel_must_be_above_their_means(self, whole: SupercycleHistory) -> None:
        numbers = values(last(whole).properties[2])
        assert numbers["risk panel above its 200-day means"] == 1
        assert numbers["rank correlation"] == pytest.approx(-1)
        # The eleven sectors fall, nine others rise.
        falling = history(world(**sectors(base=-0.003)))
        assert values(last(falling).properties[2])["risk panel above its 200-day means"] == pytest.approx(9 / 20)
        assert falling.properties[2].raw[-1] == 0

    @pytest.mark.parametrize(("left", "state"), [(0.97, "on"), (0.93, "off")])
    def test_the_composite_must_be_near_its_high(self, left: float, state: str) -> None:
        frames = world()
        for key in ("SPY", "IWM", "RSP", "EEM", "HYG"):
            frames[key].loc[frames[key].index[-1], "value"] *= left
        frames["BTC-USD"].loc[SESSIONS[-2] :, "value"] *= left
        assert raw(frames, "rotation") == state

    @pytest.mark.parametrize("key", RISK_PANEL)
    def test_any_missing_member_is_tried_both_ways_whether_late_or_stale(self, key: str) -> None:
        """All of the panel rise, so that of a share nothing hangs on one; in composite and ranks it does."""
        frames = world(ETH=daily(grows(0.001, 1200)))
        frames["ETH-USD"] = frames.pop("ETH")
        # A session sees a coin's bar of the day before.
        missing = SESSIONS[-10] - pd.Timedelta(days=int(key.endswith("-USD")))
        frames[key] = frames[key][frames[key].index < missing]
        decides = key in (*COMPOSITE, *SECTORS)
        # From one session late to ten, on which it is long stale.
        assert walk(frames, "rotation", 11) == ["on", *["unknown" if decides else "on"] * 10]

    def test_what_the_rest_settles_is_known(self) -> None:
        frames = world(**sectors(base=-0.003))
        frames["EEM"] = frames["EEM"].iloc[:-10]
        assert walk(frames, "rotation", 10) == ["off"] * 10

    def test_the_text_can_say_how_many_were_measured(self) -> None:
        frames = world()
        frames["IWC"] = frames["IWC"].iloc[:-1]
        numbers = values(last(history(frames)).properties[2])
        assert (numbers["members measured"], numbers["members"]) == (19, 20)


class TestRunway:
    def test_the_low_must_have_been_within_24_months(self, whole: SupercycleHistory) -> None:
        # The low is that of session 799, 350 before the last one; a year and a half later it is too old.
        assert values(last(whole).properties[3])["IWM/SPY, sessions since a 3-year low"] == COUNT - TURN
        rising = on_sessions(BEGINS, grows(0.001))
        assert raw(world(IWM=rising), "runway") == "off"

    def test_the_ratio_must_be_above_a_rising_mean(self) -> None:
        assert raw(world(IWM=small_caps(rise=-0.001)), "runway") == "off"

    def test_high_beta_must_be_in_the_upper_part_of_its_year(self) -> None:
        assert raw(world(SPHB=on_sessions(BEGINS, grows(-0.001))), "runway") == "off"

    @pytest.mark.parametrize(("rank", "state"), [(152, "on"), (151, "off")])
    def test_the_upper_part_of_the_year_begins_at_six_tenths(self, rank: int, state: str) -> None:
        # The last of a year that falls from 252 to 1 takes the place of ``rank``: 152 / 252 is the first over 0.6.
        year = [*np.arange(252.0, 1.0, -1.0), rank + 0.5]
        path = 1000 + np.concatenate((np.full(COUNT - 252, 300.0), year))
        ratio = {"SPHB": on_sessions(BEGINS, path), "SPLV": on_sessions(BEGINS, np.ones(COUNT))}
        assert raw(world(**ratio), "runway") == state

    def test_without_high_beta_it_is_unknown(self) -> None:
        frames = world()
        del frames["SPHB"]
        assert raw(frames, "runway") == "unknown"
