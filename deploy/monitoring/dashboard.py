"""The dashboard for Grafana, from one list of panels: ``python -m deploy.monitoring.dashboard``.

Each row answers one question of whoever is on call, and the first one whether to read on.
"""

import json
from pathlib import Path
from typing import Any

from deploy.monitoring.answers import answers
from deploy.monitoring.panels import CALLS, Panel, Row
from deploy.monitoring.parts import parts

FILE = Path(__file__).parent / "dashboards" / "sentiserve.json"
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_COLOURS = ("green", "yellow", "red")


def dashboard() -> dict[str, Any]:
    """All of it, as Grafana takes it."""
    return {
        "uid": "sentiserve",
        "title": "sentiserve",
        "description": "Whether it answers, how fast, and if not, which part is to blame.",
        "tags": ["sentiserve"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "graphTooltip": 1,  # one moment in all panels
        "templating": {"list": _variables()},
        "annotations": {"list": [_starts()]},
        "panels": _laid_out([*answers(), *parts()]),
    }


def written() -> str:
    """A panel a line: changes can be read."""
    whole = dashboard()
    panels = ",\n".join(_short(panel) for panel in whole.pop("panels"))
    others = ",\n".join(f"{json.dumps(key)}: {_short(value)}" for key, value in whole.items())
    return f'{{\n{others},\n"panels": [\n{panels}\n]\n}}\n'


def _laid_out(rows: list[Row]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False}
            | {"gridPos": {"x": 0, "y": y, "w": _COLUMNS, "h": 1}, "panels": []}
        )
        y += 1
        width = _COLUMNS // len(row.panels)
        for column, panel in enumerate(row.panels):
            place = {"x": column * width, "y": y, "w": width, "h": row.height}
            panels.append({"id": len(panels) + 1, "gridPos": place} | _drawn(panel))
        y += row.height
    return panels


def _drawn(panel: Panel) -> dict[str, Any]:
    steps = zip(_COLOURS, (None, *panel.thresholds), strict=False)
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": colour, "value": value} for colour, value in steps],
        },
        "custom": _drawing(panel),
    }
    if panel.kind == "timeseries":
        defaults["min"] = 0
    if panel.share:
        defaults["max"] = 1
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": panel.kind != "timeseries",
                "range": panel.kind == "timeseries",
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for number, (legend, expression) in enumerate(panel.lines.items())
        ],
    }


def _drawing(panel: Panel) -> dict[str, Any]:
    if panel.kind != "timeseries":
        return {}
    stacked = {"mode": "normal" if panel.stacked else "none", "group": "A"}
    dashes = {"mode": "dashed" if panel.thresholds else "off"}
    fill = 30 if panel.stacked else 0
    return {"stacking": stacked, "fillOpacity": fill, "thresholdsStyle": dashes}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "stat":
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return {"reduceOptions": reduced, "colorMode": "background", "graphMode": "none"}
    return {"showHeader": True}


def _variables() -> list[dict[str, Any]]:
    known = "sentiserve_build_info"
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        _variable("job", f"label_values({known}, job)"),
        _variable("instance", f'label_values({known}{{job="$job"}}, instance)', several=True),
        _variable(
            "route",
            f"label_values(sentiserve_requests_total{{{CALLS}}}, route)",
            several=True,
        ),
    ]


def _variable(name: str, query: str, *, several: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _DATASOURCE,
        "query": query,
        "refresh": 2,  # when the time changes
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **({"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if several else {}),
    }


def _starts() -> dict[str, Any]:
    return {
        "name": "Starts",
        "datasource": _DATASOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": 'changes(process_start_time_seconds{job="$job",instance=~"$instance"}[1m]) > 0',
    }


def _short(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(written())
