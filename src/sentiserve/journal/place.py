"""Where the journal of a store lies."""

from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

_WHO = {"username", "password"}


def place(root: Path, store: str) -> Path:
    """A directory for each store, or one would get what waits for another.

    Args:
        root: the directory of all journals.
        store: the store's URL; who asks is no part of the name, and a file's path is whole.
    """
    url = urlsplit(store)
    path = url.path
    if url.scheme == "sqlite":
        path = str(Path(path[1:]).expanduser().absolute())
    options = [(name, value) for name, value in parse_qsl(url.query) if name not in _WHO]
    what = (url.scheme, url.netloc.rpartition("@")[2], path, sorted(options))
    return root / f"{url.scheme}-{sha256(repr(what).encode()).hexdigest()[:16]}"
