"""A page in a browser on a sandbox of the test's own, with a market that does as it is told. No bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, Request, expect

from bot.sandbox.news import Cast, Person
from bot.sandbox.page import page_routes
from bot.sandbox.panel import Going, Panel, Scene, Stepped
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.telegram import Json

ADA, CAMILLE = 7001, 7002
GROUP, CHANNEL, TOPIC = -1007001000001, -1007001000002, 11
CAST = Cast(
    people=(Person(ADA, "Ada", "admin"), Person(CAMILLE, "Camille", language="fr")),
    shared=(GROUP, CHANNEL),
    admins=(ADA,),
    topics={GROUP: {TOPIC: "Alerts"}},
)
LONG = "The first line\n" + "another\n" * 60


@dataclass
class Days:
    """A market whose sessions bring an alert when they are told to, and whose steps can be held."""

    steps: int = 0
    alert_at: int = 0
    going: asyncio.Event = field(default_factory=asyncio.Event)
    scenes: tuple[Scene, ...] = (Scene("fails", "a breakout fails"), Scene("quiet", "a quiet month ends"))
    note: str = "Every figure is made up."
    queue: dict[str, int] = field(default_factory=lambda: {"queued": 0, "sent": 3})

    @property
    def session(self) -> date:
        return date(2020, 1, 1) + timedelta(days=self.steps)

    async def outbox(self) -> Mapping[str, int]:
        return self.queue

    async def step(self) -> Stepped:
        await self.going.wait()
        self.steps += 1
        return Stepped(self.session, alerted=self.steps == self.alert_at)

    async def jump(self, scene: str, going: Going) -> str:
        for done in range(3):
            going.tell(done, 3)
            await self.step()
            if going.is_stopped:
                return "Stopped on the way."
        return f"There: {scene}."


@dataclass
class Visit:
    """The page, opened, and what stands behind it."""

    page: Page
    sandbox: Sandbox
    days: Days
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def say(self, text: str, chat: int = ADA, *, topic: int | None = None, markup: Json | None = None) -> int:
        """Let the bot write."""
        world = self.sandbox.world
        return int(world.post(world.chats[chat], text, [], markup, topic)["message_id"])

    def edit(self, message_id: int, text: str) -> None:
        """Let the bot edit a message."""
        self.sandbox.world.chats[ADA].messages[message_id]["text"] = text
        self.sandbox.world.wake()

    async def sees(self, message_id: int, text: str) -> float:
        """Wait until a message reads so, and return how far its top is below that of the view."""
        item = self.page.locator(f"#messages li[data-id='{message_id}']")
        await expect(item).to_contain_text(text)
        tops = "item => item.getBoundingClientRect().top - item.parentElement.getBoundingClientRect().top"
        return float(await item.evaluate(tops))

    def button(self, name: str) -> Locator:
        """Return the button that is called so."""
        return self.page.get_by_role("button", name=name)

    async def panel_says(self, text: str) -> None:
        """Wait until the panel says it."""
        await expect(self.page.locator("#said")).to_have_text(text)

    async def updates(self, count: int) -> list[Json]:
        """Wait until so many updates wait for the bot, and take them."""
        world = self.sandbox.world
        async with asyncio.timeout(10):
            while len(world.updates) < count:
                await world.changed.wait()
        taken, world.updates = world.updates, []
        return taken


@asynccontextmanager
async def visiting(opened: Page) -> AsyncIterator[Visit]:
    """Open the page of a new sandbox, in which Ada has started the bot and Camille has not."""
    sandbox, days = Sandbox(), Days()
    days.going.set()
    world = sandbox.world
    CAST.fill(world)
    world.chats[ADA].started = True
    world.add_group(GROUP, "Traders", {ADA}, is_forum=True).topics = {TOPIC: True}
    world.add_channel(CHANNEL, "Breakouts", {ADA})
    panel = Panel(world.wake)
    panel.attach(days)
    counting = asyncio.create_task(panel.count_deliveries())
    async with serve(sandbox, extra=page_routes(sandbox, CAST, panel)):
        visit = Visit(opened, sandbox, days)

        def note(request: Request) -> None:
            if request.url.split(":")[0] != "data" and urlsplit(request.url).hostname != "127.0.0.1":
                visit.elsewhere.append(request.url)

        opened.on("request", note)
        opened.on("pageerror", lambda error: visit.errors.append(str(error)))
        opened.on("console", lambda said: visit.errors.append(said.text) if said.type == "error" else None)
        await opened.goto(sandbox.url)
        await expect(opened.locator("#said")).to_contain_text("Choose an evening")
        yield visit
        assert (visit.errors, visit.elsewhere) == ([], [])
        await opened.goto("about:blank")
    counting.cancel()
