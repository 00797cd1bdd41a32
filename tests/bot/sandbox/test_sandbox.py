"""The local Bot API server is strict, and says what Telegram says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Bot, Message, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter

from bot.sandbox.entities import EntityError, parse_html, utf16_length
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BOT, BotApiError

ME = 5


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    sandbox.world.add_private_chat(ME, started=True)
    async with Bot(sandbox.token, base_url=f"{sandbox.url}/bot") as bot:
        yield bot


class TestMessages:
    async def test_a_message_arrives_with_its_entities(self, bot: Bot, sandbox: Sandbox) -> None:
        message = await bot.send_message(ME, "<b>Russell</b> 2000 &lt; 1,688.53", parse_mode="HTML")
        assert message.text == "Russell 2000 < 1,688.53"
        assert [(e.type, e.offset, e.length) for e in message.entities] == [("bold", 0, 7)]
        assert sandbox.sent(ME) == ["Russell 2000 < 1,688.53"]

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("a < b", "unsupported start tag"),
            ("<b>open", "can't find end tag corresponding to start tag b"),
            ("<b><i>x</b></i>", 'unexpected end tag "b"'),
            ("<h1>x</h1>", 'unsupported start tag "h1"'),
            ("<!-- x -->", "unsupported start tag"),
        ],
    )
    async def test_broken_html_is_refused(self, bot: Bot, text: str, sentence: str) -> None:
        with pytest.raises(BadRequest, match=f"(?i)can't parse entities: {sentence}"):
            await bot.send_message(ME, text, parse_mode="HTML")

    async def test_an_empty_or_endless_text_is_refused(self, bot: Bot) -> None:
        with pytest.raises(BadRequest, match=r"(?i)message text is empty"):
            await bot.send_message(ME, "<b></b> ", parse_mode="HTML")
        await bot.send_message(ME, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
        with pytest.raises(BadRequest, match=r"(?i)message is too long"):
            await bot.send_message(ME, "x" * 4097)

    async def test_a_stranger_a_chat_not_started_and_a_blocked_bot_are_refused(
        self, bot: Bot, sandbox: Sandbox
    ) -> None:
        with pytest.raises(BadRequest, match=r"(?i)chat not found"):
            await bot.send_message(99, "hello")
        sandbox.world.add_private_chat(6)
        with pytest.raises(Forbidden, match="can't initiate conversation"):
            await bot.send_message(6, "hello")
        sandbox.world.block(ME)
        with pytest.raises(Forbidden, match="blocked by the user"):
            await bot.send_message(ME, "hello")

    async def test_what_is_gone_is_refused(self, bot: Bot, sandbox: Sandbox) -> None:
        number = sandbox.world.write(ME, "one")["message_id"]
        with pytest.raises(BadRequest, match=r"(?i)message can't be edited"):
            await bot.edit_message_text("two", ME, number)
        sandbox.world.delete(ME, number)
        with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
            await bot.edit_message_text("two", ME, number)
        with pytest.raises(BadRequest, match=r"(?i)message to be replied not found"):
            await bot.send_message(ME, "two", reply_to_message_id=number)
        await bot.send_message(ME, "two", reply_to_message_id=number, allow_sending_without_reply=True)

    async def test_a_topic_that_is_closed_or_unknown_is_refused(self, bot: Bot, sandbox: Sandbox) -> None:
        sandbox.world.add_group(-77, "Forum").topics.update({3: True, 4: False})
        assert (await bot.send_message(-77, "one", message_thread_id=3)).message_thread_id == 3
        with pytest.raises(BadRequest, match="Topic_closed"):
            await bot.send_message(-77, "one", message_thread_id=4)
        with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
            await bot.send_message(-77, "one", message_thread_id=5)

    async def test_a_press_that_is_unknown_or_a_long_answer_to_one_is_refused(self, bot: Bot, sandbox: Sandbox) -> None:
        query = sandbox.world.press(ME, 1, "status")
        with pytest.raises(BadRequest, match="Message_too_long"):
            await bot.answer_callback_query(query, "x" * 201)
        assert await bot.answer_callback_query(query, "x" * 200)
        with pytest.raises(BadRequest, match=r"(?i)query is too old"):
            await bot.answer_callback_query("another")

    async def test_who_hides_its_members_tells_an_admin_alone(self, bot: Bot, sandbox: Sandbox) -> None:
        group = sandbox.world.add_group(-77, "Hidden", admins={11})
        group.hides_members = True
        with pytest.raises(BadRequest, match=r"(?i)member list is inaccessible"):
            await bot.get_chat_member(-77, 11)
        group.admins.add(BOT["id"])
        assert (await bot.get_chat_member(-77, 11)).status == "creator"

    async def test_an_edit_that_changes_nothing_is_refused(self, bot: Bot) -> None:
        message = await bot.send_message(ME, "one")
        await bot.edit_message_text("two", ME, message.message_id)
        with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
            await bot.edit_message_text("two", ME, message.message_id)
        with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
            await bot.edit_message_text("two", ME, 999)

    async def test_a_method_or_parameter_the_sandbox_does_not_know_is_an_error_and_not_silence(self, bot: Bot) -> None:
        with pytest.raises(BadRequest, match="does not know the parameter 'protect_content'"):
            await bot.send_message(ME, "x", protect_content=True)
        with pytest.raises(InvalidToken):  # Telegram answers 404, and so does it
            await bot.send_dice(ME)

    async def test_a_wrong_token_is_refused(self, sandbox: Sandbox) -> None:
        with pytest.raises(InvalidToken):
            async with Bot("1:wrong", base_url=f"{sandbox.url}/bot"):
                pass


class TestUpdates:
    async def test_updates_wait_until_they_are_confirmed(self, bot: Bot, sandbox: Sandbox) -> None:
        sandbox.world.write(ME, "/start")
        for _ in range(2):
            (update,) = await bot.get_updates(timeout=0)
        assert update.message is not None
        assert update.message.text == "/start"
        assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == ()

    async def test_a_long_poll_answers_as_soon_as_something_happens(self, bot: Bot, sandbox: Sandbox) -> None:
        polling = asyncio.create_task(bot.get_updates(timeout=20))
        await sandbox_is_called(sandbox, "getUpdates")
        sandbox.world.write(ME, "/start")
        async with asyncio.timeout(5):
            assert len(await polling) == 1

    async def test_a_second_poller_ends_the_first_with_a_conflict(self, bot: Bot, sandbox: Sandbox) -> None:
        first = asyncio.create_task(bot.get_updates(timeout=20))
        await sandbox_is_called(sandbox, "getUpdates")
        async with Bot(sandbox.token, base_url=f"{sandbox.url}/bot") as other:
            await other.get_updates(timeout=0)
        with pytest.raises(Conflict):
            await first

    async def test_kinds_that_were_not_asked_for_never_come(self, bot: Bot, sandbox: Sandbox) -> None:
        sandbox.world.block(ME)
        assert await bot.get_updates(timeout=0, allowed_updates=[Update.MESSAGE]) == ()


async def sandbox_is_called(sandbox: Sandbox, method: str) -> None:
    """Wait until a request for a method has reached the server."""
    async with asyncio.timeout(5):
        while not any(name == method for name, _ in sandbox.calls):
            await asyncio.sleep(0.01)


class TestLimits:
    def limiter(self, **limits: int) -> tuple[Limiter, Callable[[float], None]]:
        now = [0.0]

        def move(seconds: float) -> None:
            now[0] += seconds

        return Limiter(monotonic=lambda: now[0], **limits), move

    def test_thirty_a_second_over_all_chats(self) -> None:
        limiter, move = self.limiter()
        for chat_id in range(1, 31):
            limiter.take(chat_id)
        with pytest.raises(BotApiError, match="Too Many Requests: retry after 1"):
            limiter.take(31)
        move(1.0)
        limiter.take(31)
        assert limiter.refused == 1

    def test_a_group_may_have_twenty_a_minute(self) -> None:
        limiter, move = self.limiter()
        for _ in range(20):
            limiter.take(-5)
            move(1.0)
        with pytest.raises(BotApiError) as raised:
            limiter.take(-5)
        assert raised.value.parameters == {"retry_after": 40}

    def test_a_chat_may_have_a_short_burst(self) -> None:
        limiter, _ = self.limiter()
        for _ in range(5):
            limiter.take(5)
        with pytest.raises(BotApiError):
            limiter.take(5)

    async def test_the_client_sees_a_429(self, bot: Bot, sandbox: Sandbox) -> None:
        sandbox.limiter._windows["chat"] = (1, 60.0)
        await bot.send_message(ME, "one")
        with pytest.raises(RetryAfter):
            await bot.send_message(ME, "two")


class TestEntities:
    def test_offsets_count_utf16_units(self) -> None:
        assert parse_html("📈 <b>up</b>").entities == [{"type": "bold", "offset": 3, "length": 2}]

    def test_links_keep_their_address(self) -> None:
        (link,) = parse_html('<a href="https://example.org">here</a>').entities
        assert (link["type"], link["url"]) == ("text_link", "https://example.org")

    def test_space_around_the_text_is_cut_and_offsets_with_it(self) -> None:
        parsed = parse_html("\n\n<b>x</b>\n")
        assert (parsed.text, parsed.entities) == ("x", [{"type": "bold", "offset": 0, "length": 1}])

    @pytest.mark.parametrize(
        ("source", "text"), [("&lt;&gt;&amp;&quot;", '<>&"'), ("&#65;&#x42;", "AB"), ("&nbsp;x", "&nbsp;x")]
    )
    def test_named_and_numbered_characters(self, source: str, text: str) -> None:
        assert parse_html(source).text == text

    @given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40))
    @settings(max_examples=30)
    def test_escaped_text_comes_back_as_it_was(self, text: str) -> None:
        from markupsafe import escape

        assert parse_html(f"<b>{escape(text)}</b>").text == text.strip()
        assert utf16_length(text) >= len(text)

    def test_an_error_names_the_tag(self) -> None:
        with pytest.raises(EntityError, match="script"):
            parse_html("<script>x</script>")


def _matches(value: Any, types: list[str], spec: dict[str, Any]) -> bool:
    return any(_is(value, name, spec) for name in types)


def _is(value: Any, name: str, spec: dict[str, Any]) -> bool:
    simple: dict[str, tuple[type, ...]] = {
        "Integer": (int,),
        "String": (str,),
        "Boolean": (bool,),
        "Float": (int, float),
    }
    if name in simple:
        return isinstance(value, simple[name])
    if name.startswith("Array of "):
        return isinstance(value, list) and all(_is(item, name.removeprefix("Array of "), spec) for item in value)
    described = spec["types"][name]
    if "subtypes" in described:
        return any(_is(value, subtype, spec) for subtype in described["subtypes"])
    fields = {field["name"]: field for field in described.get("fields", [])}
    required = {key for key, field in fields.items() if field["required"]}
    return (
        isinstance(value, dict)
        and required <= set(value)
        and all(key in fields and _matches(item, fields[key]["types"], spec) for key, item in value.items())
    )


class TestAgainstTheDescriptionOfTheBotApi:
    """Independence: neither the sandbox nor the client says what the API is; Telegram's own description does."""

    @pytest.fixture
    def spec(self, real_history: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((real_history / "raw" / "telegram_bot_api.json").read_text())
        return found

    async def call(self, sandbox: Sandbox, method: str, **parameters: Any) -> Any:
        url = f"{sandbox.url}/bot{sandbox.token}/{method}"
        async with aiohttp.ClientSession() as session, session.post(url, json=parameters) as answer:
            body = await answer.json()
            assert body["ok"], body
            return body["result"]

    async def test_every_answer_has_the_shape_it_describes(
        self, bot: Bot, sandbox: Sandbox, spec: dict[str, Any]
    ) -> None:
        sandbox.world.add_group(-7, "Traders", admins={11})
        sandbox.world.write(ME, "/start")
        sandbox.world.block(ME)
        sandbox.world.block(ME, blocked=False)
        keyboard = {"inline_keyboard": [[{"text": "Why", "callback_data": "why"}]]}
        message = await self.call(
            sandbox, "sendMessage", chat_id=ME, text="<b>x</b>", parse_mode="HTML", reply_markup=keyboard
        )
        sandbox.world.press(ME, message["message_id"], "why")
        answers = {
            "getMe": await self.call(sandbox, "getMe"),
            "getUpdates": await self.call(sandbox, "getUpdates", timeout=0),
            "sendMessage": message,
            "editMessageText": await self.call(
                sandbox, "editMessageText", chat_id=ME, message_id=message["message_id"], text="y"
            ),
            "answerCallbackQuery": await self.call(sandbox, "answerCallbackQuery", callback_query_id="1"),
            "setMyCommands": await self.call(sandbox, "setMyCommands", commands=[{"command": "a", "description": "b"}]),
            "getChatMember": await self.call(sandbox, "getChatMember", chat_id=-7, user_id=11),
        }
        assert len(answers["getUpdates"]) == 4
        for method, result in answers.items():
            assert _matches(result, spec["methods"][method]["returns"], spec), (method, result)

    async def test_every_parameter_the_program_sends_is_described(
        self, app: Any, hear: Callable[[], Coroutine[Any, Any, None]], sandbox: Sandbox, spec: dict[str, Any]
    ) -> None:
        sandbox.world.add_private_chat(ME)
        for text in ("/start", "/subscribe", "/status", "/why", "/help"):
            sandbox.world.write(ME, text)
        await hear()
        by_name = {name.lower(): described for name, described in spec["methods"].items()}
        for method, given_ in sandbox.calls:
            known = {field["name"] for field in by_name[method.lower()].get("fields", [])}
            assert set(given_) <= known, (method, given_)

    async def test_the_real_client_reads_them_without_anything_left_over(self, bot: Bot) -> None:
        message = await bot.send_message(ME, "x")
        assert isinstance(message, Message)
        assert dict(message.api_kwargs) == {}
        me = await bot.get_me()
        assert {key for key in me.api_kwargs if key != "can_manage_bots"} == set()
