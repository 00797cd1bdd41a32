"""Whatever changed in whichever sessions, everybody hears of it once."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.market.alerts import alert_rows
from signals.data.sessions import decision_time
from storage.ledger import AlertRow, Audience, ChangeRow, VerdictRow
from tests.worlds import day

KINDS = ("breakout.attempt", "stage.up", "data.problem", "data.cleared")


@st.composite
def decided(draw: st.DrawFn) -> list[VerdictRow]:
    """Sessions decided in one evening, each with changes of several kinds."""
    rows = []
    for position in range(draw(st.integers(1, 8))):
        session, kinds = day(position), draw(st.lists(st.sampled_from(KINDS), unique=True))
        changes = [ChangeRow(kind, f"{kind.partition('.')[0]}:{session}", session) for kind in kinds]
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
