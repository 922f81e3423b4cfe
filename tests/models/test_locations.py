"""A model is named by a directory or a place elsewhere, of which a copy is kept."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import structlog
from line import Line
from places import SECRET, SIZE, SLACK, WEIGHTS, HubPlace, Place, bundle_files, write
from processes import environment, eventually

from sentiserve.errors import BadInputError, BundleError, UnreachableError
from sentiserve.models.bundle import MANIFEST, default_bundle, open_bundle
from sentiserve.models.locations import locate, remote


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.models.pull.PAUSES", (0.0,))


def revision(copy: Path) -> str:
    return open_bundle(copy).manifest.revision


@pytest.mark.parametrize(
    "spec",
    [
        "hf:tickets",
        "hf:team/tickets/more",
        "hf:team/tickets@",
        "hf:team/tickets@-f",
        "hf:",
        "s3://",
        "s3://A/models",
        f"s3://key:{SECRET}@team/models",
        f"https://user:{SECRET}@hub.example/team/tickets",
    ],
)
def test_a_name_of_no_known_form_is_refused_and_not_repeated(spec: str) -> None:
    with pytest.raises(BadInputError, match="hf:ORG/NAME.*s3://BUCKET/PREFIX") as refused:
        locate(spec)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("spec", ["hf:team/tickets", "hf:team/tickets@refs/pr/1", "s3://team/a b"])
def test_a_place_is_called_as_it_was_named(spec: str) -> None:
    assert str(remote(spec)) == spec


def test_a_directory_is_itself_and_nothing_is_the_bundled_model() -> None:
    assert locate("my-bundle") == Path("my-bundle")
    assert locate(None) == locate("") == default_bundle()


def test_the_copy_lies_in_the_cache_and_is_not_fetched_twice(place: Place, tmp_path: Path) -> None:
    copy = locate(place.spec)
    assert copy.is_relative_to(tmp_path / "cache" / "sentiserve" / "models")
    place.line.mend()
    assert locate(place.spec) == copy
    assert place.line.carried < SLACK


def test_a_new_revision_is_fetched_and_the_one_before_stays_for_who_is_loading_it(
    place: Place,
) -> None:
    first = locate(place.spec)
    place.publish(bundle_files("2"))
    second = locate(place.spec)
    assert [revision(first), revision(second)] == ["1", "2"]
    place.publish(bundle_files("3"))
    third = locate(place.spec)
    assert revision(third) == "3"
    assert set(first.parent.iterdir()) == {second, third}


def test_what_another_process_is_fetching_is_left_to_it(
    hub_place: HubPlace, tmp_path: Path
) -> None:
    hub_place.line.hold(SIZE // 2)
    command = [sys.executable, "-m", "sentiserve.cli.main", "model", "info", hub_place.spec]
    with subprocess.Popen(command, env=environment(tmp_path, {})) as other:
        eventually(lambda: list((tmp_path / "cache").glob(f"**/.*.pull-*/{WEIGHTS}")))
        other.send_signal(signal.SIGSTOP)
        hub_place.line.mend()
        hub_place.publish(bundle_files("2"))
        here = locate(hub_place.spec)
        other.send_signal(signal.SIGCONT)
    assert other.returncode == 0
    assert sorted(map(revision, here.parent.iterdir())) == ["1", "2"]


def test_what_a_killed_process_left_of_another_revision_is_dropped(place: Place) -> None:
    first = locate(place.spec)
    first.with_name(".0123456789abcdef.lock").touch()
    write(first.with_name(".0123456789abcdef.pull-0"), {WEIGHTS: b"half"})
    place.publish(bundle_files("2"))
    second = locate(place.spec)
    assert set(first.parent.iterdir()) == {first, second}


def test_a_damaged_copy_is_fetched_again(place: Place) -> None:
    copy = locate(place.spec)
    (copy / WEIGHTS).write_bytes(b"damaged")
    assert revision(locate(place.spec)) == "1"


def test_a_copy_serves_while_its_place_gives_no_answer_and_the_log_says_so(place: Place) -> None:
    copy = locate(place.spec)
    place.line.die(0)
    with structlog.testing.capture_logs() as logged:
        assert locate(place.spec) == copy
    (event,) = logged
    assert event["log_level"] == "warning"
    assert event["path"] == str(copy)
    assert "gives no answer" in event["reason"]


def test_the_copy_that_was_used_last_serves(place: Place) -> None:
    locate(place.spec)
    place.publish(bundle_files("2"))
    locate(place.spec)
    place.publish(bundle_files("1"))
    locate(place.spec)
    place.line.die(0)
    assert revision(locate(place.spec)) == "1"


def test_a_pull_that_is_cut_off_leaves_the_copy_in_use(place: Place) -> None:
    copy = locate(place.spec)
    place.publish(bundle_files("2"))
    place.line.die(SIZE // 2)
    assert locate(place.spec) == copy
    place.line.mend()
    assert revision(locate(place.spec)) == "2"
    assert place.line.carried < SIZE


def test_the_copy_of_another_server_does_not_serve(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    locate(place.spec)
    with Line(place.line.port) as elsewhere:
        elsewhere.die(0)
        for name, value in place.variables.items():
            monkeypatch.setenv(name, value.replace(place.line.url, elsewhere.url))
        with pytest.raises(UnreachableError, match=f"{elsewhere.port} gives no answer"):
            locate(place.spec)


def test_the_copy_serves_after_a_change_of_password(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = locate(hub_place.spec)
    hub_place.line.die(0)
    url = hub_place.line.url.replace("//", f"//user:{SECRET}@")
    monkeypatch.setenv("HF_ENDPOINT", url)
    assert locate(hub_place.spec) == copy


def test_offline_the_copy_serves_at_once(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = locate(hub_place.spec)
    pause = 60.0
    monkeypatch.setattr("sentiserve.models.pull.PAUSES", (pause,))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    started = time.monotonic()
    assert locate(hub_place.spec) == copy
    assert time.monotonic() - started < pause


def test_without_a_copy_no_answer_is_an_error(place: Place) -> None:
    place.line.die(0)
    with pytest.raises(UnreachableError, match="gives no answer"):
        locate(place.spec)


def test_a_refusal_is_not_answered_with_a_copy_but_names_it(place: Place) -> None:
    copy = locate(place.spec)
    place.deny()
    with pytest.raises(BundleError, match=str(copy)):
        locate(place.spec)


def test_wrong_bytes_are_not_answered_with_a_copy_but_name_it(place: Place) -> None:
    copy = locate(place.spec)
    place.publish({**bundle_files("2"), WEIGHTS: b"?" * SIZE})
    with pytest.raises(BundleError, match=f"SHA-256.*{copy}"):
        locate(place.spec)


def test_a_cache_that_is_full_of_something_else_is_an_error_that_names_it(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(BundleError, match=str(tmp_path / "cache")):
        locate(place.spec)


def test_a_program_is_not_run_from_elsewhere(place: Place) -> None:
    files = bundle_files()
    manifest = msgspec.json.decode(files[MANIFEST]) | {"format": "torchscript"}
    place.publish({**files, MANIFEST: msgspec.json.encode(manifest)})
    with pytest.raises(BundleError, match=f"sentiserve model pull {place.spec} DIR"):
        locate(place.spec)
