"""A month of the year that ``make soak`` lives through, with fewer chats."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from storage.ledger import CATCH_UP
from storage.outbox.states import State
from tests.soak.accounting import Accounts
from tests.soak.living import MONTH, Soak

HAPPENS = {"blocks", "closure", "outage", "pause", "refusals", "revision", "rollback", "split", "upgrade"}


async def test_a_month_of_everything_leaves_every_alert_accounted_for(tmp_path: Path) -> None:
    async with serve(Sandbox(limiter=Limiter(10**6, 10**6, 10**6))) as sandbox:
        lived = await Soak(tmp_path, sandbox, MONTH, 20).run(lambda _: None)
    accounts = lived.accounts
    assert accounts.lost == accounts.doubled == accounts.untold == []
    assert lived.happened == dict.fromkeys(HAPPENS, 1) | {"off": 3}
    # The day on which the exchange was closed is no session.
    assert lived.decided == MONTH - 1
    assert lived.answered == lived.asked > 0
    assert {State.SENT, State.UNKNOWN, State.SUPERSEDED} <= accounts.ends.keys()
    assert lived.links > lived.decided
    assert lived.samples[-1].updates < 5
    assert {"breakout", CATCH_UP, "digest", "watch", "data"} <= accounts.alerts.keys()


class Row:
    """A delivery as the database would have it."""

    not_before = None

    def __init__(self, state: State, error: str | None = None, *, chat_id: int = 5) -> None:
        self.state, self.error, self.chat_id, self.urgent, self.unknowns = state, error, chat_id, False, 0


@pytest.mark.parametrize(
    ("row", "copies", "lost", "doubled"),
    [
        (Row(State.SENT), 1, 0, 0),
        (Row(State.SENT), 0, 1, 0),
        (Row(State.SENT), 2, 0, 1),
        (Row(State.HELD), 0, 1, 0),
        (Row(State.GONE), 0, 1, 0),
        (Row(State.GONE, "blocked"), 0, 0, 0),
        (Row(State.SENT, chat_id=6), 1, 1, 0),
    ],
)
def test_the_account_finds_what_is_lost_or_doubled(row: Row, copies: int, lost: int, doubled: int) -> None:
    """An account that could not find anything would be worth nothing."""
    accounts = Accounts(_expected={1: {5}}, _copies=Counter({(row.chat_id, 1): copies}))
    accounts._settle(1, [row])
    assert (len(accounts.lost), len(accounts.doubled)) == (lost, doubled)
