"""From what a server sent to figures by date, row by row: a row that is not as documented costs that row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

import pandas as pd

from signals.data.series import Series
from signals.sources.patience import NoAnswerError
from signals.sources.shape import NOTHING, Fetched

_MISSING = ("", ".", "null", "None", "NA")
# Older than any figure that a rule looks at, and than what calendars are made for.
_FIRST = date(1900, 1, 1)


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


def day(text: str) -> date:
    """Return a date like 2020-11-13.

    Raises
    ------
    ValueError, TypeError
        For anything else.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date") from None


@dataclass(slots=True)
class Readings:
    """What the rows of an answer said.

    Attributes
    ----------
    values
        Figures by date. An equal row twice is one; of a date that comes with different figures none is there.
    """

    values: dict[date, float] = field(default_factory=dict)
    _contradicted: set[date] = field(default_factory=set)
    _odd: int = 0
    _first: str = ""

    @contextmanager
    def row(self) -> Iterator[None]:
        """Read one row: what its unexpected shape raises is noted, and the rows after it are read all the same."""
        try:
            yield
        except KeyError as error:
            self._note(f"it lacks {error.args[0]}")
        except ValueError as error:
            self._note(str(error))
        except (TypeError, AttributeError, OverflowError):
            self._note("it has another shape than documented")

    def _note(self, what: str) -> None:
        self._odd += 1
        self._first = self._first or what

    def add(self, on: date, figure: object) -> None:
        """Note a figure; one that the publisher says it does not have is none.

        Raises
        ------
        ValueError
            For what is no number, and for another one than an earlier row had for that date.
        """
        value = number(figure)
        if value is None or on in self._contradicted:
            return
        if self.values.setdefault(on, value) != value:
            self._contradicted.add(on)
            del self.values[on]
            raise ValueError(f"{on} comes twice with different figures")

    @property
    def reason(self) -> str:
        """One sentence about the rows that could not be read, empty where all could."""
        if not self._odd:
            return ""
        if self._odd == 1:
            return f"one row of its answer is left out: {self._first}"
        return f"{self._odd} rows of its answer are left out, the first because {self._first}"


@contextmanager
def reading() -> Iterator[None]:
    """Turn what an answer of an unexpected shape as a whole raises into one sentence.

    Raises
    ------
    NoAnswerError
        In place of KeyError, ValueError, TypeError, AttributeError and OverflowError.
    """
    try:
        yield
    except KeyError as error:
        raise NoAnswerError(f"its answer lacks {error.args[0]}") from None
    except ValueError as error:
        raise NoAnswerError(f"its answer cannot be read: {error}") from None
    except (TypeError, AttributeError, OverflowError):
        raise NoAnswerError("its answer has another shape than documented") from None


def dated(values: dict[date, float], since: date | None, now: datetime) -> pd.DataFrame:
    """Return figures as a frame with the column ``value``, from ``since`` (included) to ``now``."""
    first = since or _FIRST
    kept = {on: values[on] for on in sorted(values) if first <= on <= now.date()}
    return pd.DataFrame({"value": list(kept.values())}, index=pd.DatetimeIndex(list(kept)).as_unit("us"), dtype=float)


def answered(publisher: str, series: Series, frame: pd.DataFrame, reason: str = "") -> Fetched:
    """Return a frame as an answer; an empty one says that there was nothing, and why."""
    if frame.empty:
        nothing = f"{publisher} had no figures for {series.key}"
        return Fetched(NOTHING, f"{nothing}: {reason}" if reason else nothing)
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
