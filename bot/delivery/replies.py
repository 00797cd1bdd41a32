"""Replies to commands: they are sent before any broadcast, never cost it more than its share, and obey the same 429."""

from __future__ import annotations

import asyncio
import itertools
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
_SHORTEST_WAIT = 0.1
# Less than it takes to count as having stopped.
_TOLD_WITHIN = 2.0


class UnansweredError(TelegramError):
    """A command is not answered: its chat asks too often, or Telegram takes none for a while."""


class TooFastError(UnansweredError):
    """A chat asks faster than it may be answered, and has not heard so yet."""


class ReplyRateLimiter(BaseRateLimiter[bool]):
    """Lets each reply that python-telegram-bot sends wait for the pace it shares with the broadcast.

    With ``rate_limit_args=True`` it has been admitted. Any other message is owed: it waits for the pace of its chat.
    """

    def __init__(self, pacer: Pacer, askers: Askers) -> None:
        self._pacer, self._askers = pacer, askers
        self._numbers = itertools.count()
        # Who asks least first; of those who came last: of more than can be answered, most are answered soon.
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def initialize(self) -> None:
        """Do nothing: there is nothing to open."""

    async def shutdown(self) -> None:
        """Do nothing: there is nothing to close."""

    async def admit(self, chat_id: int, update_id: int, asked: str) -> None:
        """Wait until the answer to what a chat ``asked`` with an update may be written.

        Raises
        ------
        TooFastError
            When the chat is to hear that it asks too fast; that may be sent now.
        UnansweredError
            When it has heard that and asks on, has just asked the same or has had its share, or when nothing may be
            sent for some seconds: another reply would cost others theirs, or an alert.
        """
        match self._askers.ask(chat_id, update_id, asked):
            case Ask.GIVEN:
                weight = max(self._askers.weight(chat_id), 1.0)
                patience = max(_LONGEST_WAIT * min(_SELDOM / weight, 1.0) ** 2, _SHORTEST_WAIT)
                await self._wait_for_turn(chat_id, int(weight), patience)
            case Ask.REPEATED:
                raise UnansweredError(f"chat {chat_id} asked the same a moment ago")
            case Ask.SLOW_DOWN:
                await self._wait_for_turn(chat_id, int(_SELDOM), _TOLD_WITHIN)
                self._askers.note_told(chat_id)
                raise TooFastError(f"chat {chat_id} asks faster than it may be answered")
            case Ask.IGNORED:
                raise UnansweredError(f"chat {chat_id} goes on asking faster than it may be answered")

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

        Raises
        ------
        UnansweredError
            When it may not be sent for some seconds.
        """
        chat_id = data.get("chat_id")
        if not endpoint.startswith(_COUNTED) or not isinstance(chat_id, int):
            return await callback(*args, **kwargs)
        if not rate_limit_args:
            await _sleep(self._askers.follow(chat_id))
        for number in range(1, _TRIES + 1):
            if number > 1 or not rate_limit_args:
                await self._wait_for_turn(chat_id, int(_SELDOM), _LONGEST_WAIT)
            await self._wait_for_slot()
            self._pacer.record_reply(chat_id)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                # A number or a timedelta, as PTB_TIMEDELTA says; the private one is always a timedelta.
                seconds = error._retry_after.total_seconds()
                self._pacer.observe(Failure(FailureKind.THROTTLED, str(error), retry_after=seconds), chat_id)
                if number == _TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _wait_for_turn(self, chat_id: int, rank: int, patience: float) -> None:
        """Wait, at most ``patience`` seconds, until this chat's reply may leave; those of a lower rank go first."""
        if self._pacer.is_full(chat_id):
            raise UnansweredError(f"chat {chat_id} has had as many answers as one may have in a minute")
        await _sleep(self._pacer.halted_for(chat_id))
        if (pause := self._pacer.reply_wait()) > patience:
            raise UnansweredError(f"no answer may leave for {pause:.0f} s")
        turn = asyncio.get_running_loop().create_future()
        ticket = (rank, -next(self._numbers), turn)
        insort(self._waiting, ticket)
        if len(self._waiting) > self._pacer.replies_per_second * _LONGEST_WAIT:
            # All of these cannot be answered in time; who asks most is not.
            self._waiting.pop()[-1].cancel()
        self._let_leave()
        try:
            await asyncio.wait([turn], timeout=patience)
            if not turn.done() or turn.cancelled():
                raise UnansweredError(f"chat {chat_id} asks while too many others do")
        finally:
            turn.cancel()
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _let_leave(self) -> None:
        """Let those leave who may, and come again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            if (pause := self._pacer.reply_wait()) > 0:
                self._timer = asyncio.get_running_loop().call_later(pause, self._let_leave)
                break
            turn = self._waiting.pop(0)[-1]
            # One whose patience has just ended is done, though it has not left yet.
            if not turn.done():
                self._pacer.grant_reply()
                turn.set_result(None)

    async def _wait_for_slot(self) -> None:
        """Wait until what is written may be sent; the broadcast leaves it room meanwhile."""
        self._pacer.ready_replies += 1
        try:
            while (pause := self._pacer.full_for()) > 0:
                await _sleep(pause)
        finally:
            self._pacer.ready_replies -= 1


async def _sleep(seconds: float) -> None:
    if seconds > _LONGEST_WAIT:
        raise UnansweredError(f"no answer may leave for {seconds:.0f} s")
    if seconds > 0:
        await asyncio.sleep(seconds)
