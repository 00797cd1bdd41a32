"""python-telegram-bot's way to HTTP, on aiohttp: a quarter of what its own costs for each message."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.payload import BytesPayload
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

# Until a connection is there and free: what fails by then has not left this machine.
_CONNECT = 10.0
# Shorter than any server's patience with an idle connection, so that no request meets one that is just closing.
_KEEP_ALIVE = 20.0


class AiohttpRequest(BaseRequest):
    """One pool of connections; ``read_timeout`` in seconds is how long an answer is waited for."""

    def __init__(self, connections: int, read_timeout: float) -> None:
        self._connections, self._read_timeout = connections, read_timeout
        self._default_timeout = self._timeout(read_timeout)
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds for which an answer is waited for."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the pool; a second time does nothing."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_KEEP_ALIVE)
            # The Bot API sets no cookies, and looking for some costs something with each request.
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def shutdown(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one request for a ``Bot`` and return the status and the body.

        Raises
        ------
        telegram.error.TimedOut, telegram.error.NetworkError
            With aiohttp's exception as their cause: it tells whether the request had left.
        """
        data: Any = None
        if request_data is not None:
            data = aiohttp.FormData(request_data.json_parameters)
            for name, (filename, content, kind) in (request_data.multipart_data or {}).items():
                data.add_field(name, content, filename=filename, content_type=kind)
        return await self._exchange(method, url, timeout=self._timeout(read_timeout), data=data)

    async def post_json(self, url: str, body: bytes) -> tuple[int, bytes]:
        """Make one request with a JSON body and return the status and the body of the answer.

        Raises
        ------
        telegram.error.TimedOut, telegram.error.NetworkError
            As in ``do_request``.
        """
        return await self._exchange(
            "POST", url, timeout=self._default_timeout, data=BytesPayload(body, content_type="application/json")
        )

    async def post_file(self, url: str, fields: dict[str, str], name: str, content: bytes) -> tuple[int, bytes]:
        """Make one request with the fields of a form and a PNG file; return the status and the body of the answer.

        Raises
        ------
        telegram.error.TimedOut, telegram.error.NetworkError
            As in ``do_request``.
        """
        data = aiohttp.FormData(fields)
        data.add_field(name, content, filename=f"{name}.png", content_type="image/png")
        return await self._exchange("POST", url, timeout=self._default_timeout, data=data)

    def _timeout(self, read: Any) -> aiohttp.ClientTimeout:
        seconds = self._read_timeout if read is BaseRequest.DEFAULT_NONE else read
        # A limit for each part of an answer would cost two timers more with each request.
        return aiohttp.ClientTimeout(total=_CONNECT + seconds, connect=_CONNECT)

    async def _exchange(self, method: str, url: str, **options: Any) -> tuple[int, bytes]:
        if self._session is None:
            raise RuntimeError("this request is not initialized")
        address, proxy = _route(url)
        try:
            # Following a redirect would turn a POST into a GET.
            async with self._session.request(method, address, allow_redirects=False, **options, **proxy) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut(type(error).__name__) from error
        except (aiohttp.ClientError, OSError) as error:
            # Its name only: some of these texts hold the address, and the address holds the token.
            raise NetworkError(type(error).__name__) from error


@lru_cache(maxsize=64)
def _route(url: str) -> tuple[URL, dict[str, Any]]:
    """Return an address, taken apart, and the proxy to it; most requests go to the same few."""
    address = URL(url)
    return address, _proxy_of(address.scheme, address.host or "")


@cache
def _proxy_of(scheme: str, host: str) -> dict[str, Any]:
    """Return the environment's proxy for a server, as a request wants it: it holds here as for everything else.

    Read once: aiohttp, left to do it by itself, starts two threads for each request.
    """
    proxy = None if proxy_bypass(host) else getproxies().get(scheme)
    if proxy is None:
        return {}
    parts = urlsplit(proxy)
    if parts.username is None:
        return {"proxy": proxy}
    credentials = aiohttp.encode_basic_auth(unquote(parts.username), unquote(parts.password or ""))
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    # Without TLS the proxy reads the request itself, and not one that opens a tunnel for it.
    headers = "proxy_headers" if scheme == "https" else "headers"
    return {"proxy": address, headers: {"Proxy-Authorization": credentials}}
