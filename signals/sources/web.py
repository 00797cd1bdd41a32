"""Requests over HTTP for the sources: patient, polite, and every failure one sentence without a key in it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from signals.sources.patience import NoAnswerError, PassingError, Patience

USER_AGENT = "Cascade Telegram bot (market data for one installation)"
TOO_MANY_REQUESTS = 429


@dataclass(slots=True)
class Web:
    """Asks for texts and JSON.

    Attributes
    ----------
    pause
        Seconds between two requests to the same host.
    timeout
        Seconds without a byte after which an attempt is given up.
    sleep, clock
        How to wait, and seconds of a clock that never goes back.
    """

    patience: Patience = field(default_factory=Patience)
    pause: float = 0.0
    timeout: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _client: httpx.Client = field(init=False)
    _asked: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        # No connection outlives its answer, so that nothing is left to be closed.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(headers={"User-Agent": USER_AGENT}, timeout=self.timeout, limits=limits)

    def text(self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> str:
        """Return the body of an answer.

        Raises
        ------
        NoAnswerError
            For anything that is not status 200 with a body that is no web page.
        """
        host = _host(url)
        body = self.patience.ask(host, lambda: self._get(host, url, query, headers))
        if not body.strip():
            raise NoAnswerError(f"{host} answered with an empty page")
        if body.lstrip().startswith("<"):
            raise NoAnswerError(f"{host} answered with a web page instead of data")
        return body

    def json(self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Return the parsed body of an answer.

        Raises
        ------
        NoAnswerError
            As for ``text``, and for a body that is not JSON.
        """
        body = self.text(url, query, headers)
        try:
            return json.loads(body)
        except ValueError:
            raise NoAnswerError(f"{_host(url)} answered with something that is not JSON") from None

    def _get(self, host: str, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str] | None) -> str:
        self._keep_pause(host)
        # Without "from None" a traceback would show the request, and with it the key in its address.
        try:
            response = self._client.get(url, params=query, headers=headers)
        except httpx.TimeoutException:
            raise PassingError(f"{host} did not answer within {self.timeout:g} seconds") from None
        except httpx.RequestError as error:
            raise PassingError(f"{host} could not be reached, or broke off ({type(error).__name__})") from None
        except UnicodeError:
            raise NoAnswerError(f"the key for {host} has a character that cannot be sent") from None
        _check_status(host, response)
        return response.text

    def _keep_pause(self, host: str) -> None:
        left = self._asked.get(host, -math.inf) + self.pause - self.clock()
        if left > 0:
            self.sleep(left)
        self._asked[host] = self.clock()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the address"


def _check_status(host: str, response: httpx.Response) -> None:
    status = response.status_code
    if status == TOO_MANY_REQUESTS:
        sentence = f"{host} asks for fewer requests (HTTP {status})"
        raise PassingError(sentence, status, _seconds(response.headers.get("Retry-After", "")))
    if response.is_server_error:
        raise PassingError(f"{host} is out of order (HTTP {status})", status)
    if status != httpx.codes.OK:
        raise NoAnswerError(f"{host} refused the request (HTTP {status})", status)


def _seconds(retry_after: str) -> float | None:
    """Return the header as seconds; a date, which it may be as well, counts as not given."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
