"""What was said on evenings of the real history stands whole on one screen of a phone, in the chat page's style."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bot.messages.buttons import Rows, as_json
from bot.messages.languages import messages_of
from bot.messages.record import MAIN, command_of, of_months, rule_named
from bot.sandbox.entities import parse_html
from bot.sandbox.news import Cast, Person
from bot.sandbox.page import page_routes
from bot.sandbox.server import Sandbox, serve
from signals.evaluate import History
from signals.record.model import TrackRecord
from tests.bot.browser import PHONE, browsing, picture
from tests.bot.messages.evenings import LIVE, MESSAGES, html_alerts_of, verdict_of
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history
from tests.signals.conftest import record as record

pytestmark = pytest.mark.asyncio(loop_scope="module")

READER = 7001
EVENING = date(2020, 11, 17)
ALERTS = {
    "attempt": (date(2020, 11, 13), "breakout.attempt"),
    "confirmed": (EVENING, "breakout.confirmed"),
    "established": (date(2020, 12, 16), "breakout.established"),
    "window": (date(2021, 1, 4), "window.responded"),
    "failed": (date(2021, 11, 26), "breakout.failed"),
    "liquidity": (date(2025, 6, 26), "liquidity.regime"),
}
# What a telephone and Telegram have around the messages takes no less than the page without its market.
ALONE = "#panel, #side, header p { display: none !important }"


@dataclass(frozen=True)
class Message:
    """A message as it is sent, and what it is called among the pictures."""

    name: str
    html: str
    rows: Rows


def ten(history: History, record: TrackRecord) -> Iterator[Message]:
    """Yield the messages that matter most."""
    buttons, verdict = MESSAGES.buttons, verdict_of(history, EVENING)
    yield Message("start", MESSAGES.text("start", market=LIVE, chosen=None), buttons.under_start())
    yield Message("status", MESSAGES.part("state", verdict, LIVE), buttons.under_status())
    yield Message("why", MESSAGES.part("why", verdict, LIVE), buttons.under_why(""))
    rule = rule_named(record, command_of(MAIN))
    assert rule is not None
    shown = {"r": record, "rule": rule, "rows": of_months(rule, 3), "live": 0, "main": MAIN, "market": LIVE}
    yield Message("record", MESSAGES.text("record", command_of=command_of, **shown), buttons.under_record(""))
    for name, (day, kind) in ALERTS.items():
        html = dict(html_alerts_of(history, day, with_past=True))[kind]
        yield Message(name, html, buttons.under_alert(1, kind))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    made.world.add_private_chat(READER, started=True)
    async with serve(made, extra=page_routes(made, Cast([Person(READER, "You")]))):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(chromium: str, sandbox: Sandbox) -> AsyncIterator[Page]:
    async with browsing(chromium, size=PHONE) as page:
        await page.goto(sandbox.url)
        await page.add_style_tag(content=ALONE)
        yield page


async def test_the_ten_most_important_messages_fit_a_screen_each(
    history: History, record: TrackRecord, sandbox: Sandbox, phone: Page
) -> None:
    shown = [(message.name, *await heights(message, sandbox, phone)) for message in ten(history, record)]
    assert len(shown) == 10
    assert [(name, own, room) for name, own, room in shown if own > room] == []


@pytest.mark.parametrize(("name", "of"), [("confirmed-fr", "confirmed"), ("failed-fr", "failed")])
async def test_so_do_the_two_that_the_french_readme_shows(
    history: History, sandbox: Sandbox, phone: Page, name: str, of: str
) -> None:
    french, (day, kind) = messages_of("fr"), ALERTS[of]
    html = dict(html_alerts_of(history, day, with_past=True, messages=french))[kind]
    own, room = await heights(Message(name, html, french.buttons.under_alert(1, kind)), sandbox, phone)
    assert own <= room


async def heights(message: Message, sandbox: Sandbox, phone: Page) -> tuple[float, float]:
    """Show a message alone, and return how high it is and how much room there is."""
    state = sandbox.world.chats[READER]
    state.messages.clear()
    parsed = parse_html(message.html)
    sent = sandbox.world.post(state, parsed.text, parsed.entities, as_json(message.rows))
    item = phone.locator(f"#messages li[data-id='{sent['message_id']}']")
    await expect(item).to_be_visible()
    box, room = await item.bounding_box(), await phone.locator("#messages").bounding_box()
    assert box is not None
    assert room is not None
    await picture(phone, f"message-{message.name}", box["y"] + box["height"] + 12)
    return box["height"], room["height"]
