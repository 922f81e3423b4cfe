"""Times and spans as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from sentiserve.cli.times import span, time_since
from sentiserve.errors import BadInputError

NOW = datetime(2026, 9, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", timedelta(minutes=30)),
        (" 2h ", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("4w", timedelta(weeks=4)),
        ("0d", timedelta(0)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert span(text) == expected
    assert time_since(text, NOW) == NOW - expected


@pytest.mark.parametrize("text", ["", "d", "7", "7 d", "-7d", "1.5h", "7D", "\u0667d", "1y"])
def test_what_is_no_span_is_told_with_how_to_write_one(text: str) -> None:
    with pytest.raises(BadInputError, match="30m, 2h, 7d or 4w"):
        span(text)


@pytest.mark.parametrize("text", ["36501d", "999999w"])
def test_a_span_that_no_calendar_holds_is_refused(text: str) -> None:
    for read in (span, lambda text: time_since(text, NOW)):
        with pytest.raises(BadInputError, match="over 100 years"):
            read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, expected: datetime) -> None:
    assert time_since(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_told_with_how_to_write_one(text: str) -> None:
    with pytest.raises(BadInputError, match="2026-03-01"):
        time_since(text, NOW)
