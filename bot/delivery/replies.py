"""Replies to commands: they are sent before any broadcast, and obey the same 429."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pacing import Pacer

_COUNTED = ("send", "edit", "copy", "forward")
_TRIES = 3
# Whoever writes is answered within seconds or asks again; waiting longer would keep the others' updates waiting.
_LONGEST_WAIT = 5.0


class UnansweredError(TelegramError):
    """A command was carried out and is not answered: its chat asks too often, or Telegram takes none for a while."""


class ReplyRateLimiter(BaseRateLimiter[None]):
    """Lets each reply that python-telegram-bot sends wait for the pace it shares with the broadcast."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    async def initialize(self) -> None:
        """Do nothing: there is nothing to open."""

    async def shutdown(self) -> None:
        """Do nothing: there is nothing to close."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> Any:
        """Make a request when it may be sent; after a 429 again when that is over.

        Raises
        ------
        UnansweredError
            When the chat has had its share of this minute, or nothing may be sent for more than five seconds: another
            reply would stop everybody's messages.
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
                seconds = error._retry_after.total_seconds()
                self._pacer.observe(Failure(FailureKind.THROTTLED, str(error), retry_after=seconds))
                if last:
                    raise
        raise AssertionError("the last try returns or raises")
