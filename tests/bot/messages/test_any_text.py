"""Whatever a publisher, an operator or a reader writes: each message stays HTML that Telegram takes, and short enough."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.messages.languages import NAMES, messages_of
from bot.messages.pages import MOST_OF_A_CAPTION
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.model import Freshness
from storage.market import Agenda, Market
from tests.bot.messages.test_every_session import MOST
from tests.bot.messages.whole import DECIDED, SESSION, whole

# Markup, signs of two UTF-16 units, what a template or a translation would read as its own, and no line.
ODD = st.sampled_from(
    ["<b>", "</b>", "<a href='", "&", "&lt;", "{{ 1 }}", "{% raw %}", "%(n)s", "%s", "🚀", "\u202e", "\n\n"]
)
ANYTHING = st.lists(ODD | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), max_size=12).map(
    "".join
)
# As much as is stored of it.
REASON = ANYTHING.map(lambda text: text[:500])
SHOWN_OF_AN_INPUT = 60


def answers(messages: Messages, said: str) -> Iterator[tuple[str, str, int]]:
    """Yield each answer about an evening on which every source said this, and the most it may have."""
    sources = tuple(replace(source, verdict=Freshness.INVALID, reason=said) for source in whole().sources)
    verdict = whole(sources=sources, breakout=replace(whole().breakout, reason=said))
    market = Market("live", None, Agenda(SESSION, DECIDED, SESSION, said))
    for part, most in MOST.items():
        template, _, number = part.partition(" ")
        yield part, messages.part(template, verdict, market, note=said, number=int(number or 0)), most
    # A status that is late begins with why.
    yield "status", messages.part("status", verdict, market, late=True), 900
    yield "nothing yet", messages.text("nothing_yet", reason=said), 900
    change = ShownChange("data.problem", f"data:IWM:{SESSION}", SESSION, SESSION, "ok", "invalid")
    yield "an alert", messages.alert(verdict, [change], market), MOST_OF_A_CAPTION
    yield "a digest", messages.digest(verdict, [change], market, SESSION), MOST_OF_A_CAPTION
    for part in ("shape", "symbol", "level"):
        yield part, messages.text("wrong_watch", part=part, value=said[:SHOWN_OF_AN_INPUT]), 900


@pytest.mark.parametrize("language", NAMES)
@settings(max_examples=12, deadline=None)
@given(said=REASON)
def test_with_any_text_in_any_field_a_message_is_html_that_telegram_takes_and_fits(language: str, said: str) -> None:
    for name, html, most in answers(messages_of(language), said):
        text = parse_html(html).text
        assert utf16_length(text) <= most, (name, text)
