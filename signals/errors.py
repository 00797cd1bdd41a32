"""What can be wrong with a question about the history.

HistoryError
├── NoHistoryError
└── NotASessionError
"""

from __future__ import annotations


class HistoryError(ValueError):
    """The history cannot answer; the message says why and what would be valid."""


class NoHistoryError(HistoryError):
    """There is nothing to evaluate."""


class NotASessionError(HistoryError):
    """The date is no NYSE session, or outside the data."""
