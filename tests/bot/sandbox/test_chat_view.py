"""What the chat page's script does by itself: where the view stands, and how stepping ends. No bot, no market."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from telegram import Bot

from bot.sandbox.page import Stepped, page_routes
from bot.sandbox.server import Sandbox, serve
from tests.bot.browser import browsing, overflow
from tests.bot.sandbox.test_photos import picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = 7001
LONG = "The first line\n" + "another\n" * 60


@dataclass
class Days:
    """A market whose sessions bring an alert when they are told to, and whose steps can be held."""

    steps: int = 0
    alert_at: int = 0
    going: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> Stepped:
        await self.going.wait()
        self.steps += 1
        return Stepped(date(2020, 1, 1) + timedelta(days=self.steps), alerted=self.steps == self.alert_at)


@dataclass
class Visit:
    """The page, opened, and what stands behind it."""

    page: Page
    sandbox: Sandbox
    days: Days

    def say(self, text: str) -> int:
        """Let the bot write."""
        world = self.sandbox.world
        return int(world.post(world.chats[ME], text, [], None)["message_id"])

    def edit(self, message_id: int, text: str) -> None:
        """Let the bot edit a message."""
        self.sandbox.world.chats[ME].messages[message_id]["text"] = text
        self.sandbox.world.wake()

    async def sees(self, message_id: int, text: str) -> float:
        """Wait until a message reads so, and return how far its top is below that of the view."""
        item = self.page.locator(f"#messages li[data-id='{message_id}']")
        await expect(item).to_contain_text(text)
        tops = "item => item.getBoundingClientRect().top - item.parentElement.getBoundingClientRect().top"
        return float(await item.evaluate(tops))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(chromium: str) -> AsyncIterator[Page]:
    async with browsing(chromium) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def visit(opened: Page) -> AsyncIterator[Visit]:
    sandbox, days = Sandbox(), Days()
    days.going.set()
    sandbox.world.add_private_chat(ME, started=True)
    routes, attach = page_routes(sandbox, ME)
    attach(days)
    async with serve(sandbox, extra=routes):
        await opened.goto(sandbox.url)
        yield Visit(opened, sandbox, days)
        await opened.goto("about:blank")


async def test_an_empty_chat_says_what_to_do_first(visit: Visit) -> None:
    said = "getComputedStyle(document.getElementById('messages'), '::before').content"
    assert "Press Start" in await visit.page.evaluate(said)
    await visit.sees(visit.say("hello"), "hello")
    assert "Press Start" not in await visit.page.evaluate(said)


class TestTheView:
    async def test_it_starts_at_the_first_line_of_a_long_message(self, visit: Visit) -> None:
        await visit.sees(visit.say("hello"), "hello")
        assert 0 <= await visit.sees(visit.say(LONG), "another") <= 20

    async def test_of_several_that_come_at_once_it_starts_at_the_first(self, visit: Visit) -> None:
        await visit.sees(visit.say(LONG), "another")
        first, _ = visit.say("the first of two"), visit.say(LONG)
        assert 0 <= await visit.sees(first, "the first of two") <= 20

    async def test_a_message_edited_in_sight_does_not_move(self, visit: Visit) -> None:
        visit.say("hello\n" * 20)
        number = visit.say("a question")
        visit.say("more\n" * 5)
        before = await visit.sees(number, "a question")
        visit.edit(number, "the answer")
        assert await visit.sees(number, "the answer") == before

    async def test_a_message_that_grows_out_of_sight_starts_at_its_first_line(self, visit: Visit) -> None:
        visit.say(LONG)
        number = visit.say("short")
        await visit.sees(number, "short")
        visit.edit(number, LONG)
        assert 0 <= await visit.sees(number, "another") <= 20

    async def test_a_message_that_is_gone_leaves_and_what_stays_is_not_drawn_again(self, visit: Visit) -> None:
        first, second = visit.say("to be deleted"), visit.say("stays")
        await visit.sees(second, "stays")
        await visit.page.evaluate("document.querySelector('#messages li:last-child').dataset.seen = 'before'")
        visit.sandbox.world.delete(ME, first)
        await expect(visit.page.get_by_text("to be deleted")).to_have_count(0)
        assert await visit.page.evaluate("document.querySelector('#messages li').dataset.seen") == "before"

    async def test_opened_anew_it_starts_at_the_last_message(self, visit: Visit) -> None:
        visit.say(LONG)
        number = visit.say(LONG)
        await visit.sees(number, "another")
        await visit.page.reload()
        assert 0 <= await visit.sees(number, "another") <= 20


class TestStepping:
    def button(self, visit: Visit, name: str) -> Any:
        return visit.page.get_by_role("button", name=name)

    async def test_it_ends_at_the_session_that_brings_an_alert(self, visit: Visit) -> None:
        visit.days.alert_at = 3
        await self.button(visit, "Step to the next alert").click()
        await expect(self.button(visit, "Step one session")).to_be_enabled()
        await expect(visit.page.get_by_role("status")).to_have_text("Session 2020-01-04 · an alert")
        assert visit.days.steps == 3

    async def test_sixty_sessions_without_one_are_enough(self, visit: Visit) -> None:
        await self.button(visit, "Step to the next alert").click()
        await expect(visit.page.get_by_role("status")).to_have_text("Session 2020-03-01 · 60 without an alert")
        await expect(self.button(visit, "Step one session")).to_be_enabled()
        assert visit.days.steps == 60

    async def test_whoever_watches_can_stop_it(self, visit: Visit) -> None:
        visit.days.going.clear()
        await self.button(visit, "Step to the next alert").click()
        await self.button(visit, "Stop").click()
        visit.days.going.set()
        await expect(self.button(visit, "Step one session")).to_be_enabled()
        await expect(self.button(visit, "Step to the next alert")).to_be_visible()
        assert visit.days.steps == 1

    async def test_one_session_is_one_step(self, visit: Visit) -> None:
        await self.button(visit, "Step one session").click()
        await expect(visit.page.get_by_role("status")).to_have_text("Session 2020-01-02")
        assert visit.days.steps == 1


async def test_a_picture_is_shown_whole_and_no_wider_than_its_message(visit: Visit) -> None:
    async with Bot(visit.sandbox.token, base_url=f"{visit.sandbox.url}/bot") as bot:
        number = (await bot.send_photo(ME, picture(1170, 1440), "<b>Stage 2 of 4</b>", parse_mode="HTML")).message_id
    await visit.sees(number, "Stage 2 of 4")
    shown = visit.page.locator(f"#messages li[data-id='{number}'] img")
    await expect(shown).to_have_js_property("complete", value=True)
    assert await shown.evaluate("image => image.naturalWidth") == 1170
    assert await shown.evaluate("image => image.clientHeight / image.clientWidth") == pytest.approx(1440 / 1170, 0.01)
    assert await overflow(visit.page) == 0
