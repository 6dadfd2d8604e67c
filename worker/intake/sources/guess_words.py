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
    ("skin_booster", "face", ("skin booster", "booster", "profhilo", "sculptra", "radiesse", "polynucleot", "βιοδιεγερ")),
    ("filler", "face", ("filler", "hyaluron", "juvederm", "restylane", "lip", "tear trough", "cheek augment", "ενεσιμ", "υαλουρον", "χειλ", "εμφυτευμ")),
    ("laser_hair", "body", ("hair removal", "epilation", "laser hair", "laser leg", "laser arm", "laser bikini", "laser underarm", "αποτριχωσ")),
    ("laser_pigment", "face", ("pigment", "melasma", "κηλιδ", "πανα", "μελασμα")),
    ("laser_rejuvenation", "face", ("co2", "fraxel", "fractional", "ipl", "photofacial", "bbl", "resurfacing", "laser rejuven", "φωτοαναπλασ", "ευρυαγγει")),
    ("led", "face", ("led", "light therapy", "φωτοθεραπ")),
    ("prp", "face", ("prp", "platelet", "vampire", "αυτολογ")),
    ("mesotherapy", "face", ("meso", "μεσοθεραπ")),
    ("microneedling", "face", ("needling", "microneedling", "dermapen", "dermaroller", "morpheus", "secret rf", "μικροβελ")),
    ("peel", "face", ("peel", "chemical peel", "πιλινγκ", "απολεπισ")),
    ("skin_tightening", "body", ("skin tighten", "tighten", "hifu", "ulthera", "ultherapy", "thermage", "radiofrequency", "συσφιξ", "ραδιοσυχν")),
    ("body_contouring", "body", ("coolsculpt", "cryolip", "body cool", "cavitation", "lipolysis", "slimming", "body contour", "contour", "cellulite", "emsculpt", "κρυολιπολ", "κυτταριτ", "αδυνατ", "λιπολυσ")),
    ("threads", "face", ("thread", "νηματ")),
    ("massage", "body", ("massage", "lymph", "μασαζ", "λεμφικ")),
    ("hydra_facial", "face", ("hydra", "hydrafacial", "facial", "cleansing", "καθαρισμ", "προσωπου", "ενυδατωσ")),
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


HEADERS: Final[Mapping[SheetKind, Mapping[str, tuple[str, ...]]]] = {
    "patients": {
        "id": ("customer no", "client no", "patient no", "file no", "κωδικος πελατη", "κωδ πελατη", "αρ καρτελας", "α α"),
        "name": ("customer", "patient name", "client", "πελατης", "πελατισσα", "ασθενης", "ον μο"),
        "first_name": ("given name", "forename", "μικρο ονομα"),
        "last_name": ("family name",),
        "phone": ("cell", "mobile no", "mobile number", "tel", "telephone number", "κιν", "κιν τηλ", "κινητο τηλεφωνο", "τηλ", "τηλεφωνο κινητο"),
        "email": ("e mail", "mail address", "ηλ ταχυδρομειο"),
        "date_of_birth": ("born", "birth", "γεννηση", "ημ νια γεννησης", "ημερ γεννησης"),
        "consent_sms": ("sms opt in", "sms marketing", "accepts sms", "συγκαταθεση sms", "συγκαταθεση"),
        "consent_email": ("email opt in", "accepts email", "συγκαταθεση email", "ενημερωτικα"),
        "created_at": ("registered", "first seen", "ημ νια εγγραφης", "εγγραφη"),
    },
    "appointments": {
        "id": ("booking no", "appointment no", "visit no", "booking reference", "appointment reference", "no", "α α", "αρ ραντεβου", "κωδικος ραντεβου"),
        "patient": ("customer no", "client no", "patient no", "file no", "κωδικος πελατη", "κωδ πελατη", "αρ καρτελας"),
        "name": ("customer", "customer name", "patient name", "client", "πελατης", "πελατισσα", "ασθενης", "ον μο"),
        "phone": ("cell", "mobile number", "tel", "κιν", "τηλ"),
        "starts_at": ("date and time", "date time", "scheduled for", "appointment", "εναρξη", "ραντεβου", "ημ νια ωρα"),
        "date": ("day", "visit date", "scheduled date", "ημ νια", "ημερα", "ημερομηνια ραντεβου"),
        "time": ("hour", "from", "scheduled time", "ωρα εναρξης", "απο"),
        "ends_at": ("end time", "until", "ληξη", "εως"),
        "status": ("outcome", "result", "εκβαση"),
        "service": ("procedure", "description", "category", "treatments", "θεραπειες", "υπηρεσιες", "πραξη", "ειδος"),
        "net": ("cost", "charge", "fee", "value", "net amount", "αξια", "πληρωμη", "κοστος", "χρεωση"),
        "practitioner": ("therapist", "doctor name", "clinician", "with", "γιατρος", "αισθητικος", "υπαλληλος"),
        "location": ("branch", "room", "υποκαταστημα", "χωρος"),
    },
}  # fmt: skip
"""Other headers for the same fields, as `plain` writes them."""

_LATIN: Final = dict(zip("αβγδεζηθικλμνξοπρσςτυφχψω", ["a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p", "r", "s", "s", "t", "y", "f", "ch", "ps", "o"], strict=True))  # fmt: skip


@cache
def vocabulary() -> Mapping[SheetKind, Mapping[str, str]]:
    """For each kind of file the headers of all ready mappings and others, as `plain` writes them, with the field (or `flag:NAME`) that most of them are."""
    found: defaultdict[SheetKind, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for sheet in _ready_sheets():
        flags = {f"flag:{name}": headers for name, headers in sheet.flags.items()}
        for field, headers in {**sheet.columns, **flags}.items():
            for header in headers:
                found[sheet.kind][plain(header)][field] += 1
    for kind, fields in HEADERS.items():
        for field, headers in fields.items():
            for header in headers:
                found[kind][header].setdefault(field, 1)
    return {
        kind: {header: meant.most_common(1)[0][0] for header, meant in headers.items()}
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


def latin(text: str) -> str:
    """Greek letters by the Latin ones that sound like them."""
    return "".join(_LATIN.get(letter, letter) for letter in plain(text))


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
