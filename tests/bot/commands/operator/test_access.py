"""Who is no operator learns nothing of what operators may: no answer, no menu, no effect."""

from __future__ import annotations

from bot.app import App, build
from bot.clock import SteppedClock
from bot.commands.table import COMMANDS, MENU, OPERATOR_MENU
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from storage.operator import pause
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Say
from tests.bot.commands.operator.conftest import OTHER
from tests.bot.running import EVENING, settings_for

CHANNEL = -1_000_000_000_077
FOR_OPERATORS = [command for command in COMMANDS if command.for_operators]
TYPED = [command.name for command in FOR_OPERATORS if command.description]


async def is_paused(app: App) -> bool:
    async with app.database.reading() as connection:
        return await pause.since(connection) is not None


async def test_typed_by_anybody_else_it_is_no_command_and_does_nothing(app: App, say: Say) -> None:
    for name in TYPED:
        assert await say(f"/{name} 1 words", OTHER) == Messages().text("unknown_command"), name
    assert not await is_paused(app)


async def test_in_a_group_it_is_not_even_answered_be_it_to_an_admin(app: App, say: Say) -> None:
    for name in TYPED:
        for person in (MEMBER, ADMIN):
            assert await say(f"/{name}@cascade_sandbox_bot 1 words", GROUP, person) == ""
    assert not await is_paused(app)


async def test_written_in_the_name_of_a_group_or_channel_it_is_none(app: App, sandbox: Sandbox, hear: Hear) -> None:
    sandbox.world.add_group(GROUP, "Traders", admins={ME})
    sandbox.world.add_channel(CHANNEL, "News", admins={ME})
    sandbox.world.write(GROUP, "/pause", user_id=ME, as_chat=True)
    sandbox.world.write(CHANNEL, "/pause", user_id=ME)
    await hear()
    assert sandbox.sent(GROUP) == sandbox.sent(CHANNEL) == []
    assert not await is_paused(app)


async def test_a_press_of_a_button_that_was_made_up_is_one_of_no_known_button(
    say: Say, sandbox: Sandbox, hear: Hear
) -> None:
    await say("/help", OTHER)
    (message,) = [number for number, sent in sandbox.world.chats[OTHER].messages.items() if sent["from"]["is_bot"]]
    for command in FOR_OPERATORS:
        pressed = sandbox.world.press(OTHER, message, f"{command.name}:1")
        await hear()
        assert sandbox.world.callback_answers[pressed]["text"] == Messages().text("unknown_button")


async def test_help_names_them_to_an_operator_in_private_alone(say: Say) -> None:
    for answer in (await say("/help", OTHER), await say("/help", GROUP, ME), await say("/help", GROUP, MEMBER)):
        assert not any(f"/{name}" in answer for name in TYPED)
        assert "operator" not in answer.lower()
    shown = (await say("/help")).splitlines()[-1]
    assert shown.startswith("/health, /stats, ")
    assert all(f"/{name}" in shown for name in TYPED)


def test_the_menu_has_them_for_operators_alone() -> None:
    assert OPERATOR_MENU.keys() - MENU.keys() == set(TYPED)


async def test_an_operator_may_in_a_group_too(app: App, say: Say) -> None:
    assert (await say("/pause", GROUP, ME)).startswith("Delivery is paused.")
    assert await is_paused(app)


async def test_without_operators_nobody_is_one(sandbox: Sandbox, database_url: str) -> None:
    sandbox.world.add_private_chat(ME)
    async with build(settings_for(sandbox, database_url), SteppedClock(EVENING)) as app:
        await app.connect()
        sandbox.world.write(ME, "/pause")
        await app.poller.once()
        assert not await is_paused(app)
    assert sandbox.sent(ME) == [Messages().text("unknown_command")]
