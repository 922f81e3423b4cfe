"""A Hugging Face Hub on loopback: the calls and headers of the real one that a download needs."""

import contextlib
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

_API = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?")
_RESOLVE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
_CDN = re.compile(r"/cdn/(?P<repository>[^/]+/[^/]+)/(?P<revision>[^/]+)/(?P<name>.+)")
_LARGE = (".onnx", ".safetensors", ".bin")  # what repositories keep in LFS

Files = dict[str, bytes]


def files_of(directory: Path) -> Files:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@dataclass
class Repository:
    """Commits by id, what names mean, and who may see them."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    token: str | None = None  # what one must send; all may see it without
    gated: bool = False  # who sends none is told that it is there

    def commit(self, files: Files, *names: str) -> str:
        """Add a commit, which ``main`` and the names mean from now on."""
        content = repr(sorted((name, digest(raw)) for name, raw in files.items()))
        commit = hashlib.sha1(content.encode()).hexdigest()
        self.commits[commit] = files
        for name in ("main", commit, *names):
            self.refs[name] = commit
        return commit


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class Hub:
    """The server, and how it is to fail."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.fetched: list[str] = []  # files
        self.spoilt: set[str] = set()  # files whose first byte is another
        self.announced: dict[str, int] = {}  # bytes that a file is said to have
        self.ranges = True  # whether it sends parts of files
        self.status: int | None = None  # what every call is answered with
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self})
        )
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Serve."""
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, files: Files, *names: str) -> Repository:
        """Make a repository with one commit."""
        repository = self.repositories.setdefault(name, Repository())
        repository.commit(files, *names)
        return repository


class _RefusedError(Exception):
    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.code = code


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        try:
            if self.hub.status:
                self._end(self.hub.status, {"Location": self.path})
            elif match := _CDN.fullmatch(path):
                self._content(self.hub.repositories[match["repository"]], **match.groupdict())
            elif match := _API.fullmatch(path):
                self._info(**match.groupdict())
            elif match := _RESOLVE.fullmatch(path):
                self._resolve(**match.groupdict())
            else:
                raise _RefusedError(404)
        except _RefusedError as refused:
            self._end(refused.status, {"X-Error-Code": refused.code} if refused.code else {})

    def _find(self, repository: str, revision: str | None) -> tuple[Repository, str]:
        found = self.hub.repositories.get(repository)
        if found is None:
            raise _RefusedError(401, "RepoNotFound")  # as the real one: it tells nobody what is not
        sent = self.headers.get("Authorization")
        if found.token and sent != f"Bearer {found.token}":
            raise _RefusedError(
                403 if sent else 401, "GatedRepo" if found.gated else "RepoNotFound"
            )
        commit = found.refs.get(unquote(revision or "main"))
        if commit is None:
            raise _RefusedError(404, "RevisionNotFound")
        return found, commit

    def _info(self, repository: str, revision: str | None) -> None:
        found, commit = self._find(repository, revision)
        siblings = [_sibling(name, raw) for name, raw in found.commits[commit].items()]
        for said in siblings:
            said["size"] = self.hub.announced.get(said["rfilename"], said["size"])
        info = {"id": repository, "sha": commit, "siblings": siblings}
        self._end(200, {"Content-Type": "application/json"}, json.dumps(info).encode())

    def _resolve(self, repository: str, revision: str, name: str) -> None:
        found, commit = self._find(repository, revision)
        raw = found.commits[commit].get(name)
        if raw is None:
            raise _RefusedError(404, "EntryNotFound")
        if not name.endswith(_LARGE):
            self._content(found, repository, commit, name)
            return
        port = (self.headers["Host"] or "").partition(":")[2]
        self._end(
            302,
            {
                "Location": f"http://localhost:{port}/cdn/{repository}/{commit}/{name}",
                "X-Repo-Commit": commit,
                "X-Linked-Etag": f'"{digest(raw)}"',
                "X-Linked-Size": str(len(raw)),
            },
        )

    def _content(self, found: Repository, repository: str, revision: str, name: str) -> None:
        if self.path.startswith("/cdn/") and "Authorization" in self.headers:
            raise _RefusedError(400)  # the token is the hub's alone
        raw = found.commits[revision][name]
        headers = {
            "ETag": f'"{_sibling(name, raw)["blobId"]}"',
            "X-Repo-Commit": revision,
            "Accept-Ranges": "bytes",
        }
        asked = self.headers.get("Range") if self.hub.ranges else None
        start = int((asked or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(raw) - 1}/{len(raw)}"
        if self.command == "GET":
            self.hub.fetched.append(name)
        if name in self.hub.spoilt:
            raw = bytes([raw[0] ^ 1]) + raw[1:]
        self._end(206 if start else 200, headers, raw[start:])

    def _end(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):  # whoever asked may have left
                self.wfile.write(body)


def _sibling(name: str, raw: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()
    said: dict[str, Any] = {"rfilename": name, "size": len(raw), "blobId": blob}
    if name.endswith(_LARGE):
        said["lfs"] = {"sha256": digest(raw), "size": len(raw), "pointerSize": 134}
    return said
