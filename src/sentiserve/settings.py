"""The settings: ``SENTISERVE_*`` variables or a ``.env`` file. Never built at import."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from sentiserve.directories import data_directory, state_directory
from sentiserve.errors import SettingsError
from sentiserve.values import Address, DirectoryOrOff, Names, Networks, Secrets, UserAndPassword

__all__ = ["PREFIX", "Settings", "load_settings", "state_directory", "unknown_variables"]

PREFIX = "SENTISERVE_"


class Settings(BaseSettings):
    """Every setting; the descriptions are also the help of the flags and the documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    model: str | None = Field(
        None,
        description="Model bundle: a directory, hf:ORG/NAME[@REV] or s3://BUCKET/PREFIX; the "
        "bundled model if not set.",
    )
    store: str = Field(
        default_factory=lambda: f"sqlite:///{data_directory() / 'store.db'}",
        description="Where predictions are kept: sqlite:///PATH, redis://HOST (rediss://, unix://, "
        "redis+cluster://) or memory://.",
    )
    history: DirectoryOrOff = Field(
        default_factory=lambda: data_directory() / "history",
        description="Directory on a local disk where predictions stay for good, for training and "
        "reports, with the journal inside it; the word off keeps none.",
    )
    durability: Literal["none", "os", "fsync"] = Field(
        "os",
        description="When a new prediction is answered: none: at once, and what waits is lost if "
        "the process is killed; needs SENTISERVE_HISTORY=off. os: once it is in the journal's "
        "file, which survives a killed process, but not a power failure. fsync: once it is on the "
        "disk, many with one write; it survives a power failure too.",
    )
    ttl: int = Field(
        60 * 24 * 60 * 60,
        ge=1,
        le=100 * 365 * 24 * 60 * 60,
        description="Seconds for which a prediction is kept; 60 days.",
    )
    sources: Names = Field(
        ("archive", "oembed", "bluesky", "mastodon"),
        description="Sources of posts, asked in this order; comma-separated. The source x is "
        "paid for; if this is not set, it comes before oembed as soon as there is a token for it. "
        "archive alone keeps the service off the network.",
    )
    archive: Path | None = Field(
        None,
        description="File of posts for the source 'archive' (.jsonl .csv .tsv .parquet, or X's "
        ".zip or tweets.js); a bundled sample if not set.",
    )
    x_mirrors: Names = Field(
        (), description="Further hosts whose URLs are read as X's (a Nitter's); comma-separated."
    )
    x_bearer_token: SecretStr | None = Field(
        None, description="Bearer token of an app for X's API; what is read with it is paid for."
    )
    x_user_token: SecretStr | None = Field(
        None,
        description="OAuth 2.0 token of a user of X, whose home timeline it opens; used for "
        "reading in place of the app's token where there is none.",
    )
    x_url: Address = Field("https://api.x.com", description="Where X's API is.")
    x_fields: Literal["tweet", "post"] = Field(
        "tweet", description="Names that X's API is asked by: tweet.fields, or post.fields."
    )
    x_daily_reads: int = Field(
        1_000,
        ge=0,
        description="Most posts read from X's API in a day (UTC), by all processes of this "
        "machine; a user counts as two. At $0.005 a post, 1,000 are $5.",
    )
    oembed_url: Address = Field("https://publish.x.com", description="Where X's oEmbed is.")
    bluesky_url: Address = Field(
        "https://public.api.bsky.app", description="Where Bluesky's public API is."
    )
    jetstream_url: Address = Field(
        "wss://jetstream1.us-east.bsky.network", description="Where Bluesky's live posts are."
    )
    mastodon_hosts: Names = Field(
        ("mastodon.social", "mastodon.online", "fosstodon.org", "hachyderm.io", "mstdn.social"),
        description="Mastodon servers that may be asked, no others are; comma-separated.",
    )
    return_text: Literal["all", "own"] = Field(
        "all",
        description="Which texts are in answers: all, or only the caller's own, and none that "
        "came from a source. X allows a public service to give others no texts of posts.",
    )
    api_keys: Secrets = Field(
        (), description="Keys accepted as 'Authorization: Bearer KEY'; comma-separated."
    )
    basic_auth: UserAndPassword | None = Field(
        None, description="USER:PASSWORD accepted by HTTP Basic authentication."
    )
    insecure_no_auth: bool = Field(
        False, description="Listen beyond loopback without any credentials."
    )
    client_rate: float = Field(
        0.0,
        ge=0,
        le=1e6,
        description="Requests a second that each client may make in the long run; more get 429. A "
        "client is a key, a user or else an address (of IPv6: a /64 network). Each input of a list "
        "counts as a request; 0 sets no limit.",
    )
    client_burst: int = Field(
        100, ge=1, description="Requests that a client may make at once before the rate counts."
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks (10.0.0.0/8) of the proxies in front, which are "
        "believed what X-Forwarded-For says; comma-separated.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=1024,
        description="Processes that serve side by side on the port; they need a store that they "
        "share, so not memory://, and have a model in memory each.",
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads of one inference; 0 takes every core that the container may use for "
        "files, and one in the service, where inferences run side by side, one for each core.",
    )
    max_batch_tokens: int = Field(
        256,
        ge=1,
        le=1 << 20,
        description="Most tokens in one inference, with padding; a longer text goes alone. A slow "
        "model gets fewer, so that one inference takes about 50 ms.",
    )
    max_queue: int = Field(
        2048, ge=1, description="Most texts waiting for the model; more are refused (503)."
    )
    max_wait: float = Field(
        0.06,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a text may wait for the model; one that would wait longer is "
        "refused at once (503), unless fewer than four wait for each core.",
    )
    max_bulk_wait: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="The same for texts of lists, files and feeds, which let others go first.",
    )
    max_records: int = Field(
        10_000,
        ge=1,
        description="Most predictions waiting for the store in memory; more wait in the journal, "
        "or without one are refused (503).",
    )
    max_journal: int = Field(
        1 << 30,
        ge=1 << 20,
        description="Most bytes of the journal; while it is full, new predictions are refused "
        "(503).",
    )
    max_body: int = Field(
        4 << 20, ge=1024, description="Largest request body in bytes; larger ones get 413."
    )
    store_timeout: float = Field(
        2.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a look-up in the store may take; then it counts as a miss, and "
        "features, authors and hashtags are refused (503).",
    )
    source_timeout: float = Field(
        10.0, gt=0, allow_inf_nan=False, description="Seconds that a source may take."
    )
    drain_timeout: float = Field(
        10.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a stopping service may take to answer what it accepted, and "
        "again to record what waits.",
    )
    drain_delay: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds that a service which is told to stop goes on as before, but says 503 "
        "at /health/ready, so that a load balancer sends no more.",
    )
    keep_alive: int = Field(
        75,
        ge=1,
        le=86_400,
        description="Seconds that a connection may be idle; longer than a load balancer keeps its "
        "own (60 as a rule), or it would send requests to a closed door.",
    )
    metrics: Literal["prometheus", "emf"] = Field(
        "prometheus",
        description="How metrics are given: prometheus: at /metrics, to whoever asks. emf: there, "
        "and every ten seconds as a line of the log in CloudWatch's embedded metric format.",
    )
    service: str = Field(
        "sentiserve",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of this service among others in the metrics that it writes.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    log_details: bool = Field(
        False,
        description="Log what errors of a model, a source or a library say, word for word; that "
        "may repeat a text or a URL.",
    )

    @property
    def journal(self) -> Path:
        """Where predictions wait until store and history have them: inside the history.

        The history looks there for what may still come to it.
        """
        return data_directory() / "journal" if self.history == "off" else self.history / ".journal"

    @property
    def x_state(self) -> Path:
        """Directory where the processes of this machine share what they read from X's API."""
        return state_directory() / "x"

    @property
    def shown_store(self) -> str:
        """The store's URL without user, password and options."""
        scheme, separator, rest = self.store.partition("://")
        host, slash, path = rest.partition("?")[0].partition("/")
        return scheme + separator + host.rpartition("@")[2] + slash + path

    @model_validator(mode="after")
    def _x_with_its_token(self) -> Self:
        if "sources" not in self.model_fields_set and (self.x_bearer_token or self.x_user_token):
            first, *others = self.sources
            self.sources = (first, "x", *others)
        return self

    @field_validator("workers")
    @classmethod
    def _share_a_store(cls, value: int, given: ValidationInfo) -> int:
        if value > 1 and given.data.get("store", "").startswith("memory://"):
            raise ValueError(f"more than one need a store that they share: {PREFIX}STORE")
        return value

    @field_validator("durability")
    @classmethod
    def _history_has_journal(cls, value: str, given: ValidationInfo) -> str:
        if value == "none" and given.data.get("history", "off") != "off":
            raise ValueError(
                f"none needs {PREFIX}HISTORY=off too, for the history is written from the journal"
            )
        return value


def unknown_variables() -> list[str]:
    """Names with our prefix, in the environment and ``.env``, of no setting: misspelt, probably."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *DotEnvSettingsSource(Settings).env_vars)}
    return sorted(name for name in given - known if name.startswith(PREFIX))


def load_settings(**flags: object) -> Settings:
    """The settings; a flag goes before its variable, the variable before ``.env``.

    Raises:
        SettingsError: one has no usable value. Secrets are not repeated.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]  # pydantic validates them
    except ValidationError as error:
        problems = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        said = "; ".join(problems).replace("Value error, ", "")  # pydantic's, before what we say
        raise SettingsError(said) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file .env cannot be read: {error}") from None
