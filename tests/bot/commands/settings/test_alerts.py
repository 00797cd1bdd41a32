"""Which alerts a chat gets, chosen by buttons in place or by a word, and that it gets exactly these."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.market.alerts import alert_rows
from bot.messages.kinds import FAMILIES, TITLES, kinds_of
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from bot.sandbox.server import Sandbox
from signals.as_json import encode
from signals.rules import METHOD_VERSION
from storage import ledger, market
from storage.ledger import ChangeRow, VerdictRow
from storage.schema import compressed
from storage.settings import chosen
from storage.settings.chosen import Chosen, Way
from storage.settings.kinds import BIG_ONES, BITS, EVERYTHING
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Press, Say
from tests.bot.messages.whole import DECIDED, SESSION, whole
from tests.bot.running import EVENING

MOST = 900


async def chosen_by(app: App, chat_id: int = ME) -> Chosen:
    async with app.database.reading() as connection:
        return await chosen.load(connection, chat_id)


def buttons(sandbox: Sandbox) -> list[str]:
    """Return what stands on the buttons under the newest message."""
    markup = list(sandbox.world.chats[ME].messages.values())[-1]["reply_markup"]
    return [button["text"] for row in markup["inline_keyboard"] for button in row]


def test_every_kind_has_its_words_in_one_family() -> None:
    listed = [name for family in FAMILIES for name in kinds_of(family)]
    assert sorted(listed) == sorted(BITS) == sorted(TITLES)


@pytest.mark.parametrize(
    ("preset", "kinds", "title"),
    [("everything", EVERYTHING, "everything"), ("nothing", 0, "only the digest"), ("big", BIG_ONES, "the big ones")],
)
async def test_a_preset_by_a_word(app: App, say: Say, preset: str, kinds: int, title: str) -> None:
    await say("/alerts nothing" if kinds else "/alerts everything")
    assert (await say(f"/alerts {preset}")).startswith(f"Alerts of this chat: {title}\n")
    found = await chosen_by(app)
    assert (found.loud_kinds, found.silent_kinds) == (kinds, 0)


async def test_it_begins_with_the_big_ones_and_says_what_they_are(say: Say) -> None:
    assert "confirmed, failed, established" in await say("/subscribe")
    answer = await say("/alerts")
    assert answer.startswith("Alerts of this chat: the big ones")
    on, off = (line for line in answer.splitlines() if line.startswith(("On:", "Off:")))
    assert "Stage (3 and 4)" in on
    assert "long rally" in off


async def test_a_kind_goes_from_on_to_silent_to_off_to_on_in_place(
    app: App, say: Say, press: Press, sandbox: Sandbox
) -> None:
    await say("/alerts")
    before = len(sandbox.sent(ME))
    await press("Breakout")
    for title, way in (("on", Way.SILENT), ("silent", Way.OFF), ("off", Way.ON)):
        await press(f"confirmed: {title}")
        assert (await chosen_by(app)).way_of(BITS["breakout.confirmed"]) is way
    await press("confirmed: on")
    assert "confirmed: silent" in buttons(sandbox)
    await press("Back")
    assert sandbox.sent(ME)[-1].startswith("Alerts of this chat, as you chose them")
    assert "Silent: Breakout (confirmed)" in sandbox.sent(ME)[-1]
    assert len(sandbox.sent(ME)) == before


@pytest.mark.parametrize("title", FAMILIES.values())
async def test_every_family_opens_with_each_of_its_kinds(say: Say, press: Press, sandbox: Sandbox, title: str) -> None:
    await say("/alerts everything")
    await press(title)
    family = next(name for name, shown in FAMILIES.items() if shown == title)
    assert buttons(sandbox) == [*(f"{TITLES[name]}: on" for name in kinds_of(family)), "Back"]


async def test_a_press_does_what_it_says_also_when_somebody_was_faster(app: App, say: Say, press: Press) -> None:
    await say("/alerts")
    await press("Breakout")
    await say("/alerts nothing")
    await press("confirmed: on")
    assert (await chosen_by(app)).way_of(BITS["breakout.confirmed"]) is Way.SILENT


@pytest.mark.parametrize(
    "typed", ["all", "breakout.confirmed", "breakout.confirmed loud", "everything now", "stage.up on"]
)
async def test_what_nobody_knows_gets_one_line_with_an_example(app: App, say: Say, typed: str) -> None:
    answer = await say(f"/alerts {typed}")
    assert "\n" not in answer
    assert answer.endswith("For example /alerts everything")
    assert await chosen_by(app) == Chosen()


async def test_it_says_that_nothing_comes_to_who_is_not_subscribed_or_muted(say: Say) -> None:
    assert "nothing comes before /subscribe" in await say("/alerts")
    await say("/subscribe")
    await say("/mute 1d")
    answer = await say("/alerts")
    assert "nothing comes" not in answer
    assert "Muted until 14 Nov 2020" in answer


async def test_in_a_group_only_admins_choose(app: App, say: Say) -> None:
    assert await say("/alerts everything", GROUP, MEMBER) == Messages().text("admins_only")
    assert (await chosen_by(app, GROUP)).loud_kinds == BIG_ONES
    await say("/alerts everything", GROUP, ADMIN)
    assert (await chosen_by(app, GROUP)).loud_kinds == EVERYTHING


@pytest.mark.parametrize("kinds", [(0, EVERYTHING), (EVERYTHING, 0), (BIG_ONES, EVERYTHING & ~BIG_ONES)])
def test_whatever_is_chosen_fits_one_screen(kinds: tuple[int, int]) -> None:
    found = Chosen(muted_until=EVENING, loud_kinds=kinds[0], silent_kinds=kinds[1])
    assert len(parse_html(Messages().text("alerts", chosen=found, is_muted=True)).text) <= MOST


@pytest.mark.parametrize("way", list(Way))
async def test_an_alert_comes_as_its_kind_was_chosen(app: App, say: Say, sandbox: Sandbox, way: Way) -> None:
    await say("/subscribe")
    await say(f"/alerts breakout.confirmed {way}")
    before = len(sandbox.sent(ME))
    change = ChangeRow("breakout.confirmed", f"breakout:{SESSION}", SESSION)
    row = VerdictRow(SESSION, DECIDED, METHOD_VERSION, compressed(encode(whole())), [change])
    async with app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        await ledger.record(connection, [row], alert_rows([row], DECIDED), backfilled=False)
    await app.sender.drain()
    assert len(sandbox.sent(ME)) - before == (way is not Way.OFF)
    method, sent = sandbox.calls[-1]
    if way is not Way.OFF:
        assert method == "sendMessage"
        assert bool(sent.get("disable_notification")) is (way is Way.SILENT)
