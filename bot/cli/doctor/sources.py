"""The sources: each publisher reached, each series asked for, all publishers at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain

from bot.cli.doctor.finding import Finding, fail, note, ok
from bot.settings import Settings
from signals.data.series import SERIES
from signals.data.sessions import nyse_sessions
from signals.rules import GATE
from signals.sources.choose import choose_source
from signals.sources.collect import Collected, collect
from signals.sources.patience import Patience
from signals.sources.reach import ADDRESSES, unreached

_SECONDS = 5.0
# Every series has something in these days, the monthly ones too; asking for all of it would take minutes.
_RECENT = timedelta(days=120)


def examine_sources(settings: Settings, now: datetime) -> list[Finding]:
    """Ask every publisher; one that cannot be reached is one line, whatever comes from it."""
    if settings.market_data != "live":
        return _publisher(settings, settings.market_data, "", list(SERIES), now)
    by_publisher: dict[str, list[str]] = {"tiingo": []} if settings.tiingo_token else {}
    for key, series in SERIES.items():
        by_publisher.setdefault(series.source, []).append(key)
    with ThreadPoolExecutor(len(by_publisher)) as pool:
        asked = [
            pool.submit(_publisher, settings, name, ADDRESSES.get(name, ""), keys, now)
            for name, keys in by_publisher.items()
        ]
        return list(chain.from_iterable(one.result() for one in asked))


def _publisher(settings: Settings, name: str, address: str, keys: Sequence[str], now: datetime) -> list[Finding]:
    if address and (why := unreached(address, _SECONDS)):
        lost = f"; none of its {len(keys)} series was asked for" if keys else ""
        return [fail(name, f"{why}{lost}", "check this machine's network, name servers and firewall")]
    # Its own, for no client is shared by two threads; and one attempt a series, for somebody waits.
    source = choose_source(settings.market_data, settings.source_options, Patience(waits=()))
    newest = dict.fromkeys(keys, now.date() - _RECENT) if settings.market_data == "live" else {}
    answers = list(collect(source, newest, nyse_sessions(now), now, keys=keys))
    came = [answer for answer in answers if len(answer.frame)]
    findings = [_about(answer) for answer in answers if not len(answer.frame) or answer.reason]
    if not came:
        return findings or [ok(name, "can be reached")]
    latest = max(answer.frame.index[-1] for answer in came).date()
    age = (now.date() - latest).days
    return [ok(name, f"{len(came)} of {len(keys)} series, the newest figure of {latest}, {age} days old"), *findings]


def _about(answer: Collected) -> Finding:
    if len(answer.frame):
        return note(answer.key, f"to {answer.frame.index[-1]:%Y-%m-%d}; {answer.reason}")
    # A series nobody publishes, or that a folder lacks, is shown as unknown: nothing is broken.
    if answer.absent and answer.key not in GATE.blocking:
        return note(answer.key, answer.reason)
    return fail(answer.key, answer.reason, "wait and ask again, or name a second source: docs/operation.md")
