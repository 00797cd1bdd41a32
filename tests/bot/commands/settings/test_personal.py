"""What is stored about a chat: said, sent as a document, deleted after being asked once; and who may."""

from __future__ import annotations

import json

import pytest

from bot.app import App
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from storage import chats
from storage.settings import personal
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say
from tests.bot.conftest import Record
from tests.bot.running import attempt
from tests.storage.settings.test_personal import rows_naming


async def is_known(app: App, chat_id: int = ME) -> bool:
    async with app.database.reading() as connection:
        return await chats.find(connection, chat_id) is not None


class TestDeleting:
    async def test_it_asks_first_and_deletes_when_that_is_pressed(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        await say("/subscribe")
        assert (await say("/deleteme")).startswith("Delete all that is stored about this chat?")
        assert await is_known(app)
        await press("Delete everything")
        assert sandbox.sent(ME)[-1].startswith("Deleted.")
        assert not await is_known(app)

    async def test_who_keeps_it_has_lost_nothing(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/subscribe")
        await say("/deleteme")
        await press("Keep it")
        assert sandbox.sent(ME)[-1].startswith("What is stored about a chat")
        assert await is_known(app)

    async def test_afterwards_no_row_of_any_table_names_the_chat(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, record: Record
    ) -> None:
        # A number that nothing else has.
        chat_id = 7_351_924_680
        sandbox.world.add_private_chat(chat_id)
        for typed in ("/subscribe", "/timezone Paris", "/alerts everything", "/mute 1h", "/unmute"):
            await say(typed, chat_id)
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert len(await rows_naming(app.database, chat_id)) >= 2
        await say("/deleteme", chat_id)
        sandbox.world.press(chat_id, max(sandbox.world.chats[chat_id].messages), "deleteme:yes")
        while sandbox.world.updates:
            await app.poller.once()
        assert await rows_naming(app.database, chat_id) == {}

    async def test_who_begins_anew_gets_alerts_again(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        for typed in ("/subscribe", "/deleteme yes", "/subscribe"):
            await say(typed)
        before = len(sandbox.sent(ME))
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert len(sandbox.sent(ME)) == before + 1

    async def test_what_follows_it_and_is_unknown_gets_one_line(self, app: App, say: Say) -> None:
        await say("/subscribe")
        assert "\n" not in await say("/deleteme no")
        assert await is_known(app)


class TestExport:
    async def test_it_is_a_json_document_of_every_row(self, app: App, say: Say, sandbox: Sandbox) -> None:
        await say("/subscribe")
        await say("/timezone Paris")
        assert (await say("/export")).startswith("All that is stored about this chat.")
        message = list(sandbox.world.chats[ME].messages.values())[-1]
        assert message["document"]["file_name"] == f"cascade{ME}.json"
        found = json.loads(sandbox.world.documents[message["document"]["file_id"]])
        async with app.database.reading() as connection:
            now = await personal.stored(connection, ME)
        assert found["chat"] == json.loads(
            json.dumps(now["chat"], default=lambda at: at.isoformat().replace("+00:00", "Z"))
        )
        # What asked for it was not answered yet.
        assert "/export" in found["received_update"][0]["body"]

    async def test_of_whom_nothing_is_stored_it_says_just_that(self, say: Say, sandbox: Sandbox) -> None:
        await say("/export")
        (content,) = sandbox.world.documents.values()
        assert (json.loads(content)["chat"], json.loads(content)["delivery"]) == ([], [])


class TestInAGroup:
    @pytest.mark.parametrize("typed", ["/export", "/deleteme", "/deleteme yes"])
    async def test_only_admins_may(self, app: App, say: Say, sandbox: Sandbox, typed: str) -> None:
        await say("/subscribe", GROUP, ADMIN)
        assert await say(typed, GROUP, MEMBER) == Messages().text("admins_only")
        assert await is_known(app, GROUP)
        assert sandbox.world.documents == {}

    async def test_a_members_press_does_not_delete_it(self, app: App, say: Say, sandbox: Sandbox, hear: Hear) -> None:
        await say("/subscribe", GROUP, ADMIN)
        await say("/deleteme", GROUP, ADMIN)
        sandbox.world.press(GROUP, max(sandbox.world.chats[GROUP].messages), "deleteme:yes", user_id=MEMBER)
        await hear()
        assert await is_known(app, GROUP)


class TestNumbers:
    async def test_in_private_there_is_one(self, say: Say) -> None:
        assert await say("/id") == f"This chat is {ME}."

    async def test_in_a_group_there_are_two_and_anybody_may_ask(self, say: Say) -> None:
        assert await say("/id", GROUP, MEMBER) == f"This chat is {GROUP}. You are {MEMBER}."


async def test_privacy_says_how_long_and_what_to_do(say: Say) -> None:
    answer = await say("/privacy")
    assert all(words in answer for words in ("30 days", "/export", "/deleteme"))
