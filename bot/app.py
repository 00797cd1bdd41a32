"""The composition root: everything is built here and passed in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram import Bot
from telegram.error import NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder
from telegram.request import HTTPXRequest
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, wait_exponential

from bot.clock import Clock
from bot.commands.answering import COMMANDS, Desk
from bot.commands.evidence import Evidence
from bot.commands.past import Past
from bot.commands.record import Record
from bot.commands.status import StatusCommands
from bot.commands.subscription import Subscription
from bot.delivery.composing import Composer
from bot.delivery.courier import Courier
from bot.delivery.pacing import Pacer
from bot.delivery.sender import Sender
from bot.evening import Evening
from bot.market_process import MarketProcess
from bot.messages.render import Messages
from bot.operator_alarm import OperatorAlarm
from bot.polling import poll
from bot.schedule import build_schedule
from bot.settings import Settings
from storage.database import Database
from storage.market import claim_market
from storage.migrate import migrate

logger = logging.getLogger(__name__)

# An answer that is still on its way when we give up is a message nobody can vouch for: wait long.
_SEND_TIMEOUT = 45.0
# By then four rings have found nothing better.
_LONG_WAIT = timedelta(hours=4)
TelegramApplication = Application[Any, Any, Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class App:
    """The built program."""

    settings: Settings
    clock: Clock
    database: Database
    evening: Evening
    telegram: TelegramApplication
    courier: Courier
    alarm: OperatorAlarm

    async def connect(self) -> None:
        """Say hello to Telegram, waiting for the network as long as it takes.

        Raises
        ------
        telegram.error.InvalidToken
            When Telegram does not accept the token.
        """
        transient = retry_if_exception_type((NetworkError, RetryAfter))
        async for attempt in AsyncRetrying(
            retry=transient, wait=wait_exponential(max=60), before_sleep=before_sleep_log(logger, logging.WARNING)
        ):
            with attempt:
                await self.telegram.initialize()
        try:
            await self.telegram.bot.set_my_commands(list(COMMANDS.items()))
        except TelegramError as error:
            logger.warning("the menu could not be registered: %s", error)

    async def poll(self) -> None:
        """Answer updates for ever."""
        await poll(self.telegram, self.alarm)

    async def ring(self) -> None:
        """Run the evening; a failure is told to the operator and the next ring tries again."""
        now = self.clock.now()
        try:
            agenda = await self.evening.run(now)
            if agenda.waiting and now - agenda.next_decision_at >= _LONG_WAIT:
                await self.alarm(f"Session {agenda.next_session} still waits. {agenda.waiting}")
        except Exception as error:  # the next ring finds what is owed, whatever ended this one
            logger.exception("the evening failed")
            await self.alarm(f"The evening's evaluation failed: {error}")
        self.courier.wake()
        try:
            # Once the alerts are on their way.
            await self.evening.look_back(now)
        except Exception as error:  # the record stays what it was; the next ring tries again
            logger.exception("the look back failed")
            await self.alarm(f"The track record could not be computed: {error}")
        finally:
            await self.evening.process.close()

    async def run(self) -> None:
        """Run the bot for ever: commands, deliveries and the evening's alarm clock."""
        async with self.database.transaction() as connection:
            await claim_market(connection, self.evening.origin)
        await self.connect()
        await self.courier.recover()
        scheduler = build_schedule(self.ring)
        scheduler.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.poll())
                tasks.create_task(self.courier.run())
                # Whatever was missed while the bot was down is owed now.
                tasks.create_task(self.ring())
        finally:
            scheduler.shutdown(wait=False)


@asynccontextmanager
async def build(settings: Settings, clock: Clock) -> AsyncIterator[App]:
    """Open the database, bring it up to date, and build everything on it."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_url))
        await migrate(database)
        process = MarketProcess()
        stack.push_async_callback(process.close)
        # Three connection pools, so that neither a broadcast nor the long poll delays an answer.
        requests = [
            HTTPXRequest(connection_pool_size=n, read_timeout=_SEND_TIMEOUT, pool_timeout=5.0) for n in (32, 8, 1)
        ]
        for request in requests:
            # Closed here: an application that never connected would not close its own.
            stack.push_async_callback(request.shutdown)
        sending = Bot(settings.token, base_url=settings.bot_api_base, request=requests[0])
        alarm = OperatorAlarm(sending, settings.operator_ids)
        messages = Messages()
        sender = Sender(database, sending, clock, Pacer(), Composer(messages), alarm)
        telegram = _telegram(
            settings, Desk(database, messages, clock, settings.operator_note), requests[1], requests[2]
        )
        stack.push_async_callback(_shut_down, telegram)
        evening = Evening(database, process, settings.market_data, asyncio.Lock(), settings.source_options)
        courier = Courier(database, sender, clock, settings.operator_ids)
        yield App(settings, clock, database, evening, telegram, courier, alarm)


def _telegram(settings: Settings, desk: Desk, answers: HTTPXRequest, updates: HTTPXRequest) -> TelegramApplication:
    builder = ApplicationBuilder().token(settings.token).base_url(settings.bot_api_base).updater(None).job_queue(None)
    application: TelegramApplication = builder.request(answers).get_updates_request(updates).build()
    for family in (Subscription(desk), Evidence(desk), Past(desk), Record(desk), StatusCommands(desk)):
        application.add_handlers(family.handlers())
    application.add_error_handler(_log_error)
    return application


async def _shut_down(application: TelegramApplication) -> None:
    try:
        await application.shutdown()
    except TelegramError:
        logger.debug("the Bot API session did not close cleanly", exc_info=True)


async def _log_error(_: object, context: Any) -> None:
    logger.error("a command failed", exc_info=context.error)
