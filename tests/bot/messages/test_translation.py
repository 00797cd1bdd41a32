"""Every text can be found by a translator, and another language is a catalogue and nothing else."""

from __future__ import annotations

import re
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.extract import extract_from_dir

from bot.commands.translation import texts
from bot.messages.figures import Figures
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from storage.market import Market
from tests.bot.messages.whole import whole

BOT = Path(__file__).parents[3] / "bot"
LIVE = Market("live", None, None)
WORDS = re.compile(r"[A-Za-z]{3,}")


class Marked(NullTranslations):
    """A language in which every text stands between guillemets."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"«{msgid1 if n == 1 else msgid2}»"


@cache
def extracted() -> set[str]:
    options = {
        "**/templates/*.j2": {
            "trimmed": "true",
            "newstyle_gettext": "true",
            "trim_blocks": "true",
            "lstrip_blocks": "true",
        }
    }
    methods = [("**.py", "python"), ("**/templates/*.j2", "jinja2")]
    found = extract_from_dir(BOT, methods, options)
    return {text for _, _, message, _, _ in found for text in ([message] if isinstance(message, str) else message)}


def test_every_text_of_a_template_is_extracted() -> None:
    assert {"Breakout confirmed", "Wrong if:", "%(num)s session old", "%(num)s sessions old"} <= extracted()


def test_every_text_that_a_template_takes_from_a_table_is_extracted_too() -> None:
    assert {"SPY trend", "where things stand now", "a confirmed breakout"} <= set(texts())


def test_no_word_of_a_message_is_outside_the_catalogue() -> None:
    html = Messages(Figures(Locale("en"), Marked())).part("state", whole(), LIVE)
    text = parse_html(html).text
    while "«" in text:
        text = re.sub(r"«[^«»]*»", "", text)
    # What is left are figures and dates.
    assert set(WORDS.findall(text)) <= {"Tue", "Nov", "Dec", "Jul", "Feb"}


def test_no_template_has_words_outside_the_catalogue() -> None:
    for template in (BOT / "messages" / "templates").glob("*.j2"):
        bare = re.sub(r"\{[#%{].*?[#%}]\}|<[^>]*>", "", template.read_text(), flags=re.DOTALL)
        assert WORDS.findall(bare) in ([], ["Russell"], ["USD"], ["USD", "USD"], ["ETH"]), template.name
