"""How things are called in Redis."""

from hypothesis import given
from hypothesis import strategies as st

from sentiserve.store import redis_keys as keys
from sentiserve.types import Author, Hashtag, PostRef

texts = st.text(st.sampled_from("ab:/{}0123*?[\\\0\1é🎉"), max_size=6)
refs = st.builds(PostRef, texts, texts)


@given(st.integers(0, 15), refs, texts)
def test_a_key_says_whose_it_is(shard: int, ref: PostRef, model_id: str) -> None:
    """Whatever is in platform, id and model id, the key gives them back."""
    assert keys.parse_post(keys.post(shard, ref, model_id).decode()) == (shard, ref, model_id)
    assert keys.parse_member(keys.member(ref)) == ref
    assert keys.parse_model(keys.model(ref.platform, model_id)) == (ref.platform, model_id)


@given(st.builds(Author, texts, texts) | st.builds(Hashtag, texts))
def test_a_group_says_who_it_is(entity: Author | Hashtag) -> None:
    """Authors and hashtags come back as well."""
    assert keys.parse_group(keys.group(entity)) == entity


@given(st.lists(st.builds(Author, texts, texts)))
def test_authors_sort_by_platform_and_name(authors: list[Author]) -> None:
    """In Redis, which compares bytes, they stand in the order of aggregates."""
    by_group = sorted(authors, key=lambda author: keys.group(author).encode())
    assert by_group == sorted(authors, key=lambda author: (author.platform, author.author))


def test_a_shard_is_for_good() -> None:
    """Another release must find what this one wrote."""
    assert [keys.shard_of(PostRef("x", f"{n}"), 16) for n in range(6)] == [11, 13, 7, 1, 2, 4]
