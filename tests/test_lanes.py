"""Who goes next: the oldest and its likes, single requests before bulk work, nobody never."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from sentiserve.lanes import Entry, Lane, Lanes

SIZES = st.lists(st.tuples(st.integers(1, 128), st.sampled_from(Lane)), max_size=200)


def entry(tokens: int, lane: Lane = Lane.SINGLE) -> Entry:
    loop = asyncio.new_event_loop()
    try:
        return Entry("text", lane, tokens, loop.create_future())
    finally:
        loop.close()


def filled(*entries: Entry) -> Lanes:
    lanes = Lanes()
    for one in entries:
        lanes.add(one)
    return lanes


def test_texts_of_like_length_go_together() -> None:
    short, long, also_short = entry(10), entry(100), entry(11)
    lanes = filled(short, long, also_short)
    assert lanes.take(64) == [short, also_short]
    assert lanes.take(64) == [long]


def test_padding_counts() -> None:
    lanes = filled(entry(10), *(entry(20) for _ in range(9)))
    batch = lanes.take(100)
    assert len(batch) * max(one.tokens for one in batch) <= 100


def test_a_text_longer_than_a_batch_goes_alone() -> None:
    long = entry(500)
    assert filled(long, entry(500)).take(256) == [long]


def test_the_oldest_is_in_the_next_batch_however_odd_its_length() -> None:
    odd = entry(128)
    lanes = filled(odd, *(entry(10) for _ in range(100)))
    assert odd in lanes.take(256)


def test_single_requests_go_before_bulk_work() -> None:
    bulk, single = entry(10, Lane.BULK), entry(10)
    lanes = filled(bulk, single)
    assert lanes.take(256) == [single]
    assert lanes.take(256) == [bulk]


def test_bulk_work_has_its_turn_under_endless_single_requests() -> None:
    bulk = entry(10, Lane.BULK)
    lanes = filled(bulk)
    for turn in range(20):
        lanes.add(entry(200))
        lanes.add(entry(200))
        if lanes.take(256) == [bulk]:
            assert turn > 1
            return
    raise AssertionError("it never came")


def test_what_was_taken_out_does_not_come() -> None:
    left, stays = entry(10), entry(10)
    lanes = filled(left, stays)
    lanes.discard(left)
    assert left not in lanes
    assert lanes.take(256) == [stays]
    assert len(lanes) == 0


@given(SIZES)
def test_each_comes_once_in_batches_of_one_lane_that_fit(sizes: list[tuple[int, Lane]]) -> None:
    entries = [entry(tokens, lane) for tokens, lane in sizes]
    lanes, seen = filled(*entries), []
    while len(lanes):
        batch = lanes.take(256)
        assert len({one.lane for one in batch}) == 1
        assert len(batch) == 1 or len(batch) * max(one.tokens for one in batch) <= 256
        seen += batch
    assert sorted(map(id, seen)) == sorted(map(id, entries))
