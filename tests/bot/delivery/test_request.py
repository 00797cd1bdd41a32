"""Requests to the Bot API go through the environment's proxy, where there is one for the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from telegram.error import NetworkError

from bot.delivery import request as requests
from bot.delivery.request import AiohttpRequest


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    for cached in (requests._route, requests._proxy_of):
        cached.cache_clear()
    yield
    for cached in (requests._route, requests._proxy_of):
        cached.cache_clear()


@pytest.fixture
async def request_() -> AsyncIterator[AiohttpRequest]:
    request = AiohttpRequest(2, 5)
    await request.initialize()
    yield request
    await request.shutdown()


@pytest.fixture
async def seen() -> AsyncIterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server's address, and whatever it is asked: the whole target, and the proxy's credentials."""
    asked: list[tuple[str, str | None]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.raw_path, request.headers.get("Proxy-Authorization")))
        return web.json_response({"ok": True, "result": []})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_through_it_with_its_password(
    request_: AiohttpRequest, seen: tuple[str, list[tuple[str, str | None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = seen
    monkeypatch.setenv("http_proxy", f"http://me:sesame@{address}")
    status, _ = await request_.post_json("http://bot-api.example/bot1:x/getMe", b"{}")
    assert (status, asked) == (200, [("http://bot-api.example/bot1:x/getMe", "Basic bWU6c2VzYW1l")])


async def test_a_tunnel_is_asked_for_with_its_password(
    request_: AiohttpRequest, seen: tuple[str, list[tuple[str, str | None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = seen
    monkeypatch.setenv("https_proxy", f"http://me:sesame@{address}")
    with pytest.raises(NetworkError):
        # What answers is no tunnel.
        await request_.post_json("https://bot-api.example/bot1:x/getMe", b"{}")
    assert asked == [("bot-api.example:443", "Basic bWU6c2VzYW1l")]


async def test_past_it_where_the_environment_says_so(
    request_: AiohttpRequest, seen: tuple[str, list[tuple[str, str | None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = seen
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    await request_.post_json(f"http://{address}/bot1:x/getMe", b"{}")
    assert asked == [("/bot1:x/getMe", None)]


async def test_straight_without_one(
    request_: AiohttpRequest, seen: tuple[str, list[tuple[str, str | None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = seen
    monkeypatch.delenv("http_proxy", raising=False)
    await request_.post_json(f"http://{address}/bot1:x/getMe", b"{}")
    assert asked == [("/bot1:x/getMe", None)]
