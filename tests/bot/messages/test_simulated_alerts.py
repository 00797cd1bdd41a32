"""Alerts of every kind as they come on a simulated market, whole, read by a person."""

from __future__ import annotations

from datetime import date

import pytest

from tests.bot.messages.evenings import alerts_of, simulated, simulated_record
from tests.bot.messages.reviewed import reviewed
from tests.bot.messages.test_alert_messages import CASES

SEED = 7
EVENINGS = {
    "breakout.attempt": "2011-04-15",
    "breakout.confirmed": "2011-04-25",
    "breakout.warning": "2008-06-13",
    "breakout.failed": "2008-06-18",
    "breakout.rejected": "2007-06-08",
    "breakout.recovered": "2007-06-11",
    "breakout.established": "2011-05-23",
    "breakout.ended": "2011-11-18",
    "window.opened": "2011-05-25",
    "window.responded": "2011-06-06",
    "window.elapsed": "2005-12-27",
    "liquidity.regime": "2011-08-31",
    "stage.up": "2011-11-23",
    "stage.down": "2011-12-30",
    "precondition.met": "2005-09-28",
    "precondition.ended": "2005-10-19",
    "supercycle.up": "2011-08-31",
    "supercycle.down": "2011-11-21",
}


@pytest.mark.parametrize("kind", EVENINGS)
def test_an_alert_reads_as_reviewed(kind: str) -> None:
    evening = date.fromisoformat(EVENINGS[kind])
    alerts = dict(alerts_of(simulated(SEED), evening, with_past=True, record=simulated_record(SEED)))
    assert alerts[kind] == reviewed("alerts", kind)


@pytest.mark.parametrize(("kind", "evening"), [("data.problem", date(2011, 3, 9)), ("data.cleared", date(2011, 3, 16))])
def test_an_alert_of_the_data_reads_as_reviewed(kind: str, evening: date) -> None:
    market = simulated(SEED, lost="LTC-USD", since="2011-03-03", until="2011-03-14")
    assert dict(alerts_of(market, evening))[kind] == reviewed("alerts", kind)


def test_every_kind_is_among_them() -> None:
    # A window is cancelled by a failure, and told in the same message.
    assert {*EVENINGS, "window.cancelled", "data.problem", "data.cleared"} == set(CASES)
