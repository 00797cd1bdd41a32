"""A little of every fault campaign; ``make faults`` runs them whole. Nothing is lost, nothing doubles, nobody is removed."""

from __future__ import annotations

import pytest

from tests.faults import campaigns
from tests.faults.updates import updates

SEED = 7


async def test_killed_at_random_moments(database_url: str) -> None:
    result = await campaigns.kills(database_url, SEED, times=1, people=40)
    assert (result.owed, result.lost, result.doubled) == (40, 0, 0)


async def test_a_server_that_refuses_hangs_and_resets(database_url: str) -> None:
    result = await campaigns.server_faults(database_url, SEED, alerts=3, people=60)
    assert (result.owed, result.lost, result.doubled) == (180, 0, 0)
    assert 0 < result.gone <= 6
    assert result.unknown > 0
    assert result.repeated > 0


async def test_a_full_disk(database_url: str) -> None:
    result = await campaigns.disk_full(database_url, SEED, alerts=1, people=60)
    assert (result.owed, result.lost, result.doubled) == (60, 0, 0)


async def test_a_database_that_another_process_locks(database_url: str) -> None:
    result = await campaigns.locked(database_url, SEED, alerts=1, people=60)
    assert (result.owed, result.lost, result.doubled) == (60, 0, 0)


async def test_a_clock_that_is_set(database_url: str) -> None:
    result = await campaigns.clock_jumps(database_url, SEED, alerts=2, people=40)
    assert (result.owed, result.lost, result.doubled) == (80, 0, 0)


async def test_killed_while_updates_arrive(database_url: str) -> None:
    assert await updates(database_url, SEED, count=60, kills=1) == []


@pytest.mark.parametrize(("arrived", "lost"), [(0, 1), (1, 0)])
async def test_the_account_finds_what_is_lost(database_url: str, arrived: int, lost: int) -> None:
    """An account that could not find anything would be worth nothing."""
    assert (await campaigns.pretend(database_url, arrived=arrived)).lost == lost


@pytest.mark.parametrize(("arrived", "doubled"), [(1, 0), (2, 1)])
async def test_and_what_is_doubled(database_url: str, arrived: int, doubled: int) -> None:
    assert (await campaigns.pretend(database_url, arrived=arrived)).doubled == doubled
