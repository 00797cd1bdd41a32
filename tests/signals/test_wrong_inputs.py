"""What is said on the real history where figures are missing, late or stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.data.panel import Floats
from signals.data.series import SECTORS
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.universe import BASKET
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.model import Check, ConditionState, Property, State, Verdict, Window
from signals.rules import UNKNOWN
from signals.supercycle.needs import RISK_PANEL
from signals.transitions import transitions
from tests.signals.conftest import END, NOW

CALENDAR = nyse_sessions(NOW)
# The last session on which all the altcoins of the folder have a bar, and far enough back for every window of a share.
COMPLETE = date(2024, 12, 6)
BEGINS = pd.Timestamp("2023-06-01")


def verdict(history: History, session: date) -> Verdict:
    return history.verdict(session, decision_time(session))


def condition(found: Verdict, key: str) -> ConditionState:
    return next(each for each in found.conditions if each.key == key)


def sectors_check(found: Verdict) -> Check:
    return next(each for each in found.breakout.checks if each.key == "participation").parts[-1]


def rotation(found: Verdict) -> Property:
    return next(each for each in found.supercycle.properties if each.key == "rotation")


def raw(history: History, key: str) -> Floats:
    return next(each.raw for each in history.supercycle.properties if each.key == key)


def news(history: History, first: date, last: date) -> dict[date, list[str]]:
    """Return what changed on each session with news."""
    days = history.panel.days
    told = {}
    for at in range(history.panel.position(first), history.panel.position(last) + 1):
        before, after = (verdict(history, days[i]) for i in (at - 1, at))
        told[days[at]] = [change.kind for change in transitions(before, after)]
    return {day: kinds for day, kinds in told.items() if kinds}


def cut(archive: Archive, through: date, missing: dict[str, int]) -> Archive:
    """Return an archive in which series lack their last bars up to a session, as many as given."""
    cut_off: dict[str, pd.DataFrame] = {}
    for key, count in missing.items():
        frame = archive[key][archive[key].index <= pd.Timestamp(through)]
        cut_off[key] = frame.iloc[: len(frame) - count]
    return {**archive, **cut_off}


class TestRankCorrelation:
    def test_three_tenths_is_three_tenths(self, history: History) -> None:
        # The squares of the differences of rank add up to 154 on 2024-03-14: exactly 0.3.
        at = history.panel.position(date(2024, 3, 14))
        assert raw(history, "rotation")[at] == 1.0
        assert raw(history, "rotation")[at - 1] == 0.0

    def test_the_property_is_on_ten_sessions_later_and_no_count_changes(self, history: History) -> None:
        assert rotation(verdict(history, date(2024, 3, 26))).last_published is State.OFF
        assert rotation(verdict(history, date(2024, 3, 27))).last_published is State.ON
        assert news(history, date(2024, 3, 27), date(2024, 3, 28)) == {}


Without = Callable[[tuple[tuple[str, int], ...]], History]


@pytest.fixture(scope="module")
def without(archive: Archive) -> Without:
    """Evaluate the newest years without the last bars of some series, once for each."""
    recent = since(archive, BEGINS)

    @cache
    def evaluated(missing: tuple[tuple[str, int], ...]) -> History:
        return evaluate(cut(recent, END, dict(missing)), CALENDAR, END)

    return evaluated


STALE = [(("EEM", 10),), (("XLC", 10), ("XLK", 10), ("XLF", 10)), (("XLC", 10),), (("XLC", 1),)]


class TestMissingMembers:
    def test_with_all_of_them_rotation_holds_at_the_end_of_june_2025(self, history: History) -> None:
        assert rotation(verdict(history, END)).state is State.ON

    @pytest.mark.parametrize("missing", STALE)
    def test_late_or_stale_it_is_unknown_and_the_published_state_is_held(
        self, without: Without, missing: tuple[tuple[str, int], ...]
    ) -> None:
        found = rotation(verdict(without(missing), END))
        assert (found.state, found.last_published) == (State.UNKNOWN, State.ON)

    @pytest.mark.parametrize("missing", STALE)
    def test_the_share_says_of_how_many_it_is(self, without: Without, missing: tuple[tuple[str, int], ...]) -> None:
        numbers = {one.name: one.value for one in rotation(verdict(without(missing), END)).numbers}
        assert numbers["members"] == 21
        assert numbers["members measured"] == 21 - len(missing)

    def test_a_stale_sector_is_treated_as_a_late_one(self, without: Without) -> None:
        late, stale = (without((("XLC", count),)) for count in (1, 10))
        of_late, of_stale = (rotation(verdict(history, END)) for history in (late, stale))
        assert (of_late.state, of_late.numbers) == (of_stale.state, of_stale.numbers)
        assert condition(verdict(late, END), "breadth") == condition(verdict(stale, END), "breadth")

    def test_for_longer_than_ten_sessions_the_state_lapses_without_news(self, without: Without) -> None:
        history = without((("EEM", UNKNOWN.held_sessions + 1),))
        assert rotation(verdict(history, END)).last_published is State.UNKNOWN
        assert not any(kind.startswith("supercycle") for kind in news(history, END, END).get(END, []))


class TestMortgageSpread:
    def test_it_is_against_the_survey_dated_thirteen_weeks_earlier(self, history: History) -> None:
        found = condition(verdict(history, date(2000, 7, 10)), "mortgage_spread")
        assert found.as_of == date(2000, 7, 7)
        assert found.value == pytest.approx(-0.19)


class TestWindow:
    def test_where_there_is_no_ether_no_response_is_measured(self, history: History) -> None:
        days = history.panel.days
        assert verdict(history, date(2004, 12, 20)).crypto.window is Window.UNMEASURED
        # From the first to the last confirmation before there was any.
        windows = {history.crypto.at(at).window for at, day in enumerate(days) if day < date(2017, 1, 1)}
        assert windows == {Window.NOT_OPEN, Window.UNMEASURED, Window.CANCELLED}


class TestHeldLink:
    # Three altcoins end in December 2024.
    def test_one_that_has_been_unknown_for_months_lapses(self, history: History) -> None:
        at = verdict(history, date(2025, 3, 3)).cascade.links[3]
        assert (at.state, at.last_published, at.unknown_since) == (State.UNKNOWN, State.UNKNOWN, date(2025, 1, 8))

    def test_it_is_held_for_ten_sessions_until_then(self, history: History) -> None:
        days = history.panel.days
        begins = history.panel.position(date(2025, 1, 8))
        held = [history.cascade.at(begins + i).links[3].last_published for i in range(12)]
        assert held == [State.ON] * 10 + [State.UNKNOWN] * 2, days[begins]

    def test_neither_the_lapse_nor_its_return_is_news(self, history: History) -> None:
        unknown = np.isnan(history.cascade.links[3].published.state)
        changed = np.flatnonzero(np.diff(unknown, prepend=True))
        recent = [history.panel.days[at] for at in changed if history.panel.days[at] > COMPLETE]
        assert len(recent) >= 2
        for session in recent:
            assert not any(kind.startswith("stage") for kind in news(history, session, session).get(session, [])), (
                session
            )


def since(archive: Archive, begins: pd.Timestamp) -> Archive:
    return {key: frame[frame.index >= begins] for key, frame in archive.items()}


def moved(archive: Archive, through: date, missing: dict[str, int], up: dict[str, bool]) -> Archive:
    """Return an archive in which those bars are there and rise, or fall, by 15 % each."""
    cut_off = cut(archive, through, missing)
    full = {**cut(archive, through, dict.fromkeys(missing, 0))}
    for key, count in missing.items():
        step = 1.15 if up[key] else 0.85
        frame, last = full[key].copy(), cut_off[key].iloc[-1]
        for name in ("value", "adj_close"):
            frame.loc[frame.index[-count:], name] = last[name] * step ** np.arange(1, count + 1)
        full[key] = frame
    return full


# What other statements do not rest on; the folder has neither DOT nor XLM.
MEMBERS = tuple(
    key for key in dict.fromkeys((*SECTORS, *RISK_PANEL[3:-2], *BASKET)) if key not in ("DOT-USD", "XLM-USD")
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    missing=st.dictionaries(st.sampled_from(MEMBERS), st.integers(1, 10), min_size=1, max_size=3),
    up=st.fixed_dictionaries({key: st.booleans() for key in MEMBERS}),
)
def test_what_is_said_without_members_is_what_would_be_said_whatever_they_were(
    archive: Archive, missing: dict[str, int], up: dict[str, bool]
) -> None:
    recent = since(archive, BEGINS)
    lacking, having = (
        evaluate(frames, CALENDAR, COMPLETE)
        for frames in (cut(recent, COMPLETE, missing), moved(recent, COMPLETE, missing, up))
    )
    said, whole = (verdict(history, COMPLETE) for history in (lacking, having))
    for key in ("breadth", "altcoin_breadth"):
        assert condition(said, key).state in (State.UNKNOWN, condition(whole, key).state)
    of_sectors = [sectors_check(found).passed for found in (said, whole)]
    assert of_sectors[0] in (None, of_sectors[1])
    said_of_rotation = raw(lacking, "rotation")[-1]
    assert np.isnan(said_of_rotation) or said_of_rotation == raw(having, "rotation")[-1]


# By series, the session that does not see its bar; a coin's is that of the UTC day before.
NEVER_CAME = {
    "XLC": date(2024, 3, 7),
    "SPHB": date(2024, 3, 12),
    "BTC-USD": date(2024, 3, 14),
    "ETH-USD": date(2024, 3, 19),
    "XRP-USD": date(2024, 3, 21),
    "SOL-USD": date(2024, 4, 1),
}


def test_what_an_evening_says_without_a_bar_that_never_comes_is_what_the_history_says(archive: Archive) -> None:
    recent = {**since(archive, BEGINS - pd.Timedelta(days=700))}
    for key, session in NEVER_CAME.items():
        missing = pd.Timestamp(session) - pd.Timedelta(days=int(key.endswith("-USD")))
        assert missing in recent[key].index
        recent[key] = recent[key].drop(missing)
    whole = evaluate(recent, CALENDAR, date(2024, 4, 30))
    for session in NEVER_CAME.values():
        known = {key: frame[frame.index <= pd.Timestamp(session)] for key, frame in recent.items()}
        assert verdict(evaluate(known, CALENDAR, session), session) == verdict(whole, session), session
