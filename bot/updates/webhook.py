"""Telegram calls us: an update is answered with 200 only after it is stored."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.errors import RetryUpdateError
from bot.settings import SettingsError
from bot.updates.inbox import Inbox, is_update

logger = logging.getLogger(__name__)

PATH = "/telegram"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """The endpoint. Whoever does not know the secret gets nothing done.

    Telegram brings what one chat sends one after the other, and waits where one fails (``WebhookActor`` of
    tdlib/telegram-bot-api keeps a queue for each), so that the inbox gets each chat's in order.
    """

    inbox: Inbox
    secret: str

    async def handle(self, request: web.Request) -> web.Response:
        """Store one update. Telegram sends it again after any answer but 200."""
        given = request.headers.get(_SECRET, "")
        # Of equal length for every guess, byte for byte: the time it takes tells nothing.
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.secret.encode()):
            return web.Response(status=403)
        raw = await _json(request)
        if not is_update(raw):
            logger.warning("the web-hook got something that is no update")
            return web.Response(status=400)
        try:
            await self.inbox.store([raw])
        except RetryUpdateError:
            return web.Response(status=503)
        return web.Response()

    async def serve(self, listen: str) -> web.AppRunner:
        """Start to listen at an address and port; ``cleanup`` of what is returned ends that, after those in hand.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there.
        """
        host, _, port = listen.rpartition(":")
        application = web.Application(client_max_size=_LARGEST)
        application.router.add_post(PATH, self.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=10.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            await runner.cleanup()
            raise SettingsError(f"WEBHOOK_LISTEN is {listen}: {error.strerror}") from None
        return runner


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        return None
