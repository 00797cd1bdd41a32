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
from bot.settings import SettingsError
from bot.updates.inbox import Inbox, is_update

logger = logging.getLogger(__name__)

PATH = "/telegram"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
# Telegram opens 40; a proxy before us may keep some more.
_MOST_CONNECTIONS = 200
# So long, in seconds, a connection may be open without a whole header, and a header without its whole body.
_HEADER_SECONDS = 20.0
_BODY_SECONDS = 10.0
# So long what follows a refusal is still read, so that who is refused can read that.
_LINGER = 1.0


class _Server(web.Server):
    """Keeps so many connections at most: for one more, the oldest is closed of those that are not ``busy``."""

    def __init__(self, handle: Any, busy: set[Any], **options: Any) -> None:
        super().__init__(handle, **options)
        self._busy = busy

    def __call__(self) -> web.RequestHandler:
        taken = [connection for connection in self.connections if connection.transport is not None]
        if len(taken) >= _MOST_CONNECTIONS:
            idle = next((connection for connection in taken if connection not in self._busy), None)
            if idle is not None:
                idle.force_close()
        return super().__call__()


@dataclass(frozen=True, slots=True)
class Webhook:
    """The endpoint. Whoever does not know the secret gets nothing done, and keeps nobody else out.

    Telegram brings what one chat sends one after the other, and waits where one fails (``WebhookActor`` of
    tdlib/telegram-bot-api keeps a queue for each), so that the inbox gets each chat's in order.
    """

    inbox: Inbox
    secret: str
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
        logger.warning("the web-hook got something that is no update")
        return 400

    async def serve(self, listen: str) -> web.ServerRunner:
        """Start to listen at an address and port; ``cleanup`` of what is returned ends that, after those in hand.

        Raises
        ------
        bot.settings.SettingsError
            When nothing can listen there.
        """
        host, _, port = listen.rpartition(":")
        times: dict[str, Any] = {"keepalive_timeout": _HEADER_SECONDS, "lingering_time": _LINGER}
        # Telegram compresses nothing, and what is not as it says would be a fault of the library.
        server = _Server(self.handle, self.busy, access_log=None, auto_decompress=False, **times)
        runner = web.ServerRunner(server, shutdown_timeout=10.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            await runner.cleanup()
            raise SettingsError(f"WEBHOOK_LISTEN is {listen}: {error.strerror}") from None
        return runner
