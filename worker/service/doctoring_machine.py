"""The doctor's look at this machine and the clinic's own settings: disk, permissions, zones, the mode, the public address."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from worker.delivery.senders import is_loopback
from worker.service.doctoring_words import Finding, error, warning
from worker.service.probing import ask
from worker.settings import Settings
from worker.workspace.rooms import Rooms

LEAST_BYTES: Final = 1_000_000_000
SECRETS: Final = ("secret_key", "api_token")


def of_machine(settings: Settings, clinics: Sequence[Rooms]) -> Iterator[Finding]:
    """What is wrong here, for the clinics whose rooms can be read."""
    if settings.data_dir.is_dir():
        yield from _disk(settings.data_dir)
        yield from _permissions(settings.data_dir)
    if any(sender.provider != "console" for told in clinics for sender in told.senders.values()):
        yield from _public(settings)


def of_clinic(told: Rooms) -> Iterator[Finding]:
    """What is wrong with a clinic's own settings."""
    clinic = told.rules.clinic
    try:
        ZoneInfo(clinic.timezone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        yield error(
            "zone-missing", f"this machine does not know the clinic's time zone, {clinic.timezone}", "Install the zones: pip install tzdata, or your system's package tzdata."
        )  # fmt: skip
    if clinic.mode == "rehearsal":
        yield warning(
            "mode-rehearsal", "the clinic is in mode `rehearsal`: everything is decided and shown, and nothing leaves",
            "When the texts are right: `mode: allow_list`, then `mode: live` in config/clinic.yaml, and publish it.",
        )  # fmt: skip


def _disk(folder: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(folder)
    if usage.free < min(LEAST_BYTES, usage.total // 20):
        yield error(
            "disk-full", f"{usage.free // 1_000_000} MB are left on the disk of {folder}",
            "Make room: a database that can't write accepts no event.",
        )  # fmt: skip


def _permissions(folder: Path) -> Iterator[Finding]:
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield error(
            "data-open", f"others on this machine may look into {folder}, which holds patients' data", f"chmod 700 {folder}"
        )  # fmt: skip
    for path in (folder / name for name in SECRETS):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield error("secret-open", f"others on this machine may read {path}", f"chmod 600 {path}")


def _public(settings: Settings) -> Iterator[Finding]:
    url = settings.public_url
    if url is None or is_loopback(url):
        yield error(
            "public-url-missing", "REVISIT_PUBLIC_URL does not lead to this system from outside: links in messages open for nobody, and no delivery report arrives",
            "Set it to the https address under which patients and providers reach it.",
        )  # fmt: skip
    elif urlsplit(url).scheme != "https":
        yield error(
            "public-url-http", "REVISIT_PUBLIC_URL is not https: marketing waits, and mail programs offer no one-click unsubscribe",
            "Put a proxy with TLS in front, and set the https address.",
        )  # fmt: skip
    else:
        why = ask(url)
        if why:
            yield error(
                "public-url-away", f"REVISIT_PUBLIC_URL does not open from here: {why}",
                "See that it leads to `revisit web`, that the name resolves and that the certificate is right.",
            )  # fmt: skip
