"""A channel and a group whose admins command and whose readers press everything, while messages vanish."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bot.app import build
from bot.clock import SteppedClock
from bot.commands.table import COMMANDS, MENU
from bot.sandbox.server import serve
from storage import chats
from tests.bot.running import EVENING, settings_for
from tests.faults.campaigns import open_sandbox

_CHANNEL, _GROUP, _ADMIN = -1_000_000_000_007, -1_000_000_000_005, 11
_DATA = [*(command.name for command in COMMANDS), "nobody knows this", ""]
_CHANGES = {"subscribe": True, "unsubscribe": False}


@dataclass
class Commanded:
    """What admins and readers did, and what came of it."""

    typed: int = 0
    answered: int = 0
    presses: int = 0
    at_rest: int = 0
    posts_by_readers: int = 0
    wrong: int = 0

    @property
    def is_good(self) -> bool:
        """Whether everything was answered, and no reader changed or posted anything."""
        is_answered = self.typed == self.answered and self.presses == self.at_rest
        return is_answered and self.posts_by_readers == self.wrong == 0

    def __str__(self) -> str:
        return (
            f"{self.answered} of {self.typed} commands answered, {self.at_rest} of {self.presses} presses at rest, "
            f"{self.posts_by_readers} posts by readers, {self.wrong} wrong subscriptions"
        )


async def channel(url: str, seed: int, *, times: int) -> Commanded:
    """Let an admin command a channel and a group, and readers press buttons; a third of the messages are gone by then."""
    random, sandbox, result = Random(seed), open_sandbox(), Commanded()
    world = sandbox.world
    world.add_channel(_CHANNEL, "News", admins={_ADMIN})
    world.add_group(_GROUP, "Traders", admins={_ADMIN})
    subscribed = {_CHANNEL: False, _GROUP: False}
    async with serve(sandbox), build(settings_for(sandbox, url), SteppedClock(EVENING)) as app:
        await app.connect()
        for _ in range(times):
            chat_id, name = random.choice([_CHANNEL, _GROUP]), random.choice(_DATA)
            is_admin, is_press = random.random() < 0.3, random.random() < 0.6
            before = len(sandbox.sent(chat_id))
            if is_press:
                number = world.post(world.chats[chat_id], "Cascade", [], None)["message_id"]
                before += 1
                query = world.press(chat_id, number, name, user_id=_ADMIN if is_admin else random.randint(100, 200))
            else:
                name = name if name in MENU else "help"
                # Only an admin can post in a channel.
                is_admin = is_admin or chat_id == _CHANNEL
                number = world.write(chat_id, f"/{name}", user_id=_ADMIN if is_admin else 150)["message_id"]
            if random.random() < 0.3:
                before -= is_press
                world.delete(chat_id, number)
            while world.updates:
                await app.poller.once()
            said = len(sandbox.sent(chat_id)) - before
            if is_press:
                result.presses += 1
                result.at_rest += query in world.callback_answers
                result.posts_by_readers += said if chat_id == _CHANNEL and not is_admin else 0
            else:
                result.typed += 1
                result.answered += said == 1
            if is_admin and name in _CHANGES:
                subscribed[chat_id] = _CHANGES[name]
            async with app.database.transaction() as connection:
                found = await chats.subscribers(connection)
            result.wrong += {chat for chat, wanted in subscribed.items() if wanted} != set(found)
    return result
