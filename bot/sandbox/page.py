"""The chat page: a browser tab in which one is a Telegram user of the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.server import Sandbox

_FOLDER = Path(__file__).with_name("page")
_LONGEST_WAIT = 20.0


@dataclass(frozen=True, slots=True)
class Stepped:
    """A session lived through, and whether it brought an alert."""

    session: date
    alerted: bool


class Market(Protocol):
    """The simulated market the page steps."""

    async def step(self) -> Stepped:
        """Live through the next session."""


class ChatPage:
    """Serves the page and what it asks for."""

    def __init__(self, sandbox: Sandbox, visitor: int) -> None:
        self._sandbox, self._visitor = sandbox, visitor
        self._market: Market | None = None

    def attach(self, market: Market) -> None:
        """Give the page the market; before that, stepping is answered with 'not ready'."""
        self._market = market

    async def index(self, _: web.Request) -> web.FileResponse:
        """Serve the page."""
        return web.FileResponse(_FOLDER / "index.html")

    async def messages(self, request: web.Request) -> web.Response:
        """Return the chat; with ``?known=`` (a version) wait until it is another one."""
        world = self._sandbox.world
        changed = world.changed
        if request.query.get("known") == str(self._version()):
            try:
                async with asyncio.timeout(_LONGEST_WAIT):
                    await changed.wait()
            except TimeoutError:
                pass
        state = world.chats[self._visitor]
        body = {"version": self._version(), "started": state.started, "messages": list(state.messages.values())}
        return web.json_response(body)

    async def photo(self, request: web.Request) -> web.Response:
        """Return a picture that the bot has sent."""
        image = self._sandbox.photos.image(request.match_info["file_id"])
        return web.Response(status=404) if image is None else web.Response(body=image, content_type="image/png")

    def _version(self) -> int:
        return self._sandbox.world.version

    async def write(self, request: web.Request) -> web.Response:
        """Let the visitor write."""
        text = str((await _asked(request))["text"]).strip()
        if text:
            self._sandbox.world.write(self._visitor, text)
        return web.json_response({})

    async def press(self, request: web.Request) -> web.Response:
        """Let the visitor press an inline button."""
        body = await _asked(request)
        self._sandbox.world.press(self._visitor, int(body["message_id"]), str(body["data"]))
        return web.json_response({})

    async def step(self, request: web.Request) -> web.Response:
        """Step the market by one session; how many, and when to stop, is the page's."""
        await _asked(request)
        if self._market is None:
            return web.json_response({"error": "the market is not ready yet"}, status=503)
        stepped = await self._market.step()
        return web.json_response({"session": str(stepped.session), "alerted": stepped.alerted})


def page_routes(sandbox: Sandbox, visitor: int) -> tuple[list[web.RouteDef], Callable[[Market], None]]:
    """Return the page's routes, and the function that gives it its market."""
    page = ChatPage(sandbox, visitor)
    routes = [
        web.get("/", page.index),
        web.get("/chat/messages", page.messages),
        web.get("/chat/photo/{file_id}", page.photo),
        web.post("/chat/write", page.write),
        web.post("/chat/press", page.press),
        web.post("/market/step", page.step),
        *(_file(name) for name in ("chat.css", "chat.js")),
    ]
    return routes, page.attach


async def _asked(request: web.Request) -> Any:
    """Return what the page's script asks for: JSON, which no form of another page can send unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return await request.json()
    except (ValueError, RecursionError, LookupError):
        raise web.HTTPBadRequest from None


def _file(name: str) -> web.RouteDef:
    async def serve_file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(_FOLDER / name)

    return web.get(f"/{name}", serve_file)
