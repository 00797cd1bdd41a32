"""The demonstration as a newcomer sees it: the real command, a real browser."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.bot.running import command

PICTURES = Path(__file__).parents[3] / "docs" / "images"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
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
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(demo)
        yield page
        await browser.close()


async def test_start_status_and_a_stepped_breakouts_alert_are_seen(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    messages = page.locator("#messages li.bot .text")

    await page.get_by_role("button", name="Start").click()
    await expect(messages.last).to_contain_text("Cascade watches whether", timeout=PATIENCE)
    await page.get_by_role("button", name="Subscribe").click()
    await expect(messages.last).to_contain_text("Subscribed.", timeout=PATIENCE)

    await page.get_by_label("Message").fill("/status")
    await page.get_by_role("button", name="Send").click()
    await expect(messages.last).to_contain_text("Next: a record close needs", timeout=PATIENCE)
    await expect(messages.last).to_contain_text("SIMULATED MARKET", timeout=PATIENCE)
    await expect(messages.last.locator("b")).to_contain_text("Stage ")

    before = await messages.count()
    await page.get_by_role("button", name="Step one session").click()
    await expect(page.get_by_role("status")).to_contain_text("Session 20", timeout=PATIENCE)
    assert await messages.count() == before, "a quiet session brings no message"

    step_to_alert = page.get_by_role("button", name="Step to the next alert")
    for words in ("at a record", "breakout confirmed"):
        await step_to_alert.click()
        await expect(messages.last).to_contain_text(words, timeout=PATIENCE)
        await expect(messages.last).to_contain_text("SIMULATED MARKET")
        await expect(messages.last).to_contain_text("Wrong if: a close below")
        await expect(step_to_alert).to_be_enabled(timeout=PATIENCE)

    await page.get_by_role("button", name="Why").last.click()
    await expect(messages.last).to_contain_text("What changed in the last month", timeout=PATIENCE)

    for width, height, name in ((390, 844, "phone"), (1280, 900, "desk")):
        await page.set_viewport_size({"width": width, "height": height})
        overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"the page is wider than a {name}"
        if os.environ.get("SAVE_PICTURES"):
            await messages.nth(-2).scroll_into_view_if_needed()
            await page.screenshot(path=PICTURES / f"demo-{name}.png")
    assert errors == []
