"""Beside what followed the events of rules: what would have followed random dates. Takes most of the record's time."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import pandas as pd
from msgspec.structs import replace

from signals.data.panel import Ints
from signals.record.event_study import Study
from signals.record.inference import median_intervals, random_date_p
from signals.record.model import Followed
from signals.rules import RECORD, RecordRules


def with_chance(study: Study, followed: Mapping[str, Followed], sampling: RecordRules = RECORD) -> dict[str, Followed]:
    """Add to the numbers of each rule the interval of its median and its p by random dates.

    Every draw begins from the seed and the names of the rule, the asset and the horizon, so that a row does not
    depend on which others are computed.
    """
    positions = {key: _positions(study, each) for key, each in followed.items() if each.numbers is not None}
    if not positions:
        return dict(followed)
    changes, seed = study.changes[study.dates], crc32(f"{study.prices.asset.key} {study.horizon}".encode())
    drawn = median_intervals(changes, list(positions.values()), study.horizon, sampling.resamples, sampling.seed + seed)
    added = dict(followed)
    for (key, chosen), interval in zip(positions.items(), drawn, strict=True):
        numbers = followed[key].numbers
        assert numbers is not None
        low, high = interval or (None, None)
        random = np.random.default_rng([sampling.seed, seed, crc32(key.encode())])
        p = random_date_p(changes, chosen, sampling.draws, random)
        added[key] = replace(followed[key], numbers=replace(numbers, median_low=low, median_high=high, p=p))
    return added


def _positions(study: Study, followed: Followed) -> Ints:
    """Return where the known cases' entries stand among the dates of the era."""
    entries = pd.DatetimeIndex([case.entry.on for case in followed.known if case.entry]).as_unit("us")
    return np.asarray(study.prices.days[study.dates].get_indexer(entries), dtype=np.int64)
