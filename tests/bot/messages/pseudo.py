"""Languages that nobody speaks: they show what no catalogue reaches, and what breaks where words are longer."""

from __future__ import annotations

import re
from gettext import NullTranslations

from babel import Locale

from bot.messages.figures import Figures
from bot.messages.render import Messages


class Marked(NullTranslations):
    """A language in which every text stands between guillemets."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


class Longer(Marked):
    """The same with two fifths more letters."""

    def gettext(self, message: str) -> str:
        return super().gettext(message + " ééééééé" * (len(message) // 20) + "é" * (len(message) * 2 // 5 % 8))


MARKED, LONGER = (Messages(Figures(Locale("en"), words())) for words in (Marked, Longer))
_WORD, _INNERMOST = re.compile(r"[^\W\d_]{3,}"), re.compile(r"«[^«»]*»")
# What is the same in every language: what is typed, symbols and series, dates, the names of the languages, fingerprints.
_SAME = re.compile(
    r"\b[0-9a-f]{20}\b|/\w+(@\w+)?( [\w:\[\] .-]+)?|\b[A-Z][A-Z0-9_]+(-USD)?\b"
    r"|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b|English|Français"
)


def bare(text: str) -> list[str]:
    """Return the words of a text in the marked language that stand between no marks."""
    shorter = _INNERMOST.sub("", text)
    return bare(shorter) if shorter != text else _WORD.findall(_SAME.sub("", text))
