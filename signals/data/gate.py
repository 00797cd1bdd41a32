"""The data gate: what is too old, moved too far or is contradicted makes what needs it unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from signals.data.adjust import price
from signals.data.panel import INVALID, LATE, NEVER_HAD, OK, STATUSES, Alignment, Bools, Ints, Panel, as_date
from signals.data.plausible import outside_band, what_is_implausible
from signals.data.series import SERIES
from signals.data.vintages import Archive
from signals.model import Freshness, SourceVerdict
from signals.nine_decimals import Sign, meets
from signals.rules import GATE

_CONTRADICTED = (
    "its source now has other closes of earlier days than before; used once its whole history agrees with them"
)


@dataclass(frozen=True)
class Gate:
    """Which series may be used on which session, and why not.

    Attributes
    ----------
    status
        Per series and session OK, LATE, STALE, INVALID or NEVER_HAD (see ``signals.data.panel``). INVALID is a newest
        figure that is not to be believed, whatever its age.
    contradicted
        The sessions on which IWM does not bear the ^RUT close out (see ``contradictions``).
    reasons
        What the newest request said of a series, for sentences about the last session.
    """

    panel: Panel
    status: Mapping[str, Ints]
    contradicted: Bools
    reasons: Mapping[str, str]

    def usable(self, *keys: str) -> Bools:
        """Return the sessions on which all of these series may be used; of those that block a session only in time."""
        found: Bools = np.ones(len(self.panel.sessions), dtype=np.bool_)
        for key in keys:
            worst = OK if key in GATE.blocking else LATE
            found &= self._status(key) <= worst
        return found

    def is_invalid(self, key: str) -> Bools:
        """Return the sessions on which the newest figure of a series is not to be believed."""
        return np.asarray(self._status(key) == INVALID)

    def switches_nothing(self, keys: Iterable[str]) -> Bools:
        """Return the sessions on which one of the series is late or not to be believed: no state follows it then."""
        found: Bools = np.zeros(len(self.panel.sessions), dtype=np.bool_)
        for status in map(self._status, keys):
            found |= (status == LATE) | (status == INVALID)
        return found

    def _status(self, key: str) -> Ints:
        return self.status.get(key, self._never_had_status)

    @cached_property
    def _never_had_status(self) -> Ints:
        return np.full(len(self.panel.sessions), NEVER_HAD)

    def before_invalid(self, alignment: Alignment, keys: Iterable[str]) -> Alignment:
        """Return an alignment that looks past each newest bar of the series that is not to be believed."""
        position = alignment.position
        for key in keys:
            invalid = self.is_invalid(key)
            if invalid.any():
                own = self.panel.alignments[key]
                unbelieved = own.dates.asi8[np.maximum(own.position, 0)]
                before = np.searchsorted(alignment.dates.asi8, unbelieved, side="left") - 1
                position = np.where(invalid, np.minimum(position, before), position)
        return replace(alignment, position=position)

    def source(self, key: str, at: int) -> SourceVerdict:
        """Return the verdict on one series for the session at a position, with its sentence."""
        column = self.status.get(key)
        if column is None or (status := column.item(at)) == NEVER_HAD:
            said, absent = self.reasons.get(key) if at == self._newest else None, self._absent[key]
            return SourceVerdict(key, absent.verdict, None, f"{absent.reason}: {said}") if said else absent
        alignment = self.panel.alignments[key]
        position = alignment.position.item(at)
        newest = as_date(alignment.days, position)
        if status == OK:
            return SourceVerdict(key, Freshness.OK, newest, "")
        if status == INVALID:
            return SourceVerdict(key, Freshness.INVALID, newest, self._fault(key, at, position))
        overdue = alignment.overdue.item(at)
        unit = "day" if SERIES[key].days.is_weekly else "session"
        what = "bar" if SERIES[key].is_price else "figure"
        behind = f"newest {what} is {newest}, {overdue} {unit}{'s' if overdue > 1 else ''} behind"
        return SourceVerdict(key, STATUSES[status], newest, self._reason(key, at, behind))

    def _fault(self, key: str, at: int, position: int) -> str:
        series, frame = SERIES[key], self.panel.archive[key]
        newest = self.panel.alignments[key].dates[position]
        if key == "^RUT" and self.contradicted[at]:
            points = GATE.confirming_points * 100
            return f"its return on {newest:%Y-%m-%d} is not within {points:.1f} points of IWM's"
        row = frame[frame.index == newest]
        if len(row) and outside_band(series, row).iloc[0]:
            low, high = series.band or (0.0, 0.0)
            figure = price(row).iloc[0]
            outside = f"outside {low:,.6g} to {high:,.6g}: has its unit changed?"
            return f"{newest:%Y-%m-%d} is {figure:,.6g} {series.unit}, {outside}"
        if key == "RRPONTSYD" and _differs_from_new_york(self.panel.archive).get(newest, False):
            return (
                f"{newest:%Y-%m-%d} differs from the New York Fed's own figure by more than {GATE.rrp_difference:g} bn"
            )
        before = frame[frame.index < newest].tail(1)
        implausible = what_is_implausible(series, before, row) if len(before) else ""
        return f"{newest:%Y-%m-%d} {implausible}" if implausible else _CONTRADICTED

    @cached_property
    def _absent(self) -> dict[str, SourceVerdict]:
        return {key: SourceVerdict(key, Freshness.NEVER_HAD, None, "no observation yet") for key in SERIES}

    @cached_property
    def _newest(self) -> int:
        return len(self.panel.days) - 1

    def _reason(self, key: str, at: int, otherwise: str) -> str:
        said = self.reasons.get(key, "") if at == self._newest else ""
        return f"{otherwise}: {said}" if said else otherwise

    def blocks(self, at: int) -> str | None:
        """Return why the session at a position has to wait, ``None`` when ^RUT, IWM and SPY pass."""
        failing = defaultdict[str, list[str]](list)
        for verdict in (self.source(key, at) for key in GATE.blocking):
            if verdict.verdict not in (Freshness.OK, Freshness.NEVER_HAD):
                failing[verdict.reason].append(verdict.series)
        return "; ".join(f"{', '.join(series)}: {reason}" for reason, series in failing.items()) or None


def gate(panel: Panel, reasons: Mapping[str, str], contradicted: pd.Series[bool]) -> Gate:
    """Judge every series on every session.

    Parameters
    ----------
    reasons
        Per series, what the newest request said.
    contradicted
        The sessions on which IWM does not bear the ^RUT close out (see ``contradictions``).
    """
    index_contradicted = contradicted.to_numpy(dtype=bool)
    status = {}
    for key, alignment in panel.alignments.items():
        invalid = _invalid(panel, key)
        if key == "^RUT":
            invalid |= index_contradicted
        status[key] = np.where(invalid, INVALID, alignment.status)
    return Gate(panel, status, index_contradicted, reasons)


def _invalid(panel: Panel, key: str) -> Bools:
    """Return the sessions on which the newest observation is not to be believed."""
    alignment, frame = panel.alignments[key], panel.archive[key]
    position = alignment.position
    first_seen = np.diff(position, prepend=-1) != 0
    # One that moved far is believed from the next evening on, when a second request has confirmed it.
    moved = _on_dates(pd.Series(panel.far_moves(key), index=frame.index), alignment.dates)
    unconfirmed = _on_dates(frame["doubted"], alignment.dates)
    if key == "RRPONTSYD":
        unconfirmed = unconfirmed | _on_dates(_differs_from_new_york(panel.archive), alignment.dates)
    known = np.maximum(position, 0)
    return np.asarray((position >= 0) & (unconfirmed[known] | (moved[known] & first_seen)), dtype=np.bool_)


def _on_dates(flags: pd.Series[bool], dates: pd.DatetimeIndex) -> Bools:
    if len(flags) != len(dates) or not flags.index.equals(dates):
        flags = flags.reindex(dates, fill_value=False)
    return flags.to_numpy(dtype=bool)


def _differs_from_new_york(archive: Archive) -> pd.Series[bool]:
    """Return, on days both have, where FRED's reverse repo is not the New York Fed's own figure."""
    if "RRPONTSYD" not in archive or "RRP_NYFED" not in archive:
        return pd.Series(dtype=bool)
    ours, theirs = archive["RRPONTSYD"]["value"].align(archive["RRP_NYFED"]["value"], join="inner")
    return meets((ours - theirs).abs(), Sign.ABOVE, GATE.rrp_difference)


def believed_rows(panel: Panel, key: str) -> pd.DataFrame | None:
    """Return the observations of a series that rules may be made of; ``None`` when there are none."""
    frame = panel.archive.get(key)
    if frame is None:
        return None
    bad = frame["doubted"].to_numpy(dtype=bool)
    if key == "RRPONTSYD":
        bad = bad | _on_dates(_differs_from_new_york(panel.archive), pd.DatetimeIndex(frame.index))
    return frame[~bad] if bad.any() else frame


def contradictions(panel: Panel) -> pd.Series[bool]:
    """Return the sessions on which IWM does not bear the index out, because it differs or has no bar.

    It matters on the day of an attempt: such a close is not believed and starts nothing, then or later.
    """
    index_return = panel.close("^RUT").pct_change(fill_method=None)
    etf = panel.adjusted("IWM", carried=False)
    gap = (index_return - etf.pct_change(fill_method=None)).abs()
    # An ETF that does not trade yet never blocks older history.
    trading = etf.shift().notna().cummax()
    agrees = meets(gap, Sign.AT_MOST, GATE.confirming_points)
    return trading & ~agrees & index_return.notna()
