"""What changes without being news: lapses, returns, and what is measured for the first time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from signals.conditions.table import LINKS
from signals.explain import is_following
from signals.model import Freshness, Regime, State, Verdict, Window
from signals.rules import LINK
from signals.transitions import transitions
from tests.bot.messages.whole import cascade, crypto, link, sources, supercycle, whole

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN


def kinds(before: Verdict, after: Verdict) -> list[str]:
    return [change.kind for change in transitions(before, replace(after, session=before.session + timedelta(days=1)))]


def links(*states: State, **changes: Any) -> Verdict:
    """Return a verdict with links published in these states; ``changes`` are made to the last one of them."""
    made = [link(number, state, last_published=state) for number, state in enumerate(states, 1)]
    made[-1] = replace(made[-1], **changes)
    stage = next((i for i, state in enumerate(states) if state is not ON), len(states))
    return whole(cascade=replace(cascade(*states), links=tuple(made), last_published=stage))


FOUR, LAPSED, NONE_LEFT = (ON, ON, ON, ON), (ON, ON, ON, UNKNOWN), (ON, ON, ON, OFF)


class TestStage:
    def test_a_link_that_switches_changes_the_stage(self) -> None:
        assert kinds(links(*NONE_LEFT), links(*FOUR)) == ["stage.up"]
        assert kinds(links(*FOUR), links(*NONE_LEFT)) == ["stage.down"]

    @pytest.mark.parametrize(("before", "after"), [(FOUR, LAPSED), (LAPSED, FOUR), (LAPSED, NONE_LEFT)])
    def test_a_lapse_or_a_return_changes_no_stage(self, before: tuple[State, ...], after: tuple[State, ...]) -> None:
        assert kinds(links(*before), links(*after)) == []

    def test_a_change_since_something_was_measured_for_the_first_time_is_no_news(self) -> None:
        assert kinds(links(*NONE_LEFT), links(*FOUR, silent=True)) == []

    def test_one_link_that_lapses_hides_no_other_that_switches(self) -> None:
        assert kinds(links(ON, OFF, ON, ON), links(ON, ON, ON, UNKNOWN)) == ["stage.up"]

    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    def test_a_series_that_arrives_changes_no_stage_through_its_link(self, number: int) -> None:
        states = [ON if i < number else OFF for i in range(1, 5)]
        after = [ON if i <= number else OFF for i in range(1, 5)]
        key = LINKS[number][0].needs[0]
        named = {key.strip("^").replace("-", "_"): (Freshness.NEVER_HAD, "no observation yet")}
        before = replace(links(*states), sources=sources(**named))
        assert kinds(links(*states), links(*after)) == ["stage.up"]
        assert kinds(before, replace(links(*after), sources=sources())) == []


class TestRegime:
    @pytest.mark.parametrize("unknown", [Regime.UNKNOWN, Regime.INSUFFICIENT])
    def test_from_and_to_unknown_is_no_news(self, unknown: Regime) -> None:
        known = whole()
        lapsed = whole(liquidity=replace(known.liquidity, last_published=unknown))
        assert kinds(known, lapsed) == kinds(lapsed, known) == []

    def test_a_silent_change_is_none_and_another_one_is(self) -> None:
        easing = replace(whole().liquidity, last_published=Regime.EASING)
        assert kinds(whole(), whole(liquidity=easing)) == ["liquidity.regime"]
        assert kinds(whole(), whole(liquidity=replace(easing, silent=True))) == []


class TestCounts:
    def test_the_count_of_properties_changes_by_what_is_known(self) -> None:
        two, three = supercycle(ON, ON, OFF, OFF), supercycle(ON, ON, ON, OFF)
        lapsed = supercycle(ON, UNKNOWN, OFF, OFF)
        assert kinds(whole(supercycle=two), whole(supercycle=three)) == ["supercycle.up"]
        assert kinds(whole(supercycle=two), whole(supercycle=lapsed)) == []
        assert kinds(whole(supercycle=lapsed), whole(supercycle=two)) == []

    def test_one_that_lapses_hides_no_other_that_switches(self) -> None:
        before, after = supercycle(ON, ON, OFF, OFF), supercycle(ON, UNKNOWN, ON, OFF)
        assert kinds(whole(supercycle=before), whole(supercycle=after)) == ["supercycle.up"]

    def test_a_precondition_that_was_unknown_or_began_with_an_arrival_is_no_news(self) -> None:
        off, on = whole().crypto, replace(whole().crypto, last_published=ON)
        assert kinds(whole(crypto=off), whole(crypto=on)) == ["precondition.met"]
        assert kinds(whole(crypto=replace(off, last_published=UNKNOWN)), whole(crypto=on)) == []
        assert kinds(whole(crypto=off), whole(crypto=replace(on, silent=True))) == []


def test_a_window_that_ether_s_arrival_opens_is_no_news() -> None:
    before = whole(
        crypto=crypto(Window.UNMEASURED), sources=sources(ETH_USD=(Freshness.NEVER_HAD, "no observation yet"))
    )
    assert kinds(before, whole(crypto=crypto(Window.OPEN), sources=sources())) == []
    assert kinds(whole(crypto=crypto(Window.WAITING)), whole(crypto=crypto(Window.OPEN))) == ["window.opened"]


@pytest.mark.parametrize(
    ("sessions", "follows"), [(0, True), (LINK.following, True), (LINK.following + 1, False), (None, False)]
)
def test_crypto_follows_only_when_its_link_switched_on_lately(sessions: int | None, follows: bool) -> None:
    assert is_following(link(4, ON, sessions_since_on=sessions)) is follows
