"""A merge taken back: both ledgers are folded again from the events that were told of each, as if the merge had never been told.

Rules
1. What can be undone is undone: visits, money, profile, consent, holds, and evidence go back to whom they were told of, also what was told since the merge; segments are computed anew, silently.
2. What happened stays: a run that the merge ended stays ended, messages that were sent stay with the patient to whom they were sent, and nothing starts because of it. A run that lost its
   reason is withdrawn.
3. A tag that a journey set goes with the appointment that started its run, else with the patient whose run it was; one of which neither can be told stays with the patient that went on.
4. Where something else says that they are one (the clinic's own system, another merge), they stay one, and the command says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from worker.delivery.saving import save
from worker.domain import ledger as ledgers
from worker.domain.ledger import Ledger
from worker.domain.planner import Patient, Planner
from worker.domain.rules import Rules
from worker.service.jobs import Job, batches
from worker.service.whom import NotDone, find
from worker.store import duplicates, patients
from worker.store import unmerging as stored
from worker.store.audit import note
from worker.store.duplicates import Pair
from worker.store.engine import write
from worker.store.erasing import unread
from worker.store.events import Stored
from worker.workspace.house import House


class Inseparable(NotDone):
    """The two are one patient for another reason as well; the message says what to do."""


def unmerge(house: House, clinic: str, pair: Pair, source: str, actor: str) -> list[Job]:
    """Take back the merge of this pair, whose event has this source. Raises Inseparable, NotDone, NoRooms."""
    with write(house.engine) as conn:
        whole, other = find(conn, clinic, pair.left), find(conn, clinic, pair.right)
        if whole.erased_at is not None:
            raise NotDone(
                f"Patient `{whole.patient}` asked to be forgotten: nothing is left that could be taken apart."
            )
        ids = {*whole.ids, *other.ids}
        stored.lock_all(conn, clinic, ids)
        if unread(conn, clinic, sorted(ids)):
            raise NotDone(
                "Something was told of these patients that is not folded yet. Give the command again in a minute."
            )
        now = house.now(conn)
        if whole.patient != other.patient:
            # The merge was told and could not be folded: there is nothing to take apart.
            duplicates.decide(conn, clinic, pair.left, pair.right, "proposed", actor, now)
            note(conn, clinic, now, actor, "merge undone", {"patients": [pair.left, pair.right]})
            return []
        told = stored.folded(conn, clinic, whole.ids)
        stays = [one for one in told if not (one.event.source == source and one.event.id == pair.event_id)]
        new = _refolded(whole.ids, stays)
        apart = {root for root in (new.stands[pair.left], new.stands[pair.right]) if root != whole.patient}
        if len(stays) == len(told) or len(apart) != 1 or set(new.ledgers) != {whole.patient, *apart}:
            raise Inseparable(
                f"`{pair.left}` and `{pair.right}` are one patient for another reason too: the clinic's own system says so, or another merge does. Take that back first."
            )
        (gone,) = apart
        jobs = _split(house, conn, clinic, whole.patient, gone, new, now)
        stored.undone(conn, clinic, source, pair.event_id or "", now)
        hers = [one.event for one in stays if new.stands[one.event.subject] == gone]
        stored.move_evidence(conn, clinic, hers, whole.patient, gone)
        duplicates.decide(conn, clinic, pair.left, pair.right, "proposed", actor, now)
        note(conn, clinic, now, actor, "merge undone", {"patient": gone, "from": whole.patient})
    return jobs


class _Refolded:
    def __init__(self, ids: Sequence[str]) -> None:
        self.stands = {one: one for one in ids}
        self.ledgers: dict[str, Ledger] = {one: ledgers.empty() for one in ids}

    def join(self, gone: str, into: str, at: datetime) -> None:
        gone, into = self.stands[gone], self.stands[into]
        if gone == into:
            return
        self.ledgers[into] = ledgers.union(self.ledgers[into], self.ledgers.pop(gone), alias=gone, at=at)
        self.stands.update({one: into for one, root in self.stands.items() if root == gone})


def _refolded(ids: Sequence[str], told: Sequence[Stored]) -> _Refolded:
    """Each id's own ledger, then joined by the merges that count, in the order in which they were told."""
    new = _Refolded(ids)
    for one in told:
        if one.event.type != "patient.merged":
            new.ledgers[one.event.subject] = ledgers.fold(new.ledgers[one.event.subject], one.event)
    for one in told:
        if one.event.type == "patient.merged" and one.event.data.get("into") in new.stands:
            new.join(one.event.subject, one.event.data["into"], one.event.time)
    return new


def _split(
    house: House, conn: Connection, clinic: str, kept: str, gone: str, new: _Refolded, now: datetime
) -> list[Job]:
    rules = house.rooms(conn, clinic).rules
    mine = [one for one, root in new.stands.items() if root == gone]
    since = rules.contacts_since(now)
    with_all = patients.lock(conn, clinic, [kept], since=since)
    rules = house.pinned(conn, rules, with_all.values())
    planner = Planner(rules, with_all[kept], now)
    # Time that has passed did so for the one patient that they were.
    planner.pass_time(now)
    hers, rest = _tags(conn, clinic, planner.patient.ledger["own_tags"], new, gone)
    stored.stand_for(conn, clinic, dict.fromkeys(mine, gone))
    alone = patients.lock(conn, clinic, [gone], since=since)[gone]
    planner.patient.ledger = {**new.ledgers[kept], "own_tags": rest}
    planner.reconsider(now)
    other = _anew(rules, alone, {**new.ledgers[gone], "own_tags": hers}, now)
    keys = save(conn, house, rules, [planner, other], now)
    return batches("dispatch", [(clinic, key) for key in keys])


def _anew(rules: Rules, patient: Patient, ledger: Ledger, now: datetime) -> Planner:
    patient.ledger, patient.as_of, patient.rules_version = ledger, now, rules.version
    planner = Planner(rules, patient, now)
    planner.reconsider(now)
    return planner


def _tags(
    conn: Connection, clinic: str, standing: Mapping[str, Ledger], new: _Refolded, gone: str
) -> tuple[Ledger, Ledger]:
    """The tags of the patient that is apart again, and those of the other (rule 3)."""
    runs = {
        run
        for run, whose, appointment in stored.runs_of(conn, clinic, new.stands)
        if new.stands[whose] == gone or appointment in new.ledgers[gone]["appointments"]
    }
    hers = {name: entry for name, entry in standing.items() if entry["stamp"][1].rpartition("/")[0] in runs}
    apart, other = ledgers.empty(), ledgers.empty()
    # Of a tag that both had, the ledger kept the later one only; the traces know both.
    for patient, at, journey, step, said in stored.tagged(conn, clinic, new.stands):
        for name in said.split(", "):
            tag, by = name[1:], f"{journey}/{patient}/{step}"
            if new.stands[patient] == gone:
                apart = ledgers.tag(apart, tag, name[0] == "+", at, by)
            elif tag not in hers or hers[tag]["stamp"][0] != ledgers.instant(at):
                other = ledgers.tag(other, tag, name[0] == "+", at, by)
    rest = {name: entry for name, entry in standing.items() if name not in hers}
    return {**apart["own_tags"], **hers}, {**other["own_tags"], **rest}
