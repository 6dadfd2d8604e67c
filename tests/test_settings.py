"""What the environment may say, and what is answered to nonsense."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from worker.settings import Settings, SettingsError

MAKE_SECRET = """
import sys
from pathlib import Path
from worker.settings import Settings
print(Settings.from_env({"REVISIT_DATA_DIR": sys.argv[1]}).secret_key)
"""


def test_nothing_set_means_everything_embedded_in_the_workspace(tmp_path: Path) -> None:
    found = Settings.from_env({}, workspace=tmp_path)
    assert found.workspace == tmp_path
    assert found.data_dir == tmp_path / ".revisit"
    assert found.database_url == f"sqlite:///{tmp_path}/.revisit/revisit.db"
    assert found.redis_url is None
    assert found.public_url is None
    assert found.twilio_base_url == "https://api.twilio.com"
    assert found.sendgrid_api_key is None
    assert not found.data_dir.exists()


def test_the_option_wins_over_the_variable_and_the_variable_over_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named").mkdir()
    (tmp_path / "chosen").mkdir()
    env = {"REVISIT_WORKSPACE": "named"}
    assert Settings.from_env(env, workspace=Path("chosen")).workspace == tmp_path / "chosen"
    assert Settings.from_env(env).workspace == tmp_path / "named"
    assert Settings.from_env({}).workspace == tmp_path


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_the_same_driver(tmp_path: Path, scheme: str) -> None:
    found = Settings.from_env({"REVISIT_DATABASE_URL": f"{scheme}://u:p@db:5432/revisit"}, tmp_path)
    assert found.database_url == "postgresql+psycopg://u:p@db:5432/revisit"


def test_a_folder_with_odd_letters_still_names_one_database_file(tmp_path: Path) -> None:
    folder = tmp_path / "100% δικό μας?"
    found = Settings.from_env({"REVISIT_DATA_DIR": str(folder)}, tmp_path)
    assert make_url(found.database_url).database == str(folder / "revisit.db")


def test_valkey_addresses_and_slashes_at_the_end_are_understood(tmp_path: Path) -> None:
    env = {
        "REVISIT_REDIS_URL": "valkeys://cache:6380/2",
        "REVISIT_PUBLIC_URL": " https://revisit.example.com/ ",
    }
    found = Settings.from_env(env, tmp_path)
    assert found.redis_url == "rediss://cache:6380/2"
    assert found.public_url == "https://revisit.example.com"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (
            {"REVISIT_DATABASE_URL": "mysql://root:hush@db/x"},
            "REVISIT_DATABASE_URL: mysql://root:***@db/x is not a database",
        ),
        ({"REVISIT_DATABASE_URL": "revisit.db"}, "REVISIT_DATABASE_URL: revisit.db is not a database"),
        ({"REVISIT_DATABASE_URL": "sqlite://"}, "SQLite needs a file"),
        ({"REVISIT_DATABASE_URL": "sqlite:///:memory:"}, "SQLite needs a file"),
        ({"REVISIT_DATABASE_URL": "postgresql://u:hush@db"}, "names no database; end it with /NAME"),
        ({"REVISIT_DATABASE_URL": "postgresql://u:hush@db:port/x"}, "the port of"),
        ({"REVISIT_REDIS_URL": "localhost:6379"}, "REVISIT_REDIS_URL: localhost:6379 is not a Redis address"),
        ({"REVISIT_REDIS_URL": "redis://:hush@"}, "is not a Redis address"),
        ({"REVISIT_REDIS_URL": "redis://:hush@cache:99999/0"}, "the port of"),
        (
            {"REVISIT_PUBLIC_URL": "revisit.example.com"},
            "REVISIT_PUBLIC_URL: revisit.example.com is not a web address",
        ),
        ({"TWILIO_BASE_URL": "ftp://x"}, "TWILIO_BASE_URL: ftp://x is not a web address"),
        ({"REVISIT_WORKSPACE": "/no/such/folder"}, "REVISIT_WORKSPACE: /no/such/folder does not exist"),
    ],
)
def test_nonsense_is_answered_with_the_variable_and_never_the_password(
    tmp_path: Path, env: dict[str, str], says: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)) as caught:
        Settings.from_env(env, None if "REVISIT_WORKSPACE" in env else tmp_path)
    assert "hush" not in str(caught.value)


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file; name a folder"):
        Settings.from_env({"REVISIT_DATA_DIR": str(tmp_path / "file")}, tmp_path)
    with pytest.raises(SettingsError, match="cannot make the folder"):
        Settings.from_env({"REVISIT_DATA_DIR": str(tmp_path / "file" / "below")}, tmp_path).make_data_dir()


def test_repr_shows_no_secret(tmp_path: Path) -> None:
    env = {
        "REVISIT_DATABASE_URL": "postgresql://u:hush-1@db/revisit?password=hush-2",
        "REVISIT_REDIS_URL": "redis://:hush-3@cache/0",
        "REVISIT_SECRET_KEY": "hush-4",
        "REVISIT_API_TOKEN": "hush-5",
        "TWILIO_ACCOUNT_SID": "AC123",
        "TWILIO_AUTH_TOKEN": "hush-6",
        "SENDGRID_API_KEY": "hush-7",
        "SENDGRID_BASE_URL": "https://u:hush-8@mail.example.com",
    }
    found = Settings.from_env(env, tmp_path)
    assert (found.secret_key, found.api_token) == ("hush-4", "hush-5")
    assert "hush" not in repr(found)
    assert "hush" not in f"{found}"
    assert "db/revisit" in repr(found)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first, second = Settings.from_env({}, tmp_path), Settings.from_env({}, tmp_path)
    assert first.secret_key == second.secret_key
    assert first.api_token == second.api_token != first.secret_key
    for name in ("secret_key", "api_token"):
        assert (first.data_dir / name).stat().st_mode & 0o777 == 0o600
    assert first.data_dir.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in first.data_dir.iterdir()} == {"secret_key", "api_token"}


def test_processes_that_make_the_secret_at_once_agree(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    processes = [
        subprocess.Popen([sys.executable, "-c", MAKE_SECRET, str(tmp_path)], cwd=root, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    assert len({process.communicate(timeout=30)[0] for process in processes}) == 1


def test_an_emptied_secret_file_is_not_taken_for_a_secret(tmp_path: Path) -> None:
    found = Settings.from_env({}, tmp_path)
    (found.make_data_dir() / "secret_key").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        _ = found.secret_key
