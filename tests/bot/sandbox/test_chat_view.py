"""What the chat page's script does by itself: where the view stands, who writes where, and all of it by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from telegram import Bot

from tests.bot.browser import DESK, PHONE, faint, overflow, resize
from tests.bot.sandbox.scripted import ADA, CAMILLE, CHANNEL, GROUP, LONG, TOPIC, Visit
from tests.bot.sandbox.test_photos import picture

pytestmark = pytest.mark.asyncio(loop_scope="package")


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
        visit.sandbox.world.delete(ADA, first)
        await expect(visit.page.get_by_text("to be deleted")).to_have_count(0)
        assert await visit.page.evaluate("document.querySelector('#messages li').dataset.seen") == "before"

    async def test_opened_anew_it_starts_at_the_last_message(self, visit: Visit) -> None:
        visit.say(LONG)
        number = visit.say(LONG)
        await visit.sees(number, "another")
        await visit.page.reload()
        assert 0 <= await visit.sees(number, "another") <= 20


class TestPeopleAndChats:
    async def test_what_one_writes_comes_from_who_one_is_where_one_is(self, visit: Visit) -> None:
        await visit.button("Camille").click()
        await visit.button("Traders").click()
        await visit.button("Alerts").click()
        await visit.page.get_by_label("Message", exact=True).fill("/status")
        await visit.page.keyboard.press("Enter")
        (update,) = await visit.updates(1)
        message = update["message"]
        assert (message["from"]["id"], message["from"]["first_name"]) == (CAMILLE, "Camille")
        assert (message["chat"]["id"], message["message_thread_id"]) == (GROUP, TOPIC)

    async def test_each_topic_shows_its_own_messages(self, visit: Visit) -> None:
        general, alerts = visit.say("in general", GROUP), visit.say("an alert", GROUP, topic=TOPIC)
        await visit.button("Traders").click()
        await visit.sees(general, "in general")
        await expect(visit.page.locator("#messages").get_by_text("an alert")).to_have_count(0)
        await expect(visit.button("Alerts").get_by_label("1 new")).to_be_visible()
        await visit.button("Alerts").click()
        await visit.sees(alerts, "an alert")

    async def test_a_chat_elsewhere_counts_what_is_new_and_opens_at_the_first_of_it(self, visit: Visit) -> None:
        visit.say("hello")
        first, _ = visit.say(LONG, CHANNEL), visit.say(LONG, CHANNEL)
        await expect(visit.page.get_by_label("2 new")).to_be_visible()
        await visit.button("Breakouts").click()
        assert 0 <= await visit.sees(first, "another") <= 20
        await expect(visit.page.get_by_label("2 new")).to_have_count(0)

    async def test_in_a_channel_only_an_admin_writes(self, visit: Visit) -> None:
        await visit.button("Breakouts").click()
        await expect(visit.page.get_by_label("Message", exact=True)).to_be_visible()
        await visit.button("Camille").click()
        await expect(visit.page.get_by_text("Only admins write")).to_be_visible()
        await expect(visit.page.get_by_label("Message", exact=True)).to_be_hidden()

    async def test_somebody_else_has_a_chat_of_their_own_and_has_to_start_it(self, visit: Visit) -> None:
        visit.say("for Ada alone")
        await visit.button("Camille").click()
        await expect(visit.page.get_by_text("for Ada alone")).to_have_count(0)
        await visit.button("Start").click()
        (update,) = await visit.updates(1)
        assert (update["message"]["chat"]["id"], update["message"]["from"]["language_code"]) == (CAMILLE, "fr")

    async def test_the_menu_is_that_of_the_person_and_the_chat(self, visit: Visit) -> None:
        commands = visit.sandbox.world.commands
        commands['{"type": "default"}', ""] = [{"command": "status", "description": "Where things stand"}]
        commands['{"type": "default"}', "fr"] = [{"command": "status", "description": "La situation"}]
        commands[f'{{"chat_id": {ADA}, "type": "chat"}}', ""] = [{"command": "health", "description": "How it does"}]
        visit.sandbox.world.wake()
        await visit.button("Menu").click()
        await expect(visit.page.locator("#menu")).to_have_text("/health How it does")
        await visit.button("Camille").click()
        await visit.button("Start").click()
        await visit.button("Menu").click()
        await expect(visit.page.locator("#menu")).to_have_text("/status La situation")


class TestMessages:
    async def test_an_answer_shows_what_it_answers(self, visit: Visit) -> None:
        number = visit.say("the wrong alert")
        async with Bot(visit.sandbox.token, base_url=f"{visit.sandbox.url}/bot") as bot:
            await bot.send_message(ADA, "a correction", reply_to_message_id=number)
        await expect(visit.page.locator(".answered")).to_have_text("the wrong alert")

    async def test_a_command_in_a_text_can_be_tapped(self, visit: Visit) -> None:
        await visit.sees(visit.say("See /status, or and/or."), "See")
        await visit.page.locator("#messages").get_by_role("button", name="/status").click()
        (update,) = await visit.updates(1)
        assert update["message"]["text"] == "/status"

    async def test_what_the_bot_says_to_a_press_is_shown(self, visit: Visit) -> None:
        await visit.sees(visit.say("hello", markup=keys("Mute")), "hello")
        await visit.button("Mute").click()
        (update,) = await visit.updates(1)
        async with Bot(visit.sandbox.token, base_url=f"{visit.sandbox.url}/bot") as bot:
            await bot.answer_callback_query(update["callback_query"]["id"], "Only admins may")
        await expect(visit.page.locator("#toast")).to_have_text("Only admins may")

    async def test_text_that_looks_like_html_stays_text(self, visit: Visit) -> None:
        await visit.sees(visit.say("<img src=x onerror=alert(1)>"), "<img src=x")
        assert await visit.page.locator("#messages img").count() == 0


class TestTheKeyboard:
    async def test_it_suffices_to_choose_a_chat_write_and_press(self, visit: Visit) -> None:
        keyboard = visit.page.keyboard
        commands = visit.sandbox.world.commands
        commands['{"type": "default"}', ""] = [{"command": "status", "description": "Where things stand"}]
        await visit.sees(visit.say("hello", markup=keys("Why")), "hello")
        await tab_to(visit, "hello", "Why")
        await keyboard.press("Enter")
        assert "callback_query" in (await visit.updates(1))[0]
        await visit.page.get_by_label("Message", exact=True).focus()
        await keyboard.type("/st")
        await keyboard.press("ArrowDown")
        await keyboard.press("Enter")
        assert (await visit.updates(1))[0]["message"]["text"] == "/status"
        await visit.page.keyboard.press("Escape")

    async def test_every_control_is_reached_by_tab_in_the_order_of_reading(self, visit: Visit) -> None:
        await visit.sees(visit.say("hello", markup=keys("Why")), "hello")
        reached = [await tab(visit) for _ in range(19)]
        wanted = ["Ada", "Camille", "Cascade", "Traders", "Breakouts", "Dark", "messages", "Why", "text", "Send"]
        places = [next(at for at, what in enumerate(reached) if what.startswith(name)) for name in wanted]
        assert places == sorted(places)
        for name in ("Step one session", "Play", "pace", "a breakout fails"):
            assert name in reached

    async def test_a_pressed_key_keeps_the_focus_when_its_message_is_edited(self, visit: Visit) -> None:
        number = visit.say("hello", markup=keys("Why"))
        await visit.sees(number, "hello")
        await visit.button("Why").focus()
        visit.edit(number, "an answer")
        await visit.sees(number, "an answer")
        await expect(visit.button("Why")).to_be_focused()


async def test_it_can_be_read_in_both_themes_and_fits_a_phone_and_a_desk(visit: Visit) -> None:
    visit.say("a /command, and more", markup=keys("Why"))
    visit.sandbox.world.write(ADA, "/status")
    visit.say("new there", CHANNEL)
    await expect(visit.page.get_by_label("1 new")).to_be_visible()
    for size in (PHONE, DESK):
        await resize(visit.page, size)
        assert await overflow(visit.page) <= 0
        assert await faint(visit.page) == []
    await visit.button("Dark").click()
    assert await faint(visit.page) == []
    await expect(visit.button("Light")).to_be_visible()


async def test_news_is_announced_and_every_region_has_a_name(visit: Visit) -> None:
    page = visit.page
    await expect(page.get_by_role("log", name="Messages")).to_have_attribute("aria-live", "polite")
    await expect(page.get_by_role("navigation", name="People and chats")).to_be_visible()
    await expect(page.get_by_role("complementary", name="Market")).to_be_visible()
    await expect(page.get_by_role("group", name="Who you are")).to_be_visible()
    nameless = "[...document.querySelectorAll('button, input, select')].filter((one) => !one.hidden && one.checkVisibility() && !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
    assert await page.evaluate(nameless) == 0


async def test_a_picture_is_shown_whole_and_no_wider_than_its_message(visit: Visit) -> None:
    async with Bot(visit.sandbox.token, base_url=f"{visit.sandbox.url}/bot") as bot:
        number = (await bot.send_photo(ADA, picture(1170, 1440), "<b>Stage 2 of 4</b>", parse_mode="HTML")).message_id
    await visit.sees(number, "Stage 2 of 4")
    shown = visit.page.locator(f"#messages li[data-id='{number}'] img")
    await expect(shown).to_have_js_property("complete", value=True)
    assert await shown.evaluate("image => image.naturalWidth") == 1170
    assert await shown.evaluate("image => image.clientHeight / image.clientWidth") == pytest.approx(1440 / 1170, 0.01)
    assert await overflow(visit.page) == 0


def keys(*titles: str) -> dict[str, object]:
    """Return a row of keys."""
    return {"inline_keyboard": [[{"text": title, "callback_data": title.lower()} for title in titles]]}


async def tab(visit: Visit) -> str:
    """Go on to the next control, and say what it is."""
    await visit.page.keyboard.press("Tab")
    return str(
        await visit.page.evaluate(
            "document.activeElement.textContent.trim() && document.activeElement.tagName === 'BUTTON' ? document.activeElement.textContent.trim() : document.activeElement.id"
        )
    )


async def tab_to(visit: Visit, _: str, wanted: str) -> None:
    """Go on until a control is reached."""
    for _step in range(30):
        if await tab(visit) == wanted:
            return
    raise AssertionError(f"{wanted} is not reached")
