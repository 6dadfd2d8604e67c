"""What the environment says, read once. Every other part receives a `Settings` and never looks at the environment itself.

No secret lies in a workspace: it comes from the environment or, for the two that this system can make by itself, from a file in the data
directory that only its owner can read. `repr` shows no secret.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

_POSTGRES: Final = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")
_SOURCE_SECRET: Final = "REVISIT_SOURCE_"
"""How the variables begin that mappings of config/sources may name for a webhook's secret."""
_PROVIDER_SECRET: Final = re.compile(r"TWILIO|SENDGRID")
"""What stands in the names of variables that config/channels.yaml may name for a clinic's own credentials."""
_REDIS_SCHEMES: Final = ("redis", "rediss", "unix")


class SettingsError(ValueError):
    """The environment asks for something that cannot be. The message names the variable and the way out."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the data lives, how to reach the services, and the secrets. Made by `from_env`; touches no file until a secret is asked for.

    `workspaces` is the folder whose sub-folders are served, None where `workspace` is the only one.
    `redis_url` is None for the embedded queue; `public_url` is None where nobody told it (then links start with the address served on);
    a provider's credentials are None where they are not set.
    """

    workspace: Path
    data_dir: Path
    database_url: str
    workspaces: Path | None = None
    redis_url: str | None = None
    public_url: str | None = None
    given_secret_key: str | None = field(default=None, repr=False)
    given_api_token: str | None = field(default=None, repr=False)
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = field(default=None, repr=False)
    twilio_base_url: str = "https://api.twilio.com"
    sendgrid_api_key: str | None = field(default=None, repr=False)
    sendgrid_base_url: str = "https://api.sendgrid.com"
    sendgrid_webhook_public_key: str | None = None
    source_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    provider_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], workspace: Path | None = None, workspaces: Path | None = None
    ) -> Settings:
        """Read the variables; `workspace` (from `--workspace`) wins over REVISIT_WORKSPACE, which wins over the current folder.

        `workspaces` (from `--workspaces`) wins over REVISIT_WORKSPACES; it or a workspace that lies in it keep their data there. An empty variable counts as not set. Raises SettingsError.
        """
        env = {name: value.strip() for name, value in environ.items() if value.strip()}
        many = _workspaces(env, workspaces)
        folder = many if workspaces is not None and many is not None else _workspace(env, workspace, many)
        home = many if many is not None and folder.is_relative_to(many) else folder
        data_dir = Path(env.get("REVISIT_DATA_DIR", home / ".revisit")).expanduser().absolute()
        if data_dir.exists() and not data_dir.is_dir():
            raise SettingsError(f"REVISIT_DATA_DIR: {data_dir} is a file; name a folder")
        return cls(
            workspace=folder,
            workspaces=many if workspace is None else None,
            data_dir=data_dir,
            database_url=_database_url(env.get("REVISIT_DATABASE_URL"), data_dir),
            redis_url=_redis_url(env.get("REVISIT_REDIS_URL")),
            public_url=_web_url(env, "REVISIT_PUBLIC_URL"),
            given_secret_key=env.get("REVISIT_SECRET_KEY"),
            given_api_token=env.get("REVISIT_API_TOKEN"),
            twilio_account_sid=env.get("TWILIO_ACCOUNT_SID"),
            twilio_auth_token=env.get("TWILIO_AUTH_TOKEN"),
            twilio_base_url=_web_url(env, "TWILIO_BASE_URL") or cls.twilio_base_url,
            sendgrid_api_key=env.get("SENDGRID_API_KEY"),
            sendgrid_base_url=_web_url(env, "SENDGRID_BASE_URL") or cls.sendgrid_base_url,
            sendgrid_webhook_public_key=env.get("SENDGRID_WEBHOOK_PUBLIC_KEY"),
            source_secrets={name: value for name, value in env.items() if name.startswith(_SOURCE_SECRET)},
            provider_secrets={name: value for name, value in env.items() if _PROVIDER_SECRET.search(name)},
        )

    @cached_property
    def secret_key(self) -> str:
        """REVISIT_SECRET_KEY, else the key kept in DATA_DIR/secret_key, made when first asked for. It signs links and sessions."""
        return self.given_secret_key or _kept_secret(self.make_data_dir() / "secret_key")

    @property
    def known_secret_key(self) -> str | None:
        """The secret key where there is one; none is made."""
        path = self.data_dir / "secret_key"
        if self.given_secret_key is None and path.is_file():
            return path.read_text(encoding="ascii", errors="replace").strip() or None
        return self.given_secret_key

    @cached_property
    def api_token(self) -> str:
        """REVISIT_API_TOKEN, else the token kept in DATA_DIR/api_token, made when first asked for."""
        return self.given_api_token or _kept_secret(self.make_data_dir() / "api_token")

    def make_data_dir(self) -> Path:
        """The data directory, made if missing, for its owner only. Raises SettingsError where it cannot be made."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SettingsError(
                f"REVISIT_DATA_DIR: cannot make the folder {self.data_dir}: {error.strerror}"
            ) from error
        return self.data_dir

    def __repr__(self) -> str:
        return (
            f"Settings(workspace={str(self.workspace)!r}, data_dir={str(self.data_dir)!r}, database_url={masked(self.database_url)!r}, "
            f"redis_url={masked(self.redis_url or 'embedded')!r}, public_url={masked(self.public_url or '')!r}, "
            f"twilio={_credential(self.twilio_account_sid, self.twilio_auth_token)}, twilio_base_url={masked(self.twilio_base_url)!r}, "
            f"sendgrid={_credential(self.sendgrid_api_key)}, sendgrid_base_url={masked(self.sendgrid_base_url)!r})"
        )


def masked(url: str) -> str:
    """A URL without the password, and without the query, which may hold one too."""
    if "://" not in url:
        return f"***@{url.rpartition('@')[2]}" if "@" in url else url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if host != parts.netloc:
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        host = f"{user}:***@{host}"
    return f"{parts.scheme}://{host}{parts.path}{'?…' if parts.query else ''}"


def _credential(*values: str | None) -> str:
    return "set" if all(values) else "not set"


def _workspaces(env: Mapping[str, str], chosen: Path | None) -> Path | None:
    name = "--workspaces" if chosen is not None else "REVISIT_WORKSPACES"
    given = chosen if chosen is not None else env.get("REVISIT_WORKSPACES")
    if given is None:
        return None
    folder = Path(given).expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(f"{name}: {folder} is no folder; name the one that the workspaces lie in")
    return folder


def _workspace(env: Mapping[str, str], chosen: Path | None, many: Path | None) -> Path:
    if chosen is None and many is not None and "REVISIT_WORKSPACE" not in env:
        # Of several, a command about one clinic takes the one that it stands in.
        here = Path.cwd()
        return here if here.is_relative_to(many) else many
    name = "--workspace" if chosen is not None else "REVISIT_WORKSPACE"
    folder = (
        (chosen if chosen is not None else Path(env.get("REVISIT_WORKSPACE", "."))).expanduser().absolute()
    )
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise SettingsError(
            f"{name}: {folder} {what}; name the folder that holds config/, or lay one out with: revisit init DIR"
        )
    return folder


def _database_url(given: str | None, data_dir: Path) -> str:
    # In a URL `?` begins the options and `%` an escape, so a folder that has them in its name is quoted.
    url = given or "sqlite:///" + quote(str(data_dir / "revisit.db"))
    if _POSTGRES.match(url):
        url = _POSTGRES.sub("postgresql+psycopg://", url, count=1)
        parts = urlsplit(url)
        _port("REVISIT_DATABASE_URL", url)
        if not parts.path.strip("/"):
            raise SettingsError(f"REVISIT_DATABASE_URL: {masked(url)} names no database; end it with /NAME")
        return url
    if url.startswith("sqlite:"):
        if (
            not url.startswith("sqlite:///")
            or url in {"sqlite:///", "sqlite:///:memory:"}
            or "mode=memory" in url
        ):
            raise SettingsError(
                "REVISIT_DATABASE_URL: several processes share the database, so SQLite needs a file: sqlite:////absolute/path/revisit.db"
            )
        return url
    raise SettingsError(
        f"REVISIT_DATABASE_URL: {masked(url)} is not a database that Revisit knows; give postgresql://USER:PASSWORD@HOST/NAME or "
        "sqlite:////absolute/path/revisit.db, or leave it out for SQLite in the data directory"
    )


def _redis_url(given: str | None) -> str | None:
    if given is None:
        return None
    url = re.sub(r"^valkey(s?)://", r"redis\1://", given)
    parts = urlsplit(url)
    if parts.scheme not in _REDIS_SCHEMES or not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise SettingsError(
            f"REVISIT_REDIS_URL: {masked(given)} is not a Redis address; give redis://HOST:6379/0, rediss://… for TLS or "
            "unix:///path/to/socket, or leave it out for the embedded queue"
        )
    _port("REVISIT_REDIS_URL", url)
    return url


def _web_url(env: Mapping[str, str], name: str) -> str | None:
    url = env.get(name)
    if url is None:
        return None
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or re.search(r"\s", url)
    ):
        raise SettingsError(
            f"{name}: {masked(url)} is not a web address; give one such as https://revisit.example.com"
        )
    _port(name, url)
    return url.rstrip("/")


def _port(name: str, url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise SettingsError(f"{name}: the port of {masked(url)} is not a number from 0 to 65535") from None


def _kept_secret(path: Path) -> str:
    """The secret in this file, made once: of several processes that make it at the same time, all read the first one's."""
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the secret in {path} cannot be read or made: {error}") from error
    if not secret:
        raise SettingsError(
            f"{path} is empty; put the secret back from a backup, or remove the file to have a new one made"
        )
    return secret


def _make_secret(path: Path) -> None:
    # A temporary file is 0600 from the start; the link appears under its name whole, or fails because another was first.
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", encoding="ascii"
    ) as fresh:
        fresh.write(secrets.token_urlsafe(32) + "\n")
        fresh.flush()
        os.fsync(fresh.fileno())
        try:
            os.link(fresh.name, path)
        except FileExistsError:
            return
