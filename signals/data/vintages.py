"""From archived vintages to one value a date: the first one seen that was plausible when it was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import Closes
from signals.data.judging import judged
from signals.data.plausible import beyond_band, implausible_steps, in_rule_units, outside_band
from signals.data.release import available_at
from signals.data.series import FIELDS, SERIES, Series
from signals.data.sessions import NEW_YORK, last_calls

COLUMNS = ("observed_on", "first_seen_at", "last_seen_at", *FIELDS)

Archive = Mapping[str, pd.DataFrame]
"""Per series, one row a date (ascending, naive), NaN where the source has no figure, in the unit of the rules.

Columns ``FIELDS``, and ``doubted``: true on a newest figure that is not to be used before it is confirmed.
"""


Columns = Sequence[Sequence[Any]]
"""The vintages of one series by column, in the order of ``COLUMNS``.

``None`` or NaN is no figure; ``last_seen_at`` is ``None`` where a vintage was not seen again.
"""


def settle(vintages: Mapping[str, Columns], table: Mapping[str, Series] = SERIES) -> Archive:
    """Choose one value a date from every vintage known.

    Parameters
    ----------
    vintages
        By series, in any order; a revision is a later row of the same date. What is not in the ``table`` is left out.

    Notes
    -----
    What was seen last by 08:00 of the morning after its release stands, else what was seen first: asked for again
    is only what a session waits for and the last bars of prices, so a later revision is kept in the archive and
    enters no rule. Exceptions: what ``signals.data.judging`` says of values that cannot follow the one before; a
    figure outside the band of its series is left out for good, because a unit is declared, never guessed. What was
    seen before a whole price history was asked for again is not among the vintages.
    """
    return {key: _settle_one(table[key], columns) for key, columns in vintages.items() if key in table}


def _settle_one(series: Series, columns: Columns) -> pd.DataFrame:
    dates = pd.DatetimeIndex(np.array(columns[0], dtype="datetime64[D]"), name="observed_on").as_unit("us")
    figures = pd.DataFrame(np.array([_floats(column) for column in columns[3:]]).T, index=dates, columns=list(FIELDS))
    figures = in_rule_units(series, figures)
    if _is_settled(series, figures):
        figures["doubted"] = False
        return figures
    first_seen, last_seen = instants(columns[1]), instants(columns[2])
    vintages = figures.assign(first_seen_at=first_seen, last_seen_at=last_seen.where(last_seen.notna(), first_seen))
    vintages = vintages.iloc[np.lexsort((first_seen.asi8, dates.asi8))]
    vintages = _inside_band(series, vintages)
    frame = judged(series, _standing(series, vintages).assign(doubted=False), vintages)
    newest = frame.tail(1)
    frame.loc[newest.index, "doubted"] |= outside_band(series, newest)
    return frame[[*FIELDS, "doubted"]]


def instants(column: Sequence[Any]) -> pd.DatetimeIndex:
    """Return a column of instants in UTC, whether they come as text, naive or aware; NaT for ``None``."""
    # Few of them, each for many rows.
    known = {instant: pd.Timestamp(instant).tz_localize(None).to_datetime64() for instant in set(column)}
    return pd.DatetimeIndex(np.array([known[instant] for instant in column], dtype="datetime64[us]"), tz="UTC")


def _floats(column: Sequence[float | None]) -> npt.NDArray[np.float64]:
    # Most columns of most series are empty.
    if isinstance(column, tuple) and column[0] is None and column.count(None) == len(column):
        return np.full(len(column), np.nan)
    return np.array(column, dtype=np.float64)


def _is_settled(series: Series, figures: pd.DataFrame) -> bool:
    """Return whether nothing has to be ordered, chosen or judged: mostly so, found out without pandas' detours."""
    if not (figures.index.is_monotonic_increasing and figures.index.is_unique):
        return False
    bars = Closes.of(figures)
    return not (beyond_band(series, bars.price).any() or implausible_steps(series, bars).any())


def _inside_band(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Leave out figures in another unit; a newest date that has no other stays, so that the gate can say so."""
    inside = vintages[~outside_band(series, vintages)]
    newest = vintages[vintages.index == vintages.index.max()]
    return inside if newest.index[-1] in inside.index else pd.concat([inside, newest])


def _standing(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Return per date the vintage that stands before far moves are looked at."""
    if not vintages.index.has_duplicates:
        return vintages
    several = vintages[vintages.index.duplicated(keep=False)]
    released = available_at(series.clock, pd.DatetimeIndex(several.index)).tz_convert(NEW_YORK)
    in_time = several[several["first_seen_at"] <= last_calls(released.tz_localize(None).normalize())]
    in_time = in_time[~in_time.index.duplicated(keep="last")]
    first = vintages[~vintages.index.duplicated(keep="first")]
    return pd.concat([in_time, first[~first.index.isin(in_time.index)]]).sort_index()


def as_vintages(frames: Archive, seen_at: pd.Timestamp) -> dict[str, Columns]:
    """Return freshly fetched frames as vintages seen at one instant; one without rows is left out."""
    return {key: _seen_at(frame, seen_at) for key, frame in frames.items() if len(frame)}


def _seen_at(frame: pd.DataFrame, instant: pd.Timestamp) -> Columns:
    figures = frame.reindex(columns=list(FIELDS)).to_numpy(dtype=float)
    return [frame.index.to_numpy(), [instant] * len(frame), [instant] * len(frame), *figures.T]
