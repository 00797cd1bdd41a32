"""From archived vintages to one value a date: the first one seen that was plausible when it was used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from signals.data.adjust import price
from signals.data.plausible import in_rule_units, moved_too_far, outside_band
from signals.data.release import available_at
from signals.data.series import FIELDS, SERIES, Series
from signals.data.sessions import NEW_YORK, last_calls

VINTAGE_COLUMNS = ("series", "observed_on", "first_seen_at", "last_seen_at", *FIELDS)

# Later than the last call of the morning after, not later than the next evening.
_ANOTHER_EVENING = pd.Timedelta(hours=20)

Archive = Mapping[str, pd.DataFrame]
"""Per series, one row a date (ascending, naive), NaN where the source has no figure, in the unit of the rules.

Columns ``FIELDS``, and ``doubted``: true on a newest figure that is not to be used before it is confirmed.
"""


def settle(rows: Iterable[tuple[Any, ...]]) -> Archive:
    """Choose one value a date from every vintage known.

    Parameters
    ----------
    rows
        Tuples in the order of ``VINTAGE_COLUMNS``; a revision is a later row of the same series and date.

    Notes
    -----
    What was seen last by 08:00 of the morning after its release stands, else what was seen first: asked for again
    is only what a session waits for, so a later revision is kept in the archive and enters no rule. Exceptions:
    a newest value that moved implausibly far counts only once a request of a later evening has returned it
    unchanged, and a plausible revision seen before that takes its place; when a split restates a price history, all
    of it is asked for again, and what was seen before is not mixed with it; a figure outside the band of its series
    is left out for good, because a unit is declared, never guessed.
    """
    table = pd.DataFrame.from_records(list(rows), columns=list(VINTAGE_COLUMNS))
    for column in ("observed_on", "first_seen_at", "last_seen_at"):
        table[column] = pd.to_datetime(table[column], utc=column != "observed_on").dt.as_unit("us")
    table = table.astype(dict.fromkeys(FIELDS, float)).sort_values(["observed_on", "first_seen_at"])
    return {
        str(key): _settle_one(SERIES[str(key)], group)
        for key, group in table.groupby("series", sort=False)
        if key in SERIES
    }


def _settle_one(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    vintages = in_rule_units(series, vintages)
    if _is_settled(series, vintages):
        dates = pd.DatetimeIndex(vintages["observed_on"], name="observed_on")
        frame = pd.DataFrame(vintages[list(FIELDS)].to_numpy(), index=dates, columns=list(FIELDS))
        return frame.assign(doubted=False)
    vintages = _inside_band(series, _since_last_split(vintages).set_index("observed_on"))
    frame = _standing(series, vintages).assign(doubted=False)
    for day in frame.index[moved_too_far(series, frame)]:
        frame = _judge(series, frame, vintages, day)
    newest = frame.tail(1)
    frame.loc[newest.index, "doubted"] |= outside_band(series, newest)
    return frame[[*FIELDS, "doubted"]]


def _is_settled(series: Series, vintages: pd.DataFrame) -> bool:
    """Return whether nothing has to be chosen or judged: mostly so, and found out without pandas' detours."""
    dates = vintages["observed_on"].to_numpy()
    value, adjusted, split = (vintages[name].to_numpy() for name in ("value", "adj_close", "split"))
    if (dates[1:] == dates[:-1]).any() or ((split != 0.0) & (split != 1.0) & ~np.isnan(split)).any():
        return False
    close = np.where(np.isnan(value), adjusted, value)
    if series.band is not None and ((close < series.band[0]) | (close > series.band[1])).any():
        return False
    if series.move is None:
        return True
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.diff(close) if series.move.absolute else close[1:] / close[:-1] - 1
    return not (np.abs(change) > series.move.limit).any()


def _inside_band(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Leave out figures in another unit; a newest date that has no other stays, so that the gate can say so."""
    inside = vintages[~outside_band(series, vintages)]
    newest = vintages[vintages.index == vintages.index.max()]
    return inside if newest.index[-1] in inside.index else pd.concat([inside, newest])


def _standing(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Return per date the vintage that stands before far moves are looked at."""
    if not vintages.index.has_duplicates:
        return vintages
    released = available_at(series.clock, pd.DatetimeIndex(vintages.index)).tz_convert(NEW_YORK)
    in_time = vintages[vintages["first_seen_at"] <= last_calls(released.tz_localize(None).normalize())]
    in_time = in_time[~in_time.index.duplicated(keep="last")]
    first = vintages[~vintages.index.duplicated(keep="first")]
    return pd.concat([in_time, first[~first.index.isin(in_time.index)]]).sort_index()


def _since_last_split(vintages: pd.DataFrame) -> pd.DataFrame:
    split = vintages["split"].fillna(0.0)
    restated = vintages.loc[(split != 0.0) & (split != 1.0), "first_seen_at"].max()
    return vintages if pd.isna(restated) else vintages[vintages["first_seen_at"] >= restated]


def _judge(series: Series, frame: pd.DataFrame, vintages: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Replace, keep or drop the far-moved value of ``day``."""
    if not moved_too_far(series, frame.loc[:day].tail(2)).iloc[-1]:
        return frame  # the day before it was replaced or dropped, and with that the move is gone
    seen = frame.loc[day]
    came_with_later_ones = (vintages.loc[vintages.index > day, "first_seen_at"] <= seen["first_seen_at"]).any()
    # The evening's volume is preliminary: a later request confirms the price, not the whole bar.
    of_day = vintages.loc[[day]]
    same_price = of_day[price(of_day) == price(frame.loc[[day]]).iloc[0]]
    confirmed = same_price["last_seen_at"].max() - seen["first_seen_at"] >= _ANOTHER_EVENING
    if came_with_later_ones or confirmed:
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


def as_vintages(frames: Archive, seen_at: pd.Timestamp) -> Iterable[tuple[Any, ...]]:
    """Yield the rows of freshly fetched frames in the order of ``VINTAGE_COLUMNS``, ``None`` for NaN."""
    for key, frame in frames.items():
        rows = frame.reindex(columns=list(FIELDS)).to_numpy(dtype=float).tolist()
        for day, figures in zip(pd.DatetimeIndex(frame.index).date, rows, strict=True):
            # A NaN is what does not equal itself.
            yield (key, day, seen_at, seen_at, *(figure if figure == figure else None for figure in figures))
