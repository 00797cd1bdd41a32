"""An operator who corrects an alert, typing and tapping as one would."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from bot.sandbox.server import Sandbox
from storage.database import Database
from storage.ledger import find_alert, newest_alert
from storage.operator.counts import waiting

_TEXT = (
    "en: The record level in this alert was read from a wrong column. The breakout itself stands; /status has the "
    "right figures. fr: Le niveau du record de cette alerte venait d'une mauvaise colonne. La cassure, elle, tient ; "
    "/status a les bons chiffres."
)
_PATIENCE = 10.0
_SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True, slots=True)
class Corrector:
    """Writes ``/correction`` and confirms what the bot shows of it."""

    sandbox: Sandbox
    database: Database
    operator: int

    async def correct(self) -> str:
        """Correct the newest alert. Returns a sentence on what was done."""
        async with self.database.reading() as connection:
            number = await newest_alert(connection)
        if number is None:
            return "There is no alert to be corrected."
        world = self.sandbox.world
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._let_it_arrive(number)
                asked = world.write(self.operator, f"/correction {number} {_TEXT}")
                while (preview := self._preview(int(asked["message_id"]))) is None:
                    await world.changed.wait()
        except TimeoutError:
            return "The bot has not answered the operator yet."
        world.press(self.operator, *preview)
        return "Ada corrected the alert, as operators do: whoever got it gets an answer to that very message."

    async def _let_it_arrive(self, number: int) -> None:
        """Wait until the alert has left: otherwise the correction would come in its place."""
        while True:
            changed = self.sandbox.world.changed
            async with self.database.reading() as connection:
                row = await find_alert(connection, number)
                if row.fanned_out_at is not None and not await waiting(connection):
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _SECONDS_BETWEEN_LOOKS)

    def _preview(self, after: int) -> tuple[int, str] | None:
        """Return the message that shows the correction, and what the button under it asks for that sends it."""
        for number, message in self.sandbox.world.chats[self.operator].messages.items():
            for row in message.get("reply_markup", {}).get("inline_keyboard", []) if number > after else []:
                if row[0]["callback_data"].startswith("dispatch:"):
                    return number, row[0]["callback_data"]
        return None
