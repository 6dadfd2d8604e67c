"""What a provider reports of our messages: kept, believed, and acted on.

Rules
1. Each report is one transaction: it is kept, its message moves, and whatever must not be written to any more is written down. Told again, nothing happens.
2. A message is found by our own id, whose clinic is then the report's, else by the provider's id. A report of a message that we do not know is kept and does nothing.
3. A message moves on and never back, by `worker/domain/outbox.py`. Any word for a message that waits to be sent again proves that an attempt did arrive: it is not sent again.
4. A report may overtake our own record of the call: then what it says is kept beside the claimed message, and whoever finishes the claim goes on from there.
5. A dead address, a complaint and an opt-out close the address for every patient who has it, by the address that the message went to. A complaint and an opt-out also take the
   patient's leave back. A message that was blocked says nothing about its address.
6. Of a patient who was forgotten only that a report came is kept; her address is closed all the same.
7. One report that fails does not keep the others of its batch; the batch fails after them, so that the provider sends it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from channels.base import Receipt
from channels.codes import Remedy, remedy, rule
from channels.status import Status
from worker.delivery.settling import settle
from worker.delivery.trouble import note_failure
from worker.domain.history import Trace
from worker.domain.outbox import ADVANCES, further, moves_to
from worker.domain.patient import Patient
from worker.service.clinics import clinic_of
from worker.service.folding import fold
from worker.service.jobs import Job, batches
from worker.service.raising import tell
from worker.service.telling import consent_event, forgotten
from worker.service.whereabouts import place_of
from worker.store import outbox, patients
from worker.store import receipts as kept
from worker.store.audit import note
from worker.store.engine import AWAY, write
from worker.store.types import storable
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

log = structlog.get_logger(__name__)
SOURCE: Final = "/revisit/receipts"
_FAILED: Final = frozenset({Status.UNDELIVERED, Status.FAILED, Status.BOUNCED, Status.DROPPED})
_TAKES_LEAVE_BACK: Final = frozenset({"complained", "unsubscribed", "opted_out"})


def take(house: House, clinic: str | None, receipts: Sequence[Receipt], *, only: bool = False) -> list[Job]:
    """Take the reports of one call, in their order; returns what is due because of them. `clinic` is that of the address that was called, if it names one;
    with `only`, which is so where the clinic's own key signed them, they move no message of another's.

    Raises what the first report that failed raised, after all the others were taken.
    """
    jobs: list[Job] = []
    failed: Exception | None = None
    for receipt in receipts:
        try:
            jobs += _take(house, clinic, receipt, only)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (rule 7)
            log.error(
                "report failed", provider=receipt.provider, error=type(error).__name__, where=place_of(error)
            )
            failed = failed or error
    if failed is not None:
        raise failed
    return jobs


def _take(house: House, asked: str | None, receipt: Receipt, only: bool) -> list[Job]:
    clinic, seqs, ready = patients.again_when_moved(lambda: _once(house, asked, receipt, only))
    jobs = batches("dispatch", [(clinic, key) for key in ready])
    return jobs + fold(house, clinic, seqs) if seqs else jobs


def _once(house: House, asked: str | None, receipt: Receipt, only: bool) -> tuple[str, list[int], list[str]]:
    """One report in one transaction: its clinic, the events to fold, the messages that may leave."""
    with write(house.engine) as conn:
        now = house.now(conn)
        about = kept.message_of(conn, receipt.ref, receipt.provider_id)
        if only and about is not None and about[0] != clinic_of(conn, asked):
            log.warning("report of another clinic's message left alone", provider=receipt.provider)
            about = None
        clinic, message = about if about is not None else (clinic_of(conn, asked), None)
        new = kept.keep(
            conn, clinic, message, provider=receipt.provider, key=receipt.key, status=receipt.status.value, word=receipt.word, code=receipt.code,
            at=receipt.at, received_at=now, raw=receipt.raw,
        )  # fmt: skip
        log.info(
            "report", clinic=clinic, provider=receipt.provider, message=message, status=receipt.status.value, code=receipt.code, new=new,
        )  # fmt: skip
        if message is None or not new:
            return clinic, [], []
        return clinic, *_Taking(house, conn, clinic, message, receipt, now).done()


class _Taking:
    """A new report of a message of ours, with the patient locked: what is read after that is as it is."""

    def __init__(
        self, house: House, conn: Connection, clinic: str, message: str, receipt: Receipt, now: datetime
    ) -> None:
        self.house, self.conn, self.clinic, self.id = house, conn, clinic, message
        self.receipt, self.now = receipt, now
        self.remedy = remedy(receipt.provider, receipt.code)
        self.patient = self._locked(self._row().message.patient)
        self.rooms: Rooms = house.rooms(conn, clinic)
        if forgotten(self.patient):
            kept.silence(conn, clinic, receipt.provider, receipt.key)

    def done(self) -> tuple[list[int], list[str]]:
        """The events to fold and the messages that may leave."""
        # The first reason stands, and a report of a failure knows the better one.
        return self._close(), self._move()

    def _row(self) -> outbox.Row:
        return outbox.get(self.conn, self.clinic, [self.id])[0]

    def _locked(self, subject: str) -> Patient:
        name = patients.resolve(self.conn, self.clinic, [subject])[subject]
        return patients.lock(self.conn, self.clinic, [name], since=self.now)[name]

    # -- how far the message is -----------------------------------------------------------------------------------------------

    def _move(self) -> list[str]:
        conn, clinic, receipt, now = self.conn, self.clinic, self.receipt, self.now
        word = receipt.status.value
        if word not in ADVANCES:
            return []
        known = kept.told(conn, clinic, self.id)
        if known.provider_id not in (None, receipt.provider_id) and receipt.provider_id is not None:
            # Two ids of the provider for one message: it took two attempts for it.
            log.error("a message was accepted twice", clinic=clinic, message=self.id)
        kept.found(conn, clinic, self.id, receipt.provider_id)
        if further(known.status, word):
            kept.tell(conn, clinic, self.id, word, receipt.at or now, receipt.code)
        ready: list[str] = []
        row = self._row()
        if row.message.state == "scheduled" and self._retake(row):
            ready += self._arrived()
            row = self._row()
        for state in moves_to(row.message.state, word):
            if state == "sent":
                ready += self._arrived()
            else:
                self._advance(self._row().message.state, state)
        return ready

    def _retake(self, row: outbox.Row) -> bool:
        """Take a message that waits to be sent again, so that it is not (rule 3)."""
        message = row.message
        if message.channel is None or message.address is None:
            return False  # no attempt was ever begun
        return outbox.claim(
            self.conn, self.clinic, self.id, self.now, self.now, message.channel, message.address
        )

    def _arrived(self) -> list[str]:
        why = f"{self.receipt.provider} reports it"
        return settle(self.conn, self.house, self.rooms, self._row(), "sent", "", why, self.now)

    def _advance(self, was: str, state: str) -> None:
        receipt, code = self.receipt, self.receipt.code or self.receipt.status.value
        reason = code if state == "undelivered" else ""
        if not outbox.finish(
            self.conn, self.clinic, self.id, state, at=self.now, was=was, reason=storable(reason)
        ):
            return
        row = self._row()
        message = row.message
        known = rule(receipt.provider, receipt.code)
        why = known.words if known is not None else f"{receipt.provider} says {receipt.status.value}"
        line = Trace(self.patient.id, message.journey, message.step, self.now, state, why)
        kept.trace(self.conn, self.clinic, line, self.now)
        if state == "undelivered":
            note_failure(self.conn, self.house, self.rooms, row, self.remedy.value, receipt.code, self.now)

    # -- what must not be written to any more ---------------------------------------------------------------------------------

    def _close(self) -> list[int]:
        reason = self._closes()
        row = self._row()
        channel, address = row.message.channel, row.message.address or self.receipt.address
        if reason is None or channel is None or address is None:
            return []
        conn, clinic, now = self.conn, self.clinic, self.now
        outbox.alone(conn, clinic, [(channel, address)])
        outbox.suppress(conn, clinic, channel, self.house.hashed(channel, address), reason, now)
        detail = {"message": self.id, "channel": channel, "reason": reason}
        note(conn, clinic, now, self.receipt.provider, "address suppressed", detail)
        if reason not in _TAKES_LEAVE_BACK or forgotten(self.patient):
            return []
        key = f"{self.receipt.provider} {self.receipt.key}"
        event = consent_event(
            "revoked", SOURCE, clinic, self.patient, key, now, channel=channel, said_by="provider"
        )
        return tell(conn, self.house, clinic, [event])

    def _closes(self) -> str | None:
        """Why the report closes the address; None where it does not."""
        status = self.receipt.status
        if status is Status.COMPLAINED:
            return "complained"
        if status is Status.UNSUBSCRIBED:
            return "unsubscribed"
        if status not in _FAILED:
            return None
        if self.remedy is Remedy.OPTED_OUT:
            return "opted_out"
        if self.remedy is Remedy.ADDRESS_DEAD:
            return "bounced" if status is Status.BOUNCED else "dead"
        return None
