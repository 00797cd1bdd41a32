"""What the market process says in English, told in another language: why a series, or a session, waits.

Only sentences of our own; what a publisher answered is quoted as it came.
"""

from __future__ import annotations

import re
from gettext import NullTranslations

_BEHIND = re.compile(r"newest (bar|figure) is (\S+), (\d+) (session|day)s? behind")
_NO_BAR = re.compile(
    r"no bar of (\S+), though earlier ones are answered(; perhaps the exchange was closed: the next session will tell)?"
)
_NO_HISTORY = re.compile(
    r"(?:, and (\d+) more series)?; without (?:it|them) no history is written(?: before (.+ UTC))?$"
)
_NOTHING = re.compile(r"no observation yet|nothing collected yet|not asked yet")


def told(reason: str, words: NullTranslations) -> str:
    """Return a stored reason in a language, with its dates as they are stored."""
    reason = _BEHIND.sub(lambda found: _behind(found, words), reason)
    reason = _NO_BAR.sub(lambda found: _no_bar(found, words), reason)
    reason = _NO_HISTORY.sub(lambda found: _no_history(found, words), reason)
    return _NOTHING.sub(lambda found: _nothing(words)[found[0]], reason)


def _behind(found: re.Match[str], words: NullTranslations) -> str:
    what, day, count, unit = found.groups()
    number = int(count)
    newest = words.gettext("newest bar is %(day)s") if what == "bar" else words.gettext("newest figure is %(day)s")
    if unit == "day":
        behind = words.ngettext("%(num)s day behind", "%(num)s days behind", number)
    else:
        behind = words.ngettext("%(num)s session behind", "%(num)s sessions behind", number)
    return f"{newest}, {behind}" % {"day": day, "num": number}


def _no_bar(found: re.Match[str], words: NullTranslations) -> str:
    text = words.gettext("no bar of %(day)s, though earlier ones are answered") % {"day": found[1]}
    if not found[2]:
        return text
    return f"{text}; " + words.gettext("perhaps the exchange was closed: the next session will tell")


def _no_history(found: re.Match[str], words: NullTranslations) -> str:
    text = ""
    if found[1]:
        count = int(found[1])
        text = words.ngettext(", and %(num)s more series", ", and %(num)s more series", count) % {"num": count}
    text += "; " + (words.gettext("without them no history is written") if found[1] else
                    words.gettext("without it no history is written"))  # fmt: skip
    return text + (words.gettext(" before %(instant)s") % {"instant": found[2]} if found[2] else "")


def _nothing(words: NullTranslations) -> dict[str, str]:
    return {
        "no observation yet": words.gettext("no observation yet"),
        "nothing collected yet": words.gettext("nothing collected yet"),
        "not asked yet": words.gettext("not asked yet"),
    }
