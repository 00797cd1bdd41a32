"""From settings to a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.sources.choose import choose_source
from signals.sources.folder import FolderSource
from signals.sources.fred import FredSource
from signals.sources.operator import EarlierSource, OperatorSource
from signals.sources.options import SourceOptions
from signals.sources.routed import RoutedSource
from signals.sources.simulated import SimulatedSource


def live(options: SourceOptions | None = None) -> RoutedSource:
    source = choose_source("live", options)
    assert isinstance(source, RoutedSource)
    return source


def test_the_setting_names_the_source(tmp_path: Path) -> None:
    assert isinstance(choose_source("simulated"), SimulatedSource)
    assert choose_source(f"folder:{tmp_path}") == FolderSource(tmp_path)


def test_live_data_comes_from_every_source_that_needs_no_key() -> None:
    assert set(live().sources) == {"yahoo", "fred", "treasury", "newyorkfed"}


def test_a_token_adds_tiingo() -> None:
    assert "tiingo" in live(SourceOptions(tiingo_token="token")).sources


def test_a_key_goes_to_fred() -> None:
    fred = live(SourceOptions(fred_api_key="key")).sources["fred"]
    assert isinstance(fred, FredSource)
    assert fred.api_key == "key"


@pytest.mark.parametrize("market_data", ["live", "folder:/data"])
def test_an_operators_files_wrap_the_source(market_data: str) -> None:
    options = SourceOptions(operator_data="/own", fallbacks=(("ETH-USD", "/own/ETH-USD_coinbase.csv"),))
    source = choose_source(market_data, options)
    assert isinstance(source, OperatorSource)
    assert source.folder == Path("/own")
    assert isinstance(source.inner, EarlierSource)
    assert source.inner.files == {"ETH-USD": Path("/own/ETH-USD_coinbase.csv")}
    assert isinstance(source.inner.inner, RoutedSource if market_data == "live" else FolderSource)


@pytest.mark.parametrize(
    "options", [SourceOptions(operator_data="/own"), SourceOptions(fallbacks=(("ETH-USD", "/own/ETH.csv"),))]
)
def test_a_simulated_market_is_never_mixed_with_real_files(options: SourceOptions) -> None:
    with pytest.raises(ValueError, match="simulated market data is never mixed with an operator's files"):
        choose_source("simulated", options)


def test_another_text_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"'bloomberg', expected live, simulated or folder:PATH"):
        choose_source("bloomberg")


@pytest.mark.parametrize(
    ("fallback", "sentence"),
    [
        (("ETHER", "/own/ETH.csv"), r"the fallback ETH\.csv is for 'ETHER', which is no series"),
        (("ETH-USD", "/own/ETH.xlsx"), r"the fallback ETH\.xlsx of ETH-USD is not a \.csv file"),
    ],
)
def test_a_fallback_that_cannot_be_is_an_error(fallback: tuple[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        choose_source("live", SourceOptions(fallbacks=(fallback,)))


def test_secrets_are_not_in_the_text_of_the_options() -> None:
    text = repr(SourceOptions(fred_api_key="f-secret", tiingo_token="t-secret"))
    assert "secret" not in text
