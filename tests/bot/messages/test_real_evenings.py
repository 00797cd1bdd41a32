"""What was said on the evenings that people will compare: whole answers over the real history, read by a person."""

from __future__ import annotations

from datetime import date

import pytest

from bot.market.alerts import alert_rows
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html
from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.record.past import past_cases
from signals.transitions import transitions
from storage.ledger import ChangeRow, VerdictRow
from storage.market import Market
from tests.bot.messages.reviewed import plain, reviewed
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history

LIVE, MESSAGES = Market("live", None, None), Messages()
EVENINGS = (
    "2016-11-14", "2016-11-16", "2020-11-13", "2020-11-17", "2020-12-16", "2021-01-04", "2021-11-26", "2022-06-15",
    "2024-11-25", "2025-06-27",
)  # fmt: skip


def evening(history: History, day: date) -> str:
    """Return the status of an evening, and every alert of it, a line of dashes between them."""
    verdict = history.verdict(day, decision_time(day))
    before = history.verdict(history.panel.days[history.panel.position(day) - 1], decision_time(day))
    found = transitions(before, verdict)
    past = past_cases(history, day, found)
    shown = {
        (c.subject, c.kind): ShownChange(c.kind, c.subject, day, c.occurred_on, str(c.before), str(c.after), evidence)
        for c, evidence in zip(found, past, strict=True)
    }
    rows = [ChangeRow(c.kind, c.subject, c.occurred_on, c.before, c.after) for c in found]
    owed = alert_rows([VerdictRow(day, verdict.decided_at, "3", b"", rows)], verdict.decided_at)
    texts = [MESSAGES.part("state", verdict, LIVE), MESSAGES.part("why", verdict, LIVE)]
    texts += [MESSAGES.alert(verdict, [shown[key] for key in alert.changes], LIVE) for alert in owed]
    return plain("\n----\n".join(parse_html(text).text for text in texts))


@pytest.mark.parametrize("day", EVENINGS)
def test_a_real_evening_reads_as_reviewed(history: History, day: str) -> None:
    assert evening(history, date.fromisoformat(day)) == reviewed("evenings", day)
