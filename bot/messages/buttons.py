"""The buttons under messages: what stands on each, and what a press of it asks for.

A press asks like a typed command: ``why:bonds`` is ``/why bonds``. Behind ``@`` stands the message to go back to: a
command, or the number of an alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from bot.messages.chart_kinds import Chart, Kind, Period, Theme, chart_of, periods
from bot.messages.figures import Figures
from bot.messages.kinds import FAMILIES, PRESETS, TITLES, WAYS, Choice, kinds_of
from storage.operator.posts import BROADCAST, CORRECTION
from storage.outbox.digests import DIGEST
from storage.settings.chosen import Chosen, Way
from storage.settings.kinds import BITS
from storage.watches.judged import ABOVE, BELOW
from storage.watches.judged import KIND as WATCH

Rows = tuple[tuple[tuple[str, str], ...], ...]
"""Rows of (what stands on a button, what it asks for)."""

_A_ROW = 4
_DAYS = (1, 7, 30)
_USUAL_NIGHTS = (((21, 7), (22, 7), (22, 8)), ((23, 7), (23, 8), (0, 8)))
# What Telegram takes as the data of a button, in bytes; of what these are made, each is a letter of one byte.
_LONGEST = 64
_ASKED = re.compile(r"[a-z]+(:[A-Za-z0-9 .,/_+<>=^-]*)*(@([a-z]+|[0-9]{1,18}))?", re.ASCII)
_NEXT = {Way.ON: Way.SILENT, Way.SILENT: Way.OFF, Way.OFF: Way.ON}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a press asks for."""

    name: str
    words: tuple[str, ...]
    origin: str

    @classmethod
    def of(cls, data: str) -> Asked:
        """Read the data of a button.

        A program may send whatever it likes as if it had been pressed: what no button of ours asks for, asks nothing.
        """
        if not _ASKED.fullmatch(data) or len(data) > _LONGEST:
            return cls("", (), "")
        command, _, origin = data.partition("@")
        name, *words = command.split(":")
        return cls(name, tuple(words), origin)


