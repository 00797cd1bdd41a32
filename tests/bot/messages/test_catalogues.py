"""Every language says everything that English says, with the same figures in it, and as its people set it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.messages.languages import CATALOGUES, NAMES, figures_of, file_of, known, messages_of
from bot.messages.typography import french
from tests.bot.messages.extracted import extracted

LANGUAGES = sorted(set(NAMES) - {"en"})
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd](?![\w(])|&\w+;|(?<![\w/)])/[a-z]{2,}\b")


@cache
def read(language: str) -> Catalog:
    with file_of(language).open("rb") as opened:
        return read_po(opened)


def texts(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def messages(language: str) -> Iterator[Message]:
    return (message for message in read(language) if message.id)


def test_every_catalogue_is_of_a_language_that_people_may_choose() -> None:
    assert [path.name for path in sorted(CATALOGUES.iterdir())] == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    def test_it_has_every_text_and_no_other(self, language: str) -> None:
        found = {(message.context, texts(message.id)[0]) for message in messages(language)}
        assert extracted() - found == set(), "write them: make texts adds them to the catalogue"
        assert found - extracted() == set(), "nothing says them any more: make texts removes them"
        assert not read(language).obsolete

    def test_nothing_is_left_to_translate_or_to_be_looked_at(self, language: str) -> None:
        catalogue = read(language)
        bad = [m.id for m in messages(language) if m.fuzzy or not all(text.strip() for text in texts(m.string or ""))]
        assert bad == []
        assert all(len(texts(m.string or "")) == catalogue.num_plurals for m in messages(language) if m.pluralizable)

    def test_the_figures_and_commands_in_a_text_are_those_of_the_english_one(self, language: str) -> None:
        for message in messages(language):
            *_, wanted = texts(message.id)
            allowed = [set(PLACEHOLDER.findall(text)) for text in texts(message.id)]
            for said in texts(message.string or ""):
                found = set(PLACEHOLDER.findall(said))
                # One that is one may do without its number.
                assert found in allowed or found | {"%(num)s"} in allowed, (wanted, said)


def test_a_language_is_known_by_the_code_that_telegram_gives_a_person() -> None:
    assert [known(code) for code in ("fr", "fr-CA", "FR", "en-GB", "de", "", None)] == ["fr", "fr", "fr", "en"] + [
        None
    ] * 3


def test_a_language_is_made_once() -> None:
    assert messages_of("fr") is messages_of("fr")
    assert figures_of("fr") is messages_of("fr").figures


@pytest.mark.parametrize(
    ("written", "set_apart"),
    [
        ("Contre : rien", "Contre\u00a0: rien"),
        ("<b>Contre:</b> rien", "<b>Contre\u00a0:</b> rien"),
        ("vendu; acheté ! Quoi ?", "vendu\u202f; acheté\u202f! Quoi\u202f?"),
        ("« A tenu »", "«\u00a0A tenu\u00a0»"),
        ("/quiet 22:00-07:00", "/quiet 22:00-07:00"),
        ("RSI &lt; 35, AT&amp;T &gt; 3", "RSI &lt; 35, AT&amp;T &gt; 3"),
        ("<b>? Marge</b>", "<b>? Marge</b>"),
        ("? Marge", "? Marge"),
    ],
)
def test_french_signs_are_set_apart_by_spaces_that_do_not_break(written: str, set_apart: str) -> None:
    assert french(written) == set_apart
    assert french(set_apart) == set_apart
