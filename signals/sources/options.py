"""What an operator may set about sources. Imports nothing heavy, so that settings can be read quickly."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Keys, folders and files beyond the choice of a source.

    Attributes
    ----------
    fred_api_key
        FRED's API is asked instead of its graphs' CSV, and history is as first published.
    tiingo_token
        Tiingo stands in for Yahoo for the ETFs.
    operator_data
        A folder of CSV files like that of ``FolderSource``; each replaces the source of its series.
    fallbacks
        Pairs of a series' key and the path of a CSV with its dates before the source's first.
    """

    fred_api_key: str | None = field(default=None, repr=False)
    tiingo_token: str | None = field(default=None, repr=False)
    operator_data: str | None = None
    fallbacks: tuple[tuple[str, str], ...] = ()
