"""From archived vintages to one value a date: the first one seen that was plausible when it was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import price
from signals.data.plausible import beyond_band, far_moves, in_rule_units, moved_too_far, outside_band
from signals.data.release import available_at
from signals.data.series import FIELDS, SERIES, Series
from signals.data.sessions import NEW_YORK, last_calls

COLUMNS = ("observed_on", "first_seen_at", "last_seen_at", *FIELDS)

# Later than the last call of the morning after, not later than the next evening.
_ANOTHER_EVENING = pd.Timedelta(hours=20)

Archive = Mapping[str, pd.DataFrame]
"""Per series, one row a date (ascending, naive), NaN where the source has no figure, in the unit of the rules.

Columns ``FIELDS``, and ``doubted``: true on a newest figure that is not to be used before it is confirmed.
"""


Columns = Sequence[Sequence[Any]]
"""The vintages of one series by column, in the order of ``COLUMNS``.

``None`` or NaN is no figure; ``last_seen_at`` is ``None`` where a vintage was not seen again.
"""


def settle(vintages: Mapping[str, Columns]) -> Archive:
    """Choose one value a date from every vintage known.

    Parameters
    ----------
    vintages
        By series, in any order; a revision is a later row of the same date.

    Notes
    -----
    What was seen last by 08:00 of the morning after its release stands, else what was seen first: asked for again
    is only what a session waits for, so a later revision is kept in the archive and enters no rule. Exceptions:
    a newest value that moved implausibly far counts only once a request of a later evening has returned it
    unchanged, and a plausible revision seen before that takes its place; when a split restates a price history, all
    of it is asked for again, and what was seen before is not mixed with it; a figure outside the band of its series
    is left out for good, because a unit is declared, never guessed.
    """
    return {key: _settle_one(SERIES[key], columns) for key, columns in vintages.items() if key in SERIES}


def _settle_one(series: Series, columns: Columns) -> pd.DataFrame:
    dates = pd.DatetimeIndex(np.array(columns[0], dtype="datetime64[D]"), name="observed_on").as_unit("us")
    figures = pd.DataFrame(np.array([_floats(column) for column in columns[3:]]).T, index=dates, columns=list(FIELDS))
    figures = in_rule_units(series, figures)
    if _is_settled(series, figures):
        return figures.assign(doubted=False)
    first_seen, last_seen = instants(columns[1]), instants(columns[2])
    vintages = figures.assign(first_seen_at=first_seen, last_seen_at=last_seen.where(last_seen.notna(), first_seen))
    vintages = vintages.iloc[np.lexsort((first_seen.asi8, dates.asi8))]
    vintages = _inside_band(series, _since_last_split(vintages))
    frame = _standing(series, vintages).assign(doubted=False)
    for day in frame.index[moved_too_far(series, frame)]:
        frame = _judge(series, frame, vintages, day)
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
    value, adjusted, split = (figures[name].to_numpy() for name in ("value", "adj_close", "split"))
    is_split = (split != 0.0) & (split != 1.0) & ~np.isnan(split)
    if is_split.any() or not (figures.index.is_monotonic_increasing and figures.index.is_unique):
        return False
    close = np.where(np.isnan(value), adjusted, value)
    return not (beyond_band(series, close).any() or far_moves(series, close).any())


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


def _since_last_split(vintages: pd.DataFrame) -> pd.DataFrame:
    split = vintages["split"].fillna(0.0)
    restated = vintages.loc[(split != 0.0) & (split != 1.0), "first_seen_at"].max()
    return vintages if pd.isna(restated) else vintages[vintages["first_seen_at"] >= restated]


def _judge(series: Series, frame: pd.DataFrame, vintages: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Replace, keep or drop the far-moved value of ``day``."""
    at = int(frame.index.searchsorted(day))
    if not moved_too_far(series, frame.iloc[max(at - 1, 0) : at + 1]).iloc[-1]:
        return frame  # the day before it was replaced or dropped, and with that the move is gone
    first_seen_at = frame["first_seen_at"].iloc[at]
    later = vintages["first_seen_at"].iloc[vintages.index.searchsorted(day, side="right") :]
    if (later <= first_seen_at).any():
        return frame  # it came with later ones
    # The evening's volume is preliminary: a later request confirms the price, not the whole bar.
    of_day = vintages.loc[[day]]
    same_price = of_day[price(of_day) == price(frame.loc[[day]]).iloc[0]]
    if same_price["last_seen_at"].max() - first_seen_at >= _ANOTHER_EVENING:
        return frame
    before = frame.loc[: day - pd.Timedelta(days=1)].tail(1)
    for position in range(1, len(of_day)):
        revision = of_day.iloc[[position]].assign(doubted=False)
        if not moved_too_far(series, pd.concat([before, revision])).iloc[-1]:
            return pd.concat([frame.drop(day), revision]).sort_index()
    if day != frame.index[-1]:
        return frame.drop(day)
    # The newest one stays, so that the gate can say of it what is wrong.
    frame.loc[day, "doubted"] = True
    return frame


def as_vintages(frames: Archive, seen_at: pd.Timestamp) -> dict[str, Columns]:
    """Return freshly fetched frames as vintages seen at one instant; one without rows is left out."""
    return {key: _seen_at(frame, seen_at) for key, frame in frames.items() if len(frame)}


def _seen_at(frame: pd.DataFrame, instant: pd.Timestamp) -> Columns:
    figures = frame.reindex(columns=list(FIELDS)).to_numpy(dtype=float)
    return [frame.index.to_numpy(), [instant] * len(frame), [instant] * len(frame), *figures.T]
