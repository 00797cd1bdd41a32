"""The sandbox's HTTP: the Bot API at ``/bot<token>/<method>``, with faults on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any

from aiohttp import web

from bot.sandbox.limits import Limiter
from bot.sandbox.methods import Methods
from bot.sandbox.origin import refuse_other_pages
from bot.sandbox.photos import Photos
from bot.sandbox.pushing import Pusher
from bot.sandbox.telegram import BOT, BotApiError, World

TOKEN = "1000000001:sandbox-token-that-opens-nothing-at-all"  # noqa: S105 - of no use anywhere but here


def new_token() -> str:
    """Return a token that nobody knows who was not told."""
    return f"{BOT['id']}:{token_urlsafe(26)}"


class Fault(Enum):
    """What can go wrong with a request.

    ``HANG`` and ``RESET`` strike after the method was carried out: the message is in the chat, the answer never
    arrives. ``RESET_BEFORE`` strikes before.
    """

    HANG = auto()
    RESET = auto()
    RESET_BEFORE = auto()
    BAD_GATEWAY = auto()
    NOT_JSON = auto()


@dataclass
class Sandbox:
    """A running sandbox. ``faults`` are used up one a call of their method, in order.

    While ``hold`` is not set, the answer to a sendMessage that was carried out is held back. ``takes_webhooks``:
    updates may be pushed to whatever port of this machine setWebhook names; only tests want that.
    """

    world: World = field(default_factory=World)
    limiter: Limiter = field(default_factory=Limiter)
    token: str = TOKEN
    takes_webhooks: bool = False
    faults: list[tuple[str, Fault | BotApiError]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event | None = None
    url: str = ""

    def __post_init__(self) -> None:
        self.pusher = Pusher(self.world)
        self.photos = Photos()
        self._methods = Methods(self.world, self.limiter, self.pusher if self.takes_webhooks else None, self.photos)

    def sent(self, chat_id: int) -> list[str]:
        """Return the texts the bot has sent to a chat, oldest first; of a photo its caption."""
        messages = self.world.chats[chat_id].messages.values()
        return [message.get("text") or message.get("caption", "") for message in messages if message["from"] == BOT]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one Bot API request."""
        if not compare_digest(request.match_info["token"].encode(), self.token.encode()):
            return _refusal(BotApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        parameters = await _parameters(request)
        self.calls.append((method, parameters))
        fault = self._fault(method)
        if fault is Fault.RESET_BEFORE:
            return _cut(request)
        try:
            if isinstance(fault, BotApiError):
                raise fault
            result = await self._methods.call(method, parameters)
        except BotApiError as error:
            return _refusal(error)
        finally:
            self.called.set()
            self.called = asyncio.Event()
        if self.hold is not None and method == "sendMessage":
            await self.hold.wait()
        if isinstance(fault, Fault):
            return await _broken(request, fault)
        return web.json_response({"ok": True, "result": result})

    def _fault(self, method: str) -> Fault | BotApiError | None:
        for index, (name, fault) in enumerate(self.faults):
            if name == method:
                del self.faults[index]
                return fault
        return None


async def _parameters(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {**request.query, **await request.post()}


def _refusal(error: BotApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.code)


async def _broken(request: web.Request, fault: Fault) -> web.StreamResponse:
    match fault:
        case Fault.HANG:
            await asyncio.Event().wait()
        case Fault.BAD_GATEWAY:
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        case Fault.NOT_JSON:
            return web.Response(text="<html>hello</html>", content_type="text/html")
    return _cut(request)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def serve(sandbox: Sandbox, port: int = 0, extra: list[web.RouteDef] | None = None) -> AsyncIterator[Sandbox]:
    """Serve a sandbox at 127.0.0.1; port 0 picks a free one. ``sandbox.url`` is its address."""
    application = web.Application(middlewares=[refuse_other_pages])
    # Telegram takes GET as well, and so would a link or a picture on any page.
    application.router.add_post("/bot{token}/{method}", sandbox.handle)
    application.router.add_routes(extra or [])
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        sandbox.url = f"http://127.0.0.1:{bound}"
        yield sandbox
    finally:
        await sandbox.pusher.set("", "", [])
        await runner.cleanup()
