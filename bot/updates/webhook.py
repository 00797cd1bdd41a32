"""Telegram calls us: an update is answered with 200 only after it is stored."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.errors import RetryUpdateError
from bot.health.faults import Fault
from bot.operator_alarm import Alarm
from bot.updates.inbox import Inbox, is_update
from bot.web.server import listening

logger = logging.getLogger(__name__)

PATH = "/telegram"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
# So long, in seconds, a header may be there without its whole body.
_BODY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """The endpoint. Whoever does not know the secret gets nothing done, and keeps nobody else out.

    Telegram brings what one chat sends one after the other, and waits where one fails (``WebhookActor`` of
    tdlib/telegram-bot-api keeps a queue for each), so that the inbox gets each chat's in order.
    """

    inbox: Inbox
    secret: str
    alarm: Alarm
    busy: set[Any] = field(default_factory=set)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Store one update. Telegram sends it again after any answer but 200."""
        if request.path != PATH or request.method != "POST":
            return web.Response(status=404)
        given = request.headers.get(_SECRET, "")
        # Of equal length for every guess, byte for byte: the time it takes tells nothing.
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.secret.encode()):
            return web.Response(status=403)
        self.busy.add(request.protocol)
        try:
            return web.Response(status=await self._taken(request))
        finally:
            self.busy.discard(request.protocol)

    async def _taken(self, request: web.BaseRequest) -> int:
        """Store the update in a request and return the status to answer with."""
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.read()
            # Bytes: JSON says itself how it is encoded, whatever the header calls it.
            raw = json.loads(body)
            if is_update(raw):
                await self.inbox.store([raw])
                return 200
        except TimeoutError:
            return 408
        except RetryUpdateError:
            return 503
        except (ValueError, RecursionError, web.RequestPayloadError) as error:
            logger.debug("the body cannot be read: %s", type(error).__name__)
        # Only who knows the secret gets here.
        await self.alarm.begins(Fault.INPUT, "The web-hook got something with its secret that is no update")
        return 400

    async def serve(self, listen: str) -> web.ServerRunner:
        """Start to listen at an address and port; ``cleanup`` of what is returned ends that, after those in hand.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there.
        """
        return await listening(self.handle, listen, "WEBHOOK_LISTEN", self.busy)
