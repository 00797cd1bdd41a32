"""Which texts are symbols, and how the prices of one that nobody listed are taken to be published."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.data.series import SERIES, Days
from signals.data.symbols import as_series, names_like, read_symbol


@pytest.mark.parametrize(
    ("typed", "symbol"),
    [("NVDA", "NVDA"), ("nvda", "NVDA"), ("^gspc", "^GSPC"), ("BRK-B", "BRK-B"), ("mc.pa", "MC.PA"), ("EURUSD=X", "EURUSD=X"),
     ("btc-usd", "BTC-USD"), ("0700.HK", "0700.HK")],
)  # fmt: skip
def test_a_symbol_as_yahoo_writes_it(typed: str, symbol: str) -> None:
    assert read_symbol(typed) == symbol


@pytest.mark.parametrize(
    "typed", ["", "^", "-A", "../ETC", "A/B", "A B", "A&B", "NVDA\n", "Ñ", "A" * 17, "<B>", "a:b", "%00", "ſ", "١"]
)
def test_what_is_none(typed: str) -> None:
    assert read_symbol(typed) is None


@given(st.text(max_size=20))
def test_whatever_is_typed_a_symbol_is_of_few_plain_signs(typed: str) -> None:
    symbol = read_symbol(typed)
    assert symbol is None or re.fullmatch(r"[\^A-Z0-9.=-]{1,16}", symbol)


@pytest.mark.parametrize(
    ("symbol", "days"),
    [("NVDA", Days.BUSINESS), ("BRK-B", Days.BUSINESS), ("PEPE-USD", Days.DAY), ("IWM", Days.SESSION)],
)
def test_a_coin_has_a_bar_every_day_and_a_stock_on_business_days(symbol: str, days: Days) -> None:
    series = as_series(symbol)
    assert series is not None
    assert (series.key, series.days, series.source, series.is_price) == (symbol, days, "yahoo", True)


def test_a_series_of_the_table_is_itself_and_one_that_is_no_price_is_no_symbol() -> None:
    assert as_series("BTC-USD") is SERIES["BTC-USD"]
    assert as_series("WALCL") is None


@pytest.mark.parametrize(
    ("typed", "first"), [("BITCOIN", "BTC-USD"), ("BTCUSD", "BTC-USD"), ("NVDDA", "NVDA"), ("RUSSELL", "^RUT")]
)
def test_names_like_one_that_nobody_has(typed: str, first: str) -> None:
    assert names_like(typed, ["NVDA"])[0] == first
