"""Wherever somebody is, the place is found: by name, by city, or by what the clocks show there now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from babel.core import get_global
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.settings import places

# As the time zone database has them; what is left of older names are aliases.
PLACES = sorted(
    name
    for name in available_timezones()
    if name in get_global("zone_territories")
    and name not in get_global("zone_aliases")
    and "/" in name
    and not name.startswith("Etc/")
)
# The library keeps eight of them; any other is read from its file each time.
zone = cache(ZoneInfo)
NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def offset(name: str, at: datetime) -> timedelta:
    found = at.astimezone(zone(name)).utcoffset()
    assert found is not None
    return found


def shown(name: str, at: datetime) -> timedelta:
    there = at.astimezone(zone(name))
    return timedelta(hours=there.hour, minutes=there.minute)


def around_changes() -> list[tuple[str, datetime]]:
    """Return zones with instants within two hours of the setting of their clocks, both ways."""
    found = []
    for name in ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Chatham"):
        days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
        changed = [day for day, after in pairwise(days) if offset(name, day) != offset(name, after)]
        hours = [[day + timedelta(hours=hour) for hour in range(25)] for day in changed]
        changes = [a for day in hours for a, b in pairwise(day) if offset(name, a) != offset(name, b)]
        found += [(name, at + timedelta(minutes=15 * step)) for at in changes for step in range(-8, 9)]
    return found


AROUND = around_changes()


@settings(max_examples=200, deadline=None)
@given(place=st.one_of(st.tuples(st.sampled_from(PLACES), INSTANTS), st.sampled_from(AROUND)), wrong=st.integers(-7, 7))
def test_the_time_it_is_there_now_offers_clocks_that_agree(place: tuple[str, datetime], wrong: int) -> None:
    """Also in the hour that is missing and in the one that occurs twice, and by a watch some minutes fast or slow."""
    name, now = place
    typed = (shown(name, now) + timedelta(minutes=wrong)) % timedelta(days=1)
    offered = places.where_it_is(typed, now)
    assert offset(name, now) in {offset(one, now) for one in offered}
    # Nothing else is offered, but for the same time of another day.
    assert {(offset(one, now) - offset(name, now)) % timedelta(days=1) for one in offered} == {timedelta()}


@settings(max_examples=20, deadline=None)
@given(now=INSTANTS)
def test_every_button_leads_somewhere_and_each_place_is_behind_one(now: datetime) -> None:
    behind = {one: places.with_offset(one, now) for one in places.offsets(now)}
    assert all(behind.values())
    assert {offset(name, now) for name in PLACES} <= behind.keys()


def test_every_set_of_rules_is_offered_once() -> None:
    """Whose clocks will be set like nobody else's is among those offered, and of two that agree all year only one."""
    days = [NOW.replace(hour=13) + timedelta(days=number) for number in range(366)]

    def rules(name: str) -> tuple[timedelta, ...]:
        return tuple(offset(name, at) for at in days)

    offered = [rules(name) for name in places._OFFERED]
    assert len(set(offered)) == len(offered)
    assert {name for name in PLACES if rules(name) not in set(offered)} == set()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Europe/Paris", "Europe/Paris"), ("europe/paris", "Europe/Paris"), ("Paris", "Europe/Paris"),
        ("new york", "America/New_York"), ("New_York", "America/New_York"), ("São Paulo", "America/Sao_Paulo"),
        ("St. John's", "America/St_Johns"), ("Zürich", "Europe/Zurich"), ("Mumbai", "Asia/Kolkata"),
        ("Calcutta", "Asia/Kolkata"), ("Asia/Calcutta", "Asia/Kolkata"), ("Kiev", "Europe/Kyiv"), ("Kyiv", "Europe/Kyiv"),
        ("san francisco", "America/Los_Angeles"), ("France", "Europe/Paris"), ("Germany", "Europe/Berlin"),
        ("Japan", "Asia/Tokyo"), ("Japon", "Asia/Tokyo"), ("Londres", "Europe/London"), ("Genève", "Europe/Zurich"),
        ("Bruxelles", "Europe/Brussels"), ("Allemagne", "Europe/Berlin"), ("Moscou", "Europe/Moscow"), ("UTC", "UTC"), ("utc", "UTC"), ("GMT", "UTC"),
    ],
)  # fmt: skip
def test_a_name(typed: str, name: str) -> None:
    assert places.named(typed) == name


def test_every_place_by_its_own_name_and_by_its_city() -> None:
    assert [name for name in PLACES if places.named(name) != name] == []
    cities = {name: name.rpartition("/")[2] for name in PLACES}
    assert [city for city in cities.values() if (places.named(city) or "").rpartition("/")[2] != city] == []


@pytest.mark.parametrize(
    ("typed", "name"), [("Parris", "Europe/Paris"), ("Tokio", "Asia/Tokyo"), ("Singapur", "Asia/Singapore")]
)
def test_a_name_that_nobody_knows_brings_those_that_are_most_like_it(typed: str, name: str) -> None:
    assert places.named(typed) is None
    assert places.similar(typed)[0] == name


@given(st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_whatever_is_typed_is_a_place_or_none(typed: str) -> None:
    found = places.named(typed)
    assert {*places.similar(typed), *([found] if found else [])} <= available_timezones()
