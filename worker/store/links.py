"""Short links of messages, and who followed them.

Rules
1. A link is kept once under its token; kept again, because its message leaves again, it lives on from then.
2. Each hit is kept with what it was taken for: `person`, `scanner`, or `again` for a person whom we have seen on that link before. Of a link's hits the last `MOST_HITS` are kept, and its person.
3. Nothing here says who asked: no address, no program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, select, update

from worker.store.schema import link_hits, links
from worker.store.sql import insert, many

MOST_HITS: Final = 200
"""How many hits of one link are kept: whoever calls it without end fills no disk."""
Kind = Literal["booking", "review", "answer", "unsubscribe"]
Verdict = Literal["person", "scanner", "again"]
_FIELDS: Final = [links.c["clinic_id" if name == "clinic" else name].label(name) for name in (
    "token", "clinic", "message_id", "kind", "target", "created_at", "expires_at", "answered_at")]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """One short link. `target` is the address that it leads to, "" where that is a page of ours; `answered_at` is of an answer page."""

    token: str
    clinic: str
    message_id: str
    kind: str
    target: str
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None


def keep(conn: Connection, wanted: Iterable[Link]) -> None:
    """Keep links (rule 1). Their message is there already."""
    rows = []
    for link in wanted:
        fields = asdict(link)
        rows.append({"clinic_id": fields.pop("clinic"), **fields})
    statement = insert(conn, links)
    lives_on = {name: statement.excluded[name] for name in ("created_at", "expires_at")}
    many(conn, statement.on_conflict_do_update(index_elements=["token"], set_=lives_on), rows)


def find(conn: Connection, token: str) -> Link | None:
    """The link of a token."""
    row = conn.execute(select(*_FIELDS).where(links.c.token == token)).one_or_none()
    return Link(*row) if row is not None else None


def lock(conn: Connection, link: Link) -> None:
    """Until the transaction ends, nobody else counts a hit on a link of this message."""
    c = links.c
    of_message = select(c.token).where(c.message_id == link.message_id).order_by(c.token)
    conn.execute(of_message.with_for_update()).all()


def answered(conn: Connection, token: str, at: datetime) -> bool:
    """The page behind a link was answered; False where it was before."""
    which = (links.c.token == token, links.c.answered_at.is_(None))
    return conn.execute(update(links).where(*which).values(answered_at=at)).rowcount == 1


def hit(conn: Connection, link: Link, at: datetime, verdict: Verdict) -> None:
    """Somebody or something has followed a link."""
    row = {
        "clinic_id": link.clinic,
        "message_id": link.message_id,
        "token": link.token,
        "at": at,
        "verdict": verdict,
    }
    conn.execute(link_hits.insert().values(row))
    c = link_hits.c
    those = (c.message_id == link.message_id, c.token == link.token)
    last = select(c.id).where(*those).order_by(c.id.desc()).offset(MOST_HITS).limit(1)
    before = conn.execute(last).scalar_one_or_none()
    if before is not None:
        conn.execute(link_hits.delete().where(*those, c.id <= before, c.verdict != "person"))


def known(conn: Connection, link: Link) -> bool:
    """Whether a person has followed it before."""
    c = link_hits.c
    asked = select(c.id).where(c.message_id == link.message_id, c.token == link.token, c.verdict == "person")
    return conn.execute(asked.limit(1)).first() is not None


def others_since(conn: Connection, link: Link, since: datetime) -> bool:
    """Whether another link of the same message was followed at `since` or later."""
    c = link_hits.c
    asked = select(c.id).where(c.message_id == link.message_id, c.at >= since, c.token != link.token)
    return conn.execute(asked.limit(1)).first() is not None
