"""A made-up stock market in a folder, and what may happen to it: outages, revisions, splits, a closure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.worlds import day, lead, market

BEGIN = len(lead())
"""The position of the first session that is lived through."""
_FIRST = [101.0, 102.0, 103.0, 104.0, 104.5, 99.0, 96.0, 97.0]


class SoakMarket:
    """Its bars, and their files: those of the days to come lie there already, and nobody reads them before."""

    def __init__(self, folder: Path, sessions: int, closed: int | None) -> None:
        self._folder = folder
        folder.mkdir()
        # A breakout that is confirmed and fails, and then whatever comes.
        walk = 97 * np.exp(np.cumsum(np.random.default_rng(11).normal(0.0006, 0.011, max(sessions, 8))))
        self._frames = market([*lead(), *_FIRST, *walk][: BEGIN + sessions + 3])
        if closed is not None:
            self._frames = {key: frame.drop(index=_at(closed)) for key, frame in self._frames.items()}
        self.mend()

    def fail(self, key: str) -> None:
        """Let nothing be answered for a series."""
        (self._folder / f"{key}.csv").write_text("not,a,series\n1,2,3\n")

    def revise(self, key: str, position: int) -> None:
        """Let a close of the past be another."""
        frame = self._frames[key]
        frame["value"] = frame["value"].where(frame.index != _at(position), frame["value"] * 1.001)
        self.mend(key)

    def split(self, key: str, position: int) -> None:
        """Let a share be two from a session on, with all bars before it restated."""
        frame = self._frames[key]
        frame["value"] /= 2
        frame["split"] = np.where(frame.index == _at(position), 2.0, 0.0)
        self.mend(key)

    def mend(self, *keys: str) -> None:
        """Write series as they are, all that are not named."""
        for key, frame in ((key, self._frames[key]) for key in keys or self._frames):
            table = frame.rename(columns={"value": "close"}).rename_axis("date").dropna(axis=1, how="all")
            table.to_csv(self._folder / f"{key.removeprefix('^')}.csv")


def _at(position: int) -> pd.Timestamp:
    return pd.Timestamp(day(position))
