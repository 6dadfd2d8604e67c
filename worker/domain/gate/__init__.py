"""The one gate: may this message leave now, through which channel, to which address?

Asked by the planner's clock, by replay and by dispatch right before the send. Stages in order, the first that objects answers:
 1. the patient: erased, deceased, under age (marketing)
 2. the journey: paused or gone (waits), its `stop_if`, a booking that makes it pointless
 3. too late: `expires` counts all lateness but that of caps and holds, which is excused for up to seven days
 4. a hold (waits)
 5. an offer that is over
 6. the feed: a clinic that heard nothing from its systems for too long writes no marketing (waits)
 7. a channel that the patient has, that consent allows and that no suppression closes
 8. frequency caps of patient and address (waits)
 9. quiet hours where the patient is (waits)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.domain.calendar import add_span, local_day, midnight, next_open
from worker.domain.conditions import Look
from worker.domain.conditions.person import age_on
from worker.domain.facts import Facts
from worker.domain.history import Contact, Message
from worker.domain.journey import Journey, Send
from worker.domain.rules import Rules

MAX_EXCUSED: Final = timedelta(days=7)
MARKETING_AGE: Final = 18
PATIENCE: Final = timedelta(hours=1)
"""How soon to ask again where nobody knows when an obstacle goes."""

ADDRESS_FIELD: Final = {"sms": "phone", "email": "email"}


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave now. `rehearsal`: the mode keeps it in; it is rendered and shown, and counts nowhere."""

    channel: str
    address: str
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before `until`. `excused` where the wait does not count towards `expires`."""

    until: datetime
    code: str
    why: str
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Never; the journey goes on."""

    code: str
    why: str


Verdict = Go | Defer | Drop


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that the gate looks at. `contacts` are what counts towards caps, of this patient and of the addresses in question."""

    now: datetime
    message: Message
    journey: Journey
    rules: Rules
    facts: Facts
    look: Look
    contacts: Sequence[Contact] = ()
    suppressed: frozenset[tuple[str, str]] = frozenset()
    feed_seen_at: datetime | None = None

    @property
    def marketing(self) -> bool:
        """Whether the message is marketing."""
        return self.message.purpose == "marketing"


def ask(q: Question) -> Verdict:
    """The verdict of the first stage that objects, else Go."""
    for stage in _BEFORE_CHANNEL:
        verdict = stage(q)
        if verdict is not None:
            return verdict
    chosen = _channel(q)
    if isinstance(chosen, Drop):
        return chosen
    return _caps(q, chosen) or _quiet_hours(q) or chosen


def first_moment(rules: Rules, facts: Facts, journey: Journey, due: datetime) -> datetime:
    """The first moment at or after `due` that quiet hours and the journey's own hours leave open; `due` where there is none within 40 days."""
    closed = rules.policy.closed(journey.purpose, rules.clinic.closed, journey.send_between, journey.send_on)
    return next_open(due, facts.tz, closed) or due


def _patient(q: Question) -> Verdict | None:
    if q.facts.erased:
        return Drop("erased", "the patient asked to be forgotten")
    if q.facts.deceased:
        return Drop("deceased", "the patient has died")
    if "do_not_contact" in q.facts.tags:
        return Drop("do_not_contact", "the patient is marked `do_not_contact`")
    born = q.facts.birth_date
    if q.marketing and born is not None and age_on(born, local_day(q.now, q.facts.tz)) < MARKETING_AGE:
        return Drop("minor", f"the patient is under {MARKETING_AGE}")
    return None


def _journey(q: Question) -> Verdict | None:
    if not q.rules.live(q.message.journey):
        return Defer(q.now + PATIENCE, "paused", "the journey is paused")
    if q.journey.stop_if is not None and q.journey.stop_if.holds(q.look):
        return Drop("stopped", "the journey's `stop_if` holds")
    return None


def _rebooked(q: Question) -> Verdict | None:
    goal = q.journey.goal
    if goal is None:
        return None
    for heard in goal.heard:
        if heard.type not in ("booking.created", "visit.completed"):
            continue
        for booking in q.facts.bookings_from(q.look.today):
            if booking.id != (q.look.this.id if q.look.this else None) and heard.of.fits(booking):
                return Drop("rebooked", f"the patient has a booking on {booking.day}")
    return None


def _late(q: Question) -> Verdict | None:
    limit = q.message.expires_at + min(q.message.excused, MAX_EXCUSED)
    if q.now <= limit:
        return None
    return Drop(
        "expired",
        f"too late: it was due on {_local(q, q.message.step_due_at)} and may leave until {_local(q, limit)}",
    )


