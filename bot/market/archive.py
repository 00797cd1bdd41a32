"""The archive of a database, settled, and kept from one request to the next."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd

from signals.data.series import SERIES
from signals.data.vintages import Archive, instants, settle
from storage import AsyncConnection, observations

_AGAIN = timedelta(days=60)
"""How much of a series is settled once more when something was archived of it."""
_CHANGING = 5
"""How many of its last rows may come out otherwise then; the older ones prove that the two parts belong together."""


class ArchiveReader:
    """Reads archives, and of the one it read last only what was archived since.

    Whatever is archived of a series is noted as a check of it: of a series with a new check the last weeks are read
    again. They replace what is kept if the rest of them is as it was, and if the number of rows in the database shows
    that nothing else was added, removed or superseded; otherwise everything is read anew.
    """

    def __init__(self) -> None:
        self._url = ""
        self._known_at: datetime | None = None
        self._count = 0
        self._checked: dict[str, datetime] = {}
        self._restated: dict[str, datetime] = {}
        self._archive: Archive = {}

    async def read(self, connection: AsyncConnection, url: str, now: datetime) -> Archive:
        """Return what had been archived by ``now`` in the database at ``url``, to which ``connection`` leads."""
        # Watched symbols are archived, too, and of no concern here.
        checked, restated = (
            {key: at for key, at in found.items() if key in SERIES}
            for found in (await observations.checked_at(connection), await observations.restated_at(connection))
        )
        archive, count = None, 0
        if url == self._url and restated == self._restated:
            count = await observations.count(connection, SERIES)
            archive = await self._extended(connection, checked, count, now)
        if archive is None:
            found = await observations.archived(connection, SERIES)
            count, brief = (
                sum(one.vintages for one in found.values()),
                {key for key, one in found.items() if one.is_brief},
            )
            vintages = await observations.load_vintages(connection, now, found, brief=brief)
            archive = _ordered(settle(vintages))
            # With rows that were not public yet by then, the next call could not tell whether it has them.
            is_all = sum(len(columns[0]) for columns in vintages.values()) == count
            self._known_at = now if is_all and all(at <= now for at in restated.values()) else None
        else:
            self._known_at = now
        self._url, self._count, self._checked, self._archive = url, count, checked, archive
        self._restated = restated
        return archive

    async def _extended(
        self, connection: AsyncConnection, checked: dict[str, datetime], count: int, now: datetime
    ) -> Archive | None:
        """Return the archive that is kept with what was archived since; ``None`` when that is not all that changed."""
        before = self._known_at
        if before is None or now < before:
            return None
        again = [series for series, at in checked.items() if self._checked.get(series) != at]
        kept = [self._archive[series] for series in again if series in self._archive]
        since = min((frame.index[-1].date() for frame in kept), default=date.max) - _AGAIN
        vintages = await observations.load_vintages(connection, now, again, since) if kept else {}
        added = sum(int((instants(columns[1]) > pd.Timestamp(before)).sum()) for columns in vintages.values())
        if count != self._count + added:
            return None
        joined = {key: _joined(self._archive.get(key), frame, since) for key, frame in settle(vintages).items()}
        if any(frame is None for frame in joined.values()):
            return None
        return _ordered({**self._archive, **{key: frame for key, frame in joined.items() if frame is not None}})


def _ordered(archive: Archive) -> Archive:
    return {key: archive[key] for key in SERIES if key in archive}


def _joined(kept: pd.DataFrame | None, again: pd.DataFrame, since: date) -> pd.DataFrame | None:
    """Return the rows before ``since`` and then those settled again; ``None`` when these do not go on from those."""
    if kept is None:
        return None
    start = kept.index.searchsorted(pd.Timestamp(since))
    proof = kept.iloc[start:-_CHANGING]
    if not len(proof) or not proof.equals(again.iloc[: len(proof)]):
        return None
    return pd.concat([kept.iloc[:start], again])
