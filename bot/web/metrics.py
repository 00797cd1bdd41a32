"""The numbers that Prometheus reads: each from where it is kept, none kept here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from bot.clock import Clock
from bot.health.checks import Check
from bot.health.counting import Counts
from bot.health.watching import Watch
from signals.as_json import decode_verdict
from signals.model import Freshness, SourceVerdict
from storage import ledger, observations
from storage.database import Database
from storage.observations import SourceCheck
from storage.operator import counts as counted
from storage.operator.counts import Waiting
from storage.outbox.states import State

FINAL = (State.SENT, State.GONE, State.UNKNOWN, State.STOPPED)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database says."""

    sources: Sequence[SourceVerdict]
    asked: Mapping[str, datetime]
    said: Mapping[str, SourceCheck]
    waiting: Sequence[Waiting]
    transitions: Mapping[str, int]


class Metrics:
    """Writes the page. ``throttles`` returns how many answers 429 messages have met."""

    def __init__(
        self, database: Database, clock: Clock, counts: Counts, watch: Watch, throttles: Callable[[], int]
    ) -> None:
        self._database, self._clock, self._counts, self._watch = database, clock, counts, watch
        self._throttles = throttles
        # Memory, handles and processor time of this process.
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    async def page(self) -> bytes:
        """Return the page in Prometheus' text format."""
        now, found = self._clock.now(), await self._watch.look()
        async with self._database.reading() as connection:
            body = await ledger.newest_body(connection)
            stored = _Stored(
                sources=decode_verdict(body).sources if body else (),
                asked=await observations.checked_at(connection),
                said=await observations.load_checks(connection),
                waiting=await counted.waiting(connection),
                transitions=await ledger.count_live_changes(connection),
            )
        families = [*_of_checks(found), *_of_series(stored, now), *_of_deliveries(stored, self._counts, now)]
        families += _of_work(stored, self._counts, self._throttles())
        if (silence := self._watch.silence) is not None:
            families.append(GaugeMetricFamily("cascade_poll_age_seconds", "Since the last good poll.", value=silence()))
        registry = CollectorRegistry()
        registry.register(_Families(families))
        return generate_latest(registry) + generate_latest(self._process)


class _Families:
    """Families that are made already, as a registry wants them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_checks(checks: Sequence[Check]) -> Iterable[Metric]:
    well = GaugeMetricFamily("cascade_check_ok", "Whether a check of /readyz passes.", labels=["check"])
    for check in checks:
        well.add_metric([check.name], check.is_well)
    yield well


def _of_series(stored: _Stored, now: datetime) -> Iterable[Metric]:
    newest = GaugeMetricFamily(
        "cascade_series_age_seconds", "Since the day of the newest figure the verdict used.", labels=["series"]
    )
    asked = GaugeMetricFamily("cascade_series_asked_seconds", "Since its source was last asked.", labels=["series"])
    usable = GaugeMetricFamily("cascade_series_ok", "Whether the newest verdict could use it.", labels=["series"])
    for found in stored.sources:
        if found.newest is not None:
            newest.add_metric([found.series], (now - datetime.combine(found.newest, time(), UTC)).total_seconds())
        usable.add_metric([found.series], found.verdict is Freshness.OK)
    for series, at in sorted(stored.asked.items()):
        asked.add_metric([series], (now - at).total_seconds())
    answered = GaugeMetricFamily("cascade_series_answered", "Whether its source gave it then.", labels=["series"])
    for series, check in sorted(stored.said.items()):
        answered.add_metric([series], not check.is_unanswered)
    yield from (newest, asked, answered, usable)


def _of_deliveries(stored: _Stored, counts: Counts, now: datetime) -> Iterable[Metric]:
    waiting = GaugeMetricFamily("cascade_deliveries_waiting", "Deliveries that are not over.", labels=["state"])
    oldest = GaugeMetricFamily("cascade_oldest_delivery_seconds", "Since the alert was made.", labels=["state"])
    for row in stored.waiting:
        waiting.add_metric([row.state], row.count)
        oldest.add_metric([row.state], (now - row.oldest).total_seconds())
    ended = CounterMetricFamily("cascade_deliveries", "Deliveries that this process ended, by how.", labels=["state"])
    for state in FINAL:
        ended.add_metric([state], counts.delivered[state])
    yield from (waiting, oldest, ended)


def _of_work(stored: _Stored, counts: Counts, throttles: int) -> Iterable[Metric]:
    transitions = CounterMetricFamily("cascade_transitions", "Live changes of state, by kind.", labels=["kind"])
    for kind, count in stored.transitions.items():
        transitions.add_metric([kind], count)
    evaluations = CounterMetricFamily("cascade_evaluations", "Evenings of this process.", labels=["result"])
    polls = CounterMetricFamily("cascade_polls", "Requests for updates by this process.", labels=["result"])
    for family, numbers in ((evaluations, counts.evaluations), (polls, counts.polls)):
        family.add_metric(["good"], numbers[True])
        family.add_metric(["failed"], numbers[False])
    seconds = CounterMetricFamily("cascade_evaluation_seconds", "What these evenings took.", value=counts.evaluating)
    refused = CounterMetricFamily("cascade_throttled", "Answers 429 of Telegram.", value=counts.throttled + throttles)
    yield from (transitions, evaluations, polls, seconds, refused)
