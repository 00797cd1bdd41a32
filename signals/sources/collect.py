"""Ask a source for what is missing, and only for that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import pandas as pd

from signals.data.release import newest_expected
from signals.data.series import SERIES, Days, ReleaseClock, Series
from signals.data.sift import drop_impossible_rows
from signals.data.vintages import Archive, as_vintages, settle
from signals.sentences import sentence
from signals.sources.restating import Recent, with_history
from signals.sources.shape import Fetched, Source, asked


@dataclass(frozen=True, slots=True)
class Collected:
    """One series' answer after the row checks: what may be archived, and what was wrong."""

    key: str
    frame: pd.DataFrame
    reason: str
    restated: bool
    absent: bool


def collect(
    source: Source,
    newest: Mapping[str, date],
    sessions: pd.DatetimeIndex,
    now: datetime,
    again: Collection[str] = (),
    keys: Collection[str] = tuple(SERIES),
    recent: Mapping[str, Recent] | None = None,
    table: Mapping[str, Series] = SERIES,
) -> Iterator[Collected]:
    """Ask for every series whose newest observation is missing.

    Parameters
    ----------
    newest
        Per series, the newest date already archived; that bar is asked for again, so that a correction or a
        confirmation of it is seen.
    again
        Series that are asked for even though their newest bar is there: a session waits for a better one.
    keys
        The series of the ``table`` to ask for, by default all of the program's own.
    recent
        Per price series its last archived bars: they are asked for again, and where they changed all of it is.
    """
    # Many series are published alike.
    timetable: dict[tuple[Days, ReleaseClock, date | None], pd.Timestamp | None] = {}
    for series in (table[key] for key in keys):
        since = newest.get(series.key)
        if since is not None and series.key not in again:
            published = (series.days, series.clock, series.ended)
            if published not in timetable:
                timetable[published] = newest_expected(series, sessions, pd.Timestamp(now))
            expected = timetable[published]
            if expected is not None and pd.Timestamp(since) >= expected:
                continue
        known, sifted = (recent or {}).get(series.key), _Sifted(source, sessions)
        fetched = asked(sifted, series, known.since if known else since, now)
        if known:
            fetched = with_history(sifted, series, known, fetched, sessions, now)
        yield Collected(series.key, fetched.frame, sentence(fetched.reason), fetched.restated, fetched.absent)


@dataclass(frozen=True, slots=True)
class _Sifted:
    """Leaves out of a source's answers what cannot be true."""

    source: Source
    sessions: pd.DatetimeIndex

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        fetched = self.source.fetch(series, since, now)
        possible = drop_impossible_rows(series, fetched.frame, self.sessions, now)
        return replace(fetched, frame=possible.frame, reason=fetched.reason or possible.reason)


def collect_archive(
    source: Source,
    sessions: pd.DatetimeIndex,
    now: datetime,
    keys: Collection[str] = tuple(SERIES),
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Archive, dict[str, str]]:
    """Collect into memory, for work without a database. Returns the archive and the reasons.

    ``progress`` is called with how many series have been asked for, and of how many.
    """
    frames: dict[str, pd.DataFrame] = {}
    reasons: dict[str, str] = {}
    for done, collected in enumerate(collect(source, {}, sessions, now, keys=keys), start=1):
        progress(done, len(keys))
        if len(collected.frame):
            frames[collected.key] = collected.frame
        if collected.reason:
            reasons[collected.key] = collected.reason
    return settle(as_vintages(frames, pd.Timestamp(now))), reasons
