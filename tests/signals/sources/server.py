"""A local HTTP server with planned answers, and ways to ask it that never sleep."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from signals.sources.patience import Patience
from signals.sources.shape import Fetched
from signals.sources.web import Web

LOCAL = frozenset({"127.0.0.1", "localhost"})
NOW = datetime(2025, 12, 1, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """An answer. ``cut`` ends it half-way, ``reset`` with a broken connection; ``silent`` says nothing at all.

    ``dripping`` sends it byte by byte, one every twentieth of a second.
    """

    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    silent: bool = False
    dripping: bool = False


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


Plan = Callable[[Asked], Reply]


class Server(ThreadingHTTPServer):
    """Answers by plan and notes what it was asked."""

    daemon_threads = True

    def __init__(self, plan: Plan) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan = plan
        self.asked: list[Asked] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = Asked(self.path, dict(self.headers.items()))
        self.server.asked.append(asked)
        reply = self.server.plan(asked)
        if reply.silent:
            self.server.closing.wait()
            return
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        if reply.dripping:
            self._drip(body)
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if reply.cut or reply.reset else body)
        if reply.reset:
            # Closing with a linger of zero seconds resets the connection.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _drip(self, body: bytes) -> None:
        """Write until it is all there, the client has gone or the server closes; the header drips, too."""
        with suppress(OSError):
            for byte in b"HTTP/1.0 200 OK\r\n\r\n" + body:
                self.wfile.write(bytes([byte]))
                if self.server.closing.wait(0.05):
                    return

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving(plan: Plan | Reply | list[Reply]) -> Iterator[Server]:
    """Serve one answer for ever, several in turn (the last one for ever), or whatever a function returns."""
    server = Server(_planned(plan))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _planned(plan: Plan | Reply | list[Reply]) -> Plan:
    if callable(plan):
        return plan
    replies = [plan] if isinstance(plan, Reply) else list(plan)
    return lambda _: replies.pop(0) if len(replies) > 1 else replies[0]


def by_day(fetched: Fetched) -> dict[str, float]:
    """Return an answer's figures by ISO date."""
    days = pd.DatetimeIndex(fetched.frame.index).date
    return dict(zip(map(str, days), fetched.frame["value"], strict=True))


def web(timeout: float = 10.0) -> Web:
    """Return a way to ask that tries once."""
    return Web(patience=Patience(waits=()), timeout=timeout, hosts=LOCAL)


SILENT = Reply(silent=True)
FAILURES = [
    pytest.param(Reply("Too Many Requests", 429), "127.0.0.1 asks for fewer requests (HTTP 429)", id="429"),
    pytest.param(Reply("internal error", 500), "127.0.0.1 is out of order (HTTP 500)", id="500"),
    pytest.param(Reply("not found", 404), "127.0.0.1 refused the request (HTTP 404)", id="404"),
    pytest.param(Reply("<!DOCTYPE html><html>"), "127.0.0.1 answered with a web page instead of data", id="html"),
    pytest.param(Reply(""), "127.0.0.1 answered with an empty page", id="empty"),
    pytest.param(
        Reply("x" * 4000, cut=True), "127.0.0.1 could not be reached, or broke off (IncompleteRead)", id="cut"
    ),
    pytest.param(Reply("x" * 4000, reset=True), "127.0.0.1 could not be reached, or broke off (", id="reset"),
    pytest.param(Reply("x" * 40, dripping=True), "127.0.0.1 did not answer within 0.2 seconds", id="dripping"),
    pytest.param(SILENT, "127.0.0.1 did not answer within 0.2 seconds", id="timeout"),
]
"""What can go wrong with any server, and the sentence for it."""


def web_for(reply: Reply) -> Web:
    """Return a way to ask that soon gives up a server that says nothing."""
    return web(0.2 if reply.silent or reply.dripping else 10.0)
