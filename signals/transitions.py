"""Two verdicts in a row → what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.table import LINKS
from signals.data.universe import BASKET
from signals.episode import Episode, Phase
from signals.model import Freshness, Link, Property, Regime, SourceVerdict, State, Transition, Verdict, Window
from signals.rules import GATE
from signals.supercycle.needs import PROPERTY_NEEDS

_WINDOW_KINDS = {
    Window.OPEN: "window.opened",
    Window.RESPONDED: "window.responded",
    Window.ELAPSED: "window.elapsed",
    Window.CANCELLED: "window.cancelled",
}
_LIQUIDITY_NEEDS = {key for row in LIQUIDITY for key in row.needs}
_LINK_NEEDS = {number: {key for row in rows for key in row.needs} for number, rows in LINKS.items()}
_COINS = {"BTC-USD", "ETH-USD", *BASKET}
FAILING = (Freshness.STALE, Freshness.INVALID)


def transitions(before: Verdict | None, after: Verdict) -> list[Transition]:
    """Return what ``after`` shows that the stored verdict before it did not, oldest first.

    An unknown session holds the state it found, so it never shows anything new; what happened meanwhile appears
    when the data are back, with the day it occurred on. A state that lapsed, and what was measured for the first time,
    are no news. Without a verdict before, only the breakout is compared:
    what an empty database finds is not news.
    """
    changes = list(_breakout(before, after))
    if before is not None:
        arrived = _arrived(before, after)
        for found in (_liquidity, _stage, _window, _precondition, _supercycle, _data):
            changes += found(before, after, arrived)
    return changes


def _arrived(before: Verdict, after: Verdict) -> set[str]:
    """Return the series that this installation has for the first time."""
    never = {source.series for source in before.sources if source.verdict is Freshness.NEVER_HAD}
    return never & {source.series for source in after.sources if source.verdict is not Freshness.NEVER_HAD}


def _breakout(before: Verdict | None, after: Verdict) -> Iterator[Transition]:
    old = before.breakout.episode if before else None
    new = after.breakout.episode
    if new is None:
        return
    known = old.events() if old and old.attempt == new.attempt else {}
    if old and old.attempt < new.attempt and old.confirmed and old.is_open:
        yield _phase(after, old, Phase.ENDED, new.attempt)
    for phase, on in new.events().items():
        if phase not in known:
            yield _phase(after, new, phase, on)


def _phase(after: Verdict, episode: Episode, phase: Phase, on: date) -> Transition:
    return Transition(after.session, f"breakout.{phase}", f"breakout:{episode.attempt.isoformat()}", on)


def _dated(after: Verdict, kind: str, what: str, old: object, new: object) -> Transition:
    """Return a change of tonight's."""
    return Transition(after.session, kind, f"{what}:{after.session.isoformat()}", after.session, str(old), str(new))


def _liquidity(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    old, new = before.liquidity, after.liquidity
    known = {old.last_published, new.last_published}.isdisjoint((Regime.INSUFFICIENT, Regime.UNKNOWN))
    if known and not new.silent and not arrived & _LIQUIDITY_NEEDS and old.last_published != new.last_published:
        yield _dated(after, "liquidity.regime", "liquidity", old.last_published, new.last_published)


def _stage(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    links = zip(before.cascade.links, after.cascade.links, strict=True)
    # What changed silently counts as if it had been so the evening before.
    was = [b if _is_news(b, a, arrived & _LINK_NEEDS[a.number]) else a for b, a in links]
    old = next((i for i, link in enumerate(was) if link.last_published is not State.ON), len(was))
    new = after.cascade.last_published
    if old != new:
        yield _dated(after, "stage.up" if new > old else "stage.down", "stage", old, new)


def _is_news(old: Link | Property, new: Link | Property, arrived: set[str]) -> bool:
    """Return whether a change between two published states is news: neither is unknown, and nothing is new to us."""
    return State.UNKNOWN not in (old.last_published, new.last_published) and not new.silent and not arrived


def _window(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    old, new = before.crypto, after.crypto
    if new.confirmed is None or new.window not in _WINDOW_KINDS or "ETH-USD" in arrived:
        return
    if old.confirmed == new.confirmed and old.window is new.window:
        return
    on = new.responded if new.window is Window.RESPONDED and new.responded else after.session
    yield Transition(
        after.session, _WINDOW_KINDS[new.window], f"window:{new.confirmed.isoformat()}", on, old.window, new.window
    )


def _precondition(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    old, new = before.crypto.last_published, after.crypto.last_published
    if old != new and State.UNKNOWN not in (old, new) and not after.crypto.silent and not arrived & _COINS:
        yield _dated(after, "precondition.met" if new is State.ON else "precondition.ended", "precondition", old, new)


def _supercycle(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    rows = zip(before.supercycle.properties, after.supercycle.properties, strict=True)
    was = [b if _is_news(b, a, arrived & PROPERTY_NEEDS[a.key]) else a for b, a in rows]
    old, new = sum(row.last_published is State.ON for row in was), after.supercycle.last_published
    if old != new:
        yield _dated(after, "supercycle.up" if new > old else "supercycle.down", "supercycle", old, new)


def _fails(source: SourceVerdict) -> bool:
    """Return whether what needs the series is unknown: of those a session waits for, even a late one is not used."""
    late = source.verdict is Freshness.LATE and source.series in GATE.blocking
    return late or source.verdict in FAILING


def _data(before: Verdict, after: Verdict, arrived: set[str]) -> Iterator[Transition]:
    """Yield the series that began or ceased to fail the data gate: for the operator."""
    old = {source.series: source for source in before.sources}
    for new in after.sources:
        was = old.get(new.series)
        if was is None or was.verdict is new.verdict or new.series in arrived or _fails(was) == _fails(new):
            continue
        kind = "data.problem" if _fails(new) else "data.cleared"
        yield _dated(after, kind, f"data:{new.series}", was.verdict, new.verdict)
