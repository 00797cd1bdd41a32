"""The breakout rules written a second time, by a plain walk over the sessions, sharing no code with the project.

It is slow, it knows every session (no unknown closes), and it is written from the words of the method alone: the
answer that ``tests/signals/breakout/test_independently.py`` compares the project with. Positions are indices into the closes.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Answer:
    """One episode."""

    attempt: int
    level: float
    base: int
    events: dict[str, int] = field(default_factory=dict)


@dataclass
class Walk:
    """Every episode and every shorter high."""

    episodes: list[Answer] = field(default_factory=list)
    highs: list[tuple[int, int]] = field(default_factory=list)


def walk(closes: list[float]) -> Walk:
    """Walk over the closes once, session by session."""
    found = Walk()
    current: Answer | None = None
    record, set_at = float("-inf"), 0
    for today in range(1, len(closes)):
        # The highest close before today, and the last day that closed at it.
        if closes[today - 1] >= record:
            record, set_at = closes[today - 1], today - 1
        is_record = closes[today] > record
        if is_record:
            base = today - set_at
            if base >= 126:
                if current is not None:
                    _replaced(current, today)
                current = Answer(today, record, base)
                found.episodes.append(current)
                continue
            if base >= 10:
                found.highs.append((today, base))
        if current is not None:
            _live(current, closes, today, is_record)
    return found


def _replaced(episode: Answer, today: int) -> None:
    if "confirmed" in episode.events and not {"failed", "ended"} & set(episode.events):
        episode.events["ended"] = today


def _live(episode: Answer, closes: list[float], today: int, is_record: bool) -> None:
    events, level = episode.events, episode.level
    session = today - episode.attempt + 1
    deep = closes[today] < 0.97 * level
    if "rejected" in events or "failed" in events:
        lost = events.get("rejected", events.get("failed", 0))
        if is_record and "recovered" not in events and today - lost <= 63:
            events["recovered"] = today
    elif "confirmed" not in events:
        _undecided(episode, closes, today, session, deep)
    elif "established" not in events:
        _holding(episode, closes, today, deep)
    elif "ended" not in events and (deep or today - events["established"] >= 126):
        events["ended"] = today


def _undecided(episode: Answer, closes: list[float], today: int, session: int, deep: bool) -> None:
    last_three = closes[max(today - 2, episode.attempt) : today + 1]
    if session <= 20 and len(last_three) == 3 and min(last_three) > episode.level:
        episode.events["confirmed"] = today
    elif deep or session == 20:
        episode.events["rejected"] = today


def _holding(episode: Answer, closes: list[float], today: int, deep: bool) -> None:
    events = episode.events
    since = today - events["confirmed"]

    def below(count: int) -> bool:
        return since >= count and max(closes[today - count + 1 : today + 1]) < episode.level

    if deep or below(10):
        events["failed"] = today
        return
    if below(5) and "warning" not in events:
        events["warning"] = today
    if since == 20:
        events["established"] = today
