"""Names as people write them."""

import pytest

from sentiserve.errors import BadInputError
from sentiserve.names import author_named, post_named, prefix_named
from sentiserve.types import Author, PostRef, Prefix


def test_names_are_taken_as_they_are() -> None:
    """But for the @ that people write before a handle."""
    assert post_named("x", "@1/2") == PostRef("x", "@1/2")
    assert author_named("x", "Żółć") == author_named("x", "@Żółć") == Author("x", "Żółć")
    assert prefix_named("@") == Prefix("@")


@pytest.mark.parametrize("name", ["", "\udcff", "a\ud800"])
def test_a_name_that_can_be_nobodys_is_refused(name: str) -> None:
    """The error says which part it is, and what to write."""
    for named, what in ((post_named, "post's id"), (author_named, "author's id or handle")):
        with pytest.raises(BadInputError, match=f"the {what} is .*; write it"):
            named("x", name)
        with pytest.raises(BadInputError, match="the platform is .*; write it"):
            named(name, "1")
    with pytest.raises(BadInputError, match="the prefix is .*; write it"):
        prefix_named(name)


def test_an_author_is_not_named_by_an_at_sign_alone() -> None:
    with pytest.raises(BadInputError, match="handle is empty"):
        author_named("x", "@")


def test_a_url_is_no_name() -> None:
    """It would match nothing, which looks like success to who wants something forgotten."""
    for named in (post_named, author_named):
        with pytest.raises(BadInputError, match="a URL is no name; write it as in x/18"):
            named("https:", "/x.com/someone/status/1")
