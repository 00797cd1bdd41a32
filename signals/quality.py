"""The data gate: rows that cannot be true are left out with a sentence; what is too old or moved too far is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.adjust import price
from signals.model import Freshness, SourceVerdict
from signals.panel import Panel
from signals.rules import GATE
from signals.series import FIELDS, SERIES, Series
from signals.sessions import available_at
from signals.vintages import jumps


@dataclass(frozen=True, slots=True)
class Sifted:
    """The rows of an answer that can be true, and one sentence on the newest of the others."""

    frame: pd.DataFrame
    reason: str


def sift(series: Series, frame: pd.DataFrame, sessions: pd.DatetimeIndex, now: datetime) -> Sifted:
    """Leave out of a source's answer what cannot be true or is not public yet.

    Parameters
    ----------
    frame
        Index dates (naive), columns among ``FIELDS``. From a duplicated date on, nothing is used: nobody can
        know which of the two is right.
    sessions
        All NYSE sessions; a bar of another day is left out.
    now
        The instant of the request: a bar that is not complete by its release clock is left out without a word.
    """
    frame = frame.reindex(columns=list(FIELDS)).astype(float)
    dates = pd.DatetimeIndex(frame.index).as_unit("us")
    frame.index = dates
    public = available_at(series.clock, dates) <= pd.Timestamp(now)
    frame, dates = frame[public], dates[public]
    twice = dates[dates.duplicated()]
    backwards = dates[1:][np.diff(dates.asi8) < 0]
    if len(twice) or len(backwards):
        first = min([*twice, *backwards])
        word = "appears twice" if first in twice else "is out of order"
        reason = f"{first:%Y-%m-%d} {word} in the answer; nothing from that date on is used"
        return Sifted(sift(series, frame[frame.index < first].sort_index(), sessions, now).frame, reason)
    faults = _row_faults(frame)
    faults[~frame.index.isin(sessions)] = "is not a session"
    bad = faults[faults != ""]
    reason = f"{bad.index[-1]:%Y-%m-%d}: the bar {bad.iloc[-1]}" if len(bad) else ""
    return Sifted(frame[faults == ""], reason)


def _row_faults(frame: pd.DataFrame) -> pd.Series[str]:
    """Return per row what makes it impossible, empty where nothing does."""
    close = price(frame)
    faults = pd.Series("", index=frame.index, dtype=object)
    faults[(frame["high"] < frame["low"]).to_numpy()] = "has a high below its low"
    faults[(frame[["value", "open", "high", "low", "adj_close"]] <= 0).any(axis=1).to_numpy()] = (
        "has a price of zero or less"
    )
    faults[~np.isfinite(close.to_numpy(dtype=float))] = "has no close"
    return faults


@dataclass(frozen=True)
class Gate:
    """Which series may be used on which session, and why not.

    Attributes
    ----------
    usable
        Sessions × series: the newest observation is not too old and did not move implausibly far.
    reasons
        What the newest request said of a series, for sentences about the last session.
    """

    panel: Panel
    usable: pd.DataFrame
    jumped: pd.DataFrame
    contradicted: pd.Series[bool]
    reasons: Mapping[str, str]

    @cached_property
    def _columns(self) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
        age = self.panel.age
        return {str(key): (age[key].to_numpy(), self.jumped[key].to_numpy()) for key in age}

    @cached_property
    def _contradicted(self) -> npt.NDArray[np.bool_]:
        return self.contradicted.to_numpy()

    def source(self, key: str, at: int) -> SourceVerdict:
        """Return the verdict on one series for the session at a position, with its sentence."""
        if key not in self._columns or np.isnan(age := self._columns[key][0][at]):
            return SourceVerdict(key, Freshness.NEVER_HAD, None, self._reason(key, at, "no observation yet"))
        newest = self.panel.days[at - int(age)]
        if age == 0 and self._columns[key][1][at]:
            limit = SERIES[key].largest_move
            reason = f"{newest} moved more than {limit:.0%} in one session; used once a later request confirms it"
            return SourceVerdict(key, Freshness.INVALID, newest, reason)
        if key == "^RUT" and self._contradicted[at]:
            points = GATE.confirming_points * 100
            reason = f"its return on {newest} is not within {points:.1f} points of IWM's"
            return SourceVerdict(key, Freshness.INVALID, newest, reason)
        if age == 0:
            return SourceVerdict(key, Freshness.OK, newest, "")
        verdict = Freshness.LATE if age <= GATE.late_sessions else Freshness.STALE
        behind = f"newest bar is {newest}, {age:.0f} session{'s' if age > 1 else ''} behind"
        return SourceVerdict(key, verdict, newest, self._reason(key, at, behind))

    def _reason(self, key: str, at: int, otherwise: str) -> str:
        said = self.reasons.get(key, "") if at == len(self.panel.days) - 1 else ""
        return f"{otherwise}: {said}" if said else otherwise

    def blocks(self, at: int) -> str | None:
        """Return why the session at a position has to wait, ``None`` when ^RUT, IWM and SPY pass."""
        verdicts = [self.source(key, at) for key in GATE.blocking]
        failed = [v for v in verdicts if v.verdict not in (Freshness.OK, Freshness.NEVER_HAD)]
        return "; ".join(f"{v.series}: {v.reason}" for v in failed) or None


def gate(panel: Panel, reasons: Mapping[str, str], contradicted: pd.Series[bool]) -> Gate:
    """Judge every series on every session.

    Parameters
    ----------
    reasons
        Per series, what the newest request said.
    contradicted
        The sessions whose ^RUT close is not believed (see ``contradictions``).
    """
    sessions = panel.sessions
    jumped = pd.DataFrame(
        {
            key: pd.Series(jumps(frame, SERIES[key].largest_move)).reindex(sessions, fill_value=False)
            for key, frame in panel.archive.items()
        },
        index=sessions,
    )
    usable = (panel.age <= GATE.late_sessions) & ~jumped
    for key in set(GATE.blocking) & set(usable):
        usable[key] &= panel.age[key] == 0
    if "^RUT" in usable:
        usable["^RUT"] &= ~contradicted
    return Gate(panel, usable, jumped, contradicted, reasons)


def contradictions(panel: Panel) -> pd.Series[bool]:
    """Return the sessions on which IWM does not bear the index out, because it differs or has no bar.

    It matters on the day of an attempt: such a close is not believed and starts nothing, then or later.
    """
    index_return = panel.close("^RUT").pct_change(fill_method=None)
    etf = panel.adjusted("IWM", carried=False)
    gap = (index_return - etf.pct_change(fill_method=None)).abs()
    # An ETF that does not trade yet never blocks older history.
    trading = etf.shift().notna().cummax()
    agrees = gap <= GATE.confirming_points
    return trading & ~agrees & index_return.notna()
