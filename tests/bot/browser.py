"""A browser for tests of what people see, and what every page of ours has to hold."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from playwright.async_api import FloatRect, Page, async_playwright

PICTURES = Path(__file__).parents[2] / "docs" / "images"
PHONE, DESK = (390, 844), (1280, 900)
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_FAINT = """() => {
  const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const light = (c) => { const s = c / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found[3] === 1) return found;
    }
    return [255, 255, 255, 1];
  };
  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, words = texts.currentNode.data.trim();
    if (!words || ["SCRIPT", "STYLE"].includes(element.tagName.toUpperCase())) continue;
    const style = getComputedStyle(element);
    const ink = rgba(element.closest("svg") ? style.fill : style.color);
    const [high, low] = [luminance(ink), luminance(behind(element))].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) faint.add(words);
  }
  return [...faint];
}"""


@asynccontextmanager
async def browsing(chromium: str, *, size: tuple[int, int] = PHONE, offline: bool = False) -> AsyncIterator[Page]:
    """Open an empty page of a size in pixels, ``offline`` without any network."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_QUIET)
        context = await browser.new_context(offline=offline, viewport={"width": size[0], "height": size[1]})
        yield await context.new_page()
        await browser.close()


async def resize(page: Page, size: tuple[int, int]) -> None:
    """Give the page another size in pixels."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})


async def overflow(page: Page) -> Any:
    """Return by how many pixels the page is wider than its window."""
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def faint(page: Page) -> list[str]:
    """Return the texts of less contrast than 4.5 to 1, in the light and in the dark."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        found += [f"{scheme}: {words}" for words in cast("list[str]", await page.evaluate(_FAINT))]
    await page.emulate_media(color_scheme="light")
    return found


async def picture(page: Page, name: str, height: float | None = None) -> None:
    """Keep what is seen for the docs, down to a height in pixels, when ``make pictures`` asks for it."""
    if os.environ.get("SAVE_PICTURES") and page.viewport_size:
        size = page.viewport_size
        part = FloatRect(x=0, y=0, width=size["width"], height=height or size["height"])
        await page.screenshot(path=PICTURES / f"{name}.png", clip=part)
