"""Checkpoints of the Hugging Face Hub, in its own cache. Needs the extra ``hub``."""

import hashlib
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import constants, hf_hub_download
from huggingface_hub.hf_api import RepoSibling
from tqdm import tqdm

from sentiserve.errors import BadInputError, BundleError
from sentiserve.models.hub import Hub
from sentiserve.models.locations import remote
from sentiserve.models.pull import writing
from sentiserve.models.remote import OnProgress, quiet

_CONFIG = "config.json"
_WEIGHTS = re.compile(r"[^/]+\.safetensors(\.index\.json)?")
_PICKLED = re.compile(r"pytorch_model[^/]*\.bin(\.index\.json)?")
_TOKENIZER = re.compile(
    r"(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|merges\.txt|vocab\.txt|[^/]+\.(model|spm)"
)
_NOTES = {"README.md", "recipe.json"}  # the licence, and how texts were prepared in training


def fetch_checkpoint(spec: str, on_progress: OnProgress = quiet, *, pickled: bool = False) -> Path:
    """Fetch what an export needs of a repository: configuration, weights, tokenizer, card.

    Nothing is fetched that could be run, unless pickled weights are asked for. Every file is
    compared with the digest that the hub names.

    Args:
        spec: ``hf:ORG/NAME[@REV]``.
        on_progress: told how many bytes are here, and how many there are.
        pickled: take ``pytorch_model*.bin`` where there are no safetensors.

    Returns:
        A directory of the hub's cache.

    Raises:
        BadInputError: the repository holds no checkpoint.
        BundleError: it can't be had, or a file is not what the hub says.
    """
    hub = remote(spec)
    if not isinstance(hub, Hub):
        raise BadInputError("a checkpoint elsewhere is named hf:ORG/NAME or hf:ORG/NAME@REVISION")
    wanted = _wanted(hub, pickled=pickled)
    total = sum(hub.size(name) for name in wanted)
    done = 0

    def on_bytes(count: int) -> None:
        on_progress(done + count, total)

    for name in wanted:
        path = _fetch(hub, name, on_bytes)
        _verify(hub, hub.files[name], path)
        done += hub.size(name)
        on_progress(done, total)
    return path.parent


def _wanted(hub: Hub, *, pickled: bool) -> list[str]:
    names = sorted(hub.files)
    weights = [name for name in names if _WEIGHTS.fullmatch(name)]
    if not weights and pickled:
        weights = [name for name in names if _PICKLED.fullmatch(name)]
    if _CONFIG not in names:
        raise BadInputError(f"{hub} is no checkpoint: it has no {_CONFIG}")
    if not weights:
        pickles = any(_PICKLED.fullmatch(name) for name in names)
        raise BadInputError(
            f"{hub} has its weights only pickled; give --allow-pickle if you trust their author"
            if pickles
            else f"{hub} has no weights in safetensors"
        )
    small = [name for name in names if name in _NOTES or _TOKENIZER.fullmatch(name)]
    return [*small, *weights, _CONFIG]


def _fetch(hub: Hub, name: str, on_bytes: Callable[[int], None]) -> Path:
    with writing(Path(constants.HF_HUB_CACHE)), hub.explained(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a disk that is nearly full; a full one is an error
        return Path(
            hf_hub_download(
                hub.repository,
                name,
                revision=hub.commit,
                endpoint=hub.endpoint,
                tqdm_class=_counting(on_bytes),
            )
        )


def _counting(on_bytes: Callable[[int], None]) -> type[Any]:
    """A bar for huggingface_hub that shows nothing, and tells how far it is."""

    class Bar(tqdm):  # type: ignore[misc]  # tqdm ships no types
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(disable=True)
            self.n = 0

        def update(self, n: float = 1) -> None:
            self.n += int(n)
            on_bytes(self.n)

        def update_transfer(self, n: float) -> None:
            """Bytes from the network, which ``update`` counts when they are written."""

    return Bar


def _verify(hub: Hub, file: RepoSibling, path: Path) -> None:
    with path.open("rb") as opened:
        if file.lfs:
            same = hashlib.file_digest(opened, "sha256").hexdigest() == file.lfs.sha256
        else:
            same = hashlib.file_digest(opened, lambda: _git_blob(path)).hexdigest() == file.blob_id
    if not same:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise BundleError(
            f"{hub}: {file.rfilename} is not the file that the hub describes: its digest "
            "differs; it was thrown away, run it again"
        )


def _git_blob(path: Path) -> Any:
    """The digest by which git names a file, before its content."""
    header = b"blob %d\0" % path.stat().st_size
    return hashlib.sha1(header, usedforsecurity=False)
