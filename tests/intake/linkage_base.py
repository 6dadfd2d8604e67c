"""A clinic's base with known double entries, made by lot: typing errors, other scripts, marriages, swapped dates, moved phones; and what only looks like them: families on one phone, twins,
grandmothers and granddaughters of one name, the clinic's own number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from worker.intake.linkage import Record

_WOMEN: Final = (
    "Μαρία Ελένη Αικατερίνη Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα Αναστασία Ιωάννα Κωνσταντίνα Χριστίνα Ευαγγελία Παναγιώτα Άννα Παρασκευή Δέσποινα Φωτεινή Ευτυχία Χρυσούλα "
    "Μαρίνα Μαργαρίτα Θεοδώρα Ζωή Ειρήνη Αθανασία Καλλιόπη Νικολέτα Αλεξάνδρα Στυλιανή Ουρανία Σταυρούλα Θεανώ Αργυρώ Ευθυμία Όλγα Κλειώ Νεφέλη Δανάη Ιφιγένεια"
).split()
_MEN: Final = (
    "Γεώργιος Δημήτριος Κωνσταντίνος Ιωάννης Νικόλαος Παναγιώτης Χρήστος Βασίλειος Αθανάσιος Ευάγγελος Μιχαήλ Σπυρίδων Αντώνιος Αναστάσιος Θεόδωρος Ανδρέας Χαράλαμπος Αλέξανδρος "
    "Εμμανουήλ Ηλίας Σταύρος Πέτρος Φώτιος Στυλιανός Άγγελος Λάμπρος Στέφανος Μάριος Ιάσων Ορέστης"
).split()
_STEMS: Final = (
    "Παπαδόπουλ Παπαγεωργί Παπαδάκ Γεωργί Δημητρί Νικολά Κωνσταντίν Αλεξόπουλ Βασιλεί Αντωνί Οικονόμ Μακρ Χατζηγεωργί Καραγιάνν Αναγνωστόπουλ Σταθόπουλ Θεοδωρόπουλ Ιωάνν Σαμαρ Μαυρίδ "
    "Κυριακίδ Αθανασί Ρουμελιώτ Τσιρώ Ζαχαρί Λαμπρόπουλ Πετρόπουλ Στεφανίδ Ξενάκ Ψαρ Φιλιππίδ Μπαλάσκ Ντούν Γκίκ Τζαννετ Κοντ Χριστοδούλ Διαμαντόπουλ Ευσταθί Σωτηρόπουλ"
).split()
_ENDS: Final = ("ου", "ίδου", "άκη", "έλη", "ιάδη", "ά", "ώτη", "όγλου", "έα", "άτου", "ινού", "αίου")
_ENGLISH: Final = "Emma Olivia Charlotte Emily Jessica Sarah Laura Hannah Rachel Katherine Elizabeth Rebecca Victoria Samantha Jennifer Megan Claire Alice Thomas James William".split()
_SURNAMES: Final = (
    "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke Harrison Fitzgerald O'Connor Whitfield "
    "Ashworth Pemberton Lockhart Sutherland Blackwood Kavanagh Prendergast Hollingsworth Abernathy Carmichael Donnelly Eastwood Fairclough Greenhalgh Hargreaves Jefferson"
).split()
_ELOT: Final = {
    "ου": "ou", "αυ": "av", "ευ": "ef", "μπ": "mp", "ντ": "nt", "γκ": "gk", "γγ": "ng", "θ": "th", "χ": "ch", "ψ": "ps", "ξ": "x", "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e",
    "ζ": "z", "η": "i", "ι": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f", "ω": "o",
}  # fmt: skip
_GREEKLISH: Final = _ELOT | {
    "η": "h",
    "χ": "x",
    "θ": "8",
    "ω": "w",
    "ξ": "ks",
    "ου": "oy",
    "αυ": "au",
    "ευ": "eu",
    "γγ": "gg",
    "υ": "u",
    "μπ": "b",
}
_BARE: Final = str.maketrans("άέήίόύώϊϋΐΰ", "αεηιουωιυιυ")
_SAID: Final = {
    "Αικατερίνη": "Κατερίνα", "Γεώργιος": "Γιώργος", "Δημήτριος": "Δημήτρης", "Κωνσταντίνος": "Κώστας", "Ιωάννης": "Γιάννης", "Νικόλαος": "Νίκος", "Βασίλειος": "Βασίλης",
    "Μιχαήλ": "Μιχάλης", "Elizabeth": "Liz", "Katherine": "Kate", "Rebecca": "Becky", "William": "Bill", "Παναγιώτα": "Γιώτα", "Αναστασία": "Νατάσα",
}  # fmt: skip


def latin(text: str, letters: dict[str, str]) -> str:
    """A Greek name in Latin letters by one of the tables."""
    low, made, at = text.lower().translate(_BARE), "", 0
    while at < len(low):
        two = low[at : at + 2]
        step = 2 if two in letters else 1
        made += letters.get(low[at : at + step], low[at : at + step])
        at += step
    return made.capitalize()


@dataclass
class Base:
    """Records, and the pairs of them that are one patient. `traps` are pairs that must not be merged, by what they are."""

    records: list[Record] = field(default_factory=list)
    same: set[frozenset[str]] = field(default_factory=set)
    traps: dict[str, set[frozenset[str]]] = field(default_factory=dict)


class _Maker:
    def __init__(self, size: int, doubles: int, seed: int) -> None:
        self.lot, self.size, self.doubles, self.base = Random(seed), size, doubles, Base()

    def base_of(self) -> Base:
        people = self.size - self.doubles
        while len(self.base.records) < people:
            turn = self.lot.random()
            if turn < 0.06:
                self.family()
            elif turn < 0.07:
                self.twins()
            elif turn < 0.08:
                self.generations()
            else:
                self.add(self.person())
        originals = self.lot.sample(self.base.records[:people], self.doubles)
        for original in originals:
            self.double(original)
        self.lot.shuffle(self.base.records)
        return self.base

    # -- people ---------------------------------------------------------------------------------------------------------------

    def add(self, one: Record) -> Record:
        one = replace(one, id=f"p-{len(self.base.records):06}", entries=self.lot.randrange(6))
        self.base.records.append(one)
        return one

    def person(self) -> Record:
        if self.lot.random() < 0.2:
            first, last = self.lot.choice(_ENGLISH), self.lot.choice(_SURNAMES)
        else:
            # Common names are common: half of the people bear the first ten.
            names = _WOMEN if self.lot.random() < 0.85 else _MEN
            first = self.lot.choice(names[:10] if self.lot.random() < 0.5 else names)
            last = self.lot.choice(_STEMS) + self.lot.choice(_ENDS)
        phone = "" if self.lot.random() < 0.04 else f"+3069{self.lot.randrange(10**8):08}"
        email = (
            ""
            if self.lot.random() < 0.3
            else f"{latin(first, _ELOT).lower()[:6]}.{self.lot.randrange(10**6)}@{self.lot.choice(('gmail.com', 'yahoo.gr', 'example.com'))}"
        )
        day = date(1945, 1, 1) + timedelta(days=self.lot.randrange(22_000))
        known = self.lot.random() > 0.12
        if self.lot.random() < 0.01:
            phone = "+302100000000"
        return Record("", first, last, phone, email, day.isoformat() if known else "")

    def family(self) -> None:
        first = self.person()
        members = [first]
        for _ in range(self.lot.randrange(1, 4)):
            other = self.person()
            members.append(
                replace(
                    other,
                    last_name=first.last_name,
                    phone=first.phone,
                    email=self.lot.choice(("", first.email, other.email)),
                )
            )
        self.trap("family", members)

    def twins(self) -> None:
        one = self.person()
        name = self.lot.choice([name for name in (*_WOMEN, "Μαρίκα") if name != one.first_name])
        first, second = self.lot.choice(
            (
                ("Μαρία", "Μαρίνα"),
                (one.first_name, name),
                ("Μαρία Ελένη", "Μαρία Άννα"),
                ("Γεώργιος", "Γεωργία"),
            )
        )
        born = one.birth_date or "1990-03-17"
        self.trap(
            "twins",
            [
                replace(one, first_name=first, birth_date=born),
                replace(one, first_name=second, birth_date=born),
            ],
        )

    def generations(self) -> None:
        one = self.person()
        old, young = (
            f"19{self.lot.randrange(40, 60)}-0{self.lot.randrange(1, 9)}-14",
            f"19{self.lot.randrange(88, 99)}-1{self.lot.randrange(3)}-20",
        )
        self.trap("generations", [replace(one, birth_date=old), replace(one, birth_date=young)])

    def trap(self, what: str, members: list[Record]) -> None:
        added = [self.add(one) for one in members]
        pairs = {frozenset((a.id, b.id)) for a in added for b in added if a.id < b.id}
        self.base.traps.setdefault(what, set()).update(pairs)

    # -- double entries -------------------------------------------------------------------------------------------------------

    def double(self, original: Record) -> None:
        made = original
        for change in self.lot.sample(self.changes(), self.lot.choice((1, 1, 2))):
            made = change(made)
        if made.phone != original.phone and made.email != original.email and self.lot.random() < 0.8:
            made = replace(
                made, phone=original.phone
            )  # Who gives another phone and another address at once is rarely known again by anybody.
        self.base.same.add(frozenset((original.id, self.add(made).id)))

    def changes(self) -> list[Callable[[Record], Record]]:
        return [
            self.in_elot, self.in_greeklish, self.turned, self.in_one_column, self.mistyped_family, self.mistyped_given, self.said, self.married, self.swapped_day, self.mistyped_day,
            self.moved, self.mistyped_phone, self.without_phone, self.without_email, self.without_day, self.dotted, self.capitals,
        ]  # fmt: skip

    def in_elot(self, one: Record) -> Record:
        return replace(one, first_name=latin(one.first_name, _ELOT), last_name=latin(one.last_name, _ELOT))

    def in_greeklish(self, one: Record) -> Record:
        return replace(
            one, first_name=latin(one.first_name, _GREEKLISH), last_name=latin(one.last_name, _GREEKLISH)
        )

    def turned(self, one: Record) -> Record:
        return replace(one, first_name=one.last_name, last_name=one.first_name)

    def in_one_column(self, one: Record) -> Record:
        return replace(one, first_name=f"{one.first_name} {one.last_name}", last_name="")

    def mistyped_family(self, one: Record) -> Record:
        return replace(one, last_name=self.mistyped(one.last_name))

    def mistyped_given(self, one: Record) -> Record:
        return replace(one, first_name=self.mistyped(one.first_name))

    def mistyped(self, text: str) -> str:
        if len(text) < 3:
            return text
        at = self.lot.randrange(1, len(text) - 1)
        return self.lot.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
                text[:at] + text[at - 1] + text[at:],
            )
        )

    def said(self, one: Record) -> Record:
        return replace(one, first_name=_SAID.get(one.first_name, one.first_name))

    def married(self, one: Record) -> Record:
        return replace(one, last_name=self.person().last_name) if one.last_name else one

    def swapped_day(self, one: Record) -> Record:
        year, _, rest = one.birth_date.partition("-")
        month, _, day = rest.partition("-")
        return replace(one, birth_date=f"{year}-{day}-{month}") if day and day <= "12" else one

    def mistyped_day(self, one: Record) -> Record:
        if not one.birth_date:
            return one
        return replace(
            one,
            birth_date=(
                date.fromisoformat(one.birth_date) + timedelta(days=self.lot.choice((1, 2, 365)))
            ).isoformat(),
        )

    def moved(self, one: Record) -> Record:
        return replace(one, phone=f"+3069{self.lot.randrange(10**8):08}")

    def mistyped_phone(self, one: Record) -> Record:
        return (
            replace(one, phone=one.phone[:-2] + str(self.lot.randrange(10)) + one.phone[-1])
            if one.phone
            else one
        )

    def without_phone(self, one: Record) -> Record:
        return replace(one, phone="")

    def without_email(self, one: Record) -> Record:
        return replace(one, email="")

    def without_day(self, one: Record) -> Record:
        return replace(one, birth_date="")

    def dotted(self, one: Record) -> Record:
        return (
            replace(one, email=one.email.capitalize().replace(".", "", 1))
            if one.email.endswith("@gmail.com")
            else replace(one, email=one.email.capitalize())
        )

    def capitals(self, one: Record) -> Record:
        return replace(
            one,
            first_name=one.first_name.upper().translate(_SHOUTED),
            last_name=one.last_name.upper().translate(_SHOUTED),
        )


_SHOUTED: Final = str.maketrans("ΆΈΉΊΌΎΏΪΫ", "ΑΕΗΙΟΥΩΙΥ")


def synthetic(size: int, doubles: int, seed: int = 1) -> Base:
    """A base of so many records, of which so many are second entries."""
    return _Maker(size, doubles, seed).base_of()