def _hold(q: Question) -> Verdict | None:
    hold = q.facts.hold_at(q.now)
    if hold is None:
        return None
    tomorrow = q.now + timedelta(days=1)
    until = tomorrow if hold.until is None else min(hold.until, tomorrow) if hold.until > q.now else tomorrow
    return Defer(until, "hold", f"on hold: {hold.reason}", excused=True)


def _offer(q: Question) -> Verdict | None:
    step = q.journey.step(q.message.step)
    name = step.action.offer if step is not None and isinstance(step.action, Send) else None
    if name is None:
        return None
    offer = q.rules.offers.get(name)
    if offer is None:
        return Drop("offer_over", f"the offer {name} is no longer made")
    if offer.until is not None and local_day(q.now, q.rules.clinic.tz) > offer.until:
        return Drop("offer_over", f"the offer {name} ended on {offer.until}")
    return None


def _feed(q: Question) -> Verdict | None:
    limit = q.rules.policy.feed_max_age
    if not q.marketing or limit is None or q.feed_seen_at is None:
        return None
    if add_span(q.feed_seen_at, limit, q.rules.clinic.tz) >= q.now:
        return None
    return Defer(
        q.now + PATIENCE,
        "feed_stale",
        f"nothing was heard from the clinic's systems since {_local(q, q.feed_seen_at)}",
    )


_BEFORE_CHANNEL: Final[Sequence[Callable[[Question], Verdict | None]]] = (
    _patient,
    _journey,
    _rebooked,
    _late,
    _hold,
    _offer,
    _feed,
)


def _channel(q: Question) -> Go | Drop:
    reasons: list[str] = []
    codes: list[str] = []
    for channel in q.message.channels:
        address = q.facts.profile(ADDRESS_FIELD[channel])
        allowed, why = q.facts.consent(channel, q.message.purpose)
        if not address:
            codes.append("no_address")
            reasons.append(f"{channel}: no {ADDRESS_FIELD[channel]} on record")
        elif (channel, address) in q.suppressed:
            codes.append("suppressed")
            reasons.append(f"{channel}: this address must not be written to")
        elif not allowed:
            codes.append("no_consent")
            reasons.append(f"{channel}: no leave for {q.message.purpose} ({why})")
        else:
            clinic = q.rules.clinic
            quiet = clinic.mode == "rehearsal" or (
                clinic.mode == "allow_list" and address not in clinic.allow_list
            )
            return Go(channel, address, rehearsal=quiet)
    strongest = next(
        (code for code in ("suppressed", "no_consent", "no_address") if code in codes), "no_address"
    )
    return Drop(strongest, "; ".join(reasons) or "the step names no channel")


def _caps(q: Question, go: Go) -> Verdict | None:
    caps = q.rules.policy.caps.get(q.message.purpose, ())
    if go.rehearsal or not caps:
        return None
    tz = q.facts.tz
    today = local_day(q.now, tz)
    mine = [c for c in q.contacts if c.purpose == q.message.purpose]
    groups = (
        ("patient", [local_day(c.at, tz) for c in mine if c.patient == q.message.patient]),
        (
            "address",
            [local_day(c.at, tz) for c in mine if (c.channel, c.address) == (go.channel, go.address)],
        ),
    )
    latest, said = today, ""
    for who, days in groups:
        for cap in caps:
            free = cap.free_from(days, today)
            if free > latest:
                latest, said = free, f"no more than {cap} to one {who}"
    if not said:
        return None
    # The whole wait is the cap's doing, so the hours until the next open moment are excused with it.
    return Defer(first_moment(q.rules, q.facts, q.journey, midnight(latest, tz)), "cap", said, excused=True)


def _quiet_hours(q: Question) -> Verdict | None:
    opening = first_moment(q.rules, q.facts, q.journey, q.now)
    if opening <= q.now:
        closed = q.rules.policy.closed(
            q.message.purpose, q.rules.clinic.closed, q.journey.send_between, q.journey.send_on
        )
        if next_open(q.now, q.facts.tz, closed) is None:
            return Drop("never_open", "quiet hours leave no moment open within 40 days")
        return None
    return Defer(opening, "quiet_hours", f"quiet hours until {_local(q, opening)}")


def _local(q: Question, moment: datetime) -> str:
    return f"{moment.astimezone(q.facts.tz):%Y-%m-%d %H:%M}"
