"""A bundle from elsewhere arrives whole and verified, or not at all; what was cut goes on."""

import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from places import SIZE, SLACK, WEIGHTS, HubPlace, Place, bundle_files, write
from processes import environment, eventually

from sentiserve.errors import BadInputError, BundleError, UnreachableError
from sentiserve.models.bundle import MANIFEST, Manifest, open_bundle
from sentiserve.models.locations import remote
from sentiserve.models.pull import pull, read_manifest

HALF = SIZE // 2


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.models.pull.PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory that is not there yet, alone in its parent."""
    return tmp_path / "models" / "tickets"


def fetch(place: Place, out: Path) -> Manifest:
    there = remote(place.spec)
    return pull(there, read_manifest(there), out)


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def beside(out: Path) -> list[str]:
    """What lies beside the bundle."""
    return sorted(path.name for path in out.parent.iterdir() if path != out)


def test_a_bundle_arrives_whole_and_as_it_is(place: Place, out: Path) -> None:
    assert fetch(place, out).revision == "1"
    assert files(out) == bundle_files()
    assert beside(out) == []


def test_an_empty_directory_is_filled(place: Place, out: Path) -> None:
    out.mkdir(parents=True)
    fetch(place, out)
    assert files(out) == bundle_files()


def test_what_is_unchanged_is_not_fetched_again(place: Place, out: Path) -> None:
    fetch(place, out)
    place.line.mend()
    fetch(place, out)
    assert place.line.carried < SLACK


def test_a_damaged_bundle_is_fetched_again(place: Place, out: Path) -> None:
    fetch(place, out)
    (out / WEIGHTS).write_bytes(b"damaged")
    fetch(place, out)
    assert files(out) == bundle_files()


def test_progress_is_told_up_to_the_last_byte(place: Place, out: Path) -> None:
    told: list[tuple[int, int]] = []
    there = remote(place.spec)
    pull(there, read_manifest(there), out, lambda done, total: told.append((done, total)))
    (total,) = {total for _, total in told}
    assert total == sum(len(raw) for name, raw in bundle_files().items() if name != MANIFEST)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (told[0][0], told[-1][0]) == (0, total)


def test_a_cut_connection_is_taken_up_again_where_it_ended(place: Place, out: Path) -> None:
    place.line.cut(*[100_000] * 3)
    fetch(place, out)
    assert files(out) == bundle_files()
    assert place.line.carried < SIZE + 4 * SLACK + 3 * 65_536


def test_a_line_that_stays_dead_keeps_what_has_come_for_the_next_run(
    place: Place, out: Path
) -> None:
    place.line.die(HALF)
    with pytest.raises(
        UnreachableError, match=f"of {SIZE:,} bytes of {WEIGHTS} are here, run it again"
    ):
        fetch(place, out)
    assert not out.exists()
    place.line.mend()
    fetch(place, out)
    assert files(out) == bundle_files()
    assert place.line.carried < SIZE - HALF + SLACK + 65_536
    assert beside(out) == []


def test_a_place_that_gives_no_answer_is_named(place: Place, out: Path) -> None:
    place.line.die(0)
    with pytest.raises(
        UnreachableError, match=f"{place.spec}: 127.0.0.1:{place.line.port} gives no"
    ):
        fetch(place, out)


def test_wrong_bytes_are_refused_and_the_earlier_bundle_stays(place: Place, out: Path) -> None:
    fetch(place, out)
    wrong = bundle_files("2")
    place.publish({**wrong, WEIGHTS: wrong[WEIGHTS][:-1] + b"?"})
    with pytest.raises(BundleError, match=f"{WEIGHTS} is not the file.*SHA-256"):
        fetch(place, out)
    assert open_bundle(out).manifest.revision == "1"
    place.publish(wrong)
    fetch(place, out)
    assert open_bundle(out).manifest.revision == "2"


def test_the_next_revision_takes_the_place_of_the_earlier_one(place: Place, out: Path) -> None:
    fetch(place, out)
    place.publish(bundle_files("2"))
    fetch(place, out)
    assert files(out) == bundle_files("2")
    assert beside(out) == []


def test_what_came_of_one_revision_is_not_mixed_with_another(place: Place, out: Path) -> None:
    place.line.die(HALF)
    with pytest.raises(UnreachableError):
        fetch(place, out)
    place.line.mend()
    place.publish(bundle_files("2"))
    fetch(place, out)
    assert files(out) == bundle_files("2")
    assert place.line.carried > SIZE
    assert beside(out) == []


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_is_no_bundle_is_not_replaced(place: Place, out: Path, kind: str) -> None:
    if kind == "directory":
        write(out, {"notes.txt": b"mine"})
    else:
        write(out.parent, {out.name: b"mine"})
    with pytest.raises(BadInputError, match="is no model bundle.*; name an empty directory"):
        fetch(place, out)
    kept = out / "notes.txt" if kind == "directory" else out
    assert kept.read_bytes() == b"mine"


def test_a_mount_point_is_refused_before_anything_is_fetched(place: Place) -> None:
    with pytest.raises(BadInputError, match="/ is a mount point; name a directory below it"):
        fetch(place, Path("/"))
    assert place.line.carried < SLACK


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"preprocessing": "unheard-of"}, "unknown preprocessing 'unheard-of'"),
        ({"labels": ["twice", "twice"]}, "a label is named twice"),
        ({"weights": "other.onnx"}, "no digest for other.onnx"),
    ],
)
def test_what_the_manifest_alone_shows_is_refused_before_anything_else_is_fetched(
    place: Place, out: Path, change: dict[str, object], says: str
) -> None:
    files_there = bundle_files()
    manifest = msgspec.json.decode(files_there[MANIFEST]) | change
    place.publish({**files_there, MANIFEST: msgspec.json.encode(manifest)})
    with pytest.raises(BundleError, match=f"^{place.spec}: {MANIFEST}: {says}"):
        fetch(place, out)
    assert place.line.carried < SLACK


def test_only_what_the_manifest_lists_is_fetched(place: Place, out: Path) -> None:
    place.publish({**bundle_files(), "run.py": b"import this", "notes.txt": b"?" * SIZE})
    fetch(place, out)
    assert files(out) == bundle_files()
    assert place.line.carried < SIZE + SLACK


@pytest.mark.parametrize("raw", [b"", b"{", b'{"files": {}}', b" " * (2 << 20)])
def test_a_manifest_that_is_none_is_refused_by_name(place: Place, out: Path, raw: bytes) -> None:
    place.publish({**bundle_files(), MANIFEST: raw})
    with pytest.raises(BundleError, match=f"^{place.spec}: {MANIFEST}"):
        fetch(place, out)


def test_a_name_that_leads_elsewhere_is_refused(place: Place, out: Path) -> None:
    raw = bundle_files()[MANIFEST].replace(WEIGHTS.encode(), b"../../model.onnx")
    place.publish({**bundle_files(), MANIFEST: raw})
    with pytest.raises(BundleError, match="matching regex"):
        fetch(place, out)
    assert not out.parent.exists()


def test_a_place_without_a_manifest_is_no_bundle(place: Place, out: Path) -> None:
    place.publish({"notes.txt": b"nothing"})
    with pytest.raises(BundleError, match="is no model bundle: it has no bundle.json"):
        fetch(place, out)


def test_a_file_that_is_missing_there_is_named(place: Place, out: Path) -> None:
    published = bundle_files()
    del published[WEIGHTS]
    place.publish(published)
    with pytest.raises(BundleError, match=f"{WEIGHTS} is missing"):
        fetch(place, out)


def test_refused_permission_is_told_apart_from_silence(place: Place, out: Path) -> None:
    place.deny()
    with pytest.raises(BundleError, match="HF_TOKEN|s3:GetObject") as refused:
        fetch(place, out)
    assert not isinstance(refused.value, UnreachableError)


def test_two_at_once_wait_for_each_other(place: Place, out: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(fetch, [place] * 2, [out] * 2))
    assert [manifest.revision for manifest in both] == ["1", "1"]
    assert files(out) == bundle_files()
    assert place.line.carried < SIZE + 2 * SLACK


def command(place: Place, out: Path) -> list[str]:
    return [sys.executable, "-m", "sentiserve.cli.main", "model", "pull", place.spec, str(out)]


def test_a_killed_pull_leaves_the_earlier_bundle_and_the_next_one_goes_on(
    place: Place, out: Path, tmp_path: Path
) -> None:
    write(out, bundle_files("0"))
    place.line.hold(HALF)
    with subprocess.Popen(command(place, out), env=environment(tmp_path, {})) as process:
        eventually(lambda: place.line.held)
        eventually(
            lambda: any(
                path.stat().st_size > HALF // 2 for path in out.parent.glob(f".*/{WEIGHTS}")
            )
        )
        process.send_signal(signal.SIGKILL)
    assert open_bundle(out).manifest.revision == "0"
    place.line.mend()
    fetch(place, out)
    assert files(out) == bundle_files()
    assert place.line.carried < SIZE
    assert beside(out) == []


def test_a_full_disk_is_named_and_leaves_the_earlier_bundle(
    place: Place, out: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the disk: the system refuses to write on."""
    write(out, bundle_files("0"))
    ran = subprocess.run(
        command(place, out),
        env=environment(tmp_path, {}),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, HALF)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "no room for the download" in ran.stderr
    assert "free some and run it again" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert open_bundle(out).manifest.revision == "0"


def test_a_bundle_without_end_is_refused(hub_place: HubPlace, out: Path) -> None:
    hub_place.hub.announced[WEIGHTS] = 1 << 50
    with pytest.raises(BundleError, match="is over"):
        fetch(hub_place, out)


def test_a_bundle_that_the_disk_cannot_hold_is_refused_before_it_is_fetched(
    hub_place: HubPlace, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.models.pull._MAX_BUNDLE", 1 << 60)
    hub_place.hub.announced[WEIGHTS] = 1 << 50
    with pytest.raises(BundleError, match="no room for the download"):
        fetch(hub_place, out)
    assert hub_place.line.carried < SLACK


def test_a_directory_that_cannot_be_written_is_named(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="file"):
        fetch(place, tmp_path / "file" / "bundle")
