"""Whatever update comes of whatever chat: it is handled, its press is at rest, a command is answered, and nothing else is said."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.commands.table import COMMANDS, MENU
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BOT, Json
from storage import inbox
from tests.bot.updates.conftest import Alarms

PERSON: Json = {"id": 5, "is_bot": False, "first_name": "You"}
GROUP: Json = {"id": -77, "type": "group", "title": "Friends"}
FORUM: Json = {"id": -1_000_000_000_005, "type": "supergroup", "title": "Traders", "is_forum": True}
CHANNEL: Json = {"id": -1_000_000_000_007, "type": "channel", "title": "News"}
PRIVATE: Json = {"id": 5, "type": "private", "first_name": "You"}
CHATS = (PRIVATE, GROUP, FORUM, CHANNEL)
WRITTEN = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message", "guest_message",
)  # fmt: skip
NUMBERS = itertools.count(1000)
TEXTS = st.sampled_from(
    [*(f"/{name}" for name in MENU), *(f"/{name}@{BOT['username']} 1 2" for name in MENU), "/nothing", "/", "hello",
     "/help@another_bot", "\u202e/help", ""]
)  # fmt: skip
# A program may press what no button asks for.
FORGED = (
    "status@" + "9" * 40,
    "why:" + "x" * 100,
    "status\n",
    "status@../..",
    "status@1:2",
    "status:&amp;",
    "status@Status",
)
DATA = st.sampled_from([*(command.name for command in COMMANDS), *FORGED, "", "nothing", "\x00", "подписка"])


@st.composite
def messages(draw: st.DrawFn, chat: Json) -> Json:
    """Return a message of any shape in a chat."""
    message: Json = {"message_id": next(NUMBERS), "date": 1_600_000_000, "chat": chat}
    if text := draw(TEXTS):
        message["text"] = text
        if text.startswith("/") and len(text) > 1:
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
    message |= draw(
        st.sampled_from([{}, {"from": PERSON}, {"sender_chat": chat}, {"from": PERSON, "sender_chat": CHANNEL}])
    )
    message |= draw(
        st.sampled_from(
            [{}, {"message_thread_id": 3, "is_topic_message": True}, {"message_thread_id": 3}, {"is_automatic_forward": True},
             {"photo": []}, {"left_chat_member": BOT}, {"group_chat_created": True}]
        )
    )  # fmt: skip
    return message


@st.composite
def updates(draw: st.DrawFn) -> Json:
    """Return an update of any kind in any chat, as Telegram or a later Telegram may send it."""
    chat = draw(st.sampled_from(CHATS))
    kind = draw(st.sampled_from([*WRITTEN, "callback_query", "my_chat_member", "chat_member", "something_new"]))
    if kind in WRITTEN:
        content = draw(messages(chat))
    elif kind == "callback_query":
        gone = {"chat": chat, "message_id": 1, "date": 0}
        shown = draw(st.sampled_from(["message", "gone", "nothing"]))
        content = {"id": str(next(NUMBERS)), "from": PERSON, "chat_instance": "1", "data": draw(DATA)}
        if shown != "nothing":
            content["message"] = gone if shown == "gone" else draw(messages(chat)) | {"from": BOT}
    elif kind in ("my_chat_member", "chat_member"):
        statuses = ("member", "left", "kicked", "administrator", "restricted")
        old, new = ({"user": BOT, "status": draw(st.sampled_from(statuses))} | RIGHTS for _ in range(2))
        content = {"chat": chat, "from": PERSON, "date": 1_600_000_000, "old_chat_member": old, "new_chat_member": new}
    else:
        content = {"id": "1"}
    return {"update_id": next(NUMBERS), kind: content}


RIGHTS: Json = dict.fromkeys(
    ("is_member", "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
     "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
     "can_edit_stories", "can_delete_stories", "can_send_messages", "can_send_audios", "can_send_documents",
     "can_send_photos", "can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls",
     "can_send_other_messages", "can_add_web_page_previews", "can_pin_messages", "can_manage_topics", "can_edit_tag",
     "can_react_to_messages"),
    True,
) | {"until_date": 0}  # fmt: skip


def answers_expected(update: Json) -> int:
    """Return how many messages an update brings: one for a command to this bot that is typed, pressed or posted.

    And one for plain words in a private chat.
    """
    if (query := update.get("callback_query")) is not None:
        # In a channel or a group, this person is no admin.
        # A button under an alert names one; without a chart there is a sentence that only who pressed it sees.
        # And this person is no operator: what only they may ask is no button that anybody knows.
        commands = {command.name for command in COMMANDS if not command.for_operators} - {"alert", "details", "chart"}
        known = query["data"] in commands and "message" in query
        if not known or query["message"]["chat"] is CHANNEL:
            return 0
        is_for_admins = next(command.for_admins for command in COMMANDS if command.name == query["data"])
        return int(not is_for_admins or query["message"]["chat"] is PRIVATE)
    if (change := update.get("my_chat_member")) is not None:
        # Where it is let in, it introduces itself; in a channel these rights are not enough to post.
        was_out, is_out = (change[f"{when}_chat_member"]["status"] in ("left", "kicked") for when in ("old", "new"))
        return int(was_out and not is_out and change["chat"] not in (PRIVATE, CHANNEL))
    message = update.get("message") or update.get("channel_post") or {}
    if message.get("is_automatic_forward"):
        return 0
    if not message.get("entities"):
        return int("message" in update and message.get("text") is not None and message["chat"] is PRIVATE)
    name, _, bot = message["text"].split()[0][1:].partition("@")
    is_ours = bot in ("", BOT["username"])
    # In a private chat whatever looks like a command is answered, one for another bot by what there is.
    return int((is_ours and name in MENU) or ("message" in update and message["chat"] is PRIVATE))


Hear = Callable[[], Coroutine[Any, Any, None]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(update=updates())
async def test_any_update_of_any_chat(update: Json, app: App, sandbox: Sandbox) -> None:
    world, alarms = sandbox.world, Alarms()
    app.inbox._alarm = alarms
    for chat in CHATS:
        world.chats.pop(chat["id"], None)
    world.add_private_chat(5, started=True)
    world.add_group(-77, "Friends")
    world.add_group(FORUM["id"], "Traders").topics[3] = True
    world.add_channel(CHANNEL["id"], "News")
    if (query := update.get("callback_query")) is not None:
        world.pressed.add(query["id"])
    await app.inbox.store([update])
    await app.inbox.handle_stored()
    assert alarms == []
    async with app.database.reading() as connection:
        assert list(await inbox.waiting_chats(connection)) == []
    said = [text for chat in CHATS for text in sandbox.sent(chat["id"])]
    assert len(said) == answers_expected(update), said
    assert query is None or query["id"] in world.callback_answers
