"""The chat page in a browser that is opened once, with a scripted market behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page

from tests.bot.browser import DESK, browsing
from tests.bot.sandbox.scripted import Visit, visiting


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def opened(chromium: str) -> AsyncIterator[Page]:
    async with browsing(chromium, size=DESK) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="package")
async def visit(opened: Page) -> AsyncIterator[Visit]:
    async with visiting(opened) as visit:
        yield visit
