"""The data gate: what is too old, moved too far or is contradicted makes what needs it unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import price
from signals.data.panel import Panel
from signals.data.plausible import moved_too_far, outside_band
from signals.data.series import SERIES, Days
from signals.data.vintages import Archive
from signals.model import Freshness, SourceVerdict
from signals.rules import GATE


@dataclass(frozen=True)
class Gate:
    """Which series may be used on which session, and why not.

    Attributes
    ----------
    invalid
        Per series, the sessions on which its newest observation cannot be believed.
    contradicted
        The sessions whose ^RUT close is not believed (see ``contradictions``).
    reasons
        What the newest request said of a series, for sentences about the last session.
    """

    panel: Panel
    invalid: Mapping[str, npt.NDArray[np.bool_]]
    contradicted: npt.NDArray[np.bool_]
    reasons: Mapping[str, str]

    @cached_property
    def _alignments(self) -> dict[str, tuple[list[int], list[int], list[bool], list[date]]]:
        # Plain lists: a verdict for every session of the history reads them half a million times.
        return {
            key: (a.position.tolist(), a.overdue.tolist(), self.invalid[key].tolist(), [d.date() for d in a.dates])
            for key, a in self.panel.alignments.items()
        }

    @cached_property
    def usable(self) -> pd.DataFrame:
        """Sessions × series: the newest observation is not too old, and can be believed."""
        columns = {key: a.usable & ~self.invalid[key] for key, a in self.panel.alignments.items()}
        for key in set(GATE.blocking) & set(columns):
            columns[key] &= self.panel.alignments[key].fresh
        return pd.DataFrame(columns, index=self.panel.sessions)

    def source(self, key: str, at: int) -> SourceVerdict:
        """Return the verdict on one series for the session at a position, with its sentence."""
        if key not in self._alignments or (positions := self._alignments[key][0])[at] < 0:
            return (
                self._never_had(key) if at < len(self.panel.days) - 1 else self._never_had(key, self.reasons.get(key))
            )
        _, overdue, invalid, dates = self._alignments[key]
        newest = dates[positions[at]]
        if invalid[at]:
            return SourceVerdict(key, Freshness.INVALID, newest, self._fault(key, at, positions[at]))
        if not overdue[at]:
            return SourceVerdict(key, Freshness.OK, newest, "")
        late = overdue[at] <= self.panel.alignments[key].late_for
        unit = "day" if SERIES[key].days.is_weekly else "session"
        what = "bar" if SERIES[key].is_price else "figure"
        behind = f"newest {what} is {newest}, {overdue[at]} {unit}{'s' if overdue[at] > 1 else ''} behind"
        return SourceVerdict(key, Freshness.LATE if late else Freshness.STALE, newest, self._reason(key, at, behind))

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
        limit = series.move.text(series.unit) if series.move else ""
        step = "session" if series.days is Days.SESSION else "step"
        return f"{newest:%Y-%m-%d} moved more than {limit} in one {step}; used once a later request confirms it"

    def _never_had(self, key: str, said: str | None = None) -> SourceVerdict:
        if said:
            return SourceVerdict(key, Freshness.NEVER_HAD, None, f"no observation yet: {said}")
        if key not in self._absent:
            self._absent[key] = SourceVerdict(key, Freshness.NEVER_HAD, None, "no observation yet")
        return self._absent[key]

    @cached_property
    def _absent(self) -> dict[str, SourceVerdict]:
        return {}

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
    invalid = {key: _invalid(panel, key) for key in panel.alignments}
    doubtful = contradicted.to_numpy(dtype=bool)
    if "^RUT" in invalid:
        invalid["^RUT"] |= doubtful
    return Gate(panel, invalid, doubtful, reasons)


def _invalid(panel: Panel, key: str) -> npt.NDArray[np.bool_]:
    """Return the sessions on which the newest observation cannot be believed."""
    alignment, frame = panel.alignments[key], panel.archive[key]
    position = alignment.position
    first_seen = np.diff(position, prepend=-1) != 0
    # One that moved far is believed from the next evening on, when a second request has confirmed it.
    moved = moved_too_far(SERIES[key], frame).reindex(alignment.dates, fill_value=False).to_numpy(dtype=bool)
    doubted = frame["doubted"].reindex(alignment.dates, fill_value=False).to_numpy(dtype=bool)
    if key == "RRPONTSYD":
        doubted = doubted | _differs_from_new_york(panel.archive).reindex(alignment.dates, fill_value=False).to_numpy()
    known = np.maximum(position, 0)
    return np.asarray((position >= 0) & (doubted[known] | (moved[known] & first_seen)), dtype=np.bool_)


def _differs_from_new_york(archive: Archive) -> pd.Series[bool]:
    """Return, on days both have, where FRED's reverse repo is not the New York Fed's own figure."""
    if "RRPONTSYD" not in archive or "RRP_NYFED" not in archive:
        return pd.Series(dtype=bool)
    ours, theirs = archive["RRPONTSYD"]["value"].align(archive["RRP_NYFED"]["value"], join="inner")
    return (ours - theirs).abs() > GATE.rrp_difference


def believed(panel: Panel, key: str) -> pd.DataFrame | None:
    """Return the observations of a series that rules may be made of; ``None`` when there are none."""
    frame = panel.archive.get(key)
    if frame is None:
        return None
    bad = frame["doubted"].astype(bool)
    if key == "RRPONTSYD":
        bad = bad | _differs_from_new_york(panel.archive).reindex(frame.index, fill_value=False)
    return frame[~bad]


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
