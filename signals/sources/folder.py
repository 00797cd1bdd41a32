"""A folder of CSV files, one a series, named by its symbol without ``^``.

Prices have the columns ``date,open,high,low,close,adj_close,volume`` (those a source lacks are left out), single
figures ``date,value``. Dates are ISO. A file is what was public: bars after ``now`` are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import pandas as pd

from signals.data.series import FIELDS, Series
from signals.sources.shape import NOTHING, Fetched


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Reads the CSV files of a folder."""

    folder: Path

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the rows of the series' file from ``since`` on; see ``shape.Source``."""
        path = self.folder / f"{series.file_stem}.csv"
        try:
            state = path.stat()
            fetched = _read(path, state.st_mtime_ns, state.st_size)
        except FileNotFoundError:
            return Fetched(NOTHING, f"there is no file {path.name} in the data folder", absent=True)
        except (KeyError, ValueError, pd.errors.ParserError) as error:
            return Fetched(NOTHING, f"{path.name} cannot be read: {error}")
        if since is None or fetched.frame.empty:
            return fetched
        return replace(fetched, frame=fetched.frame[fetched.frame.index >= pd.Timestamp(since)])


@lru_cache(maxsize=128)
def _read(path: Path, _changed_at: int, _size: int) -> Fetched:
    """Read a file, once for as long as it stays as it is."""
    reason = ""
    try:
        table = pd.read_csv(path)
    except pd.errors.ParserError as error:
        table, reason = pd.read_csv(path, on_bad_lines="skip"), f"a line of {path.name} is left out: {error}"
    dates = pd.to_datetime(table.pop("date"), format="%Y-%m-%d", errors="coerce")
    if dates.isna().any():
        reason = f"{path.name} has a date that is not like 2020-11-13; its row is left out"
    table.index = pd.DatetimeIndex(dates, name="date").as_unit("us")
    frame = table[dates.notna().to_numpy()].rename(columns={"close": "value"})
    if not {"value", "adj_close"} & set(frame.columns):
        columns = ",".join(map(str, frame.columns))
        return Fetched(NOTHING, f"{path.name} has the columns {columns}; expected close, adj_close or value")
    known = [column for column in frame.columns if column in FIELDS]
    return Fetched(frame[known].apply(pd.to_numeric, errors="coerce"), reason)
