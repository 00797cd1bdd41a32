"""What a watch tells: first what happened, then the date and the price, then when it is armed again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages.languages import messages_of
from bot.sandbox.entities import parse_html, utf16_length
from storage.market import Market
from tests.bot.messages.reviewed import plain

SIMULATED = Market("simulated", None, None)


def told(what: str, language: str = "en", market: Market | None = None, **facts: Any) -> list[str]:
    own = {
        "symbol": "NVDA",
        "on": "2020-11-17",
        "close": 101.0,
        "level": 100.0,
        "base": 130,
        "armed": False,
        "reason": "",
    }
    text = messages_of(language).watch(what, own | facts, market)
    return plain(parse_html(text).text).splitlines()


def test_a_record() -> None:
    assert told("record", armed=True) == [
        "NVDA at a record, the first in 130 closes", "Tue 17 Nov 2020 · 101 (+1.0 % from 100)", "",
        "Next alert possible after 126 closes without a record",
    ]  # fmt: skip


def test_a_level_that_was_back_meanwhile_says_so() -> None:
    assert told("below", level=0.09, close=0.0834512, armed=True) == [
        "NVDA closed below 0.09", "Tue 17 Nov 2020 · 0.0834512 (−7.3 % from 0.09)", "",
        "Next alert possible now: a later close was back at 0.09 or more",
    ]  # fmt: skip


def test_in_french_it_says_the_same() -> None:
    assert told("above", "fr") == [
        "NVDA a clôturé au-dessus de 100", "mar. 17 nov. 2020 · 101 (+1,0 % par rapport à 100)", "",
        "Prochaine alerte possible après une clôture à 100 ou moins",
    ]  # fmt: skip


def test_a_made_up_price_says_so() -> None:
    assert told("above", market=SIMULATED)[0] == "SIMULATED MARKET: every figure is made up"


def test_what_a_source_says_of_a_symbol_is_text_and_no_markup() -> None:
    assert told("stopped", reason="Yahoo has <b>no & chart", on="2020-11-02") == [
        "NVDA is no longer quoted", "Last close: 2 Nov 2020.", "Yahoo has <b>no & chart",
        "It stays watched, should it be quoted again; /unwatch NVDA ends that.",
    ]  # fmt: skip
    assert told("stopped", on=None)[1].startswith("It stays watched")


@pytest.mark.parametrize("language", ["en", "fr"])
@settings(max_examples=40, deadline=None)
@given(
    level=st.floats(1e-8, 1e11), by=st.sampled_from([1e-9, 1e-6, 0.01, 0.5]), what=st.sampled_from(["above", "below"])
)  # fmt: skip
def test_the_close_is_printed_beyond_its_level_whatever_they_are(
    language: str, level: float, by: float, what: str
) -> None:
    level = float(f"{level:.6g}")
    close = level * (1 + by if what == "above" else 1 - by)
    lines = told(what, language, level=level, close=close)
    assert utf16_length("\n".join(lines)) <= 700
    # Below the ninth digit nothing is told apart.
    if abs(close - level) > 1e-8:
        printed = lines[1].partition(" · ")[2].partition(" (")[0]
        assert printed != lines[0].rpartition(" ")[2]
