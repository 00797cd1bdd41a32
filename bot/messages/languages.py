"""The languages people may choose, each made once and only when somebody reads it."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bot.messages.figures import ENGLISH, Figures
from bot.messages.render import Messages
from bot.messages.typography import TYPESET, Typeset, as_written

NAMES = {"en": "English", "fr": "Français"}
"""Each language by its code, as those who speak it call it."""

DEFAULT = "en"
CATALOGUES = Path(__file__).with_name("locale")


def known(code: str | None) -> str | None:
    """Return the language that a code of Telegram's means, as ``fr-CA`` does; ``None`` where it is none of these."""
    language = (code or "").partition("-")[0].lower()
    return language if language in NAMES else None


def file_of(language: str) -> Path:
    """Return where the words of a language are."""
    return CATALOGUES / language / "LC_MESSAGES" / "messages.po"


@cache
def figures_of(language: str) -> Figures:
    """Return the words of a language, and how it writes figures."""
    if language == DEFAULT:
        return ENGLISH
    typeset = TYPESET.get(language, as_written)
    return Figures(Locale(language), _words(file_of(language), typeset), typeset)


@cache
def messages_of(language: str) -> Messages:
    """Return every message in a language."""
    return Messages(figures_of(language))


def _words(file: Path, typeset: Typeset) -> GNUTranslations:
    """Read a catalogue as translators edit it: it takes milliseconds, so nothing has to be compiled before."""
    with file.open("rb") as opened:
        catalogue = read_po(opened)
    for message in catalogue:
        if message.id and message.string:
            said = message.string
            message.string = typeset(said) if isinstance(said, str) else tuple(typeset(each) for each in said)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
