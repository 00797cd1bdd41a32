"""How figures are written, and long answers cut."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.figures import ENGLISH, Figures
from bot.messages.pages import pages
from signals.conditions.table import CONDITIONS
from signals.model import Unit
from signals.nine_decimals import Sign, meets
from tests.bot.messages.reviewed import plain


class TestFigures:
    @pytest.mark.parametrize(("value", "text"), [(1740.75, "1,740.75"), (90.0, "90.00"), (12345.678, "12,345.68")])
    def test_points_have_two_decimals_and_commas(self, value: float, text: str) -> None:
        assert ENGLISH.points(value) == text

    def test_a_percentage_has_a_true_minus_and_a_space_that_does_not_break(self) -> None:
        assert ENGLISH.percent(-0.0551, sign=True) == "−5.5\u00a0%"
        assert ENGLISH.percent(0.0588, sign=True) == "+5.9\u00a0%"
        assert ENGLISH.percent(0.92, 0) == "92\u00a0%"

    def test_dates_and_instants(self) -> None:
        assert ENGLISH.day(date(2020, 11, 6)) == "6 Nov 2020"
        assert ENGLISH.day(date(2020, 11, 6), weekday=True) == "Fri 6 Nov 2020"
        assert ENGLISH.instant(datetime(2020, 11, 17, 22, 30, tzinfo=UTC)) == "17 Nov 2020 22:30\u00a0UTC"

    @pytest.mark.parametrize(
        ("timezone", "at", "written"),
        [
            ("Europe/Paris", "2020-11-17T23:30Z", "18 Nov 2020 00:30\u00a0UTC+1"),
            ("Asia/Kolkata", "2020-11-17T22:30Z", "18 Nov 2020 04:00\u00a0UTC+5:30"),
            ("America/St_Johns", "2020-11-17T22:30Z", "17 Nov 2020 19:00\u00a0UTC−3:30"),
            # The hour that occurs twice, told apart.
            ("Europe/Paris", "2026-10-25T00:30Z", "25 Oct 2026 02:30\u00a0UTC+2"),
            ("Europe/Paris", "2026-10-25T01:30Z", "25 Oct 2026 02:30\u00a0UTC+1"),
            ("Europe/London", "2020-11-17T22:30Z", "17 Nov 2020 22:30\u00a0UTC"),
        ],
    )
    def test_an_instant_by_the_clocks_of_a_place(self, timezone: str, at: str, written: str) -> None:
        assert ENGLISH.instant(datetime.fromisoformat(at), timezone) == written

    @given(
        st.sampled_from(["Europe/Paris", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]),
        st.integers(15_000_000, 34_000_000),
    )
    def test_what_is_written_is_one_instant_and_no_other(self, timezone: str, minutes: int) -> None:
        at = datetime.fromtimestamp(minutes * 60, UTC)
        there, _, offset = ENGLISH.instant(at, timezone).partition("\u00a0UTC")
        hours, _, rest = offset.replace("−", "-").partition(":")
        ahead = timedelta(hours=abs(int(hours or 0)), minutes=int(rest or 0)) * (-1 if hours.startswith("-") else 1)
        assert datetime.strptime(there, "%d %b %Y %H:%M").replace(tzinfo=UTC) - ahead == at

    @pytest.mark.parametrize(
        ("timezone", "city"),
        [("UTC", "UTC"), ("America/New_York", "New York"), ("Asia/Ho_Chi_Minh", "Ho Chi Minh City")],
    )
    def test_a_time_zone_is_named_by_its_city(self, timezone: str, city: str) -> None:
        assert ENGLISH.city(timezone) == city

    def test_a_plain_number_has_a_true_minus_too(self) -> None:
        assert ENGLISH.decimal(-0.451) == "−0.45"
        assert ENGLISH.decimal(12_345.6, 0, sign=True) == "+12,346"

    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (282.6, Unit.BN, "+283\u00a0bn"),
            (-5.14, Unit.BN, "−5.1\u00a0bn"),
            (-0.382, Unit.POINTS, "−0.38\u00a0points"),
            (0.158, Unit.PERCENT, "+15.8\u00a0%"),
            (0.949, Unit.SHARE, "94.9\u00a0%"),
            (-0.61, Unit.INDEX, "−0.61"),
            (0.836, Unit.TIMES, "0.8×"),
            (0.0, Unit.AGO, "today"),
            (126.0, Unit.AGO, "126 sessions ago"),
            (0.0, Unit.SESSIONS_AGO, "today"),
            (7.0, Unit.SESSIONS_AGO, "7 sessions ago"),
            (1.0, Unit.SESSIONS_AGO, "1 session ago"),
            (52.5, Unit.SESSIONS, "52.5"),
            (1080.0, Unit.DAYS, "1,080"),
            (4.0, Unit.COUNT, "4"),
            (1.0, Unit.YES, "yes"),
            (0.0, Unit.YES, "no"),
            (None, Unit.BN, "unknown"),
        ],
    )
    def test_a_measured_number_has_its_unit(self, value: float | None, unit: Unit, text: str) -> None:
        assert ENGLISH.quantity(value, unit) == text

    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("net_liquidity", "on > +50 bn, off < −50 bn"),
            ("mortgage_spread", "on ≤ −0.10, off > +0.10"),
            ("financial_conditions", "on < 0, off > 0.1"),
            ("dollar", "on < 0 %, off > 0 % 10 times in a row"),
            ("proximity", "on ≥ 95 %, off < 92 %"),
            ("leadership", "on < 10"),
        ],
    )
    def test_a_threshold_is_written_as_its_row_has_it(self, key: str, text: str) -> None:
        assert plain(ENGLISH.thresholds(CONDITIONS[key].numbers[0])) == text

    def test_the_thresholds_of_other_numbers_too(self) -> None:
        rate, breakout = CONDITIONS["rate_volatility"].numbers[1], CONDITIONS["breakout"].numbers
        assert plain(ENGLISH.thresholds(rate)) == "on ≤ 1.10×, off > 1.35×"
        assert plain(ENGLISH.thresholds(breakout[2])) == "on yes"
        assert plain(ENGLISH.thresholds(breakout[3])) == "off < −2 %"

    @given(st.floats(-3, 3), st.floats(-3, 3), st.sampled_from(list(Unit)))
    def test_a_number_beside_a_threshold_is_printed_on_its_own_side_of_it(
        self, value: float, threshold: float, unit: Unit
    ) -> None:
        threshold = round(threshold, 3)
        if unit in (Unit.SESSIONS_AGO, Unit.AGO, Unit.YES, Unit.COUNT, Unit.DAYS, Unit.SESSIONS):
            return
        text = ENGLISH.quantity(value, unit, (threshold,))
        printed = float(re.sub(r"[^\d.-]", "", text.replace("−", "-")))
        printed /= 100 if unit in (Unit.PERCENT, Unit.SHARE) else 1
        for side in (Sign.ABOVE, Sign.BELOW):
            assert meets(printed, side, threshold) == meets(value, side, threshold), text

    @pytest.mark.parametrize(
        ("value", "unit", "threshold", "text"),
        [
            (1.12, Unit.TIMES, 1.10, "1.12×"),
            (1.12, Unit.TIMES, 1.35, "1.1×"),
            (-50.3, Unit.BN, -50.0, "−50.3\u00a0bn"),
            (0.5996, Unit.SHARE, 0.60, "59.96\u00a0%"),
            (0.004, Unit.BN, -50.0, "+0.004\u00a0bn"),
            (5e-17, Unit.POINTS, 0.1, "0.00\u00a0points"),
        ],
    )
    def test_it_has_more_digits_only_where_it_needs_them(
        self, value: float, unit: Unit, threshold: float, text: str
    ) -> None:
        assert ENGLISH.quantity(value, unit, (threshold,)) == text

    def test_the_dates_in_a_sentence_from_outside_are_written_as_everywhere(self) -> None:
        assert ENGLISH.clip("newest bar is 2011-03-02, 4 behind") == "newest bar is 2 Mar 2011, 4 behind"
        assert ENGLISH.clip("item 2011-13-45 of 12011-03-02") == "item 2011-13-45 of 12011-03-02"

    def test_a_long_reason_is_shortened(self) -> None:
        assert ENGLISH.clip("short") == "short"
        assert len(ENGLISH.clip("word " * 100)) <= 160
        assert ENGLISH.clip("word " * 100).endswith("word…")


class TestPages:
    def test_what_fits_is_one(self) -> None:
        assert pages("one\n\ntwo") == ["one\n\ntwo"]

    def test_what_does_not_is_split_between_paragraphs(self) -> None:
        assert pages("a" * 6 + "\n\n" + "b" * 6 + "\n\n" + "c", most=10) == ["aaaaaa", "bbbbbb\n\nc"]

    def test_a_sign_outside_the_basic_plane_counts_twice(self) -> None:
        assert pages("😀😀\n\n😀", most=7) == ["😀😀", "😀"]
        assert pages("😀😀\n\n😀", most=8) == ["😀😀\n\n😀"]


class TestLanguages:
    def test_numbers_and_dates_follow_the_language(self) -> None:
        french = Figures(Locale("fr"))
        assert french.points(1740.75) == "1\u202f740,75"
        assert french.day(date(2020, 11, 17), weekday=True) == "mar. 17 nov. 2020"

    def test_a_span_names_the_year_once_unless_it_ends_in_another(self) -> None:
        assert ENGLISH.span(date(2020, 12, 17), date(2021, 2, 16)) == "17 Dec 2020 – 16 Feb 2021"
        assert ENGLISH.span(date(2020, 2, 17), date(2020, 5, 16)) == "17 Feb – 16 May 2020"

    def test_a_change_never_rounds_to_nothing(self) -> None:
        assert ENGLISH.percent(0.0003, sign=True) == "+0.03\u00a0%"
        assert ENGLISH.percent(0.0, sign=True) == "0.0\u00a0%"
