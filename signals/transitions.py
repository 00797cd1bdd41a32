"""Two verdicts in a row → what changed."""

from __future__ import annotations

from datetime import date

from signals.model import Episode, Phase, Transition, Verdict


def transitions(before: Verdict | None, after: Verdict) -> list[Transition]:
    """Return what ``after`` shows that the stored verdict before it did not, oldest first.

    An unknown session holds the state it found, so it never shows anything new; what happened meanwhile appears
    when the data are back, with the session it occurred on.
    """
    old = before.breakout.episode if before else None
    new = after.breakout.episode
    if new is None:
        return []
    known = old.events() if old and old.attempt == new.attempt else {}
    changes = [_transition(after, new, phase, on) for phase, on in new.events().items() if phase not in known]
    if old and old.attempt < new.attempt and old.confirmed and old.is_open:
        changes.insert(0, _transition(after, old, Phase.ENDED, new.attempt))
    return changes


def _transition(after: Verdict, episode: Episode, phase: Phase, on: date) -> Transition:
    return Transition(
        session=after.session,
        kind=f"breakout.{phase}",
        subject=f"breakout:{episode.attempt.isoformat()}",
        occurred_on=on,
    )
