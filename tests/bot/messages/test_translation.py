"""Every text can be found by a translator, and another language is a catalogue and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from babel import Locale

from bot.commands.translation import texts
from bot.messages.figures import Figures
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from storage.market import Market
from tests.bot.messages.extracted import BOT, extracted
from tests.bot.messages.pseudo import Marked
from tests.bot.messages.whole import whole

LIVE = Market("live", None, None)
WORDS = re.compile(r"[A-Za-z]{3,}")
TEMPLATES = Path(BOT) / "messages" / "templates"


def test_every_text_of_a_template_is_extracted() -> None:
    wanted = {"Breakout confirmed", "Wrong if:", "%(num)s session old"}
    assert {(None, text) for text in wanted} | {("condition", "on"), ("link", "on")} <= extracted()


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
    for template in TEMPLATES.glob("*.j2"):
        bare = re.sub(r"\{[#%{].*?[#%}]\}|<[^>]*>", "", template.read_text(), flags=re.DOTALL)
        assert WORDS.findall(bare) in ([], ["Russell"], ["USD"], ["USD", "USD"], ["ETH"]), template.name