class Buttons:
    """The rows of buttons under each kind of message, in one language."""

    def __init__(self, figures: Figures) -> None:
        self._figures, self._words = figures, figures.words

    def under_alert(self, alert_id: int, kind: str, *, pictured: bool = False) -> Rows:
        """Return those under an alert of a kind; the chart is the one that shows it, unless that is there already."""
        _ = self._words.gettext
        data = f"{alert_id}"
        if kind == DIGEST:
            shown = ((_("Why"), f"why@{data}"), (_("Chart"), "chart"), (_("Record"), f"record@{data}"))
            return shown, ((_("Digest"), f"digest@{data}"), (_("Mute"), f"mute@{data}"))
        if kind.startswith(f"{WATCH}."):
            return (((_("Watches"), f"watch@{data}"), (_("Mute"), f"mute@{data}")),)
        if kind in (BROADCAST, CORRECTION):
            # An operator's word has nothing behind it.
            return ()
        chart = None if pictured else chart_of(kind)
        charts = ((_("Chart"), f"chart:{chart}"),) if chart else ()
        return (
            ((_("Why"), f"why@{data}"), (_("Record"), f"record@{data}"), *charts),
            ((_("Details"), f"details@{data}"), (_("Mute"), f"mute@{data}")),
        )

    def under_status(self) -> Rows:
        """Return those under where things stand."""
        _ = self._words.gettext
        shown = ((_("Why"), "why@status"), (_("Chart"), "chart"), (_("Record"), "record@status"))
        return ((*shown, (_("Refresh"), "refresh")),)

    def under_chart(self, chart: Chart) -> Rows:
        """Return the other charts: its periods, the other background, and the other kinds."""
        _ = self._words.gettext
        periods_ = {Period.YEAR: _("1 y"), Period.FIVE_YEARS: _("5 y"), Period.ALL: _("All years")}
        themes = {Theme.LIGHT: _("Light"), Theme.DARK: _("Dark")}
        kinds = {
            Kind.BREAKOUT: _("Breakout"), Kind.LIQUIDITY: _("Liquidity"), Kind.CASCADE: _("Cascade"),
            Kind.CRYPTO: _("Crypto"), Kind.RECORD: _("Record"),
        }  # fmt: skip
        others = [(periods_[period], replace(chart, period=period)) for period in periods(chart.kind)]
        others += [(title, replace(chart, theme=theme)) for theme, title in themes.items()]
        row = [(title, _asks_for(other)) for title, other in others if other != chart]
        switch = [(title, _asks_for(replace(chart, kind=kind))) for kind, title in kinds.items() if kind != chart.kind]
        return tuple(row), tuple(switch)

    def under_why(self, origin: str) -> Rows:
        """Return the parts of the evidence."""
        _ = self._words.gettext
        parts = (
            (_("Bonds"), "bonds"), (_("Equities"), "equities"), (_("Small caps"), "smallcaps"), (_("Crypto"), "crypto"),
            (_("Liquidity"), "liquidity"), (_("Breakout"), "breakout"),
        )  # fmt: skip
        return self._parts("why", parts, origin)

    def under_record(self, origin: str) -> Rows:
        """Return the parts of the record."""
        _ = self._words.gettext
        parts = (
            *((_("%d m") % months, f"{months}m") for months in (1, 2, 3, 6)),
            (_("All events"), "events"), (_("Article"), "thesis"), (_("States"), "states"), (_("Live"), "live"),
        )  # fmt: skip
        return self._parts("record", parts, origin)

    def under_crypto(self) -> Rows:
        """Return the one part of crypto."""
        return (((self._words.gettext("Details"), "crypto:coins"),),)

    def under_start(self, choice: Choice | None = None) -> Rows:
        """Return the one that subscribes; to what a link names, with the way to choose something else."""
        _ = self._words.gettext
        if choice is None:
            return (((_("Subscribe"), "subscribe"),),)
        return (((_("Subscribe: %s") % _(choice.title), f"subscribe:{choice.word}"),), ((_("Choose"), "alerts"),))

    def under_introduction(self) -> Rows:
        """Return what an admin may choose at once for a chat to which the bot was added."""
        _ = self._words.gettext
        presets = tuple((_(title), f"subscribe:{name}") for name, (title, kinds) in PRESETS.items() if kinds)
        return (presets, ((_("Choose"), "alerts"),))

    def under_preview(self, draft: int, count: int) -> Rows:
        """Return the one that sends a draft to so many chats, and the one that discards it."""
        title = self._words.ngettext("Send to %d chat", "Send to %d chats", count) % count
        return (((title, f"dispatch:{draft}"), (self._words.gettext("Discard"), f"discard:{draft}")),)

    def under_mute(self, origin: str, *, is_muted: bool) -> Rows:
        """Return how long a chat may be muted by a press, and what ends it where it is."""
        behind = f"@{origin}" if origin else ""
        lengths = [(self._words.ngettext("%d day", "%d days", days) % days, f"mute:{days}d{behind}") for days in _DAYS]
        rows: Rows = (tuple(lengths),)
        if is_muted:
            rows += (((self._words.gettext("Unmute"), f"mute:off{behind}"),),)
        return rows + (self.back(origin) if origin else ())

    def under_alerts(self) -> Rows:
        """Return the presets, the families of kinds, and the way to the other settings."""
        _ = self._words.gettext
        presets = tuple((_(title), f"alerts:{name}") for name, (title, _bits) in PRESETS.items())
        families = tuple((_(title), f"alerts:{family}") for family, title in FAMILIES.items())
        return presets, families, self._to_settings()

    def under_settings(self, chosen: Chosen) -> Rows:
        """Return what can be changed of a chat."""
        _ = self._words.gettext
        with_chart = (_("Alerts with a chart"), "settings:pictures:on")
        as_text = (_("Alerts as text"), "settings:pictures:off")
        rows: Rows = (
            ((_("Language"), "language"), (_("Time zone"), "timezone"), (_("Quiet hours"), "quiet")),
            ((_("Alerts"), "alerts"), (_("Digest"), "digest"), (_("Watches"), "watch")),
            ((_("Mute"), "mute@settings"), (_("Board"), "board")),
            (as_text if chosen.pictures else with_chart,),
        )
        if chosen.quiet_from is None:
            return rows
        title = _("Hold urgent ones too") if chosen.urgent_through else _("Let urgent ones through")
        return (rows[0], ((title, f"settings:urgent:{'held' if chosen.urgent_through else 'through'}"),), *rows[1:])

    def under_board(self, *, has_one: bool, is_known: bool) -> Rows:
        """Return what makes the message a board, or moves the board there, and what ends one."""
        _ = self._words.gettext
        here = ((_("Move it here") if is_known else _("Pin it here"), "board:here"),)
        return ((*here, *(((_("Turn it off"), "board:off"),) if has_one else ())), self._to_settings())

    def under_quiet(self, chosen: Chosen) -> Rows:
        """Return usual quiet hours, and what ends them where there are some."""
        rows = tuple(
            tuple((f"{begin:02}–{end:02}", f"quiet:{begin}-{end}") for begin, end in usual) for usual in _USUAL_NIGHTS
        )
        ending = () if chosen.quiet_from is None else (((self._words.gettext("No quiet hours"), "quiet:off"),),)
        return (*rows, *ending, self._to_settings())

    def under_languages(self, names: Mapping[str, str]) -> Rows:
        """Return the languages, each by the name that its own people give it."""
        return (tuple((name, f"language:{code}") for code, name in names.items()), self._to_settings())

    def under_digest(self, chosen: Chosen, origin: str) -> Rows:
        """Return how often a digest may come, and where one does at which hour and whether always."""
        _, behind = self._words.gettext, f"@{origin}" if origin else ""
        way_back = self.back(origin) if origin else (self._to_settings(),)
        often = [(_("None"), "off"), (_("Daily"), "daily"), (_("Weekly"), "weekly")]
        rows: Rows = (tuple((title, f"digest:{word}{behind}") for title, word in often),)
        if chosen.digest is None:
            return (*rows, *way_back)
        hours = [(f"{hour:02}", f"digest:{chosen.digest}:{hour}{behind}") for hour in range(24)]
        title = _("Always send it") if chosen.digest_skips else _("Skip it when nothing changed")
        way = (title, f"digest:{'always' if chosen.digest_skips else 'skip'}{behind}")
        return (*rows, *_rows(hours, 6), (way,), *way_back)

    def under_watches(self, rows: Sequence[Any], origin: str) -> Rows:
        """Return what ends each watch, of rows with ``symbol``, ``side`` and ``level``."""
        behind = f"@{origin}" if origin else ""
        asked = [f"unwatch:{_typed(row.symbol, row.side, row.level)}{behind}" for row in rows]
        found = [(f"✕ {self._condition(row)}", data) for row, data in zip(rows, asked, strict=True)]
        return (*_rows(found, 2), *(self.back(origin) if origin else (self._to_settings(),)))

    def under_watch_added(self) -> Rows:
        """Return the way to all of them."""
        return (((self._words.gettext("Watches"), "watch"),),)

    def under_unknown_symbol(self, names: Iterable[str], side: str, level: float) -> Rows:
        """Return other symbols to watch for the same."""
        return _rows([(name, f"watch:{_typed(name, side, level)}") for name in names], 2)

    def _condition(self, row: Any) -> str:
        signs = {ABOVE: " > ", BELOW: " < "}
        return f"{row.symbol}{signs[row.side]}{self._figures.exact(row.level)}" if row.side in signs else row.symbol

    def under_deletion(self) -> Rows:
        """Return the one that deletes all, and the way out."""
        _ = self._words.gettext
        return (((_("Delete everything"), "deleteme:yes"), (_("Keep it"), "privacy")),)

    def under_clocks(self, clocks: Iterable[tuple[str, str]]) -> Rows:
        """Return the times that it is now somewhere, of (what the clocks show, how they differ from UTC)."""
        found = [(shown, f"timezone:{offset}") for shown, offset in clocks]
        return (*_rows(found), self._to_settings())

    def under_places(self, places: Iterable[tuple[str, str]]) -> Rows:
        """Return places to choose from, of (name, time zone)."""
        found = [(name, f"timezone:{zone}") for name, zone in places]
        return (*_rows(found, 2), *self.back("timezone"))

    def _to_settings(self) -> tuple[tuple[str, str], ...]:
        return ((self._words.gettext("Settings"), "settings"),)

    def under_family(self, family: str, chosen: Chosen) -> Rows:
        """Return the kinds of a family, each with how it comes; a press changes that to the next way."""
        _ = self._words.gettext
        found = []
        for name in kinds_of(family):
            way = chosen.way_of(BITS[name])
            title = _("%(kind)s: %(way)s") % {"kind": _(TITLES[name]), "way": _(WAYS[way])}
            found.append((title, f"alerts:{name}:{_NEXT[way]}"))
        return (*_rows(found, 2), *self.back("alerts"))

    def back(self, to: str) -> Rows:
        """Return the way back to a message: a command with its own way back, or an alert."""
        return (((self._words.gettext("Back"), f"alert@{to}" if to.isdecimal() else to),),)

    def _parts(self, command: str, parts: Iterable[tuple[str, str]], origin: str) -> Rows:
        behind = f"@{origin}" if origin else ""
        found = [(title, f"{command}:{part}{behind}") for title, part in parts]
        return _rows(found) + (self.back(origin) if origin else ())


def _rows(buttons: Sequence[tuple[str, str]], a_row: int = _A_ROW) -> Rows:
    return tuple(tuple(buttons[i : i + a_row]) for i in range(0, len(buttons), a_row))


def _typed(symbol: str, side: str, level: float) -> str:
    """Return a condition as the words of a button."""
    signs = {ABOVE: ">", BELOW: "<"}
    return f"{symbol}:{signs[side]}:{level!r}" if side in signs else f"{symbol}:{side}"


def _asks_for(chart: Chart) -> str:
    return f"chart:{chart.kind}:{chart.period}:{chart.theme}"


def as_json(rows: Rows) -> dict[str, list[list[dict[str, str]]]]:
    """Return rows as Telegram takes them."""
    return {"inline_keyboard": [[{"text": title, "callback_data": data} for title, data in row] for row in rows]}
