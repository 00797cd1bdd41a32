"""Whatever changed in whichever sessions, everybody hears of it once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.market.alerts import alert_rows, kind_of
from signals.data.sessions import decision_time
from storage.ledger import AlertRow, Audience, ChangeRow, VerdictRow
from storage.settings.kinds import BITS
from tests.worlds import day

KINDS = (
    "breakout.attempt", "breakout.confirmed", "breakout.failed", "breakout.ended", "window.cancelled", "window.opened",
    "stage.up", "data.problem", "data.cleared",
)  # fmt: skip


@st.composite
def decided(draw: st.DrawFn) -> list[VerdictRow]:
    """Sessions decided in one evening, each with changes of several kinds."""
    rows = []
    for position in range(draw(st.integers(1, 8))):
        session, kinds = day(position), draw(st.lists(st.sampled_from(KINDS), unique=True))
        changes = [ChangeRow(kind, f"{kind.partition('.')[0]}:{session}", session, "1", "2") for kind in kinds]
        rows.append(VerdictRow(session, decision_time(session), "3", b"", changes))
    return rows


def told_to(audience: Audience, alerts: list[AlertRow]) -> list[tuple[str, str]]:
    return [change for alert in alerts if alert.audience is audience for change in alert.changes]


@settings(max_examples=60, deadline=None)
@given(rows=decided(), late=st.integers(0, 8 * 24))
def test_each_change_is_told_once_however_late_it_is_decided(rows: list[VerdictRow], late: int) -> None:
    alerts = alert_rows(rows, decision_time(rows[-1].session) + timedelta(hours=late))
    changes = [(change.subject, change.kind) for row in rows for change in row.changes]
    for audience, is_data in ((Audience.OPERATORS, True), (Audience.SUBSCRIBERS, False)):
        theirs = [change for change in changes if change[1].startswith("data.") == is_data]
        assert sorted(told_to(audience, alerts)) == sorted(theirs)


@settings(max_examples=60, deadline=None)
@given(phases=st.lists(st.booleans(), min_size=1, max_size=8), late=st.integers(0, 8 * 24))
def test_an_end_is_told_where_its_beginning_was_and_nowhere_else(phases: list[bool], late: int) -> None:
    """A series fails since history, ceases to, fails, and so on; some sessions change nothing."""
    rows, fails, expected = [], True, []
    for position, changed in enumerate(phases):
        session, changes = day(position), []
        if changed:
            fails = not fails
            changes = [ChangeRow("data.problem" if fails else "data.cleared", f"data:XBI:{session}", session)]
            expected.append(changes[0].kind)
        rows.append(VerdictRow(session, decision_time(session), "3", b"", changes))
    alerts = alert_rows(rows, decision_time(rows[-1].session) + timedelta(hours=late), {"XBI"})
    assert [kind for _, kind in told_to(Audience.OPERATORS, alerts)] == expected[1:]


@settings(max_examples=60, deadline=None)
@given(rows=decided(), late=st.integers(0, 8 * 24))
def test_a_summary_is_of_the_newest_session(rows: list[VerdictRow], late: int) -> None:
    alerts = alert_rows(rows, decision_time(rows[-1].session) + timedelta(hours=late))
    assert {alert.session for alert in alerts if alert.kind == "catch_up"} <= {rows[-1].session}


def alerts_of(*kinds: str) -> list[AlertRow]:
    """Return the alerts of one evening on which all these happened."""
    changes = [ChangeRow(kind, f"{kind.partition('.')[0]}:{day(0)}", day(0), "1", "2") for kind in kinds]
    return alert_rows([VerdictRow(day(0), decision_time(day(0)), "3", b"", changes)], decision_time(day(0)))


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (("window.cancelled", "breakout.failed"), ("breakout.failed", "window.cancelled")),
        (("breakout.attempt", "breakout.confirmed"), ("breakout.confirmed", "breakout.attempt")),
        (("breakout.ended", "breakout.attempt"), ("breakout.attempt", "breakout.ended")),
        (("breakout.warning", "breakout.failed"), ("breakout.failed", "breakout.warning")),
    ],
)
def test_what_one_close_brings_about_is_one_alert_led_by_its_gravest_change(
    kinds: tuple[str, ...], told: tuple[str, ...]
) -> None:
    (alert,) = alerts_of(*kinds)
    assert tuple(kind for _, kind in alert.changes) == told
    assert alert.kind == told[0]


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (("window.cancelled", "breakout.failed"), "breakout.failed"),
        (("breakout.ended", "breakout.attempt"), "breakout.attempt"),
        (("window.opened",), "window.opened"),
        (("liquidity.regime",), "liquidity"),
        (("supercycle.up",), "supercycle"),
        (("supercycle.down",), "supercycle"),
        (("precondition.met",), "precondition"),
        (("precondition.ended",), "precondition"),
    ],
)
def test_the_gravest_change_decides_who_gets_it(kinds: tuple[str, ...], chosen: str) -> None:
    (alert,) = alerts_of(*kinds)
    assert alert.kinds == BITS[chosen]


@pytest.mark.parametrize(
    ("before", "after", "chosen"),
    [("2", "3", "stage.high"), ("3", "2", "stage.high"), ("4", "3", "stage.high"), ("0", "4", "stage.high"),
     ("1", "2", "stage.low"), ("2", "0", "stage.low")],
)  # fmt: skip
def test_a_stage_is_high_where_three_or_four_is_reached_or_left(before: str, after: str, chosen: str) -> None:
    assert kind_of(ChangeRow("stage.up", "stage:2020-11-13", day(0), before, after)) == chosen


def test_a_summary_is_for_whoever_wants_any_of_it() -> None:
    changes = [
        [ChangeRow("window.opened", "window:2020-11-13", day(0))],
        [ChangeRow("liquidity.regime", "l:1", day(1))],
    ]
    rows = [VerdictRow(day(n), decision_time(day(n)), "3", b"", told) for n, told in enumerate(changes)]
    (summary,) = alert_rows(rows, decision_time(day(1)) + timedelta(days=3))
    assert summary.kinds == BITS["window.opened"] | BITS["liquidity"]


def test_the_gravest_change_decides_urgency() -> None:
    assert [alert.urgent for alert in alerts_of("window.cancelled", "breakout.failed")] == [True]
    assert [alert.urgent for alert in alerts_of("breakout.ended", "breakout.attempt")] == [False]


def test_other_causes_of_the_same_evening_are_alerts_of_their_own() -> None:
    told = alerts_of("stage.up", "breakout.failed", "liquidity.regime", "window.opened", "window.cancelled")
    assert [alert.kind for alert in told] == ["breakout.failed", "stage.up", "liquidity.regime", "window.opened"]


@settings(max_examples=60, deadline=None)
@given(rows=decided())
def test_no_two_alerts_of_an_evening_tell_of_the_same_close(rows: list[VerdictRow]) -> None:
    alerts = alert_rows(rows[-1:], decision_time(rows[-1].session))
    assert sum(alert.kind.startswith("breakout.") or alert.kind == "window.cancelled" for alert in alerts) <= 1
