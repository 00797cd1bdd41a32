"""From what a server sent to figures by date, refusing whatever is not as documented."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime

import pandas as pd

from signals.data.series import Series
from signals.sources.patience import NoAnswerError
from signals.sources.shape import NOTHING, Fetched

_MISSING = ("", ".", "null", "None", "NA")


def number(figure: object) -> float | None:
    """Return a figure as a number, ``None`` where the publisher says that it has none.

    Raises
    ------
    ValueError
        For anything else that is no finite number.
    """
    text = str(figure).strip()
    if text in _MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is no number")
    return value


@contextmanager
def reading() -> Iterator[None]:
    """Turn what an answer of an unexpected shape raises into one sentence.

    Raises
    ------
    NoAnswerError
        In place of KeyError, ValueError, TypeError and AttributeError.
    """
    try:
        yield
    except KeyError as error:
        raise NoAnswerError(f"its answer lacks {error.args[0]}") from None
    except ValueError as error:
        raise NoAnswerError(f"its answer cannot be read: {error}") from None
    except (TypeError, AttributeError):
        raise NoAnswerError("its answer has another shape than documented") from None


def dated(values: Mapping[str, float], since: date | None, now: datetime) -> pd.DataFrame:
    """Return figures by ISO date as a frame with the column ``value``, from ``since`` (included) to ``now``.

    Raises
    ------
    ValueError
        For a date that is not like 2020-11-13.
    """
    first = since or date.min
    days = {date.fromisoformat(day): value for day, value in values.items()}
    kept = {day: days[day] for day in sorted(days) if first <= day <= now.date()}
    return pd.DataFrame({"value": list(kept.values())}, index=pd.DatetimeIndex(list(kept)).as_unit("us"), dtype=float)


def answered(publisher: str, series: Series, frame: pd.DataFrame, reason: str = "") -> Fetched:
    """Return a frame as an answer; an empty one says that there was nothing."""
    if frame.empty:
        return Fetched(NOTHING, reason or f"{publisher} had no figures for {series.key}")
    return Fetched(frame, reason)


def gave_nothing(publisher: str, series: Series, error: NoAnswerError) -> Fetched:
    """Return the answer that says why there is none."""
    return Fetched(NOTHING, f"{publisher} gave nothing for {series.key}: {error}")


def not_carried(publisher: str, series: Series) -> Fetched:
    """Return the answer for a series that a source does not have."""
    return Fetched(NOTHING, f"{publisher} does not carry {series.key}", absent=True)


def joined(*sentences: str) -> str:
    """Return the sentences that say something, as one."""
    return "; ".join(sentence for sentence in sentences if sentence)


def has_split(frame: pd.DataFrame) -> bool:
    """Whether a bar of the frame carries a split (0 and 1 are none)."""
    split = frame["split"].fillna(0.0)
    return bool(((split != 0.0) & (split != 1.0)).any())
