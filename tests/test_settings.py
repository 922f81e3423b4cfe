"""Settings come from flags, variables and ``.env``, in this order, and keep their secrets."""

from pathlib import Path
from typing import Any

import pytest

from sentiserve.errors import SettingsError
from sentiserve.settings import Settings, load_settings, state_directory

SECRET = "hunter2-4711"


@pytest.fixture(autouse=True)
def _default_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps other tests off the network is not set here."""
    monkeypatch.delenv("SENTISERVE_SOURCES")


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.model is None
    assert settings.store == f"sqlite:///{tmp_path}/data/sentiserve/store.db"
    assert settings.sources == ("archive", "oembed", "bluesky", "mastodon")
    assert settings.api_keys == ()


@pytest.mark.parametrize("token", ["x_bearer_token", "x_user_token"])
def test_x_is_asked_before_oembed_once_there_is_a_token(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(f"SENTISERVE_{token.upper()}", SECRET)
    assert load_settings().sources == ("archive", "x", "oembed", "bluesky", "mastodon")
    assert load_settings(sources="archive,oembed").sources == ("archive", "oembed")
    monkeypatch.setenv("SENTISERVE_SOURCES", "mastodon")
    assert load_settings().sources == ("mastodon",)


def test_the_store_lies_at_home_where_no_other_place_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().store == f"sqlite:///{tmp_path}/.local/share/sentiserve/store.db"


def test_x_is_counted_beside_the_cursors(tmp_path: Path) -> None:
    assert load_settings().x_state == state_directory() / "x"
    assert state_directory() == tmp_path / "state" / "sentiserve"


def test_where_there_is_no_home_its_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "~")  # leads nowhere, as for a user whom the system doesn't know
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("XDG_STATE_HOME")
    with pytest.raises(SettingsError, match="no home directory.*XDG_DATA_HOME"):
        load_settings()
    with pytest.raises(SettingsError, match="no home directory.*XDG_STATE_HOME"):
        state_directory()


def test_a_prediction_is_kept_for_60_days() -> None:
    assert load_settings().ttl == 5_184_000


def test_a_flag_beats_a_variable_and_a_variable_beats_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SENTISERVE_PORT=1111\nSENTISERVE_MAX_BATCH_TOKENS=11\n")
    assert load_settings().port == 1111
    monkeypatch.setenv("SENTISERVE_PORT", "2222")
    assert load_settings().port == 2222
    assert load_settings(port=3333).port == 3333
    assert load_settings(port=None).port == 2222
    assert load_settings(port=3333).max_batch_tokens == 11


def test_what_else_is_in_the_env_file_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=x\nSENTISERVE_FUTURE=1\nSENTISERVE_PORT=1111\n")
    assert load_settings().port == 1111


def test_an_env_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SENTISERVE_HOST=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"SENTISERVE_{name.upper()}", "")
    assert load_settings() == Settings.model_construct(**load_settings().model_dump())
    assert load_settings().port == 8000
    assert load_settings().basic_auth is None


@pytest.mark.parametrize(
    "written", ["a.example,b.example", " a.example , b.example ,", ",a.example,,b.example"]
)
def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SENTISERVE_X_MIRRORS", written)
    monkeypatch.setenv("SENTISERVE_API_KEYS", written)
    settings = load_settings()
    assert settings.x_mirrors == ("a.example", "b.example")
    assert [key.get_secret_value() for key in settings.api_keys] == ["a.example", "b.example"]
    assert load_settings(sources="one, two").sources == ("one", "two")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISERVE_API_KEYS", f"{SECRET},other-{SECRET}")
    monkeypatch.setenv("SENTISERVE_BASIC_AUTH", f"user:{SECRET}")
    settings = load_settings()
    assert settings.basic_auth is not None
    assert settings.basic_auth.get_secret_value() == f"user:{SECRET}"
    for shown in (
        repr(settings),
        str(settings),
        f"{settings.model_dump()}",
        settings.model_dump_json(),
    ):
        assert SECRET not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", "65536"),
        ("port", "-1"),
        ("ttl", "0"),
        ("ttl", "60 days"),
        ("threads", "-1"),
        ("max_batch_tokens", "0"),
        ("max_queue", "0"),
        ("max_records", "0"),
        ("max_body", "1023"),
        ("source_timeout", "0"),
        ("source_timeout", "nan"),
        ("source_timeout", "inf"),
        ("drain_timeout", "-1"),
        ("drain_timeout", "inf"),
        ("log_level", "LOUD"),
        ("insecure_no_auth", "perhaps"),
        ("basic_auth", SECRET),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    variable = f"SENTISERVE_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: ") as refused:
        load_settings()
    assert SECRET not in str(refused.value)
    assert "Value error" not in str(refused.value)  # pydantic's word for one of ours
    assert refused.value.__cause__ is None
    assert "\n" not in str(refused.value)


def test_every_value_that_cannot_be_used_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISERVE_PORT", "eighty")
    monkeypatch.setenv("SENTISERVE_TTL", "never")
    with pytest.raises(SettingsError, match=r"SENTISERVE_PORT: .*; SENTISERVE_TTL: "):
        load_settings()


def test_a_list_of_what_is_no_string_is_refused() -> None:
    flags: dict[str, Any] = {"sources": 7}
    with pytest.raises(SettingsError, match="SENTISERVE_SOURCES"):
        load_settings(**flags)


def test_no_journal_goes_with_no_history_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISERVE_DURABILITY", "none")
    with pytest.raises(SettingsError, match="SENTISERVE_DURABILITY.*SENTISERVE_HISTORY=off"):
        load_settings()
    monkeypatch.setenv("SENTISERVE_HISTORY", "off")
    settings = load_settings()
    assert (settings.durability, settings.history) == ("none", "off")


def test_the_journal_is_in_the_history_or_beside_where_it_would_be(tmp_path: Path) -> None:
    data = tmp_path / "data" / "sentiserve"
    assert load_settings().journal == data / "history" / ".journal"
    assert load_settings(history="posts").journal == Path("posts") / ".journal"
    assert load_settings(history="off").journal == data / "journal"


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("redis://user:p@ss@host:1/2?db=3", "redis://host:1/2"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
    ],
)
def test_a_store_is_shown_without_its_credentials(store: str, shown: str) -> None:
    """Where the store is may be seen, but not who may use it."""
    assert load_settings(store=store).shown_store == shown


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("off", "off"),
        ("OFF", "off"),
        ("~/kept", Path.home() / "kept"),
        ("kept", Path("kept")),
        ("history/off", Path("history/off")),
    ],
)
def test_a_history_is_a_directory_or_off(written: str, meant: Path | str) -> None:
    assert load_settings(history=written).history == meant


@pytest.mark.parametrize("url", ["s3://bucket/history", "file:///history"])
def test_a_history_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="SENTISERVE_HISTORY: .*local disk"):
        load_settings(history=url)
