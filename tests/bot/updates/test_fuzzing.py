"""A sample of what ``make fuzz`` tries for ten minutes, and whatever that found."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from telegram import Update
from telegram.ext import TypeHandler

from bot.app import App
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import Json
from bot.updates.inbox import ALLOWED_UPDATES
from tests.fuzzing.description import described, ours
from tests.fuzzing.handling import check
from tests.fuzzing.running import tried
from tests.fuzzing.updates import PRIVATE, updates

Tried = tuple[App, Sandbox]


@pytest.fixture
async def program(database_url: str) -> AsyncIterator[Tried]:
    async with tried(database_url) as found:
        yield found


SAMPLE = settings(
    suppress_health_check=[*HealthCheck], max_examples=25, deadline=None, phases=[Phase.generate, Phase.shrink]
)


@SAMPLE
@given(some=st.lists(updates(described()), min_size=1, max_size=3))
async def test_whatever_telegram_may_send_is_handled_and_what_follows_it_is_answered(
    some: list[Json], program: Tried
) -> None:
    await check(*program, some)


def test_every_kind_of_update_that_we_take_is_in_our_own_description() -> None:
    assert set(ALLOWED_UPDATES) <= ours().fields["Update"].keys()


async def test_a_handler_that_fails_is_found(program: Tried) -> None:
    """A check that could not find anything would be worth nothing."""

    async def fail(*_: object) -> None:
        raise ValueError("a mistake of ours")

    program[0].telegram.add_handler(TypeHandler(Update, fail), group=-1)
    with pytest.raises(AssertionError, match="a mistake of ours"):
        await check(*program, [{"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": PRIVATE}}])
