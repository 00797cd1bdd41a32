"""Languages that nobody speaks: they show what no catalogue reaches, and what breaks where words are longer."""

from __future__ import annotations

from gettext import NullTranslations


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
    """A language that takes two fifths more letters."""

    def gettext(self, message: str) -> str:
        return message + " ééééééé" * (len(message) // 20) + "é" * (len(message) * 2 // 5 % 8)
