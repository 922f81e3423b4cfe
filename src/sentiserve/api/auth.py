"""Who may ask: HTTP Basic and bearer keys, compared in constant time."""

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
        self._accepted = {
            "bearer": [key.get_secret_value().encode() for key in api_keys],
            "basic": [basic_auth.get_secret_value().encode()] if basic_auth else [],
        }

    def __bool__(self) -> bool:
        """Whether any are needed."""
        return any(self._accepted.values())

    def check(self, authorization: str) -> str:
        """Return if the header's value is accepted; whose it is, in a word that tells no secret.

        Raises:
            UnauthorizedError: it isn't.
        """
        scheme, _, value = authorization.partition(" ")
        # As headers are read: the bytes that came, of which a letter's last may look like a space.
        given = value.encode("latin-1").strip()
        if scheme.lower() == "basic":
            given = _decoded(given)
        accepted = self._accepted.get(scheme.lower(), [])
        # Every secret is compared, so that the time doesn't tell which one is close.
        found = [hmac.compare_digest(given, secret) for secret in accepted]
        if not any(found):
            raise UnauthorizedError("send credentials: 'Bearer KEY', or HTTP Basic")
        return f"{scheme.lower()} {found.index(True)}"


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
