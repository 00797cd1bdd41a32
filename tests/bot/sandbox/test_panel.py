"""The panel in the browser: one thing at a time, how far it is, and an end to it at once."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.bot.sandbox.scripted import Visit

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_one_session_is_one_step_and_says_whether_an_alert_came(visit: Visit) -> None:
    visit.days.alert_at = 2
    for said in ("A session without an alert.", "An alert came."):
        await visit.button("Step one session").click()
        await visit.panel_says(said)
    await expect(visit.page.locator("#session")).to_have_text("Fri 3 Jan 2020")
    assert visit.days.steps == 2


async def test_playing_ends_at_the_session_that_brings_an_alert(visit: Visit) -> None:
    visit.days.alert_at = 3
    await visit.page.get_by_label("Speed").select_option("fastest")
    await visit.button("Play").click()
    await visit.panel_says("An alert came.")
    assert visit.days.steps == 3


async def test_sixty_sessions_without_one_are_enough(visit: Visit) -> None:
    await visit.page.get_by_label("Speed").select_option("fastest")
    await visit.button("Play").click()
    await visit.panel_says("Nothing in 60 sessions.")
    assert visit.days.steps == 60


async def test_it_stops_at_once_however_slowly_it_plays(visit: Visit) -> None:
    await visit.button("Play").click()
    await expect(visit.page.locator("#session")).to_have_text("Thu 2 Jan 2020")
    await visit.button("Stop").click()
    await expect(visit.page.locator("#said")).to_contain_text("Stopped after ")
    await expect(visit.button("Stop")).to_be_disabled()


async def test_while_it_is_busy_it_says_so_and_takes_nothing_else(visit: Visit) -> None:
    visit.days.going.clear()
    await visit.button("a breakout fails").click()
    await visit.panel_says("On the way to a breakout fails")
    await expect(visit.page.get_by_role("progressbar")).to_be_visible()
    await visit.button("Step one session").press("Enter")
    await expect(visit.page.locator("#toast")).to_contain_text("still busy")
    visit.days.going.set()
    await visit.panel_says("There: fails.")
    assert visit.days.steps == 3


async def test_a_jump_can_be_stopped_on_the_way(visit: Visit) -> None:
    visit.days.going.clear()
    await visit.button("a quiet month ends").click()
    await visit.button("Stop").click()
    await expect(visit.page.locator("#said")).to_contain_text("Stopping")
    visit.days.going.set()
    await visit.panel_says("Stopped on the way.")
    assert visit.days.steps == 1


async def test_the_outbox_is_live(visit: Visit) -> None:
    await expect(visit.page.locator("#outbox")).to_contain_text("sent3")
    visit.days.queue = {"queued": 2, "sent": 4, "unknown": 1}
    await expect(visit.page.locator("#outbox")).to_have_text("queued2sending0sent4unknown1")
