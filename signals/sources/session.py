"""A client over HTTP whose answers are bounded: in seconds, in bytes after decompression, and in values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
from curl_cffi import requests
from curl_cffi.requests.exceptions import RequestException, Timeout

from signals.sources.patience import TOO_MANY_REQUESTS, NoAnswerError, PassingError

MOST_BYTES = 16 * 2**20
"""The longest real answer, a page of 10,000 rows, has 3 MB."""
MOST_VALUES = 600_000
"""The fullest real answer, all operations of the New York Fed, has some 200,000; each costs up to 300 bytes."""
HOSTS = frozenset({
    "query1.finance.yahoo.com", "query2.finance.yahoo.com", "finance.yahoo.com", "fc.yahoo.com", "guce.yahoo.com",
    "consent.yahoo.com", "fred.stlouisfed.org", "api.stlouisfed.org", "api.fiscaldata.treasury.gov",
    "markets.newyorkfed.org", "api.tiingo.com",
})  # fmt: skip
"""Whoever is asked for figures. Nobody else is, whatever an answer of theirs says."""
_OK = 200
_SERVER_ERROR = 500
# One of these stands before every value but the first, in JSON and in CSV.
_BEFORE_A_VALUE = (b",", b"\n", b"[", b"{")


class BoundedSession(requests.Session[requests.Response]):
    """Asks over HTTP. ``timeout`` is of a whole answer, ``most`` how many bytes of it are taken.

    No redirect is followed, and only ``hosts`` are asked.
    """

    most = MOST_BYTES
    hosts = HOSTS

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Return an answer.

        Raises
        ------
        NoAnswerError
            When it has more bytes than ``most``, and for an address that is none of ``hosts`` over TLS.
        curl_cffi.requests.exceptions.RequestException
            When it did not come, or not whole.
        """
        body = bytearray()
        self._check_address(str(url))

        def take(chunk: bytes) -> int:
            if len(body) + len(chunk) > self.most:
                raise NoAnswerError(f"the answer is longer than {self.most / 2**20:g} MB")
            body.extend(chunk)
            return len(chunk)

        response = super().request(method, url, *args, **kwargs | {"content_callback": take, "allow_redirects": False})
        response.content = bytes(body)
        return response

    def _check_address(self, url: str) -> None:
        address = urlsplit(url)
        is_here = address.hostname in ("127.0.0.1", "localhost")
        if address.hostname not in self.hosts or (address.scheme != "https" and not is_here):
            raise NoAnswerError(f"{address.hostname or 'the address'} is none of those who are asked, or not by https")


@contextmanager
def asking(whom: str, timeout: float) -> Iterator[None]:
    """Turn what the client raises into one sentence.

    Raises
    ------
    PassingError
        In place of the client's own exceptions.
    """
    # Without "from None" a traceback would show the request, and with it the key in its address.
    try:
        yield
    except Timeout:
        raise PassingError(f"{whom} did not answer within {timeout:g} seconds") from None
    except RequestException as error:
        raise PassingError(f"{whom} could not be reached, or broke off ({type(error).__name__})") from None


def check_status(whom: str, response: requests.Response) -> None:
    """Raise NoAnswerError for any status but 200, as PassingError where it may soon be another."""
    status = response.status_code
    if status == TOO_MANY_REQUESTS:
        sentence = f"{whom} asks for fewer requests (HTTP {status})"
        raise PassingError(sentence, status, _seconds(response.headers.get("Retry-After") or ""))
    if status >= _SERVER_ERROR:
        raise PassingError(f"{whom} is out of order (HTTP {status})", status)
    if status != _OK:
        raise NoAnswerError(f"{whom} refused the request (HTTP {status})", status)


def check_values(whom: str, body: bytes) -> None:
    """Raise NoAnswerError for an answer of more values than can be."""
    if sum(body.count(mark) for mark in _BEFORE_A_VALUE) > MOST_VALUES:
        raise NoAnswerError(f"{whom} answered with more than {MOST_VALUES:,} values")


def parsed(whom: str, body: bytes) -> Any:
    """Return the JSON of a body.

    Raises
    ------
    NoAnswerError
        When it is none, has too many values, or is nested too deeply.
    """
    check_values(whom, body)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise NoAnswerError(f"{whom} answered with something that is not JSON") from None


def _seconds(retry_after: str) -> float | None:
    """Return the header as seconds; a date, which it may be as well, counts as not given."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
