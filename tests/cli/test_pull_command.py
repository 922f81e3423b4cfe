"""``sentiserve model pull``, and every command with a model that lies elsewhere."""

import importlib.util
import json
import signal
import subprocess
import sys
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from checkpoints import pickle_weights, write_roberta
from hub import files_of
from places import SECRET, SIZE, WEIGHTS, HubPlace, Place, bundle_files
from processes import PATIENCE, Run, StartService, eventually, on_terminal

from sentiserve.models.bundle import default_bundle, open_bundle

SPEC = "hf:team/tickets"
ARTICLE = "cardiffnlp/twitter-roberta-base-sentiment"
MODEL_ID = open_bundle(default_bundle()).manifest.model_id


@pytest.fixture
def model(hub_place: HubPlace) -> HubPlace:
    """The bundled model, elsewhere."""
    hub_place.publish(files_of(default_bundle()))
    return hub_place


def test_pull_says_what_it_brought_and_is_quiet_otherwise(
    cli: Run, place: Place, tmp_path: Path
) -> None:
    ran = cli("model", "pull", place.spec, "bundle")
    model_id = open_bundle(tmp_path / "bundle").manifest.model_id
    assert (ran.status, ran.out, ran.err) == (0, f"tickets {model_id} in bundle\n", "")


def test_a_bundle_that_was_replaced_is_named(cli: Run, place: Place, tmp_path: Path) -> None:
    cli("model", "pull", place.spec, "bundle")
    old = open_bundle(tmp_path / "bundle").manifest.model_id
    assert "replaced" not in cli("model", "pull", place.spec, "bundle").out
    place.publish(bundle_files("2"))
    last = cli("model", "pull", place.spec, "bundle").out.splitlines()[-1]
    assert last == f"replaced tickets (was {old})"


def test_a_terminal_gets_a_progress_bar(place: Place) -> None:
    said = on_terminal("model", "pull", place.spec, "bundle")
    assert b"downloading" in said
    assert b"400.0/400.0 kB" in said


def test_ctrl_c_stops_it_and_says_how_to_go_on(hub_place: HubPlace) -> None:
    hub_place.line.hold(SIZE // 2)
    command = [sys.executable, "-m", "sentiserve.cli.main", "model", "pull", SPEC, "bundle"]
    # What shells start in the background ignores the signal, and so do its children.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        eventually(lambda: hub_place.line.held)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (130, "stopped; the same command goes on from here\n")


def test_an_error_is_one_line_without_secrets(run_process: Run, place: Place) -> None:
    files = bundle_files()
    place.publish({**files, WEIGHTS: files[WEIGHTS][::-1]})
    ran = run_process("model", "pull", place.spec, "bundle")
    assert ran.status == 1
    assert ran.err.startswith(f"sentiserve: {place.spec}: {WEIGHTS} is not the file")
    assert len(ran.err.splitlines()) == 1
    assert SECRET not in ran.err


@pytest.mark.parametrize(
    ("command", "module"),
    [
        (("model", "pull", SPEC, "bundle"), "huggingface_hub"),
        (("model", "pull", "s3://team/tickets", "bundle"), "boto3"),
        (("predict", "--model", SPEC, "Hello."), "huggingface_hub"),
    ],
)
def test_what_the_extra_hub_brings_is_named_when_it_is_missing(
    cli: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], module: str
) -> None:
    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == module else found(name, package)

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    ran = cli(*command)
    assert ran.status == 1
    assert ran.err == f"sentiserve: {module} is not installed: pip install 'sentiserve[hub]'\n"


def test_every_command_takes_a_model_from_elsewhere(
    cli: Run, model: HubPlace, tmp_path: Path
) -> None:
    (tmp_path / "posts.csv").write_text("text,label\nLovely!,positive\nSo,neutral\nBad.,negative\n")
    for command in (
        ("predict", "--json", "--model", SPEC, "What a lovely day!"),
        ("model", "info", "--json", SPEC),
        ("model", "evaluate", "--json", "--model", SPEC, "posts.csv"),
        ("check", "--json", "--model", SPEC),
    ):
        ran = cli(*command)
        assert (ran.status, ran.err) == (0, "")
        assert MODEL_ID in ran.out
    assert cli("model", "verify", SPEC).status == 0
    assert cli("score", "--prefix", "my_", "--model", SPEC, "posts.csv", "scored.csv").status == 0
    assert MODEL_ID in (tmp_path / "scored.csv").read_text()
    assert cli("model", "info", model=SPEC).status == 0
    assert model.hub.fetched.count(WEIGHTS) == 1


