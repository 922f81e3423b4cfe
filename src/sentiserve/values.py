"""The forms of what settings say: lists, addresses, directories and credentials."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, IPvAnyNetwork, SecretStr
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    if not parts:  # an empty list of keys, say, would let everybody in
        raise ValueError("is set, but names nothing")
    return parts


def _on_a_disk(value: object) -> object:
    text = str(value)
    if text.casefold() == "off":
        return "off"
    if "://" in text:
        raise ValueError("must be a directory on a local disk, or off")
    return Path(text).expanduser()


def _private(value: str) -> str:
    parts = urlsplit(value)
    here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme not in {"https", "wss"} and not here:
        raise ValueError("must begin with https:// (jetstream: wss://)")
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an address and nothing else: no user, query or fragment")
    return value.rstrip("/")


def _has_colon(value: SecretStr) -> SecretStr:
    if not all(value.get_secret_value().partition(":")):
        raise ValueError("must be USER:PASSWORD")
    return value


# Separated by commas, so pydantic's settings mustn't read JSON.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)]

DirectoryOrOff = Annotated[Path | Literal["off"], BeforeValidator(_on_a_disk)]
Address = Annotated[str, AfterValidator(_private)]
"""A token travels there: by TLS, or within this machine."""
UserAndPassword = Annotated[SecretStr, AfterValidator(_has_colon)]
