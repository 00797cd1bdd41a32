"""The whole track record of a history, by the code that decides each evening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
from msgspec.structs import replace

from signals.episode import Episode
from signals.evaluate import History
from signals.record.claims import claims
from signals.record.events import FAMILIES, RULES
from signals.record.grid import grid
from signals.record.inference import holm
from signals.record.model import ASSETS, Close, Event, Family, Followed, RuleRecord, TrackRecord
from signals.record.random_dates import with_chance
from signals.record.studies import Studies
from signals.rules import METHOD_VERSION, RECORD, RecordRules

Progress = Callable[[int, int], None]
"""Called with how many studies are done, and of how many."""


def track_record(
    history: History, progress: Progress = lambda done, of: None, sampling: RecordRules = RECORD
) -> TrackRecord:
    """Return what followed in the whole history, with its uncertainty.

    Takes seconds: ``sampling.draws`` random dates for each rule, asset and horizon with five known cases.
    """
    studies = Studies.of(history)
    rules = _adjusted(_rules(studies, progress, sampling))
    variants = {"grid": tuple(grid(studies))}
    return TrackRecord(
        through=history.panel.days[-1],
        method_version=METHOD_VERSION,
        draws=sampling.draws,
        resamples=sampling.resamples,
        seed=sampling.seed,
        events=tuple(_event(studies, episode) for episode in history.episodes),
        rules=rules,
        grid=variants["grid"],
        claims=claims(studies),
        families=tuple(_family(key, rules, len(variants.get(key, ()))) for key in FAMILIES),
    )


def _rules(studies: Studies, progress: Progress, sampling: RecordRules) -> list[RuleRecord]:
    events = {key: studies.events(rule.find(studies.history)) for key, rule in RULES.items()}
    followed: dict[str, list[Followed]] = {key: [] for key in RULES}
    for done, study in enumerate(studies.all.values(), start=1):
        plain = {key: study.follow(events[key]) for key in RULES}
        for key, each in with_chance(study, plain, sampling).items():
            followed[key].append(each)
        progress(done, len(studies.all))
    return [
        RuleRecord(key, rule.title, rule.family, tuple(events[key].days), tuple(followed[key]))
        for key, rule in RULES.items()
    ]


def _adjusted(rules: list[RuleRecord]) -> tuple[RuleRecord, ...]:
    """Adjust the p-values of a rule over those of the rule, and over those of the whole record."""
    of_record = iter(_by_holm([followed for rule in rules for followed in rule.followed]))
    made = []
    for rule in rules:
        adjusted = zip(rule.followed, _by_holm(rule.followed), islice(of_record, len(rule.followed)), strict=True)
        made.append(replace(rule, followed=tuple(_with(*row) for row in adjusted)))
    return tuple(made)


def _by_holm(followed: Sequence[Followed]) -> list[float | None]:
    shown = {i: f.numbers.p for i, f in enumerate(followed) if f.numbers is not None and f.numbers.p is not None}
    adjusted = dict(zip(shown, holm(list(shown.values())), strict=True))
    return [adjusted.get(i) for i in range(len(followed))]


def _with(followed: Followed, own: float | None, record: float | None) -> Followed:
    if followed.numbers is None:
        return followed
    return replace(followed, numbers=replace(followed.numbers, p_rule=own, p_record=record))


def _family(key: str, rules: tuple[RuleRecord, ...], cells: int) -> Family:
    own = [rule for rule in rules if rule.family == key]
    shown = [f for rule in own for f in rule.followed if f.numbers is not None and f.numbers.p is not None]
    return Family(key, FAMILIES[key], len(own) or cells, len(shown))


def _event(studies: Studies, episode: Episode) -> Event:
    history = studies.history
    decided = episode.confirmed or episode.rejected or history.panel.days[-1]
    at = history.panel.position(decided)
    liquidity = history.liquidity.at(at)
    followed = studies.cases(decided) if episode.confirmed else ()
    return Event(
        episode=episode,
        checks=history.checks_of(episode.as_of(decided), at),
        liquidity=liquidity.score,
        regime=liquidity.regime,
        precondition=history.crypto.at(at).precondition,
        followed=followed,
        lowest=_lowest(studies, followed[0][2].entry) if followed else None,
    )


def _lowest(studies: Studies, entry: Close | None) -> Close | None:
    """Return the lowest ^RUT close from the entry through the longest horizon, as far as the data go."""
    if entry is None:
        return None
    prices, horizon = studies.prices["^RUT"], max(ASSETS["^RUT"].horizons)
    at = int(prices.days.searchsorted(np.datetime64(entry.on)))
    path = prices.close[at : at + horizon + 1]
    lowest = at + int(np.nanargmin(path))
    return Close(prices.days[lowest].date(), float(prices.close[lowest]))
