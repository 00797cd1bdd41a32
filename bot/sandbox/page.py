"""The chat page: a browser tab in which one is a Telegram user of the sandbox, or another one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.news import Cast, News
from bot.sandbox.panel import BusyError, Panel
from bot.sandbox.server import Sandbox

_FOLDER = Path(__file__).with_name("page")
_FILES = ("chat.css", "panel.css", "chat.js", "bubble.js", "panel.js")
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 15.0
_LONGEST_ANSWER = 10.0


class ChatPage:
    """Serves the page and what it asks for."""

    def __init__(self, sandbox: Sandbox, cast: Cast, panel: Panel) -> None:
        self._sandbox, self._cast, self._panel = sandbox, cast, panel

    def routes(self) -> list[web.RouteDef]:
        """Return where the page and what it asks for are found."""
        return [
            web.get("/", self.index),
            web.get("/events", self.events),
            web.get("/chat/photo/{file_id}", self.photo),
            web.get("/chat/document/{file_id}", self.document),
            web.post("/chat/write", self.write),
            web.post("/chat/press", self.press),
            web.post("/panel/{action}", self.act),
            *(_file(name) for name in _FILES),
        ]

    async def index(self, _: web.Request) -> web.FileResponse:
        """Serve the page."""
        return web.FileResponse(_FOLDER / "index.html")

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tell, for as long as the page is open, whatever is new in the chats and on the panel."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        world, news = self._sandbox.world, News(self._sandbox.world, self._cast)
        shown: dict[str, Any] = {}

        async def tell(event: str, told: Any) -> None:
            await response.write(f"event: {event}\ndata: {json.dumps(told)}\n\n".encode())

        try:
            with self._panel.watched():
                while True:
                    changed = world.changed
                    if fresh := news.take():
                        await tell("chats", fresh)
                    if (panel := self._panel.shown()) != shown:
                        await tell("panel", panel)
                        shown = panel
                    try:
                        async with asyncio.timeout(_SECONDS_BETWEEN_SIGNS_OF_LIFE):
                            await changed.wait()
                    except TimeoutError:
                        # Only so does it come out that nobody listens any more.
                        await response.write(b": still here\n\n")
        except ConnectionError:
            return response

    async def photo(self, request: web.Request) -> web.Response:
        """Return a picture that the bot has sent."""
        image = self._sandbox.photos.image(request.match_info["file_id"])
        return web.Response(status=404) if image is None else web.Response(body=image, content_type="image/png")

    async def document(self, request: web.Request) -> web.Response:
        """Return a file that the bot has sent, to be saved and not shown."""
        content = self._sandbox.world.documents.get(request.match_info["file_id"])
        if content is None:
            return web.Response(status=404)
        return web.Response(body=content, headers={"Content-Disposition": "attachment; filename=document"})

    async def write(self, request: web.Request) -> web.Response:
        """Let a person write."""
        body = await _asked(request)
        text, chat, user = str(body["text"]).strip(), int(body["chat_id"]), int(body["user_id"])
        if text and self._cast.may_write(chat, user):
            self._sandbox.world.write(chat, text, user_id=user, topic=body.get("topic"))
        return web.json_response({})

    async def press(self, request: web.Request) -> web.Response:
        """Let a person press an inline button; return what the bot says to it, if it does so in time."""
        body, world = await _asked(request), self._sandbox.world
        user = int(body["user_id"])
        query = world.press(int(body["chat_id"]), int(body["message_id"]), str(body["data"]), user_id=user)
        try:
            async with asyncio.timeout(_LONGEST_ANSWER):
                while query not in world.callback_answers:
                    await world.changed.wait()
        except TimeoutError:
            return web.json_response({"text": "The bot has not answered yet."})
        return web.json_response({"text": world.callback_answers[query].get("text", "")})

    async def act(self, request: web.Request) -> web.Response:
        """Let the market do something, or stop it; how that goes is among the events."""
        body = await _asked(request)
        try:
            self._panel.begin(request.match_info["action"], body)
        except BusyError as error:
            # No failure of the page's, which a browser would make of another status.
            return web.json_response({"error": str(error)})
        except (KeyError, ValueError):
            raise web.HTTPBadRequest from None
        return web.json_response({})


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


def page_routes(sandbox: Sandbox, cast: Cast, panel: Panel | None = None) -> list[web.RouteDef]:
    """Return the page's routes; without a panel nothing can be asked of one."""
    return ChatPage(sandbox, cast, panel or Panel(sandbox.world.wake)).routes()