def test_a_copy_that_stands_in_is_warned_of(
    cli: Run, model: HubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.models.pull.PAUSES", ())
    cli("model", "info", SPEC)
    model.hub.status = 503
    ran = cli("predict", "--json", "--model", SPEC, "What a lovely day!")
    assert ran.status == 0
    assert json.loads(ran.out)["model"] == MODEL_ID
    (warning,) = ran.err.splitlines()
    assert warning.startswith("sentiserve: warning: the copy of an earlier pull is used (path: ")
    assert "answered 503" in warning


def test_the_service_starts_with_a_model_from_elsewhere(
    start_service: StartService, model: HubPlace
) -> None:
    service = start_service(model=SPEC)
    assert service.client.get("/v1/model").json()["id"] == MODEL_ID


def test_a_service_that_is_still_pulling_stops_at_once(model: HubPlace, tmp_path: Path) -> None:
    model.line.hold(1_000_000)
    command = [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", "0", "--model", SPEC]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: model.line.held)
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "Traceback" not in said


def _new(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_articles_model_goes_from_a_hub_to_an_answer(
    cli: Run, hub_place: HubPlace, tmp_path: Path
) -> None:
    """Pickled weights, labels without names, vocabulary and merges, 514 positions."""
    pickle_weights(write_roberta(_new(tmp_path / "files")))
    hub_place.hub.add(ARTICLE, files_of(tmp_path / "files") | {"run.py": b"import this"})
    spec = f"hf:{ARTICLE}"
    refused = cli("model", "export", spec, "bundle")
    assert (refused.status, "--allow-pickle" in refused.err) == (1, True)
    labels = "negative,neutral,positive"
    exported = cli("model", "export", spec, "bundle", "--labels", labels, "--allow-pickle")
    assert (exported.status, exported.err) == (0, "")
    assert "preprocessing tweet-v1, texts cut at 128 tokens" in exported.out
    assert "run.py" not in hub_place.hub.fetched
    (tmp_path / "bundle").rename(tmp_path / "moved")
    said = json.loads(cli("predict", "--json", "--model", "moved", "What a lovely day!").out)
    assert list(said["scores"]) == labels.split(",")
    assert open_bundle(tmp_path / "moved").manifest.name == ARTICLE


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("bundle", "--format", "pdf"), "unknown format 'pdf'"),
        (("bundle", "--preprocessing", "shout"), "unknown preprocessing 'shout'"),
        (("bundle", "--samples", "nowhere.tsv"), "nowhere.tsv"),
        (("bundle", "--card", "nowhere.md"), "nowhere.md"),
        (("full",), "full is no model bundle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_export_cannot_use_is_named_before_anything_is_asked(
    cli: Run, hub_place: HubPlace, tmp_path: Path, flags: tuple[str, ...], says: str
) -> None:
    _new(tmp_path / "full").joinpath("precious.txt").touch()
    ran = cli("model", "export", "hf:no-such/repository", *flags)
    assert ran.status == 1
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1
    assert hub_place.hub.fetched == []


def test_a_checkpoint_is_taken_from_no_bucket(cli: Run) -> None:
    ran = cli("model", "export", "s3://bucket/checkpoint", "bundle")
    assert ran.status == 1
    assert ran.err.startswith("sentiserve: a checkpoint elsewhere is named hf:ORG/NAME")


def test_what_a_checkpoint_lacks_is_named_before_anything_is_fetched(
    cli: Run, hub_place: HubPlace
) -> None:
    ran = cli("model", "export", SPEC, "bundle")
    assert ran.status == 1
    assert ran.err == f"sentiserve: {SPEC} is no checkpoint: it has no config.json\n"
