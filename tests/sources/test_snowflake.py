"""The time in an id of X."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.sources.snowflake import is_plausible, snowflake_time

EPOCH_MS = 1_288_834_974_657


def id_at(time: datetime) -> str:
    return str((round(time.timestamp() * 1000) - EPOCH_MS) << 22)


def test_an_id_tells_when_it_was_given_out() -> None:
    """The example of X's own documentation: an id, and the time that the API gives for it."""
    expected = datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    told = snowflake_time("1050118621198921728")
    assert told is not None
    assert told.replace(microsecond=0) == expected


def test_an_id_of_the_time_before_does_not_tell() -> None:
    assert snowflake_time("20") is None
    assert snowflake_time("29999999999") is None
    assert snowflake_time("30000000000") is not None


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "x", "١٢٣", "9" * 19, str(2**63), "1" * 4_400]
)
def test_what_is_no_id_does_not_tell(text: str) -> None:
    assert snowflake_time(text) is None
    assert not is_plausible(text)


def test_an_id_of_the_future_is_not_plausible() -> None:
    now = datetime.now(UTC)
    assert is_plausible(id_at(now - timedelta(seconds=1)))
    assert is_plausible(id_at(now + timedelta(minutes=50)))  # this machine's clock may be slow
    assert not is_plausible(id_at(now + timedelta(minutes=70)))


def test_an_id_from_before_snowflakes_is_plausible() -> None:
    assert is_plausible("20")


@given(st.text() | st.from_regex(r"[0-9]{1,19}", fullmatch=True))
def test_any_text_has_a_time_or_none(text: str) -> None:
    """Whatever stands for an id, there is no exception, and a time is in UTC."""
    time = snowflake_time(text)
    assert time is None or time.utcoffset() == timedelta(0)
