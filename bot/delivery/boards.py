"""Status boards: what each request of one says, and what follows from how it went."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import compress

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.delivery.composing import Text, plain
from bot.delivery.failures import CONSEQUENCES, GIVE_UP_AFTER, Failure, FailureKind, Result
from bot.messages.languages import DEFAULT, messages_of
from bot.messages.render import Messages, read_verdict
from storage import AsyncConnection, chats, ledger
from storage.chain import links
from storage.outbox import boards
from storage.outbox.boards import ClaimedBoard, Step
from storage.outbox.states import State

logger = logging.getLogger(__name__)

# An edit that nobody knows the result of is repeated after so long: it may be Telegram that is slow.
_REPEAT = timedelta(minutes=1)
_NO_WORDS = Text("", is_plain=True)
# What only surrounds a board may be refused: it is a board all the same.
_DISPENSABLE = (Step.PIN, Step.UNPIN, Step.FAREWELL)


class Boards:
    """Writes boards, and stores how their requests went."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written: dict[tuple[date, str, Step], Text] = {}
        self._is_plain = False

    async def compose(
        self, connection: AsyncConnection, claims: list[ClaimedBoard]
    ) -> list[tuple[ClaimedBoard, Text | Failure]]:
        """Return what each request says, in the connection that claimed it: written once a session and language."""
        return [(claimed, await self._composed(connection, claimed)) for claimed in claims]

    async def _composed(self, connection: AsyncConnection, claimed: ClaimedBoard) -> Text | Failure:
        try:
            return await self._text(connection, claimed)
        except SQLAlchemyError:
            raise
        except Exception as error:  # whatever it is, it is ours: a board must not end the delivery of alerts
            logger.exception("the status board of %s cannot be written", claimed.session)
            return Failure(FailureKind.OUR_MISTAKE, f"it cannot be written ({type(error).__name__})")

    async def _text(self, connection: AsyncConnection, claimed: ClaimedBoard) -> Text:
        if claimed.step in (Step.PIN, Step.UNPIN):
            return _NO_WORDS
        kind = Step.FAREWELL if claimed.step is Step.FAREWELL else Step.EDIT
        language = claimed.language or DEFAULT
        key = (claimed.session, language, kind)
        if key not in self._written:
            if not any(session == claimed.session for session, *_ in self._written):
                self._written, self._is_plain = {}, False
            messages = messages_of(language)
            is_farewell = kind is Step.FAREWELL
            html = messages.text("board_farewell") if is_farewell else await _board(connection, messages)
            self._written[key] = Text(plain(html), is_plain=True) if self._is_plain else Text(html, is_plain=False)
        return self._written[key]

    async def store(self, connection: AsyncConnection, results: Sequence[tuple[ClaimedBoard, Result]]) -> None:
        """Store what follows from results, for the boards and for their chats."""
        is_shown = [isinstance(result, int) and claimed.step is Step.EDIT for claimed, result in results]
        await boards.mark_shown(connection, [claimed for claimed, _ in compress(results, is_shown)])
        for (claimed, result), is_stored in zip(results, is_shown, strict=True):
            if not is_stored:
                await self._store(connection, claimed, result)

    async def _store(self, connection: AsyncConnection, claimed: ClaimedBoard, result: Result) -> None:
        if isinstance(result, int):
            await boards.done(connection, claimed, result)
            return
        match result.kind:
            case FailureKind.MESSAGE_GONE:
                await boards.make_again(connection, claimed, result.text, claimed.thread_id)
            case FailureKind.TOPIC_GONE:
                await self._leave_topic(connection, claimed, result)
            case FailureKind.UNKNOWN if claimed.step is Step.SEND:
                await boards.lose(connection, claimed, result.text)
            case FailureKind.UNKNOWN:
                await boards.put_back(connection, claimed, result.text, self._clock.now() + _REPEAT)
            case FailureKind.BAD_MARKUP:
                self._written, self._is_plain = {}, True
                await boards.put_back(connection, claimed, result.text)
            case _:
                await self._store_failure(connection, claimed, result)

    async def _leave_topic(self, connection: AsyncConnection, claimed: ClaimedBoard, failure: Failure) -> None:
        await boards.leave_topic(connection, claimed)
        if claimed.step is Step.SEND:
            await boards.put_back(connection, claimed, failure.text)
        else:
            await boards.make_again(connection, claimed, failure.text, None)

    async def _store_failure(self, connection: AsyncConnection, claimed: ClaimedBoard, failure: Failure) -> None:
        """Do what the table says; a board is as old as the verdict that it is to show."""
        now, text, then = self._clock.now(), failure.text, CONSEQUENCES[failure.kind]
        state, hold = then.state, max(then.hold, timedelta(seconds=failure.retry_after))
        if then.gives_up:
            age = now - claimed.decided_at if claimed.decided_at else timedelta()
            state = state if age <= GIVE_UP_AFTER else State.STOPPED
            hold = max(hold, age) if then.hold_grows else hold
        is_refusal = failure.kind in (FailureKind.CANNOT_WRITE, FailureKind.REFUSED, FailureKind.OUR_MISTAKE)
        if is_refusal and claimed.step in _DISPENSABLE:
            await boards.pass_over(connection, claimed, text)
            return
        match state:
            case State.QUEUED:
                await boards.put_back(connection, claimed, text)
            case State.HELD:
                await boards.put_back(connection, claimed, text, now + hold)
            case State.GONE:
                await boards.suspend(connection, claimed, text)
                await chats.mark_gone(connection, claimed.chat_id, text, now)
            case _:
                await boards.stop(connection, claimed, text)
        if failure.kind is FailureKind.MOVED and failure.new_chat_id is not None:
            await chats.move(connection, claimed.chat_id, failure.new_chat_id, now)


async def _board(connection: AsyncConnection, messages: Messages) -> str:
    body, market_row = await ledger.load_newest(connection)
    if body is None or market_row is None:
        reason = market_row.agenda.waiting if market_row and market_row.agenda else None
        return messages.text("nothing_yet", reason=reason)
    head = await links.newest(connection)
    return messages.part("status_board", read_verdict(body), market_row, head=head)


def will_be_repeated(claimed: object, failure: Failure) -> bool:
    """Return whether nobody knows how a request went, and it does no harm to make it once more."""
    is_repeatable = isinstance(claimed, ClaimedBoard) and claimed.step is not Step.SEND
    return is_repeatable and failure.kind is FailureKind.UNKNOWN


def named(claimed: ClaimedBoard) -> str:
    """Return what the operators are told it is."""
    return f"The status board of {claimed.session}"
