"""One fault campaign, small, and the account they are all judged by; ``make faults`` runs them whole, and CI a fifth of each."""

from __future__ import annotations

import pytest

from tests.faults import campaigns

SEED = 7


async def test_killed_at_random_moments(database_url: str) -> None:
    result = await campaigns.kills(database_url, SEED, times=1, people=40)
    assert (result.owed, result.lost, result.doubled) == (40, 0, 0)


@pytest.mark.parametrize(("arrived", "lost"), [(0, 1), (1, 0)])
async def test_the_account_finds_what_is_lost(database_url: str, arrived: int, lost: int) -> None:
    """An account that could not find anything would be worth nothing."""
    assert (await campaigns.pretend(database_url, arrived=arrived)).lost == lost


@pytest.mark.parametrize(("arrived", "doubled"), [(1, 0), (2, 1)])
async def test_the_account_finds_what_is_doubled(database_url: str, arrived: int, doubled: int) -> None:
    assert (await campaigns.pretend(database_url, arrived=arrived)).doubled == doubled
