"""Where somebody is: found by a name, or by the time that it is there now."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global

from bot.messages.languages import NAMES

# One for each set of rules by which clocks are set somewhere, as the time zone database has them in 2026.
_OFFERED = (
    "Pacific/Midway", "Pacific/Honolulu", "America/Adak", "Pacific/Marquesas", "Pacific/Gambier", "America/Anchorage",
    "Pacific/Pitcairn", "America/Los_Angeles", "America/Phoenix", "America/Denver", "America/Mexico_City",
    "America/Chicago", "Pacific/Easter", "America/Bogota", "America/New_York", "America/Caracas", "America/Halifax",
    "America/St_Johns", "America/Santiago", "America/Sao_Paulo", "America/Miquelon", "America/Noronha", "America/Nuuk",
    "Atlantic/Cape_Verde", "Atlantic/Azores", "Africa/Accra", "Europe/London", "Antarctica/Troll", "Africa/Casablanca",
    "Africa/Lagos", "Europe/Paris", "Africa/Johannesburg", "Africa/Cairo", "Europe/Athens",
    "Asia/Jerusalem", "Asia/Gaza", "Europe/Moscow", "Asia/Tehran", "Asia/Dubai", "Asia/Kabul",
    "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok", "Asia/Singapore",
    "Australia/Eucla", "Asia/Tokyo", "Australia/Darwin", "Australia/Brisbane", "Australia/Adelaide",
    "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Noumea", "Pacific/Norfolk", "Asia/Anadyr", "Pacific/Auckland",
    "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati",
)  # fmt: skip
# What people name and the database does not.
_MORE_NAMES = {
    "America/Chicago": ("Houston", "Dallas", "Austin"),
    "America/Los_Angeles": ("San Francisco", "Seattle", "Las Vegas", "San Diego"),
    "America/New_York": ("Miami", "Boston", "Washington", "Atlanta", "Philadelphia"),
    "America/Sao_Paulo": ("Rio de Janeiro", "Brasilia"),
    "America/Toronto": ("Montreal", "Ottawa"),
    "America/Argentina/Buenos_Aires": ("Argentina",),
    "Pacific/Auckland": ("New Zealand",),
    "Africa/Johannesburg": ("Cape Town",),
    "Asia/Dubai": ("Abu Dhabi",),
    "Asia/Ho_Chi_Minh": ("Hanoi", "Saigon"),
    "Asia/Jerusalem": ("Tel Aviv",),
    "Asia/Kolkata": ("Mumbai", "Delhi", "New Delhi", "Bangalore", "Bengaluru", "Chennai", "Hyderabad"),
    "Asia/Shanghai": ("China", "Chine", "Beijing", "Pékin", "Shenzhen"),
    "Asia/Tokyo": ("Osaka",),
    "Australia/Sydney": ("Canberra",),
    "Europe/Berlin": ("Germany", "Allemagne", "Munich", "Frankfurt", "Hamburg", "Cologne"),
    "Europe/Istanbul": ("Ankara",),
    "Europe/London": ("UK", "England", "Angleterre", "Manchester", "Edinburgh"),
    "Europe/Madrid": (
        "Spain",
        "Espagne",
        "Barcelona",
    ),
    "Europe/Moscow": ("Saint Petersburg", "Saint-Pétersbourg"),
    "Europe/Kyiv": ("Ukraine",),
    "Europe/Lisbon": ("Portugal",),
    "Europe/Paris": ("Lyon", "Marseille"),
    "Europe/Rome": ("Milan", "Turin"),
    "Europe/Zurich": ("Geneva", "Genève", "Basel", "Bâle"),
}
# All clocks of the world differ by whole quarters of an hour; a watch may be some minutes fast or slow.
_QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_MOST_SUGGESTED = 4


def offsets(now: datetime) -> list[timedelta]:
    """Return by how much clocks somewhere differ from UTC now, from the west to the east."""
    return sorted({_offset(name, now) for name in _OFFERED})


def with_offset(offset: timedelta, now: datetime) -> list[str]:
    """Return a time zone for each set of rules by which clocks differ so from UTC now."""
    return [name for name in _OFFERED if _offset(name, now) == offset]


def where_it_is(shown: timedelta, now: datetime) -> list[str]:
    """Return a time zone for each set of rules by which the clocks show so long after midnight now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = round((shown - (now - midnight)) / _QUARTER) * _QUARTER
    return [name for name in _OFFERED if (_offset(name, now) - ahead) % _DAY == timedelta()]


def named(place: str) -> str | None:
    """Return the time zone of a place: by its own name, a city, or a country with one time zone."""
    return _names().get(_plain(place))


def similar(place: str) -> list[str]:
    """Return the time zones whose names are most like one that nobody knows."""
    found = [_names()[name] for name in get_close_matches(_plain(place), _names(), _MOST_SUGGESTED)]
    return list(dict.fromkeys(found))


def _offset(name: str, now: datetime) -> timedelta:
    return now.astimezone(_zone(name)).utcoffset() or timedelta()


# The library keeps eight; any other is read from its file each time.
_zone = cache(ZoneInfo)


def _plain(place: str) -> str:
    """Return a name without what people write in different ways: accents, case, signs."""
    letters = unicodedata.normalize("NFKD", place.casefold())
    return re.sub(r"[\W_]+", " ", "".join(c for c in letters if not unicodedata.combining(c))).strip()


@cache
def _names() -> dict[str, str]:
    """Return every time zone by every name that it goes by; the names of the database itself win."""
    found: dict[str, str] = {}
    for name, zone in _named():
        found.setdefault(_plain(name), zone)
    return found


def _named() -> Iterator[tuple[str, str]]:
    current, locales = get_global("zone_territories"), [Locale(language) for language in NAMES]
    zones = {name: name for name in sorted(available_timezones()) if name in current and not name.startswith("Etc/")}
    all_names = zones | {name: now for name, now in get_global("zone_aliases").items() if now in zones}
    yield from (("UTC", "UTC"), ("GMT", "UTC"))
    yield from all_names.items()
    yield from ((name.rpartition("/")[2], zone) for name, zone in all_names.items())
    cities = ((data.get("city"), name) for locale in locales for name, data in locale.time_zones.items())
    yield from ((city, name) for city, name in cities if city and name in zones)
    yield from ((city, name) for name, more in _MORE_NAMES.items() for city in more)
    for territory, theirs in get_global("territory_zones").items():
        if len(theirs) == 1 and theirs[0] in zones:
            yield from (
                (locale.territories[territory], theirs[0]) for locale in locales if territory in locale.territories
            )
