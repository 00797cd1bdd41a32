"""Time zone, quiet hours, urgent alerts: chosen by buttons or words, shown on one screen, kept to."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.messages.languages import NAMES, messages_of
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from bot.sandbox.server import Sandbox
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import State
from storage.settings import chosen
from storage.settings.chosen import Chosen
from storage.settings.digest_times import Cadence
from storage.settings.kinds import EVERYTHING
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Press, Say
from tests.bot.conftest import Record
from tests.bot.delivery.test_delivery import tally
from tests.bot.running import EVENING, attempt, confirmed

MOST = 900


async def chosen_by(app: App, chat_id: int = ME) -> Chosen:
    async with app.database.reading() as connection:
        return await chosen.load(connection, chat_id)


def buttons(sandbox: Sandbox) -> list[str]:
    """Return what stands on the buttons under the newest message."""
    markup = list(sandbox.world.chats[ME].messages.values())[-1]["reply_markup"]
    return [button["text"] for row in markup["inline_keyboard"] for button in row]


class TestOverview:
    async def test_it_begins_in_utc_without_quiet_hours(self, say: Say) -> None:
        assert (await say("/settings")).splitlines() == [
            "Settings of this chat",
            "",
            "Language: English",
            "Time zone: UTC, where it is 22:30 now",
            "Quiet hours: none",
            "Alerts: the big ones",
            "Digest: none",
            "This chat is not subscribed: nothing comes before /subscribe.",
        ]

    async def test_it_says_all_that_is_chosen(self, say: Say) -> None:
        for typed in ("/subscribe", "/timezone Kolkata", "/quiet 23-8", "/alerts everything", "/mute 1d"):
            await say(typed)
        lines = (await say("/settings")).splitlines()
        # Half an hour off the others.
        assert "Time zone: Kolkata, where it is 04:00 now" in lines
        assert "Quiet hours: 23:00 to 08:00; what is decided in them comes after" in lines
        assert "Urgent alerts, a breakout confirmed or failed: they wait like the others" in lines
        assert "Alerts: everything" in lines
        assert "Muted until 15 Nov 2020 04:00\u00a0UTC+5:30." in lines

    async def test_every_part_opens_in_place_and_leads_back(self, say: Say, press: Press, sandbox: Sandbox) -> None:
        first = await say("/settings")
        before = len(sandbox.sent(ME))
        for title, back in (
            ("Language", "Settings"),
            ("Time zone", "Settings"),
            ("Quiet hours", "Settings"),
            ("Alerts", "Settings"),
            ("Digest", "Settings"),
            ("Watches", "Settings"),
            ("Mute", "Back"),
        ):
            await press(title)
            assert sandbox.sent(ME)[-1] != first
            await press(back)
            assert sandbox.sent(ME)[-1] == first
        assert len(sandbox.sent(ME)) == before

    async def test_what_follows_it_and_is_unknown_gets_one_line(self, say: Say) -> None:
        assert "\n" not in await say("/settings urgent maybe")

    async def test_in_a_group_only_admins_choose(self, app: App, say: Say) -> None:
        for typed in ("/settings", "/timezone Paris", "/quiet 22-7", "/settings urgent through"):
            assert await say(typed, GROUP, MEMBER) == Messages().text("admins_only")
        assert await chosen_by(app, GROUP) == Chosen()
        await say("/timezone Paris", GROUP, ADMIN)
        assert (await chosen_by(app, GROUP)).timezone == "Europe/Paris"


class TestPictures:
    async def test_they_are_off_until_a_button_or_words_turn_them_on(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        assert "chart" not in await say("/settings")
        await press("Alerts with a chart")
        assert "Alerts come with their chart, a minute later" in sandbox.sent(ME)[-1].splitlines()
        assert (await chosen_by(app)).pictures
        await press("Alerts as text")
        assert not (await chosen_by(app)).pictures
        await say("/settings pictures on")
        assert (await chosen_by(app)).pictures

    async def test_in_a_group_only_admins_turn_them_on(self, app: App, say: Say) -> None:
        assert await say("/settings pictures on", GROUP, MEMBER) == Messages().text("admins_only")
        assert not (await chosen_by(app, GROUP)).pictures
        await say("/settings pictures on", GROUP, ADMIN)
        assert (await chosen_by(app, GROUP)).pictures


class TestTimeZone:
    async def test_by_a_city(self, app: App, say: Say) -> None:
        assert "Time zone: New York, where it is 17:30 now" in await say("/timezone new york")
        assert (await chosen_by(app)).timezone == "America/New_York"

    @pytest.mark.parametrize("typed", ["23:30", "23.33", "11:30 pm", "23h28"])
    async def test_by_the_time_it_is_now(self, app: App, say: Say, press: Press, sandbox: Sandbox, typed: str) -> None:
        assert (await say(f"/timezone {typed}")).startswith("Which of these has your clocks?")
        assert buttons(sandbox) == ["Casablanca", "Lagos", "Paris", "Back"]
        await press("Paris")
        assert (await chosen_by(app)).timezone == "Europe/Paris"
        assert "Paris, where it is 23:30 now" in sandbox.sent(ME)[-1]

    async def test_by_buttons_alone(self, app: App, say: Say, press: Press) -> None:
        await say("/timezone")
        await press("04:15")
        await press("Kathmandu")
        assert (await chosen_by(app)).timezone == "Asia/Kathmandu"

    async def test_a_time_that_it_is_on_two_days_offers_both(self, say: Say, sandbox: Sandbox) -> None:
        await say("/timezone 11:30")
        assert {"Midway Atoll", "Auckland"} <= set(buttons(sandbox))

    async def test_a_name_nobody_knows_offers_some_that_are_like_it(self, say: Say, press: Press, app: App) -> None:
        assert (await say("/timezone Parris")).startswith("No such place is known.")
        await press("Paris")
        assert (await chosen_by(app)).timezone == "Europe/Paris"

    @pytest.mark.parametrize("typed", ["xyzzy", "99:99", "14:75", "13:00 pm", "@", "+9999999"])
    async def test_what_is_no_place_gets_one_line_with_an_example(self, app: App, say: Say, typed: str) -> None:
        answer = await say(f"/timezone {typed}")
        assert "\n" not in answer
        assert "/timezone Paris" in answer
        assert (await chosen_by(app)).timezone == "UTC"

    async def test_a_time_that_it_is_nowhere_says_so(self, say: Say) -> None:
        assert "No place has that time" in await say("/timezone 17:08")

    @pytest.mark.parametrize("title", ["Details", None])
    async def test_times_are_told_in_it(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, record: Record, title: str | None
    ) -> None:
        await say("/subscribe")
        await say("/timezone Paris")
        await record(attempt(), "attempt")
        await app.sender.drain()
        if title:
            await press(title)
        else:
            await say(f"/asof {attempt().session}")
        # In summer; the session's date is New York's all the same.
        assert "decided 15 Sep 2016 23:30\u00a0UTC+2" in sandbox.sent(ME)[-1]
        assert "Thu 15 Sep 2016" in sandbox.sent(ME)[-1] or "Session 15 Sep 2016" in sandbox.sent(ME)[-1]


class TestQuietHours:
    @pytest.mark.parametrize(
        ("typed", "hours"),
        [
            ("22:00-07:00", (22 * 60, 7 * 60)), ("22-7", (22 * 60, 7 * 60)), ("22 7", (22 * 60, 7 * 60)),
            ("2230-0645", (22 * 60 + 30, 6 * 60 + 45)), ("22:30 – 6:45", (22 * 60 + 30, 6 * 60 + 45)),
            ("22h30 to 6h45", (22 * 60 + 30, 6 * 60 + 45)), ("9-17", (9 * 60, 17 * 60)), ("22-24", (22 * 60, 0)),
        ],
    )  # fmt: skip
    async def test_as_they_were_typed(self, app: App, say: Say, typed: str, hours: tuple[int, int]) -> None:
        await say("/timezone Paris")
        assert "Quiet hours:" in await say(f"/quiet {typed}")
        assert (await chosen_by(app)).quiet_hours == QuietHours("Europe/Paris", *hours)

    @pytest.mark.parametrize("typed", ["night", "22", "22:00-22:00", "25-7", "22:60-7:00", "22-7-8", "-1-7"])
    async def test_what_are_none_gets_one_line_with_an_example(self, app: App, say: Say, typed: str) -> None:
        answer = await say(f"/quiet {typed}")
        assert answer == "/quiet takes two different times of the day, or off. For example /quiet 22:00-07:00"
        assert (await chosen_by(app)).quiet_hours is None

    async def test_by_buttons_and_ended_by_one(self, app: App, say: Say, press: Press) -> None:
        await say("/quiet")
        await press("23–08")
        assert (await chosen_by(app)).quiet_hours == QuietHours("UTC", 23 * 60, 8 * 60)
        await press("Quiet hours")
        await press("No quiet hours")
        assert (await chosen_by(app)).quiet_hours is None

    async def test_they_stay_where_the_chat_is_when_it_moves(self, app: App, say: Say) -> None:
        await say("/quiet 22-7")
        await say("/timezone Tokyo")
        assert (await chosen_by(app)).quiet_hours == QuietHours("Asia/Tokyo", 22 * 60, 7 * 60)

    async def test_urgent_alerts_come_through_once_a_button_lets_them(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, record: Record
    ) -> None:
        await say("/subscribe")
        await say("/quiet 22-7")
        await say("/settings")
        await press("Let urgent ones through")
        assert "they come in quiet hours too" in sandbox.sent(ME)[-1]
        await record(confirmed(), "confirmed")
        await app.sender._enqueue_some()
        await app.sender._send_some()
        await press("Hold urgent ones too")
        assert not (await chosen_by(app)).urgent_through

    async def test_what_they_hold_comes_as_soon_as_they_are_ended(
        self, app: App, say: Say, sandbox: Sandbox, record: Record
    ) -> None:
        await say("/subscribe")
        await say("/quiet 22-7")
        await record(attempt(), "attempt")
        await app.sender._enqueue_some()
        assert await tally(app) == {State.HELD: 1}
        await say("/quiet off")
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 1}

    async def test_what_they_hold_waits_on_where_the_new_ones_hold_it_too(
        self, app: App, say: Say, record: Record
    ) -> None:
        await say("/subscribe")
        await say("/quiet 22-7")
        await record(attempt(), "attempt")
        await app.sender._enqueue_some()
        await say("/quiet 21-6")
        await app.sender._send_some()
        assert await tally(app) == {State.HELD: 1}


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("found", [
    Chosen(muted_until=EVENING, loud_kinds=5, silent_kinds=EVERYTHING, timezone="America/Argentina/Buenos_Aires",
           quiet_from=1, quiet_until=2, urgent_through=True, digest=Cadence.WEEKLY, digest_skips=True,
           digest_due_at=EVENING),
])  # fmt: skip
def test_whatever_is_chosen_fits_one_screen(found: Chosen, language: str) -> None:
    text = messages_of(language).text
    texts = (
        text("settings", chosen=found, now=EVENING, is_muted=True, language="Français", has_board=True),
        text("quiet", chosen=found),
        text("digest", chosen=found, is_muted=True),
        text("alerts", chosen=found, is_muted=True),
    )
    assert all(len(parse_html(text).text) <= MOST for text in texts)


def test_the_data_of_every_button_fits_telegrams_64_bytes() -> None:
    made = Messages().buttons
    rows = (*made.under_alerts(), *made.under_family("breakout", Chosen()), *made.under_settings(Chosen(quiet_from=1)),
            *made.under_quiet(Chosen(quiet_from=1)), *made.under_digest(Chosen(digest=Cadence.WEEKLY), "9" * 9), *made.under_mute("9" * 9, is_muted=True),
            *made.under_places([("Buenos Aires", "America/Argentina/ComodRivadavia")]))  # fmt: skip
    assert max(len(data.encode()) for row in rows for _, data in row) <= 64
