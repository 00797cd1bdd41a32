"""The market process: fetches and evaluates, reads the database, writes only to its standard output."""

from __future__ import annotations

import gc
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from bot.logs import redact, set_up_logging
from bot.market.archive import ArchiveReader
from bot.market.deciding import decide, pieces
from bot.market.progress import Report
from bot.market.protocol import (
    LENGTH,
    Checked,
    Collect,
    CollectWatched,
    Done,
    Draw,
    Evaluate,
    Failed,
    Figures,
    FindScenes,
    FindSymbol,
    JudgeWatches,
    LookBack,
    Observations,
    Progress,
    Reply,
    Request,
    decode_request,
    encode,
)
from bot.market.watching import find_symbol, judge, series_to_collect
from bot.settings import secrets_in
from signals.as_json import decode_verdict
from signals.data.series import FIELDS, SERIES, Series
from signals.data.sessions import nyse_sessions
from signals.data.vintages import settle
from signals.model import Freshness
from signals.rules import GATE
from signals.sentences import sentence
from signals.sources.choose import choose_source
from signals.sources.collect import collect
from signals.sources.options import SourceOptions
from signals.sources.restating import Recent
from storage import AsyncConnection, ledger, observations
from storage.database import read_only, run_until_complete
from storage.observations import SourceCheck

_ROWS_A_REPLY = 2_000
_SECONDS_TO_END = 3.0
# Long enough for the bars before a step that is doubted week after week.
_LAST_BARS = timedelta(days=90)


class Requests:
    """Carries out requests, and keeps what it has read of a database from one to the next."""

    def __init__(self) -> None:
        self._archives = ArchiveReader()

    def answer(self, request: Request, report: Report) -> Iterator[Reply]:
        """Carry out one request and yield its replies, ``Progress``, ``Done`` and ``Failed`` apart."""
        match request:
            case Collect() | CollectWatched():
                yield from _collect(request, report)
            case JudgeWatches():
                yield judge(request)
            case FindSymbol():
                yield find_symbol(request)
            case Evaluate():
                yield from decide(request, self._archives, report)
            case LookBack():
                # Statistics weigh more than all the rest: only who asks for them waits for their import.
                from bot.market.looking_back import look_back

                yield from look_back(request, self._archives, report)
            case Draw():
                # The same holds of matplotlib.
                from bot.market.drawing import draw

                yield from draw(request, self._archives, report)
            case FindScenes():
                # Only the demonstration asks for it.
                from bot.market.scenes.finding import find_scenes

                yield find_scenes(request)


def _collect(request: Collect | CollectWatched, report: Report) -> Iterator[Observations | Checked]:
    asked_for = _archived if isinstance(request, Collect) else _watched
    known = run_until_complete(asked_for(request.database_url, request.now))
    source, table = choose_source(request.market_data, request.options), known.table
    sessions = nyse_sessions(request.now)
    answers = collect(source, known.newest, sessions, request.now, known.again, tuple(table), known.recent, table)
    for done, collected in enumerate(answers, start=1):
        for piece in pieces(_rows(collected.frame), _ROWS_A_REPLY):
            yield Observations(collected.key, collected.restated, piece)
        yield Checked(SourceCheck(collected.key, collected.reason, collected.absent))
        report("collecting series", done, len(table))


def _rows(frame: pd.DataFrame) -> Iterator[Figures]:
    """Yield the rows of an answer as they are archived, ``None`` for NaN."""
    values = frame.reindex(columns=list(FIELDS)).to_numpy(dtype=np.float64)
    figures = values.astype(object)
    figures[np.isnan(values)] = None
    columns = figures.T.tolist()
    return zip(pd.DatetimeIndex(frame.index).date, *columns, strict=True)


@dataclass(frozen=True, slots=True)
class _Archived:
    """The series, their newest dates, the last bars of every price, and what to ask for although it is there."""

    table: Mapping[str, Series]
    newest: dict[str, date]
    recent: dict[str, Recent]
    again: tuple[str, ...]


async def _archived(url: str, now: datetime) -> _Archived:
    async with read_only(url) as connection:
        body, market_row = await ledger.load_newest(connection)
        waits = market_row is not None and market_row.agenda is not None and market_row.agenda.waiting
        # What could not be believed is asked for again: only a second request can confirm or replace it.
        sources = decode_verdict(body).sources if body else ()
        invalid = tuple(source.series for source in sources if source.verdict is Freshness.INVALID)
        return await _archived_of(connection, SERIES, now, (*invalid, *(GATE.blocking if waits else ())))


async def _watched(url: str, now: datetime) -> _Archived:
    async with read_only(url) as connection:
        return await _archived_of(connection, await series_to_collect(connection), now)


async def _archived_of(
    connection: AsyncConnection, table: Mapping[str, Series], now: datetime, again: tuple[str, ...] = ()
) -> _Archived:
    spans = await observations.spans(connection, table) if table else {}
    prices = [key for key in spans if table[key].is_price]
    bars = settle(await observations.load_vintages(connection, now, prices, now.date() - _LAST_BARS), table)
    return _Archived(
        table=table,
        newest={key: newest for key, (_, newest) in spans.items()},
        recent={key: Recent(frame, spans[key][0]) for key, frame in bars.items() if len(frame)},
        again=again,
    )


def _secrets(request: Request) -> tuple[str, ...]:
    """Return what came with a request and must not be shown: this process knows no other setting."""
    options = request.options if isinstance(request, Collect | CollectWatched | FindScenes) else SourceOptions()
    held = {"fred_api_key": options.fred_api_key, "tiingo_token": options.tiingo_token}
    if not isinstance(request, FindScenes | FindSymbol):
        held["database_url"] = request.database_url
    return secrets_in(held)


def _end_with_the_parent() -> None:
    """Wait until nobody holds the other end of standard input any more, then end whatever is still being done."""
    closed = select.poll()
    closed.register(sys.stdin.fileno(), 0)
    closed.poll()
    # Who reads that end ends of itself.
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


def main() -> None:
    """Answer requests from standard input until it ends."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    # Garbage is collected between requests: within one, hundreds of thousands of rows would be gone through each time.
    # What was imported stays: it is not gone through at all.
    gc.disable()
    gc.freeze()
    # Nothing a library prints may get between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    form = sys.argv[1] if len(sys.argv) > 1 else "text"
    set_up_logging(form=form)
    requests = Requests()
    secrets: tuple[str, ...] = ()

    def report(what: str, done: int, of: int | None) -> None:
        replies.write(encode(Progress(what, done, of)))
        replies.flush()

    while length := sys.stdin.buffer.read(LENGTH):
        try:
            request = decode_request(sys.stdin.buffer.read(int.from_bytes(length, "big")))
            secrets = _secrets(request)
            set_up_logging(*secrets, form=form)
            for reply in requests.answer(request, report):
                replies.write(encode(reply))
                # What has come is stored, even if what comes next hangs.
                replies.flush()
            replies.write(encode(Done()))
        except BrokenPipeError:
            return
        except Exception as error:
            logging.getLogger(__name__).exception("the market process failed")
            replies.write(encode(Failed(sentence(redact(f"{type(error).__name__}: {error}", *secrets)))))
        replies.flush()
        # What a request made and left behind is all young; what was there before is not gone through again.
        gc.collect(0)


if __name__ == "__main__":
    main()
