"""Who is compared: how each is started, asked and tuned."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from benchmarks.serving import http, memories
from benchmarks.serving.connections import Server, by_status
from benchmarks.serving.models import Weights, hugging_face
from benchmarks.serving.texts import NEW_POST

Environment = Mapping[str, str]
_PEERS = "benchmarks.serving.peers"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the contenders share.

    Attributes:
        environments: the directory with the others' virtual environments.
        cores: how many there are; services that can compute that many texts or batches side by
            side, on a thread each, for one after the other on all cores is slower.
        posts: what is remembered before the load begins: texts by number.
        directory: where files may be kept.
    """

    weights: Weights
    environments: Path
    cores: int
    posts: Mapping[int, str]
    directory: Path

    def python(self, name: str) -> str:
        """The interpreter of a contender's environment."""
        return str(self.environments / name / "bin" / "python")


Prepare = Callable[[Setting, Path], AbstractContextManager[Environment]]


@contextmanager
def nothing(_setting: Setting, _directory: Path) -> Iterator[Environment]:
    """Nothing to make ready."""
    yield {}


@dataclass(frozen=True, slots=True)
class Contender:
    """A service.

    Attributes:
        name: as tables have it.
        environment: the name of its virtual environment; None for ours.
        runs: which weights with which settings, in words.
        command: what starts it on a port of loopback.
        of_text: a request about a text.
        of_url: a request about a post by number, of a service that remembers posts.
        prepare: makes ready what it needs in a directory; gives more environment variables.
        needs: what the model must have for it, ``torchscript`` or ``checkpoint``, if anything.
        judge: see ``Server``.
    """

    name: str
    environment: str | None
    runs: str
    command: Callable[[Setting, int], list[str]]
    of_text: Callable[[str], bytes] | None
    of_url: Callable[[int], bytes] | None = None
    prepare: Prepare = nothing
    needs: str | None = None
    judge: Callable[[int, bytes], int] = by_status

    def missing(self, setting: Setting) -> str | None:
        """Why it can't take part, if it can't."""
        if self.needs and getattr(setting.weights, self.needs) is None:
            return f"the model has no {self.needs}"
        if self.environment and not Path(setting.python(self.environment)).exists():
            return f"not installed: no {setting.python(self.environment)}"
        return None

    def variables(self, setting: Setting, port: int) -> dict[str, str]:
        """Environment variables for its process."""
        torch = setting.weights.torchscript if self.needs == "torchscript" else None
        return {
            "BENCH_BUNDLE": str((torch or setting.weights.bundle.path).resolve()),
            "BENCH_THREADS": "1",
            "BENCH_WORKERS": str(setting.cores),
            "BENCH_PORT": str(port),
            "OMP_NUM_THREADS": str(setting.cores),
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "DO_NOT_TRACK": "1",
            "BENTOML_DO_NOT_TRACK": "true",
            "INFINITY_ANONYMOUS_USAGE_STATS": "0",
        }

    def server(self, port: int) -> Server:
        """Where it answers."""
        return Server(port, judge=self.judge)


# --- sentiserve


