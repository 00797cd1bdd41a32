"""The lane of answers to commands: they leave before any broadcast, and obey the same 429."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from bot.delivery.pacing import Pacer

_COUNTED = ("send", "edit", "copy", "forward")
_TRIES = 3
# Whoever writes is answered within seconds or asks again; waiting longer would keep the others' updates waiting.
_LONGEST_WAIT = 5.0


class UnansweredError(TelegramError):
    """A command has its effect and no answer: its chat asks for too many, or Telegram takes none for a while."""


class ReplyRateLimiter(BaseRateLimiter[None]):
    """Lets each answer of python-telegram-bot wait for the pace it shares with the broadcast."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    async def initialize(self) -> None:
        """Need nothing."""

    async def shutdown(self) -> None:
        """Leave nothing behind."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> Any:
        """Make a request when it may leave; after a 429 again when that is over.

        Raises
        ------
        UnansweredError
            When the chat has had its share of this minute, or nothing may leave for more than five seconds: another
            answer would stop everybody's messages.
        """
        chat_id = data.get("chat_id")
        if not endpoint.startswith(_COUNTED) or not isinstance(chat_id, int):
            return await callback(*args, **kwargs)
        for last in (False,) * (_TRIES - 1) + (True,):
            if self._pacer.is_flooded(chat_id):
                raise UnansweredError(f"chat {chat_id} asks for more answers than one chat may have")
            while (pause := self._pacer.reply_wait()) > 0:
                if pause > _LONGEST_WAIT:
                    raise UnansweredError(f"no answer may leave for {pause:.0f} s")
                await asyncio.sleep(pause)
            self._pacer.record_reply(chat_id)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                # A number or a timedelta, as PTB_TIMEDELTA says; the private one is always a timedelta.
                self._pacer.throttle(error._retry_after.total_seconds())
                if last:
                    raise
        raise AssertionError("the last try returns or raises")
