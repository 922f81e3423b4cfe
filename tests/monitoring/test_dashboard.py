"""The dashboard's file: made of the lists of panels, and read by Grafana's own models."""

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus import DASHBOARD, panels

from deploy.monitoring.dashboard import dashboard, written


def lost(given: Any, kept: Any, place: str = "") -> list[str]:
    """Where the second lacks what the first has, or has something else."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [
            found
            for key, value in given.items()
            for found in lost(value, kept.get(key), f"{place}.{key}")
        ]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        pairs = enumerate(zip(given, kept, strict=True))
        return [found for i, (a, b) in pairs for found in lost(a, b, f"{place}[{i}]")]
    return [] if given == kept else [place]


def test_the_file_is_what_the_lists_say() -> None:
    """Else: ``python -m deploy.monitoring.dashboard``."""
    assert DASHBOARD.read_text() == written()
    assert json.loads(written()) == dashboard()


def test_grafana_knows_every_word_of_it() -> None:
    """Its published models, which drop what they don't know, drop nothing."""
    register_default_plugins()
    given = json.loads(DASHBOARD.read_text())
    kept = json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder))
    assert not lost(given, kept)


def test_each_panel_says_what_it_means_and_has_a_unit() -> None:
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_no_panel_covers_another() -> None:
    """Each has its place in the grid, of 24 columns, to itself."""
    taken = [
        (place["x"] + x, place["y"] + y)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
