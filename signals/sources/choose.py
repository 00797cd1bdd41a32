"""From the setting ``MARKET_DATA``, and what else an operator set, to a source."""

from __future__ import annotations

from pathlib import Path

from signals.data.series import SERIES
from signals.sources.folder import FolderSource
from signals.sources.operator import EarlierSource, OperatorSource
from signals.sources.options import SourceOptions
from signals.sources.patience import Patience
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource

# With this one each kind of alert comes at least once in what is left of the decade.
_SEED = 263


def choose_source(market_data: str, options: SourceOptions | None = None, patience: Patience | None = None) -> Source:
    """Return the source that ``live``, ``simulated`` or ``folder:PATH`` names, with the operator's files if any.

    ``patience`` is that with publishers, by default the evening's.

    Raises
    ------
    ValueError
        For any other text, for real files beside a simulated market, and for a fallback of an unknown series or
        that is no CSV.
    """
    options = options or SourceOptions()
    kind, _, folder = market_data.partition(":")
    if market_data == "live":
        return _with_files(_live(options, patience or Patience()), options)
    if market_data == "simulated":
        if options.operator_data or options.fallbacks:
            raise ValueError("simulated market data is never mixed with an operator's files")
        return SimulatedSource(_SEED, in_acts=True)
    if kind == "folder":
        return _with_files(FolderSource(Path(folder)), options)
    raise ValueError(f"market data is {market_data!r}, expected live, simulated or folder:PATH")


def _live(options: SourceOptions, patience: Patience) -> Source:
    # yfinance takes longer to import than a simulated evening takes to evaluate.
    from signals.sources.fred import FredSource
    from signals.sources.newyorkfed import NewYorkFedSource
    from signals.sources.routed import RoutedSource
    from signals.sources.tiingo import TiingoSource
    from signals.sources.treasury import TreasurySource
    from signals.sources.web import Web
    from signals.sources.yahoo import YahooSource

    web = Web(patience)
    sources: dict[str, Source] = {
        "yahoo": YahooSource(patience=patience),
        # FRED allows two requests a second with a key, and asks for restraint without one.
        "fred": FredSource(Web(patience, pause=1.0), api_key=options.fred_api_key),
        "treasury": TreasurySource(web),
        "newyorkfed": NewYorkFedSource(web),
    }
    if options.tiingo_token:
        sources["tiingo"] = TiingoSource(web, options.tiingo_token)
    return RoutedSource(sources)


def _with_files(source: Source, options: SourceOptions) -> Source:
    files = {key: Path(path) for key, path in options.fallbacks}
    for key, path in files.items():
        if key not in SERIES:
            raise ValueError(f"the fallback {path.name} is for {key!r}, which is no series")
        if path.suffix != ".csv":
            raise ValueError(f"the fallback {path.name} of {key} is not a .csv file")
    if files:
        source = EarlierSource(files, source)
    return OperatorSource(Path(options.operator_data), source) if options.operator_data else source
