"""Of a repository, an export gets what it needs and nothing that runs."""

from pathlib import Path

import pytest
from places import SECRET, HubPlace

from sentiserve.errors import BadInputError, BundleError, UnreachableError
from sentiserve.models.hub_checkpoint import fetch_checkpoint

NEEDED = {
    name: name.encode() * 1000
    for name in (
        "README.md",
        "recipe.json",
        "config.json",
        "model.safetensors",
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "merges.txt",
        "vocab.txt",
        "sentencepiece.bpe.model",
        "spiece.spm",
    )
}
OTHER = {
    "modeling_tickets.py": b"import this",
    "pytorch_model.bin": b"pickled",
    "training_args.bin": b"pickled",
    "flax_model.msgpack": b"weights",
    "tf_model.h5": b"weights",
    "rust_model.ot": b"weights",
    "onnx/model.onnx": b"weights",
    "onnx/config.json": b"{}",
}
SPEC = "hf:team/tickets"


@pytest.fixture(autouse=True)
def _checkpoint(hub_place: HubPlace) -> None:
    hub_place.publish({**NEEDED, **OTHER})


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_what_an_export_needs_is_fetched_and_nothing_else(hub_place: HubPlace) -> None:
    assert content(fetch_checkpoint(SPEC)) == NEEDED
    assert set(hub_place.hub.fetched) == set(NEEDED)


def test_what_is_in_the_cache_is_not_fetched_again(hub_place: HubPlace) -> None:
    first = fetch_checkpoint(SPEC)
    hub_place.hub.fetched.clear()
    assert fetch_checkpoint(SPEC) == first
    assert hub_place.hub.fetched == []


def test_progress_is_told_up_to_the_last_byte() -> None:
    told: list[tuple[int, int]] = []
    fetch_checkpoint(SPEC, lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {sum(map(len, NEEDED.values()))}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("name", ["model.safetensors", "merges.txt"])
def test_wrong_bytes_are_refused_and_thrown_away(hub_place: HubPlace, name: str) -> None:
    hub_place.hub.spoilt.add(name)
    with pytest.raises(BundleError, match=f"{name} is not the file that the hub describes"):
        fetch_checkpoint(SPEC)
    hub_place.hub.spoilt.clear()
    assert content(fetch_checkpoint(SPEC)) == NEEDED


def test_pickled_weights_come_only_when_asked_for(hub_place: HubPlace) -> None:
    without = {name: raw for name, raw in NEEDED.items() if "safetensors" not in name}
    hub_place.publish({**without, **OTHER})
    with pytest.raises(BadInputError, match="--allow-pickle"):
        fetch_checkpoint(SPEC)
    assert "pytorch_model.bin" not in hub_place.hub.fetched
    assert set(content(fetch_checkpoint(SPEC, pickled=True))) == {*without, "pytorch_model.bin"}


def test_pickled_weights_stay_where_there_are_others(hub_place: HubPlace) -> None:
    assert "pytorch_model.bin" not in content(fetch_checkpoint(SPEC, pickled=True))


def test_a_repository_without_a_configuration_is_no_checkpoint(hub_place: HubPlace) -> None:
    hub_place.publish(OTHER)
    with pytest.raises(BadInputError, match="no checkpoint: it has no config.json"):
        fetch_checkpoint(SPEC)


def test_only_a_hub_has_checkpoints() -> None:
    with pytest.raises(BadInputError, match="hf:ORG/NAME"):
        fetch_checkpoint("s3://team/checkpoint")


def test_errors_are_those_of_a_pull(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BundleError, match="no revision 'v9'"):
        fetch_checkpoint(f"{SPEC}@v9")
    monkeypatch.setenv("HF_ENDPOINT", f"http://user:{SECRET}@127.0.0.1:9")
    with pytest.raises(UnreachableError, match="127.0.0.1:9 gives no answer"):
        fetch_checkpoint(SPEC)
    assert SECRET not in capfd.readouterr().err
