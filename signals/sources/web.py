"""Requests over HTTP for the sources: patient, polite, and every failure one sentence without a key in it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from signals.sources.patience import NoAnswerError, Patience
from signals.sources.session import HOSTS, BoundedSession, asking, check_status, check_values, parsed

USER_AGENT = "Cascade Telegram bot (market data for one installation)"


@dataclass(slots=True)
class Web:
    """Asks for texts and JSON.

    Attributes
    ----------
    pause
        Seconds between two requests to the same host.
    timeout
        Seconds after which an attempt is given up, however much of the answer has come.
    hosts
        Who may be asked.
    sleep, clock
        How to wait, and seconds of a clock that never goes back.
    """

    patience: Patience = field(default_factory=Patience)
    pause: float = 0.0
    timeout: float = 20.0
    hosts: frozenset[str] = HOSTS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _session: BoundedSession = field(init=False)
    _asked: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._session = BoundedSession(headers={"User-Agent": USER_AGENT}, timeout=self.timeout, discard_cookies=True)
        self._session.hosts = self.hosts

    def text(self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> str:
        """Return the body of an answer.

        Raises
        ------
        NoAnswerError
            For anything that is not status 200 with a body that is no web page, or larger than an answer can be.
        """
        body = self._body(url, query, headers)
        check_values(_host(url), body)
        return body.decode(errors="replace")

    def json(self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Return the parsed body of an answer.

        Raises
        ------
        NoAnswerError
            As for ``text``, and for a body that is not JSON.
        """
        return parsed(_host(url), self._body(url, query, headers))

    def _body(self, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str] | None) -> bytes:
        host = _host(url)
        body = self.patience.ask(host, lambda: self._get(host, url, query, headers))
        if not body.strip():
            raise NoAnswerError(f"{host} answered with an empty page")
        if body.lstrip().startswith(b"<"):
            raise NoAnswerError(f"{host} answered with a web page instead of data")
        return body

    def _get(self, host: str, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str] | None) -> bytes:
        self._keep_pause(host)
        if not all(text.isascii() and text.isprintable() for text in (headers or {}).values()):
            raise NoAnswerError(f"the key for {host} has a character that cannot be sent")
        with asking(host, self.timeout):
            response = self._session.get(url, params=dict(query or {}), headers=dict(headers or {}))
        check_status(host, response)
        return response.content

    def _keep_pause(self, host: str) -> None:
        left = self._asked.get(host, -math.inf) + self.pause - self.clock()
        if left > 0:
            self.sleep(left)
        self._asked[host] = self.clock()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the address"
