"""Where the journal of a store lies."""

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit


def place(root: Path, store: str) -> Path:
    """A directory for each store, or one would get what waits for another.

    Args:
        root: the directory of all journals.
        store: the store's URL; its password is no part of the name, and a file's path is whole.
    """
    url = urlsplit(store)
    path = url.path if url.netloc else str(Path(url.path[1:]).expanduser().absolute())
    what = (url.scheme, url.netloc.rpartition("@")[2], path, url.query)
    return root / f"{url.scheme}-{sha256(repr(what).encode()).hexdigest()[:16]}"
