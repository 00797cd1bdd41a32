"""Links to the bot: ``?start=`` and ``?startgroup=`` preselect kinds of alerts, and what they do not know is passed over."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.messages.kinds import FAMILIES, PRESETS, kinds_of
from bot.sandbox.server import Sandbox
from storage.settings import chosen
from storage.settings.kinds import BITS, EVERYTHING, bits
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Press, Say


async def comes(app: App, chat_id: int = ME) -> int | None:
    """Return the bits of the kinds that come to a chat; ``None`` where none does."""
    async with app.database.reading() as connection:
        found = await chosen.load(connection, chat_id)
    return found.loud_kinds if found.is_subscribed else None


@pytest.mark.parametrize(("family", "title"), FAMILIES.items())
async def test_a_family_of_kinds_is_a_press_away(app: App, say: Say, press: Press, family: str, title: str) -> None:
    answer = await say(f"/start {family}")
    assert answer.startswith("Cascade watches whether")
    assert f"What comes: {title} (" in answer or (family == "others" and "What comes: liquidity, " in answer)
    assert await comes(app) is None
    await press(f"Subscribe: {title}")
    assert await comes(app) == bits(kinds_of(family))


async def test_so_is_a_preset(app: App, say: Say, press: Press) -> None:
    await say("/start everything")
    await press("Subscribe: Everything")
    assert await comes(app) == EVERYTHING


async def test_or_something_else_is_chosen_after_all(say: Say, press: Press, sandbox: Sandbox) -> None:
    await say("/start breakout")
    await press("Choose")
    assert sandbox.sent(ME)[-1].startswith("Alerts of this chat")


@pytest.mark.parametrize(
    "payload", ["nothing", "Breakout", "breakout-1", "x" * 64, "breakout window", "0", "..", "%s", "<b>"]
)
async def test_whatever_else_a_link_names_gets_what_anybody_gets(say: Say, payload: str) -> None:
    plain = await say("/start")
    assert await say(f"/start {payload}") == plain


async def test_a_link_for_groups_says_it_there_and_only_an_admin_may_press(
    app: App, say: Say, sandbox: Sandbox
) -> None:
    assert "What comes: Stage (3 and 4, 1 and 2)." in await say("/start@cascade_sandbox_bot stage", GROUP, ADMIN)
    number = max(sandbox.world.chats[GROUP].messages)
    assert sandbox.world.chats[GROUP].messages[number]["reply_markup"]["inline_keyboard"][0][0] == {
        "text": "Subscribe: Stage",
        "callback_data": "subscribe:stage",
    }
    assert await say("/subscribe stage", GROUP, MEMBER) == "Only an admin of this chat can do that."
    assert await comes(app, GROUP) is None
    await say("/subscribe stage", GROUP, ADMIN)
    assert await comes(app, GROUP) == BITS["stage.high"] | BITS["stage.low"]


class TestSubscribingToSome:
    async def test_a_word_chooses_anew_and_none_keeps_what_was_chosen(self, app: App, say: Say) -> None:
        assert (await say("/subscribe Window")).startswith("Subscribed. What comes: Crypto window (opened")
        assert "subscribed already" in await say("/subscribe")
        assert await comes(app) == bits(kinds_of("window"))
        assert (await say("/subscribe big")).startswith("Subscribed. What comes: Breakout (confirmed")
        assert await comes(app) == PRESETS["big"][1]

    @pytest.mark.parametrize("typed", ["nothing", "breakouts", "big ones", "breakout.confirmed"])
    async def test_any_other_gets_one_line_with_an_example(self, app: App, say: Say, typed: str) -> None:
        answer = await say(f"/subscribe {typed}")
        assert answer.endswith("For example /subscribe breakout")
        assert len(answer.splitlines()) == 1
        assert await comes(app) is None
