"""The URLs of Redis servers, as redis-py reads them, and of clusters."""

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url

from sentiserve.errors import SettingsError

_FORMS = (
    "write redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, redis+cluster:// or "
    "rediss+cluster:// for a cluster, or unix:///PATH/TO/SOCKET; with user and password "
    "percent-encoded"
)
_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_TLS = _FILES | {"ssl_cert_reqs", "ssl_check_hostname"}
_PARSED = {"host", "port", "path", "db", "username", "password", "connection_class"}


class Url(NamedTuple):
    """Which server or cluster.

    Attributes:
        plain: what redis-py takes; it may hold a password.
        name: what may be shown.
    """

    plain: str
    name: str
    is_cluster: bool


def parsed(url: str) -> Url:
    """The URL, if it is one.

    Raises:
        SettingsError: it isn't. Its credentials are not repeated.
    """
    scheme, _, rest = url.partition("://")
    plain = f"{scheme.removesuffix('+cluster')}://{rest}"
    try:
        options: dict[str, Any] = dict(parse_url(plain))
    except ValueError as error:
        why = str(error) if "connection URL" in str(error) else "it cannot be read"
        raise SettingsError(f"the URL of the store: {why}; {_FORMS}") from None
    if problem := _problem(scheme, rest, options):
        raise SettingsError(f"the URL of the store: {problem}; {_FORMS}")
    return Url(plain, f"{scheme}://{_place(options)}", scheme.endswith("+cluster"))


def _place(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _problem(scheme: str, rest: str, options: dict[str, Any]) -> str | None:
    _, _, place, query, fragment = urlsplit(f"redis://{rest}")
    if scheme != "unix" and (fragment or "@" in place + query):
        # What comes before it would be taken for the server.
        return "its user or password has a / ? # or @ that is not percent-encoded"
    tls = scheme.startswith("rediss")
    if unknown := sorted(options.keys() - _PARSED - (_TLS if tls else set())):
        known = ", ".join(sorted(_TLS)) if tls else "db"
        return f"there is no option {', '.join(unknown)} here, but {known}"
    if missing := [
        options[name] for name in _FILES & options.keys() if not Path(options[name]).is_file()
    ]:
        return f"{missing[0]} is no file"
    if options.get("ssl_cert_reqs", "required") not in {"none", "optional", "required"}:
        return "ssl_cert_reqs is none, optional or required"
    path = rest.rpartition("@")[2].partition("?")[0].partition("/")[2]
    if scheme == "unix":
        return None if "path" in options else "it names no socket"
    if path and not path.isdecimal():
        return "what follows the host is the number of a database"
    if scheme.endswith("+cluster") and options.get("db"):
        return "a cluster has only database 0"
    return None
