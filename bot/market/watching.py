"""The market process's part in watches: their symbols collected, each watch judged on its closed bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from bot.market.protocol import FindSymbol, JudgeWatches, SymbolFound, WatchesJudged
from signals.breakout.watching import judge_level, judge_record
from signals.data.adjust import price
from signals.data.series import SERIES, Series
from signals.data.sessions import nyse_sessions
from signals.data.symbols import as_series
from signals.data.vintages import Archive, settle
from signals.nine_decimals import Sign
from signals.sources.symbols import look_up
from storage import AsyncConnection, observations
from storage.database import read_only, run_until_complete
from storage.watches import judged
from storage.watches.judged import BELOW, RECORD, Firing, Judgement, Quote, Standing

# No exchange of the world rests for longer: a symbol without a bar for so long is quoted no more. And what happened
# earlier, while nobody judged it, is no news.
_LONGEST_PAUSE = timedelta(days=14)
_NO_SPLIT = (0.0, 1.0)
# Whether a bar can be believed is seen beside those before it.
_BEFORE = timedelta(days=60)


async def series_to_collect(connection: AsyncConnection) -> dict[str, Series]:
    """Return the series of the symbols that are watched and that the evening does not collect anyway."""
    watched = {symbol: as_series(symbol) for symbol in await judged.symbols(connection) if symbol not in SERIES}
    return {symbol: series for symbol, series in watched.items() if series is not None}


def find_symbol(request: FindSymbol) -> SymbolFound:
    """Ask the source whether it has a symbol; what it does not carry has names like it instead."""
    series = as_series(request.symbol)
    assert series is not None, "the bot asks only for what can be a symbol"
    found = look_up(request.market_data, series, nyse_sessions(request.now), request.now)
    similar = None if found.similar is None else [*found.similar]
    return SymbolFound(Quote(request.symbol, found.on, found.close), similar)


def judge(request: JudgeWatches) -> WatchesJudged:
    """Judge every watch on the bars that came since it was judged, and say how each symbol is quoted."""
    loaded = run_until_complete(_load(request.database_url, request.now))
    judgements, quotes = list[Judgement](), list[Quote]()
    for symbol in dict.fromkeys(standing.condition.symbol for standing in loaded.standings):
        closes, mine = loaded.closes(symbol), loaded.of(symbol)
        if len(closes):
            since, rebased = request.now.date() - _LONGEST_PAUSE, loaded.rebased(symbol)
            found = [_judged(standing, closes, rebased, since) for standing in mine]
            judgements += [judgement for judgement in found if judgement is not None]
        quotes.append(loaded.quote(symbol, closes, request.now))
    return WatchesJudged(judgements, quotes)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """How watches stand, new bars, how symbols were quoted before, and what was wrong when they were last asked for."""

    standings: Sequence[Standing]
    archive: Archive
    quotes: Mapping[str, Quote]
    reasons: Mapping[str, str]

    def of(self, symbol: str) -> list[Standing]:
        return [standing for standing in self.standings if standing.condition.symbol == symbol]

    def closes(self, symbol: str) -> pd.Series[float]:
        """Return the closes that are believed."""
        if symbol not in self.archive:
            return pd.Series(dtype=float, index=pd.DatetimeIndex([]).as_unit("us"))
        frame = self.archive[symbol]
        return price(frame)[~frame["doubted"].astype(bool)].dropna()

    def rebased(self, symbol: str) -> pd.DatetimeIndex:
        """Return the days of splits: a price of the day before is not one of that day."""
        ratios = self.archive[symbol]["split"].fillna(1.0)
        return pd.DatetimeIndex(ratios[~ratios.isin(_NO_SPLIT)].index)

    def quote(self, symbol: str, closes: pd.Series[float], now: datetime) -> Quote:
        # One that was never collected was quoted when somebody began to watch it.
        before = self.quotes.get(symbol) or Quote(symbol, max(one.through for one in self.of(symbol)))
        newest, close = before.on, before.close
        if len(closes):
            newest, close = pd.Timestamp(closes.index[-1]).date(), float(closes.iloc[-1])
        bars = self.archive[symbol].index if symbol in self.archive else ()
        last = [pd.Timestamp(day).date() for day in bars[-1:]] or [newest or date.min]
        stopped = now.date() - max(last) > _LONGEST_PAUSE
        return Quote(symbol, newest, close, stopped, symbol in SERIES, self.reasons.get(symbol, "") if stopped else "")


def _judged(standing: Standing, closes: pd.Series[float], rebased: pd.DatetimeIndex, since: date) -> Judgement | None:
    """Return how a watch stands after the newest bar; ``None`` where it is judged up to that already."""
    newest = pd.Timestamp(closes.index[-1]).date()
    if newest <= standing.through:
        return None
    asked = standing.condition
    if asked.side == RECORD:
        found = judge_record(closes, standing.through)
    else:
        side = Sign.BELOW if asked.side == BELOW else Sign.ABOVE
        found = judge_level(closes, standing.through, side, asked.level, armed=standing.armed, rebased=rebased)
    if found.fired is None or found.fired.on < since:
        return Judgement(standing, found.armed, newest)
    fired = Firing(found.fired.on, found.fired.close, found.fired.level, found.fired.base)
    return Judgement(standing, found.armed, newest, fired)


async def _load(url: str, now: datetime) -> _Loaded:
    async with read_only(url) as connection:
        standings = await judged.standings(connection)
        symbols = dict.fromkeys(standing.condition.symbol for standing in standings)
        table = {symbol: series for symbol in symbols if (series := as_series(symbol)) is not None}
        archive = await _news(connection, standings, table, now)
        checks = await observations.load_checks(connection)
        reasons = {symbol: checks[symbol].reason for symbol in table if symbol in checks}
        return _Loaded(standings, archive, await judged.quotes(connection), reasons)


async def _news(
    connection: AsyncConnection, standings: Sequence[Standing], table: Mapping[str, Series], now: datetime
) -> Archive:
    """Return the bars of the symbols that have new ones: all of them where a record is watched for, else the last."""
    spans = await observations.spans(connection, table) if table else {}
    oldest: dict[str, date] = {}
    for one in standings:
        symbol = one.condition.symbol
        oldest[symbol] = min(oldest.get(symbol, date.max), one.through)
    new = {symbol for symbol, (_, newest) in spans.items() if newest > oldest[symbol]}
    records = {one.condition.symbol for one in standings if one.condition.side == RECORD} & new
    vintages = await observations.load_vintages(connection, now, records)
    if levels := new - records:
        since = min(oldest[symbol] for symbol in levels) - _BEFORE
        vintages |= await observations.load_vintages(connection, now, levels, since)
    return settle(vintages, table)
