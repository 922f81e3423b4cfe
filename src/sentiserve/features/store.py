"""The feature store: features as of now, and as of the times in a table's rows."""

import asyncio
import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from sentiserve.errors import BadInputError, StoreError
from sentiserve.features.online import EntityRow, FeatureVector, OnlineFeatures, Value
from sentiserve.features.views import VIEWS, Feature, choose_features
from sentiserve.tables import read_rows
from sentiserve.types import ModelInfo

HistoricalRow = Mapping[str, str | datetime | None]
TIME = "event_timestamp"


class OfflineStore(Protocol):
    """What gives training sets: the history."""

    async def training_set(
        self,
        spine: Path,
        out: Path,
        features: Sequence[str],
        model_id: str,
        labels: Sequence[str],
        ttl: timedelta,
    ) -> int:
        """Join features to the rows of a file; see ``History.training_set``."""


class FeatureStore:
    """Features of one model's predictions, now and then."""

    def __init__(
        self,
        online: OnlineFeatures,
        offline: OfflineStore | None,
        model: ModelInfo,
        ttl: timedelta,
    ) -> None:
        """Take both stores, the model whose predictions count, and how long they live."""
        self._online = online
        self._offline = offline
        self._model = model
        self._ttl = ttl

    async def get_online_features(
        self, entity_rows: Iterable[EntityRow], features: Sequence[str]
    ) -> list[FeatureVector]:
        """What is known now; see ``OnlineFeatures.get_online_features``."""
        entity_rows = list(entity_rows)
        _check_keys(entity_rows, choose_features(features, self._model.labels))
        return await self._online.get_online_features(entity_rows, features)

    async def get_historical_features(
        self, entity_rows: Iterable[HistoricalRow], features: Sequence[str]
    ) -> list[dict[str, str | datetime | Value]]:
        """Each row, in order, and beside it what was known at its ``event_timestamp``.

        Where nothing was known counts are 0 and others None. All rows are held in memory; for
        more than some 100,000 write files with ``sentiserve store training-set``.

        Args:
            entity_rows: an ``event_timestamp`` (without a zone it is in UTC), the join keys of
                all views that are asked for, and whatever else.
            features: ``view:feature``, or a view's name for all of its features.

        Raises:
            BadInputError: there is no such feature, or a row lacks a key or a time, or a key is
                no text, or a row has a column named like a feature that is asked for.
            StoreError: there is no history, or it can't be read.
        """
        chosen = choose_features(features, self._model.labels)
        if self._offline is None:
            raise StoreError("there is no history: SENTISERVE_HISTORY is off; name its directory")
        entity_rows = list(entity_rows)
        if not entity_rows:
            return []
        _check_keys(entity_rows, chosen)
        _check_columns(entity_rows, chosen)
        with TemporaryDirectory(prefix="sentiserve-") as place:
            spine, out = Path(place) / "spine.csv", Path(place) / "out.parquet"
            await asyncio.to_thread(_write, spine, [TIME, *_keys(chosen)], entity_rows)
            try:
                await self._offline.training_set(
                    spine, out, features, self._model.id, self._model.labels, self._ttl
                )
            except BadInputError as error:
                raise BadInputError(str(error).replace(str(spine), "entity_rows")) from error
            found = await asyncio.to_thread(lambda: [row.values for row in read_rows(out)])
        names = [feature.full_name for feature in chosen]
        return [
            {**row, **{name: values[name] for name in names}}
            for row, values in zip(entity_rows, found, strict=True)
        ]


def _keys(features: Iterable[Feature]) -> list[str]:
    return list(dict.fromkeys(key for f in features for key in VIEWS[f.view].join_keys))


def _check_keys(rows: Iterable[Mapping[str, object]], features: Iterable[Feature]) -> None:
    """Refuse what one store might find and the other not, as a number that looks like an id."""
    keys = _keys(features)
    for number, row in enumerate(rows, start=1):
        for key in keys:
            value = row.get(key)
            if not isinstance(value, str | None):
                raise BadInputError(
                    f"entity_rows: {key} of row {number} is {value!r}; it must be text, or ids "
                    "might be rounded"
                )


def _check_columns(rows: Iterable[Mapping[str, object]], features: Iterable[Feature]) -> None:
    names = [feature.full_name for feature in features]
    for number, row in enumerate(rows, start=1):
        if taken := [name for name in names if name in row]:
            raise BadInputError(
                f"entity_rows: row {number} has a column {taken[0]} already, which is what comes "
                "out; leave it out"
            )


def _write(spine: Path, keys: Sequence[str], rows: Sequence[HistoricalRow]) -> None:
    columns = [key for key in keys if all(key in row for row in rows)]
    try:
        with spine.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    except UnicodeEncodeError as error:
        raise BadInputError(
            "entity_rows: a key holds a lone surrogate, which is no character"
        ) from error
