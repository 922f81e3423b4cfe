"""Archives as X gives them to their owners, of made-up posts."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

ACCOUNT = {"account": {"username": "ben_example", "accountId": "17", "email": "b@example.org"}}


def post(post_id: str, full_text: str | None, **others: Any) -> dict[str, Any]:
    """The inner object, as it has been since 2019."""
    return {
        "id_str": post_id,
        "id": post_id,
        "full_text": full_text,
        "created_at": "Wed Oct 10 20:19:24 +0000 2018",
        "lang": "en",
        "favorite_count": "0",
        "entities": {"hashtags": [{"text": "tea", "indices": ["0", "4"]}], "urls": []},
        **others,
    }


def script(*elements: object, name: str = "tweets", part: int = 0) -> str:
    """A ``.js`` file; strings are elements that are written as they are."""
    written = [each if isinstance(each, str) else json.dumps(each, indent=2) for each in elements]
    return f"window.YTD.{name}.part{part} = [\n  " + ",\n  ".join(written) + "\n]"


def wrapped(post_id: str, full_text: str, **others: Any) -> dict[str, Any]:
    """An element of ``tweets.js``."""
    return {"tweet": post(post_id, full_text, **others)}


def zipped(path: Path, members: dict[str, str | bytes], compression: int = ZIP_DEFLATED) -> Path:
    """A zip file with these members."""
    with ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
