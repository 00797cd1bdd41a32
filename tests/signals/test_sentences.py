"""What others wrote reaches nobody's terminal, log or chat as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.data.series import SERIES
from signals.sentences import MOST_CHARACTERS, sentence, without_controls


@given(st.text(st.characters(exclude_categories=())))
def test_a_sentence_is_one_printable_line_of_bounded_length(text: str) -> None:
    line = sentence(text)
    assert line.isprintable()
    assert len(line) <= MOST_CHARACTERS
    line.encode()
    assert not {unicodedata.category(c) for c in line} & {"Cc", "Cf", "Cs"}


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert sentence(sentence(text)) == sentence(text)


@pytest.mark.parametrize(
    "hostile",
    ["a\x1b[2K\rb", "a\x00b", "a\u202eb", "a\u2066b", "a\ud800b", "a\nb", "a\u2028b", "a\x9bb", "a\u200fb"],
)
def test_what_moves_a_cursor_or_turns_letters_is_a_space(hostile: str) -> None:
    assert sentence(hostile).startswith("a ")
    assert sentence(hostile).endswith("b")


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a?b=c",
        "HTTP://EXAMPLE.COM",
        "tg://resolve?domain=x",
        "www.example.com",
        "t.me/somebody",
        "example.com",
        "pay.example.io",
        "@somebody",
        "somebody@example.com",
    ],
)
def test_an_address_is_not_passed_on(address: str) -> None:
    assert sentence(f"the header is {address} today") == "the header is (address) today"


@pytest.mark.parametrize(
    "ours",
    [
        "FRED gave nothing for WALCL: fred.stlouisfed.org is out of order (HTTP 503)",
        "api.fiscaldata.treasury.gov did not answer within 20 seconds",
        "there is no file RUT.csv in the data folder",
        "newest bar is 2020-11-12, 1 session behind: 2020-11-13: the bar has no close",
        "'1.5 %' is no number; 0.5 of 10.25",
        *SERIES,
    ],
)
def test_our_own_sentences_stay_as_they_are(ours: str) -> None:
    assert sentence(ours) == ours


def test_a_long_one_says_that_it_goes_on() -> None:
    assert sentence("x" * 10_000_000) == "x" * (MOST_CHARACTERS - 1) + "…"


def test_a_printable_text_is_kept_whole() -> None:
    assert without_controls("é " * 1000) == "é " * 1000
