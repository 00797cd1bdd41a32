"""A digest: chosen by words and buttons, sent at its hour with what changed, what did not and what is near."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.app import App
from bot.clock import SteppedClock
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from storage import market
from storage.ledger import ChangeRow
from storage.market import Agenda
from storage.settings.chosen import Chosen
from storage.settings.digest_times import Cadence
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Press, Say, store
from tests.bot.commands.settings.test_settings import chosen_by
from tests.bot.messages.whole import SESSION
from tests.bot.running import EVENING

DAY, CHANGE = timedelta(days=1), ChangeRow("stage.up", "stage:2020-11-17", SESSION, "1", "2")


async def at(app: App, now: datetime) -> None:
    """Move the clock and let everything due be sent."""
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(now)
    while await app.sender._enqueue_some():
        pass
    # Two for one chat wait for its pace.
    while await app.sender._send_some() or app.sender._in_flight:
        if app.sender._in_flight:
            await asyncio.wait(app.sender._in_flight)


@pytest.mark.parametrize(
    ("typed", "cadence", "hour"),
    [
        ("daily", Cadence.DAILY, 8), ("weekly 18", Cadence.WEEKLY, 18), ("Daily 07:00", Cadence.DAILY, 7),
        ("daily 0", Cadence.DAILY, 0), ("daily 20h", Cadence.DAILY, 20),
    ],
)  # fmt: skip
async def test_as_it_was_typed(app: App, say: Say, typed: str, cadence: Cadence, hour: int) -> None:
    words = "daily" if cadence is Cadence.DAILY else "on Sundays"
    assert (await say(f"/digest {typed}")).startswith(f"Digest: {words} at {hour:02}:00\nThe next on ")
    found = await chosen_by(app)
    assert (found.digest, found.digest_hour) == (cadence, hour)


@pytest.mark.parametrize("typed", ["daily 24", "hourly", "daily 7:30", "daily 8 9", "8", "daily -1"])
async def test_what_is_none_gets_one_line_with_an_example(app: App, say: Say, typed: str) -> None:
    answer = await say(f"/digest {typed}")
    assert answer == "/digest takes daily or weekly and an hour from 0 to 23, or off. For example /digest daily 8"
    assert (await chosen_by(app)).digest is None


async def test_by_buttons_and_ended_by_one(app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
    assert (await say("/digest")).startswith("Digest: none\n")
    await press("Weekly")
    await press("21")
    await press("Skip it when nothing changed")
    found = await chosen_by(app)
    assert (found.digest, found.digest_hour, found.digest_skips) == (Cadence.WEEKLY, 21, True)
    assert "One without a change is left out." in sandbox.sent(ME)[-1]
    await press("Always send it")
    assert not (await chosen_by(app)).digest_skips
    await press("None")
    assert (await chosen_by(app)).digest_due_at is None
    await press("Settings")
    assert "Digest: none" in sandbox.sent(ME)[-1]


async def test_in_a_group_only_admins_choose(app: App, say: Say) -> None:
    assert await say("/digest daily", GROUP, MEMBER) == Messages().text("admins_only")
    assert await chosen_by(app, GROUP) == Chosen()
    await say("/digest daily 9", GROUP, ADMIN)
    assert (await chosen_by(app, GROUP)).digest_hour == 9


async def test_the_next_one_is_told_by_the_clocks_of_the_chat_and_moves_with_it(say: Say) -> None:
    await say("/timezone Paris")
    # There it was half past eleven in the evening.
    assert "The next on 14 Nov 2020 08:00\u00a0UTC+1." in await say("/digest daily 8")
    await say("/timezone New York")
    assert "The next on 14 Nov 2020 08:00\u00a0UTC−5." in await say("/digest")


async def test_at_its_hour_it_says_what_changed_what_did_not_and_what_is_near(
    app: App, say: Say, press: Press, sandbox: Sandbox
) -> None:
    await store(app, (SESSION - 4 * DAY, []))
    for typed in ("/subscribe", "/digest daily 8", "/alerts nothing"):
        await say(typed)
    await store(app, (SESSION, [CHANGE]))
    before = len(sandbox.sent(ME))
    await at(app, EVENING + timedelta(hours=9))
    assert len(sandbox.sent(ME)) == before
    await at(app, EVENING + timedelta(hours=9, minutes=30))
    await at(app, EVENING + timedelta(hours=10))
    (text,) = sandbox.sent(ME)[before:]
    assert text.startswith("Digest: 1 change since 13 Nov 2020\nTue 17 Nov 2020 · Russell 2000")
    assert "17 Nov: Cascade stage 1 → 2 of 4" in text
    assert "As before:\nLiquidity: neutral" in text
    assert "\nNear: " in text
    # It comes with a sound, and what stands under it leads back to it.
    assert not list(sandbox.world.chats[ME].messages.values())[-1].get("disable_notification")
    for title in ("Why", "Digest"):
        await press(title)
        await press("Back")
        assert sandbox.sent(ME)[-1] == text


async def test_quiet_hours_let_it_through_at_its_hour_and_hold_one_that_is_late(
    app: App, say: Say, sandbox: Sandbox
) -> None:
    await store(app, (SESSION, []))
    for typed in ("/subscribe", "/quiet 22-9", "/digest daily 8"):
        await say(typed)
    before = len(sandbox.sent(ME))
    await at(app, EVENING + timedelta(hours=10, minutes=20))
    assert sandbox.sent(ME)[before:] == [f"{sandbox.sent(ME)[-1]}"]
    assert sandbox.sent(ME)[-1].startswith("Digest: no session since Tue 17 Nov 2020")
    # The next morning nothing ran until three in the night after it.
    late = EVENING + timedelta(days=1, hours=28, minutes=30)
    await at(app, late)
    assert len(sandbox.sent(ME)) == before + 1
    await at(app, late + timedelta(hours=6))
    # That one when quiet hours end; by then the next has come at its hour.
    assert len(sandbox.sent(ME)) == before + 3


async def test_a_session_that_is_closed_and_not_decided_is_named(app: App, say: Say, sandbox: Sandbox) -> None:
    await store(app, (SESSION, []))
    async with app.database.transaction() as connection:
        agenda = Agenda(SESSION + DAY, EVENING, SESSION + DAY, "^RUT: no answer")
        await market.set_agenda(connection, agenda)
    await say("/subscribe")
    await say("/digest daily 8")
    await at(app, EVENING + timedelta(hours=10))
    assert "\nWed 18 Nov 2020 is not decided yet.\n" in sandbox.sent(ME)[-1]


async def test_one_that_is_queued_is_not_sent_to_who_wants_none_any_more(app: App, say: Say, sandbox: Sandbox) -> None:
    await store(app, (SESSION, []))
    await say("/subscribe")
    await say("/digest daily 8")
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(EVENING + timedelta(hours=10))
    while await app.sender._enqueue_some():
        pass
    await say("/digest off")
    before = len(sandbox.sent(ME))
    await at(app, EVENING + timedelta(hours=10))
    assert len(sandbox.sent(ME)) == before


async def test_details_of_a_digest_are_no_button_and_whoever_makes_one_up_is_told_so(
    app: App, say: Say, sandbox: Sandbox
) -> None:
    await store(app, (SESSION, []))
    await say("/subscribe")
    await say("/digest daily 8")
    await at(app, EVENING + timedelta(hours=10))
    newest = max(sandbox.world.chats[ME].messages)
    sandbox.world.press(ME, newest, "details@1")
    while sandbox.world.updates:
        await app.poller.once()
    assert sandbox.sent(ME)[-1].startswith("Digest:")
