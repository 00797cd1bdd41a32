"""Which of the figures that cannot be so are believed all the same, which are replaced, left out or doubted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.data.adjust import Closes, price
from signals.data.plausible import cannot_be_confirmed, implausible_after, implausible_steps
from signals.data.series import Series
from signals.nine_decimals import Sign, meets
from signals.rules import GATE

# Later than the last call of the morning after, not later than the next evening.
_ANOTHER_EVENING = pd.Timedelta(hours=20)


def judged(series: Series, frame: pd.DataFrame, vintages: pd.DataFrame) -> pd.DataFrame:
    """Return the values that stand, without those that are not believed; the newest stays, ``doubted``.

    Parameters
    ----------
    frame
        One vintage a date, ascending, with ``first_seen_at`` and ``doubted``.
    vintages
        All of them, by date and then by when they were first seen.
    """
    believed: set[pd.Timestamp] = set()
    looked_at, steps = None, frame.index
    while True:
        if frame is not looked_at:
            looked_at, steps = frame, frame.index[implausible_steps(series, Closes.of(frame))]
        days = [day for day in steps if day not in believed]
        if not days:
            return _doubted_if_contradicted(series, frame, vintages)
        day, newest = days[0], len(frame) - 1
        at = int(frame.index.searchsorted(day))
        before, row = frame.iloc[[at - 1]], frame.iloc[[at]]
        for_good = cannot_be_confirmed(series, before, row)
        if not for_good and _is_confirmed(row, vintages):
            believed.add(day)
            continue
        revision = _plausible_revision(series, before, vintages.loc[[day]])
        if revision is not None:
            frame = pd.concat([frame.drop(day), revision]).sort_index()
            continue
        # After a split that is not carried out in the bars before it all that follow are as far away.
        following = np.flatnonzero(~implausible_after(series, before, frame.iloc[at:])) if for_good else np.array([1])
        until = at + int(following[0]) if len(following) else newest + 1
        frame = frame.drop(frame.index[at : min(until, newest)])
        if until > newest:
            # The newest one stays, so that the gate can say of it what is wrong.
            frame.loc[frame.index[-1], "doubted"] = True
            return frame


def _is_confirmed(row: pd.DataFrame, vintages: pd.DataFrame) -> bool:
    """Whether it came with later ones, or a request of a later evening returned it again."""
    day, first_seen_at = row.index[0], row["first_seen_at"].iloc[0]
    later = vintages["first_seen_at"].iloc[vintages.index.searchsorted(day, side="right") :]
    if (later <= first_seen_at).any():
        return True
    # The evening's volume is preliminary: a later request confirms the price and the distribution, not the whole bar.
    of_day = vintages.loc[[day]]
    same = (price(of_day) == price(row).iloc[0]) & (
        of_day["dividend"].fillna(0.0) == row["dividend"].fillna(0.0).iloc[0]
    )
    return bool(of_day.loc[same, "last_seen_at"].max() - first_seen_at >= _ANOTHER_EVENING)


def _plausible_revision(series: Series, before: pd.DataFrame, of_day: pd.DataFrame) -> pd.DataFrame | None:
    revisions = of_day.iloc[1:]
    plausible = np.flatnonzero(~implausible_after(series, before, revisions))
    return revisions.iloc[[plausible[0]]].assign(doubted=False) if len(plausible) else None


def _doubted_if_contradicted(series: Series, frame: pd.DataFrame, vintages: pd.DataFrame) -> pd.DataFrame:
    """Doubt the newest bar while the source has another close than the one that stands, for whatever date."""
    if series.is_price and vintages.index.has_duplicates:
        said_last = price(vintages[~vintages.index.duplicated(keep="last")]).reindex(frame.index)
        if differs(said_last, price(frame)).any():
            frame.loc[frame.index[-1], "doubted"] = True
    return frame


def differs(closes: pd.Series[float], others: pd.Series[float]) -> pd.Series[bool]:
    """Return where two closes of a date are further apart than corrections are; not where one is missing."""
    return meets((closes / others - 1.0).abs(), Sign.ABOVE, GATE.restating)
