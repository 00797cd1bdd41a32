"""Replies to commands: they are sent before any broadcast, never cost it more than its share, and obey the same 429."""

from __future__ import annotations

import asyncio
import itertools
import math
from bisect import insort
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from bot.delivery.asking import Ask, Askers
from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pacing import Pacer

_COUNTED = ("send", "edit", "copy", "forward")
_TRIES = 3
# Whoever writes is answered within seconds or asks again; waiting longer would keep the others' updates waiting.
_LONGEST_WAIT = 5.0
# And who asks again and again waits less, the less the more often: or all that one chat sends at once would be handled
# as slowly as if it had been sent slowly.
_SELDOM = 2.0
_MOMENT = 0.005


class UnansweredError(TelegramError):
    """A command was carried out and is not answered: its chat asks too often, or Telegram takes none for a while."""


class ReplyRateLimiter(BaseRateLimiter[bool]):
    """Lets each reply that python-telegram-bot sends wait for the pace it shares with the broadcast.

    Those who ask least go first. With ``rate_limit_args=True`` a message is owed, as the second page of an answer is:
    it waits for the pace of its chat, where an answer would be refused.
    """

    def __init__(self, pacer: Pacer, askers: Askers, slow_down: str) -> None:
        self._pacer, self._askers, self._slow_down = pacer, askers, slow_down
        self._numbers = itertools.count()
        # Who asks least first; of those who came last: of more than can be answered, most are answered soon.
        self._waiting: list[tuple[int, int]] = []

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
        rate_limit_args: bool | None,
    ) -> Any:
        """Make a request when it may be sent; after a 429 again when that is over.

        A chat that asks too fast gets, once, a sentence that says so instead.

        Raises
        ------
        UnansweredError
            When the chat has had its share, asks on although it was told to slow down or has just been told the same,
            or nothing may be sent for some seconds: another reply would cost others theirs, or an alert.
        """
        chat_id = data.get("chat_id")
        if not endpoint.startswith(_COUNTED) or not isinstance(chat_id, int):
            return await callback(*args, **kwargs)
        is_owed = bool(rate_limit_args)
        if is_owed:
            await _sleep(self._askers.follow(chat_id))
        elif self._is_slowed(chat_id, endpoint, str(data.get("text"))):
            is_owed = True
            args = (args[0], {name: value for name, value in data.items() if name != "reply_markup"})
            args[1]["text"] = self._slow_down
        for last in (False,) * (_TRIES - 1) + (True,):
            await self._wait_for_turn(chat_id, is_owed)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                # A number or a timedelta, as PTB_TIMEDELTA says; the private one is always a timedelta.
                seconds = error._retry_after.total_seconds()
                self._pacer.observe(Failure(FailureKind.THROTTLED, str(error), retry_after=seconds), chat_id)
                if last:
                    raise
        raise AssertionError("the last try returns or raises")

    def _is_slowed(self, chat_id: int, endpoint: str, text: str) -> bool:
        """Return whether a chat is to hear that it asks too fast, instead of what it asked."""
        ask = self._askers.ask(chat_id, text)
        is_edit = endpoint.startswith("edit")
        if ask is Ask.REPEATED and not is_edit:
            raise UnansweredError(f"chat {chat_id} was told the same a moment ago")
        if ask is Ask.IGNORED or (ask is Ask.SLOW_DOWN and is_edit):
            raise UnansweredError(f"chat {chat_id} asks faster than it may be answered")
        return ask is Ask.SLOW_DOWN

    async def _wait_for_turn(self, chat_id: int, is_owed: bool) -> None:
        """Wait until this chat's reply is the first that may leave, and count it."""
        if self._pacer.is_full(chat_id):
            raise UnansweredError(f"chat {chat_id} has had as many answers as one may have in a minute")
        await _sleep(self._pacer.halted_for(chat_id))
        # What is owed waits as if its chat had asked seldom.
        weight = min(max(self._askers.weight(chat_id), 1.0), _SELDOM if is_owed else math.inf)
        patience = _LONGEST_WAIT * min(_SELDOM / weight, 1.0) ** 2
        ticket = (int(weight), -next(self._numbers))
        insort(self._waiting, ticket)
        if len(self._waiting) > self._pacer.replies_per_second * _LONGEST_WAIT:
            # All of these cannot be answered in time; who asks most is not.
            self._waiting.pop()
        try:
            while ticket in self._waiting and patience > 0:
                self._pacer.replies_wait = True
                pause = self._pacer.reply_wait()
                if pause <= 0 and self._waiting[0] == ticket:
                    self._pacer.record_reply(chat_id)
                    return
                await _sleep(pause := max(pause, _MOMENT), patience)
                patience -= pause
            raise UnansweredError(f"chat {chat_id} asks while too many others do")
        finally:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            self._pacer.replies_wait = bool(self._waiting)


async def _sleep(seconds: float, patience: float = _LONGEST_WAIT) -> None:
    if seconds > patience:
        raise UnansweredError(f"no answer may leave for {seconds:.0f} s")
    if seconds > 0:
        await asyncio.sleep(seconds)
