"""The composition root: everything is built here and passed in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder, Defaults
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, wait_exponential

from bot.clock import Clock
from bot.commands.answering import Services
from bot.commands.operator.operation import Operation
from bot.commands.permission import Admins
from bot.commands.settings.speaking import undecided
from bot.commands.table import register
from bot.delivery.asking import Askers
from bot.delivery.boards import Boards
from bot.delivery.composing import Composer
from bot.delivery.pacing import Pacer
from bot.delivery.pictures import Pictures
from bot.delivery.post import Post
from bot.delivery.purging import Purger
from bot.delivery.replies import ReplyRateLimiter
from bot.delivery.request import AiohttpRequest
from bot.delivery.results import ResultWriter
from bot.delivery.sender import MOST_IN_FLIGHT, Sender
from bot.health import checks
from bot.health.counting import Counts
from bot.health.faults import OF_POLLING, Fault
from bot.health.ping import Ping
from bot.health.watching import Watch
from bot.heartbeat import Heartbeat
from bot.market.evening import Evening
from bot.market.process import Market, MarketProcess
from bot.market.schedule import build_schedule, watch_the_clock
from bot.market.symbols import SymbolFinder
from bot.menu import register_menu
from bot.messages.languages import DEFAULT, messages_of
from bot.operator_alarm import OperatorAlarm
from bot.settings import Settings, SettingsError
from bot.updates.inbox import ALLOWED_UPDATES, Inbox
from bot.updates.polling import Poller
from storage import ledger
from storage.database import Database
from storage.keeping.rotation import back_up_in_turn
from storage.market import claim_market
from storage.migrate import migrate
from storage.operator import faults
from storage.operator.faults import OpenFault
from storage.process_roles import Role

logger = logging.getLogger(__name__)

# Whether a message arrived whose answer was not waited for, nobody can know: wait long.
_SEND_TIMEOUT = 45.0
# An answer that nobody gets can be asked for again, and meanwhile what its chat sent next waits.
_ANSWER_TIMEOUT = 10.0
# By then four runs have found nothing better.
_LONG_WAIT = timedelta(hours=4)
# Seconds for a database that may be what failed.
_LAST_WORD = 5.0
TelegramApplication = Application[Any, Any, Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class App:
    """The built program."""

    settings: Settings
    clock: Clock
    database: Database
    evening: Evening
    telegram: TelegramApplication
    replies: ReplyRateLimiter
    sender: Sender
    inbox: Inbox
    poller: Poller
    alarm: OperatorAlarm
    operation: Operation
    counts: Counts
    watch: Watch
    ping: Ping

    async def connect(self) -> None:
        """Ask Telegram who the bot is, waiting for the network as long as it takes.

        Raises
        ------
        telegram.error.InvalidToken
            When Telegram does not accept the token.
        """
        async for attempt in _retrying():
            with attempt:
                await self.telegram.initialize()

    async def poll(self) -> None:
        """Fetch updates and handle them, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.poller.run())
            tasks.create_task(self.inbox.run())

    async def listen(self) -> None:
        """Handle, for ever, the updates that Telegram brings to the web-hook.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there, or Telegram does not call there.
        """
        # Imported where it is used: a bot that polls has no use for a server.
        from bot.updates.webhook import PATH, Webhook

        settings = self.settings
        assert settings.webhook_url is not None
        assert settings.webhook_secret is not None, "the settings ask for it with WEBHOOK_URL"
        secret = settings.webhook_secret
        runner = await Webhook(self.inbox, secret, self.alarm).serve(settings.webhook_listen)
        try:
            url = settings.webhook_url.rstrip("/") + PATH
            async for attempt in _retrying():
                with attempt:
                    await self.telegram.bot.set_webhook(url, allowed_updates=ALLOWED_UPDATES, secret_token=secret)
            await self.alarm.ends(*OF_POLLING)
            await self.inbox.run()
        except BadRequest as error:
            raise SettingsError(f"WEBHOOK_URL is {settings.webhook_url}, and Telegram refuses it: {error}") from None
        finally:
            await runner.cleanup()

    async def run_evening(self) -> None:
        """Decide every closed session still undecided, then bring charts and track record up to date.

        A failure is told to the operators, and the next run tries again.
        """
        await self.decide()
        await self.follow_up()

    async def decide(self) -> str | None:
        """Decide every closed session still undecided. Returns what went wrong, if anything did."""
        now, began, fault = self.clock.now(), self.counts.monotonic(), None
        try:
            agenda = await self.evening.run(now)
            await self.alarm.ends(Fault.EVENING)
            if agenda.waiting and now - agenda.next_decision_at >= _LONG_WAIT:
                sentence = f"Session {agenda.next_session} still waits. {agenda.waiting}"
                await self.alarm.begins(Fault.WAITING, sentence)
            elif not agenda.waiting:
                await self.alarm.ends(Fault.WAITING)
        except Exception as error:  # the next run decides what this one did not, whatever ended it
            logger.exception("the evening failed")
            fault = f"The evening's evaluation failed: {error}"
            await self.alarm.begins(Fault.EVENING, fault)
        self.counts.note_evaluation(began, succeeded=fault is None)
        self.sender.wake()
        return fault

    async def _ping(self, now: datetime) -> None:
        """Tell the address of PING_URL that the session to be expected is decided, with data in time, where it is."""
        async with self.database.reading() as connection:
            session = checks.good_evening(await checks.read(connection), now)
        if session is not None:
            await self.ping.of(session)

    async def follow_up(self) -> None:
        """Bring charts, track record, watches and backups up to date, and say that all is well where it is."""
        now = self.clock.now()
        try:
            await self._follow(self.evening.draw(now), Fault.CHARTS, "The charts could not be drawn")
            await self._follow(
                self.evening.look_back(now), Fault.TRACK_RECORD, "The track record could not be computed"
            )
            await self._follow(self.evening.watch(now), Fault.WATCHES, "The watches could not be judged")
            self.sender.wake()
        finally:
            await self.evening.process.close()
        await self._follow(self.back_up(), Fault.BACKUP, "No backup could be made")
        await self._follow(self._ping(now), Fault.PING, "The address of PING_URL was not told of a good evening")

    async def back_up(self) -> None:
        """Copy the database, if a copy is due, into the folder for backups, if there is one."""
        if self.settings.backup_dir is None:
            return
        async with self.database.reading() as connection:
            decided = await ledger.newest_decision(connection)
        folder, kept = Path(self.settings.backup_dir), self.settings.backups_kept
        made = await asyncio.to_thread(back_up_in_turn, self.database.url, folder, self.clock.now(), decided, kept)
        if made is not None and made.misfit is not None:
            sentence = f"Somebody changed the live record: {made.misfit}. Compare with older backups"
            await self.alarm.begins(Fault.LIVE_RECORD, sentence)
        elif made is not None:
            await self.alarm.ends(Fault.LIVE_RECORD)

    async def _follow(self, task: Coroutine[Any, Any, None], fault: Fault, sentence: str) -> None:
        """Do what follows an evening. When it fails, what is stored stays what it was and the next run tries again."""
        try:
            await task
        except Exception as error:
            logger.exception("what follows the evening failed")
            await self.alarm.begins(fault, f"{sentence}: {error}")
        else:
            await self.alarm.ends(fault)

    async def show_health(self) -> None:
        """Answer, for ever, who asks at HEALTH_LISTEN how the bot does; without one return at once.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there.
        """
        if self.settings.health_listen is None:
            return
        # Imported where they are used: few have somebody ask, and both weigh something.
        from bot.web.metrics import Metrics
        from bot.web.pages import HealthPages

        metrics = Metrics(self.database, self.clock, self.counts, self.watch, lambda: self.sender.pacer.throttles)
        pages = HealthPages(self.watch.look, metrics.page, self.alarm.clean)
        runner = await pages.serve(self.settings.health_listen)
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def run(self) -> None:
        """Run the bot for ever: commands, deliveries and the schedule of the evenings.

        Raises
        ------
        storage.database.DatabaseInUseError
            When another process does so on the same database.
        """
        async with Role(self.database, "main process", alone=True) as role:
            async with self.database.transaction() as connection:
                await claim_market(connection, self.evening.origin)
            await self.connect()
            await self.sender.recover()
            scheduler = build_schedule(self.run_evening)
            scheduler.start()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(role.keep())
                    tasks.create_task(register_menu(self.telegram.bot, self.settings.operator_ids))
                    tasks.create_task(watch_the_clock(scheduler))
                    tasks.create_task(self.listen() if self.settings.webhook_url else self.poll())
                    tasks.create_task(self.sender.run())
                    tasks.create_task(Purger(self.database, self.clock).run())
                    tasks.create_task(self.watch.run())
                    tasks.create_task(self.show_health())
                    tasks.create_task(self.alarm.run(self.database))
                    # Whatever was missed while the bot was down is decided now.
                    tasks.create_task(self.run_evening())
            finally:
                scheduler.shutdown(wait=False)

    async def leave_word(self, error: Exception) -> None:
        """Store that the program ends by a mistake of its own, for the next one to tell the operators."""
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        sentence = f"The bot ended by a mistake of its own, {type(error).__name__}, and was started again: see its log"
        try:
            async with asyncio.timeout(_LAST_WORD), self.database.transaction() as connection:
                await faults.begin(connection, OpenFault(Fault.CRASH, sentence, self.clock.now()))
        except (SQLAlchemyError, OSError, TimeoutError) as failure:
            logger.warning("nobody will be told that the bot ended: %s", type(failure).__name__)

    async def work(self) -> None:
        """Deliver for ever beside the main process, and answer the web-hook if there is one."""
        # Two processes that evaluate would do all of it twice, for one of them to be refused.
        self.operation.evaluate = None
        self.watch.become_worker()
        await self.connect()
        await self.sender.recover()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sender.run())
            tasks.create_task(self.alarm.run())
            tasks.create_task(self.watch.run())
            tasks.create_task(self.show_health())
            if self.settings.webhook_url:
                tasks.create_task(self.listen())


