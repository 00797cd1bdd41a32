"""The demonstration as a newcomer sees it: the real command, a real browser."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.bot.browser import DESK, PHONE, browsing, faint, overflow, picture, resize
from tests.bot.running import command

PATIENCE = 60_000


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a running ``python -m bot demo``."""
    process = await asyncio.create_subprocess_exec(
        *command("demo", "--port", "0"), stdout=asyncio.subprocess.PIPE, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    address = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert address is not None, line
    yield address[0]
    process.terminate()
    assert await process.wait() == 0


@pytest.fixture
async def page(demo: str, chromium: str) -> AsyncIterator[Page]:
    async with browsing(chromium) as page:
        await page.goto(demo)
        yield page


async def test_from_start_to_a_confirmed_breakout_and_its_reasons(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    messages = page.locator("#messages li.bot .text")
    panel = page.locator("#said")

    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(messages.last).to_contain_text("Cascade watches whether", timeout=PATIENCE)
    await page.locator("#messages").get_by_role("button", name="Subscribe").click()
    await expect(messages.last).to_contain_text("Subscribed.", timeout=PATIENCE)
    await page.get_by_role("button", name="Menu").click()
    await page.locator("#menu").get_by_role("button", name="/status").click()
    await expect(messages.last).to_contain_text("Next: any close above", timeout=PATIENCE)
    await expect(messages.last).to_contain_text("SIMULATED MARKET", timeout=PATIENCE)

    before = await messages.count()
    await page.get_by_role("button", name="Step one session").click()
    await expect(panel).to_have_text("A session without an alert.", timeout=PATIENCE)
    assert await messages.count() == before, "a quiet session brings no message"

    await page.get_by_text("Jump, and the outbox").click()
    await page.get_by_role("button", name="a breakout that holds").click()
    await expect(panel).to_have_text("An alert came.", timeout=PATIENCE)
    await expect(messages.last).to_contain_text("breakout confirmed", timeout=PATIENCE)
    await expect(messages.last).to_contain_text("SIMULATED MARKET")
    await expect(messages.last).to_contain_text("Wrong if: a close below")
    await expect(page.locator("#outbox")).to_contain_text("sent1", timeout=PATIENCE)

    await page.get_by_role("button", name="Why").last.click()
    await expect(messages.last).to_contain_text("What changed in the last month", timeout=PATIENCE)
    await page.get_by_role("button", name="Back").last.click()
    await expect(messages.last).to_contain_text("breakout confirmed", timeout=PATIENCE)

    await page.get_by_text("Jump, and the outbox").click()
    for name, size in {"phone": PHONE, "desk": DESK}.items():
        await resize(page, size)
        assert await overflow(page) <= 0, f"the page is wider than a {name}"
        await messages.last.scroll_into_view_if_needed()
        await picture(page, f"demo-{name}")
    assert await faint(page) == []
    assert errors == []
