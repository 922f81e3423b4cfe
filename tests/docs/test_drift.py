"""The commands of docs/drift.md, run in their order, and what it says is measured."""

import json
import re
import shlex
from pathlib import Path

from processes import Run

from sentiserve.insights.findings import FALSE_ALARMS, LEAST_DROP, LEAST_SHIFT
from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.profiling import read_profile
from sentiserve.tables import sample_archive

PAGE = (Path(__file__).parents[2] / "docs" / "drift.md").read_text()


def test_every_command_does_what_the_page_says(cli: Run, tmp_path: Path) -> None:
    """The sample is read, and is told to differ from the tweets that the model was measured on."""
    (tmp_path / "posts.jsonl").write_bytes(sample_archive().read_bytes())
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"sentiserve (.+)$", block, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        ran = cli(*shlex.split(command), HISTORY=str(tmp_path / "history"))
        assert ran.status == 0, ran.err
    assert {"characters", "words"} <= set(json.loads(ran.out)["drifted"])


def test_every_feature_is_explained() -> None:
    """Those of the bundled model, and those of true labels."""
    profile = read_profile(open_bundle(default_bundle()))
    assert profile
    table = PAGE.partition("## What is measured")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert named == {*profile.features, "words", "accuracy", "confusion"}


def test_the_thresholds_are_those_of_the_code() -> None:
    """As numbers in the text."""
    assert f"below {FALSE_ALARMS}" in PAGE
    assert f"must be {LEAST_SHIFT} or more" in PAGE
    assert f"a fall by {LEAST_DROP}" in PAGE
