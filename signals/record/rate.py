"""A share with its uncertainty."""

from __future__ import annotations

from scipy.stats import binomtest

from signals.record.model import Rate
from signals.rules import RECORD


def rate(hits: int, of: int) -> Rate:
    """Return a share with its Wilson interval."""
    interval = binomtest(hits, of).proportion_ci(RECORD.confidence, method="wilson")
    return Rate(hits, of, float(interval.low), float(interval.high))
