"""The one comparison of a number with a threshold: both to nine decimals. Imports nothing heavy.

Thresholds are decimals: what is left of 3.31 - 3.41 in binary is -0.09999999999999964, and a rank correlation of 0.3
comes out as 0.30000000000000004.
"""

from __future__ import annotations

from enum import StrEnum
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_DECIMALS = 9


class Sign(StrEnum):
    """The side of a threshold on which a statement holds."""

    ABOVE = ">"
    AT_LEAST = "≥"
    BELOW = "<"
    AT_MOST = "≤"


_COMPARE = {Sign.ABOVE: gt, Sign.AT_LEAST: ge, Sign.BELOW: lt, Sign.AT_MOST: le}


def to_decimals(values: Any) -> Any:
    """Return a number, an array or a series to nine decimals."""
    # NumPy's and pandas' figures round themselves; what Python rounds is a plain number, of which there are most.
    if type(values) is float:
        return round(values, _DECIMALS)
    return values.round(_DECIMALS) if hasattr(values, "round") else round(values, _DECIMALS)


@overload
def meets(values: float, sign: Sign, threshold: float) -> bool: ...
@overload
def meets(
    values: npt.NDArray[np.float64], sign: Sign, threshold: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]: ...
@overload
def meets(values: pd.Series[float], sign: Sign, threshold: float) -> pd.Series[bool]: ...
def meets(values: Any, sign: Sign, threshold: Any) -> Any:
    """Return where numbers stand on a side of a threshold; an unknown number (NaN) never does."""
    return _COMPARE[sign](to_decimals(values), to_decimals(threshold))
