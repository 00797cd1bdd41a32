"""Made-up figures of a few series, and what reads them, for tests of single measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.cascade import LinkHistory
from signals.conditions.hysteresis import Published, votes
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.table import CONDITIONS
from signals.data.gate import gate
from signals.data.panel import Alignment, Floats, Panel, align
from signals.data.series import FIELDS
from signals.episode import BaseClass, Episode
from tests.worlds import CALENDAR

NAN = float("nan")


def table(dates: pd.DatetimeIndex | Sequence[str], values: npt.ArrayLike, doubted: bool = False) -> pd.DataFrame:
    """Return observations as an archive holds them; ``doubted`` says it of the last one."""
    index = (dates if isinstance(dates, pd.DatetimeIndex) else pd.DatetimeIndex(list(dates))).as_unit("us")
    figures = np.full((len(index), len(FIELDS)), np.nan)
    figures[:, FIELDS.index("value")] = np.asarray(values, dtype=float)
    frame = pd.DataFrame(figures, index=index, columns=list(FIELDS))
    frame["doubted"] = False
    if doubted:
        frame.loc[index[-1], "doubted"] = True
    return frame


def days(first: str, values: npt.ArrayLike, freq: str = "D") -> pd.DataFrame:
    """Return one observation a day from ``first`` on."""
    figures = np.asarray(values, dtype=float)
    return table(pd.date_range(first, periods=len(figures), freq=freq), figures)


def since(first: str) -> pd.DatetimeIndex:
    """Return all NYSE sessions from a date on."""
    return CALENDAR[CALENDAR.searchsorted(pd.Timestamp(first)) :]


def on_sessions(first: str, values: npt.ArrayLike) -> pd.DataFrame:
    """Return one observation a NYSE session from ``first`` on."""
    figures = np.asarray(values, dtype=float)
    return table(since(first)[: len(figures)], figures)


def panel(frames: Mapping[str, pd.DataFrame], through: str, begins: str = "2000-01-03") -> Panel:
    """Align frames to the sessions from ``begins`` through ``through``."""
    return align(frames, since(begins), date.fromisoformat(through))


def measuring(
    frames: Mapping[str, pd.DataFrame], through: str, begins: str = "2000-01-03", episodes: Sequence[Episode] = ()
) -> Measuring:
    """Return what measures those frames as they were known on a session."""
    aligned = panel(frames, through, begins)
    believed = pd.Series(False, index=aligned.sessions)
    return Measuring(gate(aligned, {}, believed), tuple(episodes))


def plain(series: pd.Series[float]) -> dict[str, float]:
    """Return what is known of a series, by date."""
    known = series.dropna()
    return {f"{day:%Y-%m-%d}": float(value) for day, value in zip(known.index, known, strict=True)}


def episode(attempt: str, confirmed: str | None = None, **events: date) -> Episode:
    """Return a breakout over 100."""
    began = date.fromisoformat(attempt)
    on = None if confirmed is None else date.fromisoformat(confirmed)
    return Episode(began, 101.0, 100.0, 300, BaseClass.PRIMARY, True, began, confirmed=on, **events)


def condition(
    key: str, state: Sequence[float], in_time: Sequence[float] | None = None, value: Sequence[float] | None = None
) -> Measured:
    """Return a condition that is as given on each session: 1 on, 0 off, NaN unknown."""
    states = np.asarray(state, dtype=float)
    count = len(states)
    sessions = CALENDAR[-count:]
    alignment = Alignment(sessions, np.arange(count), np.zeros(count, dtype=np.int64), 3)
    numbers = np.zeros(count) if value is None else np.asarray(value, dtype=float)
    return Measured(
        CONDITIONS[key],
        [session.date() for session in sessions],
        alignment,
        states,
        states if in_time is None else np.asarray(in_time, dtype=float),
        (numbers,),
    )


def bonds(raw: Floats, published: Floats) -> LinkHistory:
    """Return link 1 as given on each session."""
    nothing = np.zeros(len(raw), dtype=np.int64)
    return LinkHistory(1, [], 4, votes([raw]), raw, raw, Published(published, nothing, nothing.astype(bool)))
