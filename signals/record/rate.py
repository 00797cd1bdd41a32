"""A share with its uncertainty."""

from __future__ import annotations

from signals.record.model import Rate
from signals.rules import RECORD


def rate(hits: int, of: int) -> Rate:
    """Return a share with its Wilson interval."""
    # SciPy's statistics take half a second to import, and on most evenings there is no share to tell.
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(RECORD.confidence, method="wilson")
    return Rate(hits, of, float(interval.low), float(interval.high))
