"""From the setting ``MARKET_DATA`` to a source."""

from __future__ import annotations

from pathlib import Path

from signals.collect import Source
from signals.sources.folder import FolderSource
from signals.sources.simulated import SimulatedSource


def choose_source(market_data: str) -> Source:
    """Return the source that ``live``, ``simulated`` or ``folder:PATH`` names.

    Raises
    ------
    ValueError
        For any other text.
    """
    kind, _, folder = market_data.partition(":")
    if market_data == "live":
        # yfinance takes longer to import than a simulated evening takes to evaluate.
        from signals.sources.yahoo import YahooSource

        return YahooSource()
    if market_data == "simulated":
        return SimulatedSource()
    if kind == "folder":
        return FolderSource(Path(folder))
    raise ValueError(f"market data is {market_data!r}, expected live, simulated or folder:PATH")
