"""What has a length of its own in French: what a press shows, digests, captions of charts, words of the menu."""

from __future__ import annotations

from datetime import date

import pytest

from bot.commands.table import OPERATOR_MENU
from bot.messages.chart_kinds import Kind
from bot.messages.languages import NAMES, figures_of, messages_of
from bot.messages.render import ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.evaluate import History
from tests.bot.messages.evenings import LIVE, changes_of, simulated, verdict_of
from tests.bot.messages.test_every_session import ENGLISH

TOASTS = {
    "admins_only": {}, "admins_unknown": {}, "undecided": {}, "slow_down": {}, "unknown_button": {}, "no_chart": {},
    "no_photos": {}, "nothing_new": {"session": date(2020, 9, 30)}, "wrong_alerts": {}, "wrong_chart": {},
    "wrong_deleteme": {}, "wrong_digest": {}, "wrong_language": {}, "wrong_mute": {}, "wrong_quiet": {},
    "wrong_settings": {}, "wrong_subscribe": {}, "wrong_timezone": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> History:
    return simulated(1)


@pytest.mark.parametrize("language", NAMES)
def test_what_a_press_shows_fits_the_200_letters_that_telegram_permits(language: str) -> None:
    shown = {name: messages_of(language).text(name, **context) for name, context in TOASTS.items()}
    assert {name: len(text) for name, text in shown.items() if utf16_length(text) > 200} == {}


@pytest.mark.parametrize("language", NAMES)
def test_a_line_of_the_menu_fits_beside_its_command(language: str) -> None:
    words = figures_of(language).words
    assert {text for text in OPERATOR_MENU.values() if utf16_length(words.gettext(text)) > 60} == set()


def test_a_digest_and_the_captions_of_charts_fit_and_have_no_english_word(seen: History) -> None:
    french, days = messages_of("fr"), seen.panel.days
    for at in range(400, len(days), 150):
        verdict, after = verdict_of(seen, days[at]), days[at - 20]
        changes = [
            ShownChange(c.kind, c.subject, day, c.occurred_on, str(c.before), str(c.after))
            for day in days[at - 19 : at + 1]
            for c in changes_of(seen, day)
        ]
        told = parse_html(french.digest(verdict, changes, LIVE, after)).text
        assert utf16_length(told) <= 900, told
        assert not ENGLISH.search(told), told
        for kind in Kind:
            caption = french.part("chart", verdict, LIVE, kind=kind, r=None, newest=days[-1])
            assert utf16_length(parse_html(caption).text) <= 300, caption
            assert not ENGLISH.search(caption), caption
