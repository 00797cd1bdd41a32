"""What the simulated market has to show: everything that people can be told, on dates of this decade."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.cli.demo.market import SCENES
from bot.market.protocol import FindScenes, Scenes
from bot.market.scenes.finding import find_scenes
from signals.data.sessions import decision_time
from signals.episode import Phase
from signals.sources.simulated import is_down
from storage.settings.kinds import BITS

NOW = datetime(2026, 11, 27, 23, tzinfo=UTC)
# What the market's own evenings do not bring: what people ask for, and what operators write.
BY_PEOPLE = {"digest", "watch", "correction", "broadcast", "catch_up"}


@pytest.fixture(scope="module")
def found() -> Scenes:
    """What it has, found once."""
    return find_scenes(FindScenes("simulated", NOW))


def test_every_kind_of_alert_is_reached(found: Scenes) -> None:
    kinds = {f"breakout.{phase}" for phase in Phase} | {"liquidity.regime", "stage.up", "stage.down"}
    kinds |= {f"window.{what}" for what in ("opened", "responded", "elapsed", "cancelled")}
    kinds |= {"precondition.met", "precondition.ended", "supercycle.up", "supercycle.down"}
    assert kinds - set(found.evenings) == set()
    families = {kind.partition(".")[0] for kind in kinds} | kinds
    assert {kind for kind in BITS if kind not in families} - BY_PEOPLE <= {"stage.high", "stage.low"}


def test_each_jump_of_the_panel_leads_somewhere(found: Scenes) -> None:
    names = {"breakout.confirmed" if scene.name == "corrected" else scene.name for scene in SCENES}
    assert {name for name in names if not found.evenings.get(name)} == set()


def test_it_begins_shortly_before_the_first_breakout_of_this_decade(found: Scenes) -> None:
    assert found.sessions[0] >= date(2020, 1, 1)
    assert found.start == decision_time(found.sessions[0])
    assert found.sessions.index(found.evenings["breakout.attempt"][0]) == 4
    assert found.sessions[-1] < date(2030, 1, 1)


def test_what_holds_is_confirmed_and_what_fails_is_not_among_it(found: Scenes) -> None:
    confirmed, holds = set(found.evenings["breakout.confirmed"]), set(found.evenings["holds"])
    assert holds < confirmed
    assert len(confirmed - holds) >= len(found.evenings["breakout.failed"])


def test_in_a_quiet_month_nothing_is_told(found: Scenes) -> None:
    loud = set(found.evenings["any"])
    for last in found.evenings["quiet"]:
        at = found.sessions.index(last)
        month = found.sessions[at - found.quiet + 1 : at + 1]
        assert len(month) == found.quiet
        assert loud.isdisjoint(month)


def test_an_outage_is_as_long_as_it_is_said_to_be_and_begins_with_it(found: Scenes) -> None:
    for last in found.evenings["outage"]:
        at = found.sessions.index(last)
        down = [is_down(session) for session in found.sessions[at - found.outage : at + 1]]
        assert down == [False, *[True] * found.outage]
    assert timedelta(days=300) < found.evenings["outage"][1] - found.evenings["outage"][0] < timedelta(days=400)
