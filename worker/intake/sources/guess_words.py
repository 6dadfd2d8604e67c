"""Words by which a draft is guessed: what headers and statuses mean, in the words of the ready mappings; which family and area a treatment is of, by its name."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Final

from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.workspace.config_sources import parse_source, ready_names, ready_text
from worker.workspace.sources import Sheet, SheetKind, folded

FAMILIES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("consultation", "none", ("consult", "review", "follow up", "check up", "assessment", "συμβουλ", "εξετασ", "επανεξετασ", "εκτιμησ")),
    ("toxin", "face", ("botox", "toxin", "botulinum", "dysport", "azzalure", "xeomin", "bocouture", "wrinkle relax", "anti wrinkle", "μποτοξ", "βοτουλιν", "τοξιν")),
    ("filler", "face", ("filler", "hyaluron", "juvederm", "restylane", "lip augment", "lips", "tear trough", "ενεσιμ", "υαλουρον", "χειλ", "εμφυτευμ")),
    ("skin_booster", "face", ("booster", "profhilo", "sculptra", "radiesse", "polynucleot", "βιοδιεγερ")),
    ("laser_hair", "body", ("hair removal", "epilation", "laser hair", "αποτριχωσ", "laser leg", "laser arm", "laser bikini", "laser underarm")),
    ("laser_skin", "face", ("co2", "fraxel", "fractional", "ipl", "photofacial", "bbl", "resurfacing", "pigment", "κηλιδ", "φωτοαναπλασ", "ευρυαγγει")),
    ("peel", "face", ("peel", "πιλινγκ", "απολεπισ")),
    ("microneedling", "face", ("needling", "dermapen", "dermaroller", "morpheus", "secret rf")),
    ("mesotherapy", "face", ("meso", "prp", "platelet", "vampire", "μεσοθεραπ", "αυτολογ")),
    ("hydra_facial", "face", ("hydra", "facial", "cleansing", "καθαρισμ", "προσωπου", "ενυδατωσ")),
    ("skin_tightening", "body", ("tighten", "hifu", "ulthera", "ultherapy", "thermage", "radiofrequency", "συσφιξ", "ραδιοσυχν")),
    ("body_contouring", "body", ("coolsculpt", "cryolip", "cavitation", "lipolysis", "slimming", "contour", "cellulite", "emsculpt", "κρυολιπολ", "κυτταριτ", "αδυνατ", "λιπολυσ")),
    ("threads", "face", ("thread", "νηματ")),
    ("hair", "none", ("hair transplant", "hair loss", "μαλλι", "τριχοπτωσ")),
    ("massage", "body", ("massage", "lymph", "μασαζ", "λεμφικ")),
)  # fmt: skip
"""Family, area, and beginnings of words by which a treatment's name is known, without accents; the first that fits counts."""

STATUSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("no_show", ("no show", "noshow", "no-show", "no_show", "did not", "dna", "missed", "absent", "δεν ηρθε", "δεν προσηλθ", "απουσι")),
    ("cancelled_by_patient", ("cancelled by client", "cancelled by patient", "cancelled by customer", "late cancel")),
    ("cancelled_by_clinic", ("cancelled by clinic", "cancelled by staff", "cancelled by seller", "declined")),
    ("cancelled", ("cancel", "ακυρ", "void")),
    ("completed", ("complete", "closed", "final", "done", "finished", "fulfilled", "attended", "arrived", "paid", "checked out", "ολοκληρ", "εγινε", "πραγματοποι", "ηρθε", "προσηλθ")),
    ("booked", ("book", "confirm", "pending", "schedul", "open", "new", "accepted", "requested", "κλεισμ", "προγραμματ", "επιβεβαι", "εκκρεμ")),
    ("left_out", ("block", "break", "lunch", "διαλειμμ", "κλειστ")),
)  # fmt: skip
"""What a status means that no ready mapping has."""


@cache
def vocabulary() -> Mapping[SheetKind, Mapping[str, str]]:
    """For each kind of file the headers of all ready mappings, in small letters, with the field (or `flag:NAME`) that most of them are."""
    found: defaultdict[SheetKind, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for sheet in _ready_sheets():
        flags = {f"flag:{name}": headers for name, headers in sheet.flags.items()}
        for field, headers in {**sheet.columns, **flags}.items():
            for header in headers:
                found[sheet.kind][folded(header)][field] += 1
    return {
        kind: {header: fields.most_common(1)[0][0] for header, fields in headers.items()}
        for kind, headers in found.items()
    }


@cache
def _known_statuses() -> Mapping[str, str]:
    return {word: means for sheet in _ready_sheets() for word, means in sheet.statuses.items()}


def status_of(text: str) -> str | None:
    """What a status means, as far as words tell."""
    known = _known_statuses().get(folded(text))
    if known is not None:
        return known
    said = plain(text)
    return next((means for means, words in STATUSES if any(word in said for word in words)), None)


def family_of(treatment: str) -> tuple[str, str] | None:
    """Family and area of a treatment, as far as its name tells."""
    said = f" {plain(treatment)}"
    return next(
        ((family, area) for family, area, words in FAMILIES if any(f" {word}" in said for word in words)),
        None,
    )


def plain(text: str) -> str:
    """In small letters without accents, signs as spaces."""
    letters = (
        letter
        for letter in unicodedata.normalize("NFD", text.casefold())
        if unicodedata.category(letter) != "Mn"
    )
    return " ".join("".join(letter if letter.isalnum() or letter == "_" else " " for letter in letters).split())  # fmt: skip


@cache
def _ready_sheets() -> tuple[Sheet, ...]:
    sheets: list[Sheet] = []
    for name in ready_names():
        node, _ = compose(ready_text(name) or "", name)
        source = parse_source(Reader(), node, name, None)
        sheets += source.sheets if source is not None else ()
    return tuple(sheets)