def _retrying() -> AsyncRetrying:
    """Return attempts for as long as Telegram cannot be reached or answers 429."""
    return AsyncRetrying(
        retry=retry_if_exception(_is_temporary),
        wait=wait_exponential(max=60),
        before_sleep=before_sleep_log(logger, logging.WARNING),
    )


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)


@asynccontextmanager
async def build(
    settings: Settings,
    clock: Clock,
    market: Market | None = None,
    symbols: Market | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[App]:
    """Open the database, bring it up to date, and build everything on it.

    ``market`` is asked for the evening, ``symbols`` by whoever waits for an answer; each is by default a process.
    What watches the program counts its minutes by ``monotonic``.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_url))
        await migrate(database)
        market = market or MarketProcess(log_format=settings.log_format)
        symbols = symbols or MarketProcess(log_format=settings.log_format)
        stack.push_async_callback(market.close)
        # Three connection pools, so that neither a broadcast nor the long poll delays an answer.
        pools = ((MOST_IN_FLIGHT, _SEND_TIMEOUT), (32, _ANSWER_TIMEOUT), (1, _SEND_TIMEOUT))
        sending, answering, polling = [AiohttpRequest(*pool) for pool in pools]
        for request in (sending, answering, polling):
            await request.initialize()
            # Closed here: an application that never connected would not close its own.
            stack.push_async_callback(request.shutdown)
        pacer = Pacer(settings.limits, time.monotonic)
        address = settings.bot_api_base + settings.token
        askers = Askers(settings.limits.per_chat, time.monotonic)
        replies = ReplyRateLimiter(pacer, askers)
        telegram = _telegram(settings, replies, answering, polling)
        stack.push_async_callback(_shut_down, telegram)
        alarm = OperatorAlarm(telegram.bot, settings.operator_ids, clock, settings.secrets, monotonic)
        counts = Counts(monotonic)
        inbox = Inbox(telegram, database, clock, alarm, lambda update: undecided(services, update))
        composer, boards = Composer(), Boards(clock)
        sender = Sender(
            database, clock, pacer, composer, boards,
            Post(sending, address, settings.paid_broadcast, Pictures(database, sending, address)),
            ResultWriter(database, clock, pacer, composer, boards, alarm, counts), alarm, inbox.give_way,
            settings.operator_ids,
        )  # fmt: skip
        evening = Evening(database, market, settings.market_data, asyncio.Lock(), settings.source_options)
        poller = Poller(telegram.bot, polling, address, inbox, alarm, monotonic, counts)
        silence = None if settings.webhook_url else lambda: poller.silence
        operation = Operation(settings.operator_ids, alarm.told, sender.wake, silence)
        stack.push_async_callback(operation.close)
        beat = Heartbeat(database, clock, "main", silence)
        watch = Watch(database, clock, alarm, counts, beat, silence, lambda: pacer.is_probing)
        app = App(
            settings, clock, database, evening, telegram, replies, sender, inbox, poller, alarm, operation,
            counts, watch, Ping(settings.ping_url),
        )  # fmt: skip
        operation.evaluate, operation.follow, operation.look = app.decide, app.follow_up, watch.look
        # Somebody waits for the answer: no evening is to be waited for.
        finder = SymbolFinder(symbols, settings.market_data)
        services = Services(
            database, messages_of(DEFAULT), clock, replies, Admins(clock), finder, settings.operator_note, operation
        )
        register(telegram, services)
        yield app


def _telegram(
    settings: Settings, replies: ReplyRateLimiter, answers: AiohttpRequest, updates: AiohttpRequest
) -> TelegramApplication:
    builder = ApplicationBuilder().token(settings.token).base_url(settings.bot_api_base).updater(None).job_queue(None)
    # What was asked may be deleted by the time of the answer.
    builder = builder.defaults(Defaults(allow_sending_without_reply=True))
    builder = builder.request(answers).get_updates_request(updates)
    return builder.rate_limiter(replies).build()


async def _shut_down(application: TelegramApplication) -> None:
    try:
        await application.shutdown()
    except TelegramError:
        logger.debug("the Bot API session did not close cleanly", exc_info=True)
