"""Who may ask: HTTP Basic and bearer keys, compared in constant time.

A browser asks for a user and a password alone, so a key is a password too, whoever the user is.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from ipaddress import ip_address

from pydantic import SecretStr

from sentiserve.errors import SettingsError, UnauthorizedError
from sentiserve.settings import Settings


class Credentials:
    """What is accepted; without any, everybody is."""

    def __init__(self, api_keys: Sequence[SecretStr], basic_auth: SecretStr | None) -> None:
        """Take the secrets."""
        self._keys = [key.get_secret_value().encode() for key in api_keys]
        self._users = [basic_auth.get_secret_value().encode()] if basic_auth else []

    def __bool__(self) -> bool:
        """Whether any are needed."""
        return bool(self._keys or self._users)

    def check(self, authorization: str) -> str:
        """Return if the header's value is accepted; whose it is, in a word that tells no secret.

        Raises:
            UnauthorizedError: it isn't.
        """
        scheme, _, value = authorization.partition(" ")
        # As headers are read: the bytes that came, of which a letter's last may look like a space.
        given = value.encode("latin-1").strip()
        key, user = given, b""
        if scheme.lower() == "basic":
            user = _decoded(given)
            key = user.partition(b":")[2]
        elif scheme.lower() != "bearer":
            key = b""
        # Every secret is compared, so that the time doesn't tell which one is close.
        keys = [hmac.compare_digest(key, secret) for secret in self._keys]
        users = [hmac.compare_digest(user, secret) for secret in self._users]
        if any(keys):
            return f"bearer {keys.index(True)}"
        if any(users):
            return f"basic {users.index(True)}"
        raise UnauthorizedError("send credentials: 'Bearer KEY', or HTTP Basic")


def credentials(settings: Settings) -> Credentials:
    """The credentials that the settings name.

    Raises:
        SettingsError: there are none, though others than this machine can connect.
    """
    found = Credentials(settings.api_keys, settings.basic_auth)
    if not found and not settings.insecure_no_auth and not _is_loopback(settings.host):
        raise SettingsError(
            f"{settings.host} can be reached from outside: set SENTISERVE_API_KEYS or "
            "SENTISERVE_BASIC_AUTH, or allow everybody with --insecure-no-auth"
        )
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""
