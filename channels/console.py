"""Channels that send nothing: they keep each message as a file that can be opened and read.

1. SMS: `REF.sms.txt`. E-mail: `REF.eml`, a real message for any mail program, and `REF.html` for a browser.
2. The files depend on the message alone (no date, no random boundary), so writing a ref twice changes
   nothing.
3. The folder is also the list of what was sent: `lookup` reads it, so that a process that died between
   writing a file and noting it does not leave a riddle.
4. A file appears whole or not at all, readable by its owner only: it holds what a patient would read.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from pathlib import Path

from channels.base import (
    Accepted,
    EmailOut,
    Listed,
    Lookup,
    NoWord,
    Outcome,
    Permanent,
    Sighting,
    SmsOut,
    Temporary,
)
from channels.status import Status

_SLACK = timedelta(seconds=60)  # a folder may be on a machine with a clock of its own
_POLICY = SMTP.clone(max_line_length=998)  # RFC 5322's limit: an unsubscribe link stays in one piece


class ConsoleSms:
    """Writes into `folder`, which is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, out: SmsOut, /) -> Outcome:
        """Temporary when the file cannot be written."""
        text = f"To: {out.to}\nFrom: {out.sender}\n\n{out.body}\n"
        try:
            return _keep(self._folder, out.ref, {"sms.txt": text.encode()})
        except UnicodeEncodeError:
            return _unsendable()

    def lookup(self, to: str, sender: str, since: datetime) -> Lookup:
        """The messages to `to` whose files were written at `since` (aware) or later; NoWord when the folder
        cannot be read. `sender` changes nothing.
        """
        oldest = (since - _SLACK).timestamp()
        try:
            files = [(path, path.stat().st_mtime) for path in sorted(self._folder.glob("*.sms.txt"))]
            texts = [
                (path, written, path.read_bytes().decode()) for path, written in files if written >= oldest
            ]
        except (OSError, ValueError):
            return NoWord("not_read", "the outbox folder could not be read")
        return Listed(
            tuple(
                _sighting(path, written, text)
                for path, written, text in texts
                if text.startswith(f"To: {to}\n")
            )
        )

    def close(self) -> None:
        """There is nothing to close."""


class ConsoleEmail:
    """Writes into `folder`, which is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, out: EmailOut, /) -> Outcome:
        """Temporary when the files cannot be written; Permanent when the message cannot be an e-mail."""
        try:
            eml = _message(out).as_bytes()
            files = {"html": out.html.encode()} if out.html else {}
        except (ValueError, LookupError):  # a line break in a header, half a surrogate pair
            return _unsendable()
        return _keep(self._folder, out.ref, {**files, "eml": eml})

    def close(self) -> None:
        """There is nothing to close."""


def _sighting(path: Path, written: float, text: str) -> Sighting:
    body = text.partition("\n\n")[2].removesuffix("\n")
    ref = path.name.removesuffix(".sms.txt")
    at = datetime.fromtimestamp(written, UTC)
    return Sighting(f"console-{ref}", Status.DELIVERED, "delivered", "", at, body)


def _message(out: EmailOut) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = formataddr((out.sender_name, out.sender)) if out.sender_name else out.sender
    message["To"] = out.to
    message["Subject"] = out.subject
    message["Message-ID"] = f"<{out.ref}@console.invalid>"
    for name, value in out.headers.items():
        message[name] = value
    message.set_content(out.text)
    if out.html:
        message.add_alternative(out.html, subtype="html")
        message.set_boundary(f"=_{out.ref}"[:70])
    return message


def _keep(folder: Path, ref: str, files: dict[str, bytes]) -> Outcome:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for ending, content in files.items():
            _write(folder / f"{ref}.{ending}", content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        why = f"the message could not be written to the outbox folder: {reason}"
        return Temporary("not_written", why, None)
    return Accepted(f"console-{ref}", "delivered")


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _unsendable() -> Permanent:
    return Permanent("unsendable", "the message holds characters that cannot be sent", "content")
