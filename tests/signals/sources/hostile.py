"""A process that collects from a server of hostile answers and prints the most memory it took, in MB.

Usage: ``python -m tests.signals.sources.hostile KEY URL…``, ``KEY`` for FRED or empty; the servers are asked one after
the other. It holds what the market process holds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yfinance
from curl_cffi.requests import Response

import bot.market.child  # noqa: F401
from signals.sources.collect import collect
from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.patience import Patience
from signals.sources.routed import RoutedSource
from signals.sources.session import MOST_BYTES, MOST_VALUES
from signals.sources.shape import Source
from signals.sources.tiingo import TiingoSource
from signals.sources.treasury import TreasurySource
from signals.sources.yahoo import YahooSource
from signals.sources.yahoo_session import YahooSession
from tests.signals.sources.server import LOCAL, NOW, Asked, Reply, serving, web
from tests.worlds import CALENDAR

KEYS = ("IWM", "SOFR", "RRPONTSYD", "TGA_DTS_CLOSING", "DTS_NET_WITHDRAWALS")
"""Of every source and shape of answer; FRED is asked where the New York Fed gives nothing."""
MOST_MEMORY = 400
"""What the process may take at most, in MB, whatever it is answered."""
_ASIDE = ("/", "/v1/test/getcrumb", "/consent")
_MANY = MOST_VALUES // 2 - 10


def bodies() -> dict[str, bytes]:
    """Return answers that are as large as one may be, in what costs a reader most."""
    row = b'{"date":"2025-09-10","value":"1"}'
    dates = b",".join(b'{"date":"%04d-%02d-%02d","value":"1"}' % (y, m, d) for y in range(1000, 1500) for m in range(1, 13) for d in range(1, 28))  # fmt: skip
    chart = b'{"chart":{"error":null,"result":[{"meta":{"currency":"USD","exchangeTimezoneName":"America/New_York","instrumentType":"ETF","validRanges":["1d"]},"timestamp":[%s],"indicators":{"quote":[{"open":[%s],"high":[%s],"low":[%s],"close":[%s],"volume":[%s]}],"adjclose":[{"adjclose":[%s]}]}}]}}'  # fmt: skip
    numbers = b",".join(b"%d" % (86400 * at) for at in range(84_000))
    return {
        "zeros": bytes(MOST_BYTES),
        "a long string": b'["' + b"x" * (MOST_BYTES - 10) + b'"]',
        "a long string of wide letters": b'["' + b"x" * (MOST_BYTES - 20) + "𝄞".encode() + b'"]',
        "lists": b"[" + b"[]," * _MANY + b"[]]",
        "objects": b"[" + b'{"a":1},' * _MANY + b"{}]",
        "rows": b'{"count":1,"observations":[' + b",".join([row] * (MOST_VALUES // 3 - 10)) + b"]}",
        "dates": b'{"count":1,"observations":[' + dates + b"]}",
        "lines": b"observation_date,WALCL\n" + b"2025-09-10,1\n" * _MANY,
        "odd lines": b"observation_date,WALCL\n" + b"x,1\n" * _MANY,
        "a full chart": chart % ((numbers,) * 7),
    }


def peak_memory(key: str, *answers: bytes) -> int:
    """Return the most memory in MB of a process that is answered everything with one body after another, but a cookie."""

    def plan(body: bytes) -> Callable[[Asked], Reply]:
        return lambda asked: Reply("crumb" if asked.path in _ASIDE else body)

    with ExitStack() as running:
        urls = [running.enter_context(serving(plan(body))).url for body in answers]
        command = [sys.executable, "-m", "tests.signals.sources.hostile", key, *urls]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(key: str, *urls: str) -> None:
    """Ask each server, and print the most memory it took."""
    yfinance.set_tz_cache_location(tempfile.mkdtemp(prefix="cascade-test-"))
    for url in urls:
        ask(url, key)
    # What getrusage says has its parent's in it.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(int(peak[1]) // 1024)


def ask(url: str, key: str) -> None:
    """Ask once for every kind of series, of every source."""

    class Local(YahooSession):
        hosts = LOCAL

        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Response:
            parts = urlsplit(url)
            return super().request(method, f"{server}{parts.path or '/'}?{parts.query}", *args, **kwargs)

    server = url
    asking = web(20.0)
    sources: dict[str, Source] = {
        "yahoo": YahooSource(Local(), Patience(waits=())),
        "fred": FredSource(asking, url, url, key or None),
        "treasury": TreasurySource(asking, url),
        "newyorkfed": NewYorkFedSource(asking, url),
        "tiingo": TiingoSource(asking, "token", url),
    }
    for answer in collect(RoutedSource(sources), {}, CALENDAR, NOW, keys=KEYS):
        print(answer.key, len(answer.frame), answer.reason, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
