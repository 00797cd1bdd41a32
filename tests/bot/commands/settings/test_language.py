"""The language of a chat: what it begins with, how it is chosen, and that everything then comes in it."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.messages.languages import messages_of
from bot.sandbox.entities import parse_html
from bot.sandbox.server import Sandbox
from storage.settings import chosen
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say
from tests.bot.commands.settings.test_settings import buttons
from tests.bot.conftest import Record
from tests.bot.running import confirmed

CHANNEL = -1_000_000_000_009


async def language_of(app: App, chat_id: int = ME) -> str | None:
    async with app.database.reading() as connection:
        return await chosen.language_of(connection, chat_id)


class TestWhatAChatBeginsWith:
    @pytest.mark.parametrize(("code", "first"), [("fr", "fr"), ("fr-CA", "fr"), ("de", None), ("en", "en")])
    async def test_start_takes_the_language_of_a_persons_telegram_where_it_is_one_of_ours(
        self, app: App, say: Say, sandbox: Sandbox, code: str, first: str | None
    ) -> None:
        sandbox.world.languages[ME] = code
        answer = await say("/start")
        expected = messages_of(first or "en").text("start", market=None, chosen=None)
        assert answer == parse_html(expected).text
        assert await language_of(app) == first

    async def test_before_start_and_after_all_is_deleted_a_person_is_answered_in_it_too(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        sandbox.world.languages[ME] = "fr"
        assert (await say("/id")).startswith("Ce chat est le")
        assert "Je réponds aux commandes" in await say("bonjour")
        await say("/start")
        await say("/deleteme")
        await press("Tout effacer")
        assert sandbox.sent(ME)[-1].startswith("Effacé.")
        assert await language_of(app) is None

    async def test_what_was_chosen_stays_when_somebody_starts_anew(self, app: App, say: Say, sandbox: Sandbox) -> None:
        await say("/language en")
        sandbox.world.languages[ME] = "fr"
        assert (await say("/start")).startswith("Cascade watches")
        assert await language_of(app) == "en"

    async def test_a_group_begins_with_that_of_the_admin_who_subscribes_it_and_of_no_member(
        self, app: App, say: Say, sandbox: Sandbox
    ) -> None:
        sandbox.world.languages |= {ADMIN: "fr", MEMBER: "fr"}
        assert (await say("/start", GROUP, MEMBER)).startswith("Cascade watches")
        assert await language_of(app, GROUP) is None
        assert (await say("/subscribe", GROUP, ADMIN)).startswith("Abonné.")
        assert (await say("/id", GROUP, MEMBER)).startswith("Ce chat est le")

    async def test_in_a_group_or_channel_it_introduces_itself_to_whoever_let_it_in(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.add_group(GROUP, "Boursiers", admins={ADMIN})
        sandbox.world.languages[ADMIN] = "fr"
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        assert sandbox.sent(GROUP)[0].startswith("Cascade prévient ce chat")
        assert await language_of(app, GROUP) == "fr"


class TestChoosing:
    async def test_a_button_under_the_settings_changes_every_word_at_once(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        await say("/settings")
        await press("Language")
        assert buttons(sandbox) == ["English", "Français", "Settings"]
        await press("Français")
        assert sandbox.sent(ME)[-1].splitlines()[2] == "Langue\u00a0: Français"
        assert "Fuseau horaire" in buttons(sandbox)
        assert await language_of(app) == "fr"

    @pytest.mark.parametrize("typed", ["fr", "French", "français", "FR"])
    async def test_it_is_chosen_by_its_code_or_a_name(self, say: Say, typed: str) -> None:
        assert (await say(f"/language {typed}")).startswith("Réglages de ce chat")
        assert (await say("/language anglais")).startswith("Settings of this chat")

    async def test_one_that_nobody_knows_gets_one_line(self, app: App, say: Say) -> None:
        assert await say("/language klingon") == "/language takes English or French. For example /language fr"
        assert await language_of(app) is None

    async def test_in_a_group_only_admins_choose(self, app: App, say: Say) -> None:
        assert await say("/language fr", GROUP, MEMBER) == messages_of("en").text("admins_only")
        await say("/language fr", GROUP, ADMIN)
        assert await say("/language en", GROUP, MEMBER) == messages_of("fr").text("admins_only")


class TestWhatComes:
    async def test_each_chat_gets_an_alert_its_buttons_and_details_in_its_language(
        self, app: App, say: Say, press: Press, record: Record, sandbox: Sandbox
    ) -> None:
        await say("/subscribe")
        await say("/language fr")
        await say("/subscribe", GROUP, ADMIN)
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        assert sandbox.sent(ME)[-1].startswith("Russell 2000, cassure confirmée")
        assert sandbox.sent(GROUP)[-1].startswith("Russell 2000 breakout confirmed")
        assert buttons(sandbox) == ["Pourquoi", "Bilan", "Graphique", "Détails", "Suspendre"]
        await press("Détails")
        assert sandbox.sent(ME)[-1].startswith("Détails de l'alerte")

    async def test_one_that_waits_comes_in_the_language_chosen_meanwhile(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        await say("/subscribe")
        await record(confirmed(), "confirmed")
        await app.sender._enqueue_some()
        await say("/language fr")
        await app.sender.drain()
        assert sandbox.sent(ME)[-1].startswith("Russell 2000, cassure confirmée")

    async def test_it_is_written_once_for_each_language_and_not_for_each_chat(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        for chat_id, language in ((ME, "fr"), (ME + 1, "fr"), (ME + 2, "en"), (ME + 3, "en")):
            sandbox.world.add_private_chat(chat_id)
            sandbox.world.languages[chat_id] = language
            await say("/subscribe", chat_id)
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        (alert,) = app.sender.composer._alerts.values()
        assert sorted(version.language for version in alert.texts) == ["en", "fr"]

    async def test_a_press_and_a_refusal_are_answered_in_it_too(self, app: App, say: Say, sandbox: Sandbox) -> None:
        await say("/language fr")
        number = list(sandbox.world.chats[ME].messages)[-1]
        query = sandbox.world.press(ME, number, "nonsense")
        await app.poller.once()
        assert sandbox.world.callback_answers[query]["text"].startswith("Ce bouton ne fonctionne plus.")
        assert (await say("/mute forever")).startswith("/mute attend")
