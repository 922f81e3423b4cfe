"""What the posts of an author or a hashtag are together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sentiserve.types import Aggregate, Author, Hashtag, Prediction

UNIT = 2**30
"""Scores are added up as whole numbers of this fraction of 1: sums of floats would drift, as posts
come and go. A mean is right to 5e-10, and eight million posts have room in what Lua counts with;
beyond that a sum is right to 1e-16 of itself for each post that comes or goes."""


class Tally:
    """Sums up predictions one by one, or tallies that are kept."""

    def __init__(self) -> None:
        """Begin with none."""
        self._posts: Counter[str] = Counter()  # by label: those that have a score for it
        self._counts: Counter[str] = Counter()
        self._sums: dict[str, float] = {}
        self._handles: Counter[str] = Counter()
        self._seen: tuple[datetime, datetime] | None = None

    def add(self, prediction: Prediction) -> None:
        """Count one."""
        for label, score in prediction.sentiment.scores.items():
            self._posts[label] += 1
            self._sums[label] = self._sums.get(label, 0.0) + score
        self._counts[prediction.sentiment.label] += 1
        if prediction.post.author_handle:
            self._handles[prediction.post.author_handle] += 1
        self._see(prediction.seen_at, prediction.seen_at)

    def add_kept(
        self,
        labels: Sequence[str],
        sums: Sequence[int],
        handles: Mapping[str, int],
        seen: tuple[datetime, datetime],
    ) -> None:
        """Count what a shard has counted; three numbers for each label, as in its script."""
        for place, label in enumerate(labels[: len(sums) // 3]):
            posts, scored, score = sums[3 * place : 3 * place + 3]
            if scored:
                self._counts[label] += posts
                self._posts[label] += scored
                self._sums[label] = self._sums.get(label, 0.0) + score / UNIT
        self._handles.update(handles)
        self._see(*seen)

    def _see(self, first: datetime, last: datetime) -> None:
        so_far = self._seen or (first, last)
        self._seen = min(so_far[0], first), max(so_far[1], last)

    def is_by(self, handle: str) -> bool:
        """Whether all posts are by this handle, in any case."""
        folded = handle.casefold()
        by = sum(posts for name, posts in self._handles.items() if name.casefold() == folded)
        return by == self._counts.total()

    def of(self, entity: Author | Hashtag) -> Aggregate | None:
        """What they are together; None if there were none."""
        if self._seen is None:
            return None
        return Aggregate(
            platform=entity.platform if isinstance(entity, Author) else None,
            name=entity.author if isinstance(entity, Author) else entity.hashtag,
            handle=max(self._handles, default=None) if isinstance(entity, Author) else None,
            counts={label: self._counts[label] for label in self._posts},
            mean_scores={label: self._sums[label] / count for label, count in self._posts.items()},
            first_seen=self._seen[0],
            last_seen=self._seen[1],
        )
