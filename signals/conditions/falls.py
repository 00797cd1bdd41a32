"""The deepest fall inside a moving window of prices."""

from __future__ import annotations

import numpy as np

from signals.data.panel import Floats


def deepest_falls(prices: Floats, length: int) -> Floats:
    """Return the lowest price over the highest one before it, less one, within so many prices: a negative fraction.

    NaN before there are as many. Put together from windows of 1, 2, 4, 8 … prices: in two neighbouring ones the
    deepest fall is that of the first, that of the second, or from the highest price of the first to the lowest of the
    second.
    """
    found = np.full(len(prices), np.nan)
    if len(prices) < length:
        return found
    high, low, fall = prices, prices, prices / prices
    whole: tuple[Floats, Floats, Floats] | None = None
    taken, width = 0, 1
    while taken < length:
        if length & width:
            part = (high[taken:], low[taken:], fall[taken:])
            whole = part if whole is None else _joined(whole, part)
            taken += width
        if taken < length:
            high, low, fall = _joined((high, low, fall), (high[width:], low[width:], fall[width:]))
            width *= 2
    assert whole is not None
    found[length - 1 :] = whole[2][: len(prices) - length + 1] - 1
    return found


def _joined(
    first: tuple[Floats, Floats, Floats], second: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return the highest and lowest price and the deepest fall of each window followed by another."""
    count = min(len(first[0]), len(second[0]))
    (high, low, fall), (later_high, later_low, later_fall) = (
        [values[:count] for values in part] for part in (first, second)
    )
    across = np.minimum(np.minimum(fall, later_fall), later_low / high)
    return np.maximum(high, later_high), np.minimum(low, later_low), across
