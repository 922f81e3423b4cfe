"""Features as of now, from the online store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sentiserve.errors import BadInputError
from sentiserve.features.views import (
    AUTHOR_SENTIMENT,
    POST_SENTIMENT,
    SPANS,
    VIEWS,
    Feature,
    choose_features,
)
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Aggregate, Author, Hashtag, ModelInfo, PostRef, Prediction

EntityRow = Mapping[str, str | None]
Value = str | float | int | None


class Status(StrEnum):
    """Whether an entity is known to a view."""

    PRESENT = "PRESENT"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """The features of one row of entities.

    Attributes:
        values: by the features' full names; for what isn't known counts are 0, others None.
        statuses: by view.
        event_timestamps: when the newest of what the view tells was predicted or seen, by view.
    """

    values: Mapping[str, Value]
    statuses: Mapping[str, Status]
    event_timestamps: Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a store knows of one entity."""

    values: Mapping[Feature, Value]
    event_timestamp: datetime | None


class OnlineFeatures:
    """Features of one model's predictions."""

    def __init__(self, store: Store, model: ModelInfo, timeout: float) -> None:
        """Take the open store, the model whose predictions count, and the seconds it may take."""
        self._store = store
        self._model = model
        self._timeout = timeout

    async def get_online_features(
        self, entity_rows: Sequence[EntityRow], features: Sequence[str]
    ) -> list[FeatureVector]:
        """A vector for each row, in order.

        Args:
            entity_rows: the join keys of all views that are asked for: ``platform`` and ``id``,
                ``platform`` and ``author``, ``hashtag``. None is a key that is known to nobody.
            features: ``view:feature``, or a view's name for all of its features.

        Raises:
            BadInputError: there is no such feature, or a row lacks a key.
            StoreError: the store can't be used, or didn't give all of it in time.
        """
        chosen = choose_features(features, self._model.labels)
        names = list(dict.fromkeys(feature.view for feature in chosen))
        keys = {name: [_keys(row, name) for row in entity_rows] for name in names}
        async with store_within(self._timeout, "ask for fewer entities at once"):
            known = {name: await self._known(name, keys[name], chosen) for name in names}
        return [
            FeatureVector(
                values={f.full_name: known[f.view][i].values[f] for f in chosen},
                statuses={name: _status(known[name][i]) for name in names},
                event_timestamps={name: known[name][i].event_timestamp for name in names},
            )
            for i in range(len(entity_rows))
        ]

    async def _known(
        self, view: str, keys: Sequence[tuple[str, ...] | None], chosen: Iterable[Feature]
    ) -> list[_Known]:
        features = [feature for feature in chosen if feature.view == view]
        asked = list(dict.fromkeys(key for key in keys if key is not None))
        of_view = self._of_posts if view == POST_SENTIMENT.name else self._of_windows
        *found, cold = await of_view(view, asked, features)
        by_key = dict(zip(asked, found, strict=True))
        return [cold if key is None else by_key[key] for key in keys]

    async def _of_posts(
        self, _: str, keys: Sequence[tuple[str, ...]], features: Sequence[Feature]
    ) -> list[_Known]:
        """What is known of the posts; and last, what is known of none."""
        found = await self._store.get([PostRef(*key) for key in keys], self._model.id)
        return [_of_post(prediction, features) for prediction in [*found, None]]

    async def _of_windows(
        self, view: str, keys: Sequence[tuple[str, ...]], features: Sequence[Feature]
    ) -> list[_Known]:
        """What is known of the authors or hashtags; and last, what is known of none."""
        found = await self._store.windows(
            [Author(*key) if view == AUTHOR_SENTIMENT.name else _hashtag(*key) for key in keys],
            self._model.id,
            [timedelta(days=days) for days in SPANS],
            datetime.now(UTC),
        )
        return [_of_window(aggregates, features) for aggregates in [*found, [None] * len(SPANS)]]


def _keys(row: EntityRow, view: str) -> tuple[str, ...] | None:
    join_keys = VIEWS[view].join_keys
    if missing := [key for key in join_keys if key not in row]:
        raise BadInputError(
            f"{view} needs the keys {', '.join(join_keys)}; {missing[0]} is missing"
        )
    values = [row[key] for key in join_keys]
    return None if None in values else tuple(value for value in values if value is not None)


def _hashtag(name: str) -> Hashtag:
    return Hashtag(name.removeprefix("#").casefold())


def _of_post(prediction: Prediction | None, features: Iterable[Feature]) -> _Known:
    if prediction is None:
        return _Known(dict.fromkeys(features), None)
    sentiment = prediction.sentiment
    values: dict[Feature, Value] = {
        f: sentiment.label if f.label is None else sentiment.scores.get(f.label) for f in features
    }
    return _Known(values, prediction.predicted_at)


def _of_window(aggregates: Sequence[Aggregate | None], features: Iterable[Feature]) -> _Known:
    by_days = dict(zip(SPANS, aggregates, strict=True))
    last_seen = (aggregate.last_seen for aggregate in aggregates if aggregate is not None)
    values = {feature: _value(by_days[feature.days or 0], feature) for feature in features}
    return _Known(values, max(last_seen, default=None))


def _value(aggregate: Aggregate | None, feature: Feature) -> Value:
    if aggregate is None:
        return None if feature.what == "mean" else 0
    if feature.label is None:
        return aggregate.posts
    if feature.what == "count":
        return aggregate.counts.get(feature.label, 0)
    return aggregate.mean_scores.get(feature.label)


def _status(known: _Known) -> Status:
    return Status.NOT_FOUND if known.event_timestamp is None else Status.PRESENT
