"""From archived vintages to one value a date: the first one seen that was plausible when it was used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from signals.adjust import price
from signals.series import FIELDS, SERIES, Series
from signals.sessions import last_calls

VINTAGE_COLUMNS = ("series", "observed_on", "first_seen_at", "last_seen_at", *FIELDS)

Archive = Mapping[str, pd.DataFrame]
"""Per series, one row a date (ascending, naive), columns ``FIELDS``, NaN where the source has no figure."""


def settle(rows: Iterable[tuple[Any, ...]]) -> Archive:
    """Choose one value a date from every vintage known.

    Parameters
    ----------
    rows
        Tuples in the order of ``VINTAGE_COLUMNS``; a revision is a later row of the same series and date.

    Notes
    -----
    What was seen last by 08:00 of the next morning stands, else what was seen first: asked for again is only what
    a session waits for, so a later revision is kept in the archive and enters no rule. Two exceptions.
    A newest value that moved implausibly far counts only once a request of a later evening has returned it
    unchanged; a plausible revision seen before that takes its place. And when a split restates a price
    history, all of it is asked for again, and what was seen before is not mixed with it.
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


def jumps(frame: pd.DataFrame, largest_move: float) -> pd.Series[bool]:
    """Return where the price moved further than is plausible in one observation."""
    return price(frame).pct_change(fill_method=None).abs() > largest_move


def _settle_one(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    vintages = _since_last_split(vintages).set_index("observed_on")
    frame = _standing(vintages)
    for day in frame.index[jumps(frame, series.largest_move)]:
        frame = _judge(series, frame, vintages, day)
    return frame[list(FIELDS)]


def _standing(vintages: pd.DataFrame) -> pd.DataFrame:
    """Return per date the vintage that stands before far moves are looked at."""
    days = pd.DatetimeIndex(vintages.index)
    in_time = vintages[vintages["first_seen_at"] <= last_calls(days)]
    in_time = in_time[~in_time.index.duplicated(keep="last")]
    first = vintages[~vintages.index.duplicated(keep="first")]
    return pd.concat([in_time, first[~first.index.isin(in_time.index)]]).sort_index()


def _since_last_split(vintages: pd.DataFrame) -> pd.DataFrame:
    split = vintages["split"].fillna(0.0)
    restated = vintages.loc[(split != 0.0) & (split != 1.0), "first_seen_at"].max()
    return vintages if pd.isna(restated) else vintages[vintages["first_seen_at"] >= restated]


def _judge(series: Series, frame: pd.DataFrame, vintages: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Replace, keep or drop the far-moved value of ``day``."""
    if not jumps(frame.loc[:day].tail(2), series.largest_move).iloc[-1]:
        return frame  # the day before it was replaced or dropped, and with that the move is gone
    seen = frame.loc[day]
    came_with_later_ones = (vintages.loc[vintages.index > day, "first_seen_at"] <= seen["first_seen_at"]).any()
    # The evening's volume is preliminary: a later request confirms the price, not the whole bar.
    of_day = vintages.loc[[day]]
    same_price = of_day[price(of_day) == price(frame.loc[[day]]).iloc[0]]
    confirmed = same_price["last_seen_at"].max() - seen["first_seen_at"] >= pd.Timedelta(hours=12)
    if came_with_later_ones or confirmed:
        return frame
    before = frame.loc[: day - pd.Timedelta(days=1)].tail(1)
    for position in range(1, len(vintages.loc[[day]])):
        revision = vintages.loc[[day]].iloc[[position]]
        if not jumps(pd.concat([before, revision]), series.largest_move).iloc[-1]:
            return pd.concat([frame.drop(day), revision]).sort_index()
    # The newest one stays, so that the gate can say of it what is wrong.
    return frame if day == frame.index[-1] else frame.drop(day)


def as_vintages(frames: Archive, seen_at: pd.Timestamp) -> Iterable[tuple[Any, ...]]:
    """Yield the rows of freshly fetched frames in the order of ``VINTAGE_COLUMNS``, ``None`` for NaN."""
    for key, frame in frames.items():
        table = frame.reindex(columns=list(FIELDS)).astype(object).where(lambda cell: cell.notna(), None)
        for day, *figures in zip(frame.index, *(table[c] for c in FIELDS), strict=True):
            yield (key, day.date(), seen_at, seen_at, *(_plain(figure) for figure in figures))


def _plain(figure: Any) -> float | None:
    return None if figure is None else float(np.float64(figure))