def sentiserve(setting: Setting, port: int) -> list[str]:
    """Our service, as it comes."""
    serve = [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", str(port)]
    return [*serve, "--model", str(setting.weights.bundle.path), "--log-level", "warning"]


@contextmanager
def with_sqlite(setting: Setting, directory: Path) -> Iterator[Environment]:
    """A store that remembers the posts, and an archive of one post that it doesn't."""
    kept = setting.directory / "store.db"
    if not kept.exists():
        memories.remember_in_sqlite(kept, setting.posts, setting.weights.bundle.manifest.model_id)
    shutil.copy(kept, directory / "store.db")
    archive = directory / "archive.jsonl"
    unknown = {"url": memories.url_of(NEW_POST), "text": "A post that nobody knows yet"}
    archive.write_text(json.dumps(unknown) + "\n")
    yield {
        "SENTISERVE_STORE": f"sqlite:///{directory / 'store.db'}",
        "SENTISERVE_SOURCES": "archive",  # nobody else is asked
        "SENTISERVE_ARCHIVE": str(archive),
        "SENTISERVE_HISTORY": str(directory / "history"),
    }


def refused_inside(status: int, body: bytes) -> int:
    """A list's answer has status 200, and a problem in the place of a refused text."""
    if status == 200 and b'"sentimentAnalyst"' not in body:
        return 503 if b'"status":503' in body else 500
    return status


# --- the article


def article(setting: Setting, port: int) -> list[str]:
    """Gunicorn with two workers, each replaced after 300 requests."""
    gunicorn = [setting.python("article"), "-m", "gunicorn", f"{_PEERS}.article:app"]
    workers = ["--workers", "2", "--worker-class", "uvicorn_worker.UvicornWorker"]
    limits = ["--max-requests", "300", "--timeout", "120", "--keep-alive", "5"]
    return [*gunicorn, *workers, *limits, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]


@contextmanager
def with_redis(setting: Setting, directory: Path) -> Iterator[Environment]:
    """A Redis that remembers the posts."""
    with memories.redis_server(directory) as url:
        urls = {memories.id_of(number): "neutral" for number in setting.posts}
        texts = {_digest(text): "neutral" for text in setting.posts.values()}
        memories.remember_in_redis(url, urls | texts)
        yield {"BENCH_REDIS": url, "BENCH_THREADS": str(setting.cores)}  # PyTorch's own choice


def article_text(text: str) -> bytes:
    """The post's text comes along, in place of X."""
    return _article(f"https://x.com/i/status/{_digest(text)}", text)


def _article(url: str, text: str) -> bytes:
    return http.get(f"/inference?tweetUrl={quote(url, safe='')}&text={quote(text)}")


def _digest(text: str) -> str:
    return str(int.from_bytes(sha256(text.encode()).digest()[:8]))


# --- the others


def uvicorn(python: str, app: str, port: int) -> list[str]:
    """One process, uvicorn's fastest settings."""
    fast = ["--loop", "uvloop", "--no-access-log", "--log-level", "warning"]
    return [python, "-m", "uvicorn", f"{_PEERS}.{app}:app", "--port", str(port), *fast]


def bentoml(setting: Setting, port: int) -> list[str]:
    """BentoML in production mode."""
    serve = [
        setting.python("bentoml"),
        "-m",
        "bentoml",
        "serve",
        f"{_PEERS}.bentoml_onnx:Sentiment",
    ]
    return [*serve, "--host", "127.0.0.1", "--port", str(port)]


def infinity(setting: Setting, port: int, engine: str) -> list[str]:
    """Infinity with one of its engines; its own host is every interface."""
    is_onnx = engine == "optimum"
    model = hugging_face(setting.weights, setting.directory / engine, onnx=is_onnx)
    serve = [setting.python("infinity"), "-m", f"{_PEERS}.infinity", "v2"]
    listen = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    named = ["--model-id", str(model), "--served-model-name", "sentiment", "--device", "cpu"]
    tuned = ["--batch-size", "32", "--engine", engine, "--dtype", "float32"]
    plain = ["--no-compile", "--no-bettertransformer", "--onnx-disable-optimize"]
    if is_onnx:  # it doesn't cut texts, and warms up with some that are too long for the model
        plain.append("--no-model-warmup")
    return [*serve, *listen, *named, *tuned, *plain]


@contextmanager
def with_cache(_setting: Setting, directory: Path) -> Iterator[Environment]:
    """Directories of its own for what infinity caches."""
    yield {"INFINITY_CACHE_DIR": str(directory), "HF_HOME": str(directory / "hub")}


def infinity_text(text: str) -> bytes:
    """As its documentation has it."""
    return http.post("/classify", {"model": "sentiment", "input": [text]})


_INFINITY = Contender(
    "infinity (ONNX)",
    "infinity",
    "the same ONNX file by optimum, batches of 32, every core (it has no setting for ONNX)",
    partial(infinity, engine="optimum"),
    infinity_text,
    prepare=with_cache,
)

OURS = Contender(
    "sentiserve",
    None,
    "the ONNX file, SQLite and journal, settings as they come",
    sentiserve,
    lambda text: http.post("/v1/sentiment", {"inputs": [text]}),
    lambda number: http.get(f"/v1/inference?tweetUrl={quote(memories.url_of(number), safe='')}"),
    with_sqlite,
    judge=refused_inside,
)

CONTENDERS = (
    OURS,
    Contender(
        "the article's design",
        "article",
        "TorchScript float32 in the handler, Redis, Gunicorn with 2 workers, all threads in each",
        article,
        article_text,
        lambda number: _article(memories.url_of(number), ""),
        with_redis,
        needs="torchscript",
    ),
    Contender(
        "FastAPI + ONNX Runtime",
        "fastapi",
        "the same ONNX file in handlers on threads, a thread for each inference, uvicorn",
        lambda setting, port: uvicorn(setting.python("fastapi"), "fastapi_onnx", port),
        lambda text: http.post("/classify", {"text": text}),
    ),
    Contender(
        "LitServe",
        "litserve",
        "the same ONNX file, batches of 32 within 5 ms, a worker with a thread for each core",
        lambda setting, _port: [setting.python("litserve"), "-m", f"{_PEERS}.litserve_onnx"],
        lambda text: http.post("/predict", {"text": text}),
    ),
    Contender(
        "BentoML",
        "bentoml",
        "the same ONNX file, adaptive batches of 32 within 100 ms, a worker for each core",
        bentoml,
        lambda text: http.post("/scores", {"texts": [text]}),
    ),
    _INFINITY,
    Contender(
        "infinity (PyTorch)",
        "infinity",
        "the checkpoint in float32, batches of 32",
        partial(infinity, engine="torch"),
        infinity_text,
        prepare=with_cache,
        needs="checkpoint",
    ),
    Contender(
        "a bare route",
        None,
        "FastAPI that returns constant bytes, uvicorn with httptools as sentiserve has it",
        lambda _setting, port: [*uvicorn(sys.executable, "bare", port), "--http", "httptools"],
        None,
        lambda _number: http.get("/v1/inference?tweetUrl=1"),
    ),
)
