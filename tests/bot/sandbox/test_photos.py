"""Pictures on the sandbox: uploaded once, then known by an id; as strict as Telegram."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image
from telegram import Bot, InputMediaPhoto
from telegram.error import BadRequest

from bot.sandbox.news import Cast, Person
from bot.sandbox.page import page_routes
from bot.sandbox.server import Sandbox, serve
from tests.bot.sandbox.test_sandbox import ME, _matches, bot

__all__ = ["bot"]


def picture(width: int = 40, height: int = 30, colour: str = "white") -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (width, height), colour).save(drawn, "png")
    return drawn.getvalue()


async def test_a_picture_arrives_with_its_caption_its_size_and_an_id_by_which_it_is_sent_again(
    bot: Bot, sandbox: Sandbox
) -> None:
    first = await bot.send_photo(ME, picture(), "<b>Russell</b> 2000", parse_mode="HTML")
    (size,) = first.photo
    assert (first.caption, size.width, size.height) == ("Russell 2000", 40, 30)
    assert [(e.type, e.offset, e.length) for e in first.caption_entities] == [("bold", 0, 7)]
    again = await bot.send_photo(ME, size.file_id)
    assert again.photo == first.photo
    assert sandbox.photos.image(size.file_id) == picture()
    assert sandbox.sent(ME) == ["Russell 2000", ""]


@pytest.mark.parametrize(
    ("photo", "caption", "sentence"),
    [
        ("AgACunknown", None, "wrong remote file identifier"),
        (b"no picture", None, "(?i)image_process_failed"),
        (picture(400, 10), None, "(?i)photo_invalid_dimensions"),
        (picture(9990, 600), None, "(?i)photo_invalid_dimensions"),
        (picture(), "x" * 1025, "caption is too long"),
        (picture(), "a < b", "can't parse entities"),
    ],
)
async def test_what_telegram_would_not_take_is_refused(
    bot: Bot, photo: str | bytes, caption: str | None, sentence: str
) -> None:
    with pytest.raises(BadRequest, match=f"(?i){sentence}" if sentence[0] != "(" else sentence):
        await bot.send_photo(ME, photo, caption, parse_mode="HTML")


async def test_a_picture_is_replaced_by_another_uploaded_or_known(bot: Bot) -> None:
    one = await bot.send_photo(ME, picture(colour="white"), "one")
    uploaded = InputMediaPhoto(picture(colour="black"), "<i>two</i>", parse_mode="HTML")
    two = await bot.edit_message_media(uploaded, ME, one.message_id)
    assert not isinstance(two, bool)
    assert (two.message_id, two.caption) == (one.message_id, "two")
    assert two.photo != one.photo
    back = await bot.edit_message_media(InputMediaPhoto(one.photo[-1].file_id), ME, one.message_id)
    assert not isinstance(back, bool)
    assert (back.photo, back.caption) == (one.photo, None)


async def test_an_edit_that_changes_nothing_or_of_another_kind_is_refused(bot: Bot) -> None:
    photo = await bot.send_photo(ME, picture(), "one")
    text = await bot.send_message(ME, "one")
    media = InputMediaPhoto(photo.photo[-1].file_id, "one")
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await bot.edit_message_media(media, ME, photo.message_id)
    with pytest.raises(BadRequest, match=r"(?i)there is no text in the message to edit"):
        await bot.edit_message_text("two", ME, photo.message_id)
    with pytest.raises(BadRequest, match=r"(?i)only in the place of another"):
        await bot.edit_message_media(media, ME, text.message_id)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_media(media, ME, 999)


async def test_the_chat_page_is_given_the_picture(sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    routes = page_routes(sandbox, Cast([Person(ME, "You")]))
    async with serve(sandbox, extra=routes), aiohttp.ClientSession() as session:
        async with Bot(sandbox.token, base_url=f"{sandbox.url}/bot") as bot:
            sent = await bot.send_photo(ME, picture(), "one")
        async with session.get(f"{sandbox.url}/chat/photo/{sent.photo[-1].file_id}") as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", picture())
        async with session.get(f"{sandbox.url}/chat/photo/another") as answer:
            assert answer.status == 404


async def test_its_answers_have_the_shape_that_telegram_describes(
    bot: Bot, sandbox: Sandbox, real_history: Path
) -> None:
    spec: dict[str, Any] = json.loads((real_history / "raw" / "telegram_bot_api.json").read_text())
    number = (await bot.send_photo(ME, picture(), "<b>one</b>", parse_mode="HTML")).message_id
    await bot.edit_message_media(InputMediaPhoto(picture(colour="black")), ME, number)
    assert _matches(sandbox.world.chats[ME].messages[number], spec["methods"]["sendPhoto"]["returns"], spec)
    for method, given in sandbox.calls:
        described = {field["name"] for field in spec["methods"][method]["fields"]} if given else set()
        assert {name for name in given if not name.startswith("attached")} <= described, method
