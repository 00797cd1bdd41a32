"""The composition root: everything is built here and passed in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, wait_exponential

from bot.clock import Clock
from bot.commands.answering import COMMANDS, Desk
from bot.commands.evidence import Evidence
from bot.commands.past import Past
from bot.commands.record import Record
from bot.commands.status import StatusCommands
from bot.commands.subscription import Subscription
from bot.delivery.acknowledging import Acknowledger
from bot.delivery.answers import AnswerLane
from bot.delivery.composing import Composer
from bot.delivery.courier import Courier
from bot.delivery.pacing import Pacer
from bot.delivery.post import Post
from bot.delivery.request import AiohttpRequest
from bot.delivery.upkeep import Upkeep
from bot.market.evening import Evening
from bot.market.process import MarketProcess
from bot.market.schedule import build_schedule
from bot.messages.render import Messages
from bot.operator_alarm import OperatorAlarm
from bot.settings import Settings, SettingsError
from bot.updates.inbox import Inbox
from bot.updates.polling import ALLOWED_UPDATES, Poller
from storage.database import Database
from storage.market import claim_market
from storage.migrate import migrate
from storage.roles import Role

logger = logging.getLogger(__name__)

# An answer that is still on its way when we give up is a message nobody can vouch for: wait long.
_SEND_TIMEOUT = 45.0
# An answer that nobody gets can be asked for again, and meanwhile the updates behind it wait.
_ANSWER_TIMEOUT = 10.0
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
    inbox: Inbox
    poller: Poller
    alarm: OperatorAlarm

    async def connect(self) -> None:
        """Say hello to Telegram, waiting for the network as long as it takes.

        Raises
        ------
        telegram.error.InvalidToken
            When Telegram does not accept the token.
        """
        async for attempt in _patiently():
            with attempt:
                await self.telegram.initialize()
        try:
            await self.telegram.bot.set_my_commands(list(COMMANDS.items()))
        except TelegramError as error:
            logger.warning("the menu could not be registered: %s", error)

    async def poll(self) -> None:
        """Answer updates for ever."""
        await self.poller.run()

    async def listen(self) -> None:
        """Answer, for ever, the updates that Telegram brings to the web-hook.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there, or Telegram does not call there.
        """
        # Imported where it is used: a bot that polls would carry it for nothing.
        from bot.updates.webhook import PATH, Webhook

        settings = self.settings
        assert settings.webhook_secret is not None, "the settings ask for it with WEBHOOK_URL"
        secret = settings.webhook_secret.get_secret_value()
        runner = await Webhook(self.telegram.bot, self.inbox, self.alarm, secret).serve(settings.webhook_listen)
        try:
            url = str(settings.webhook_url).rstrip("/") + PATH
            async for attempt in _patiently():
                with attempt:
                    await self.telegram.bot.set_webhook(url, allowed_updates=ALLOWED_UPDATES, secret_token=secret)
            await asyncio.Event().wait()
        except BadRequest as error:
            raise SettingsError(f"WEBHOOK_URL is {settings.webhook_url}, and Telegram refuses it: {error}") from None
        finally:
            await runner.cleanup()

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
        """Run the bot for ever: commands, deliveries and the evening's alarm clock.

        Raises
        ------
        storage.database.DatabaseInUseError
            When another process does so on the same database.
        """
        async with Role(self.database, "main process", alone=True) as role:
            async with self.database.transaction() as connection:
                await claim_market(connection, self.evening.origin)
            await self.connect()
            await self.courier.recover()
            scheduler = build_schedule(self.ring)
            scheduler.start()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(role.keep())
                    tasks.create_task(self.listen() if self.settings.webhook_url else self.poll())
                    tasks.create_task(self.courier.run())
                    tasks.create_task(Upkeep(self.database, self.clock).run())
                    tasks.create_task(self.alarm.run())
                    # Whatever was missed while the bot was down is owed now.
                    tasks.create_task(self.ring())
            finally:
                scheduler.shutdown(wait=False)

    async def work(self) -> None:
        """Deliver for ever beside the main process, and answer the web-hook if there is one."""
        await self.connect()
        await self.courier.recover()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.courier.run())
            tasks.create_task(self.alarm.run())
            if self.settings.webhook_url:
                tasks.create_task(self.listen())


def _patiently() -> AsyncRetrying:
    """Return attempts for as long as the network or Telegram's patience is what is missing."""
    return AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        wait=wait_exponential(max=60),
        before_sleep=before_sleep_log(logger, logging.WARNING),
    )


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)


@asynccontextmanager
async def build(settings: Settings, clock: Clock) -> AsyncIterator[App]:
    """Open the database, bring it up to date, and build everything on it."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_url))
        await migrate(database)
        process = MarketProcess()
        stack.push_async_callback(process.close)
        # Three connection pools, so that neither a broadcast nor the long poll delays an answer.
        pools = ((64, _SEND_TIMEOUT), (32, _ANSWER_TIMEOUT), (1, _SEND_TIMEOUT))
        sending, answering, polling = [AiohttpRequest(*pool) for pool in pools]
        for request in (sending, answering, polling):
            await request.initialize()
            # Closed here: an application that never connected would not close its own.
            stack.push_async_callback(request.shutdown)
        pacer, messages = Pacer(settings.limits, time.monotonic), Messages()
        address = settings.bot_api_base + settings.token
        telegram = _telegram(
            settings, Desk(database, messages, clock, settings.operator_note), pacer, answering, polling
        )
        stack.push_async_callback(_shut_down, telegram)
        alarm = OperatorAlarm(telegram.bot, settings.operator_ids)
        inbox = Inbox(telegram, database, clock, alarm, messages.text("undecided"))
        composer = Composer(messages)
        courier = Courier(
            database, clock, pacer, composer,
            Post(sending, address, settings.paid_broadcast),
            Acknowledger(database, clock, pacer, composer, alarm), alarm, settings.operator_ids,
        )  # fmt: skip
        evening = Evening(database, process, settings.market_data, asyncio.Lock(), settings.source_options)
        poller = Poller(telegram.bot, polling, address, inbox, alarm, time.monotonic)
        yield App(settings, clock, database, evening, telegram, courier, inbox, poller, alarm)


def _telegram(
    settings: Settings, desk: Desk, pacer: Pacer, answers: AiohttpRequest, updates: AiohttpRequest
) -> TelegramApplication:
    builder = ApplicationBuilder().token(settings.token).base_url(settings.bot_api_base).updater(None).job_queue(None)
    builder = builder.rate_limiter(AnswerLane(pacer)).request(answers).get_updates_request(updates)
    # The inbox lets different chats be answered at once and keeps the order within each.
    application: TelegramApplication = builder.build()
    for family in (Subscription(desk), Evidence(desk), Past(desk), Record(desk), StatusCommands(desk)):
        application.add_handlers(family.handlers())
    return application


async def _shut_down(application: TelegramApplication) -> None:
    try:
        await application.shutdown()
    except TelegramError:
        logger.debug("the Bot API session did not close cleanly", exc_info=True)
