"""Telegram is asked who is an admin, and what it said holds for a minute."""

from __future__ import annotations

from datetime import timedelta

from bot.app import App
from bot.clock import SteppedClock
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BOT
from tests.bot.commands.conftest import ADMIN, GROUP, MEMBER, Say

REFUSED = "Only an admin of this chat can do that."


def asked(sandbox: Sandbox) -> int:
    """Return how often Telegram was asked."""
    return sum(method == "getChatMember" for method, _ in sandbox.calls)


def wait(app: App, seconds: float) -> None:
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(app.clock.now() + timedelta(seconds=seconds))


async def test_it_is_asked_once_a_minute_of_each(app: App, say: Say, sandbox: Sandbox) -> None:
    for command in ("/subscribe", "/mute 1d", "/unmute"):
        assert await say(command, GROUP, ADMIN) != REFUSED
    assert asked(sandbox) == 1
    assert await say("/mute 1d", GROUP, MEMBER) == REFUSED
    assert await say("/mute 2d", GROUP, MEMBER) == REFUSED
    assert asked(sandbox) == 2
    wait(app, 60)
    assert await say("/mute 3d", GROUP, ADMIN) != REFUSED
    assert asked(sandbox) == 3


async def test_who_is_an_admin_no_more_may_nothing_after_that(app: App, say: Say, sandbox: Sandbox) -> None:
    await say("/subscribe", GROUP, ADMIN)
    sandbox.world.chats[GROUP].admins.clear()
    wait(app, 59)
    assert await say("/mute 1d", GROUP, ADMIN) != REFUSED
    wait(app, 1)
    assert await say("/mute 2d", GROUP, ADMIN) == REFUSED


async def test_what_was_said_before_the_clock_was_set_back_does_not_hold(app: App, say: Say, sandbox: Sandbox) -> None:
    await say("/subscribe", GROUP, ADMIN)
    await say("/subscribe", GROUP, MEMBER)
    sandbox.world.chats[GROUP].admins = {MEMBER}
    wait(app, -3600)
    assert await say("/mute 1d", GROUP, ADMIN) == REFUSED
    assert await say("/mute 1d", GROUP, MEMBER) != REFUSED


async def test_that_members_are_hidden_is_not_remembered(say: Say, sandbox: Sandbox) -> None:
    sandbox.world.chats[GROUP].hides_members = True
    assert "Make the bot an admin" in await say("/subscribe", GROUP, MEMBER)
    sandbox.world.chats[GROUP].admins.add(BOT["id"])
    assert await say("/subscribe", GROUP, MEMBER) == REFUSED


async def test_who_writes_in_the_name_of_the_group_is_not_asked_about(app: App, say: Say, sandbox: Sandbox) -> None:
    sandbox.world.write(GROUP, "/subscribe", as_chat=True)
    await app.poller.once()
    assert sandbox.sent(GROUP)[-1].startswith("Subscribed.")
    assert asked(sandbox) == 0


async def test_one_chat_s_admin_is_none_of_another(say: Say, sandbox: Sandbox) -> None:
    other = GROUP - 1
    sandbox.world.add_group(other, "Others", admins=set())
    await say("/subscribe", GROUP, ADMIN)
    assert await say("/subscribe", other, ADMIN) == REFUSED
