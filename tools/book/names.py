"""Names for invented people. Greek ones are kept in Greek; `latin` writes them as a passport does."""

from __future__ import annotations

import unicodedata
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WOMEN: Final = _words(
    "Μαρία Ελένη Κατερίνα Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα Κωνσταντίνα Παναγιώτα Ιωάννα Ευαγγελία "
    "Χριστίνα Αναστασία Δέσποινα Ευγενία Ειρήνη Αθηνά Στυλιανή Θεοδώρα Μαρίνα Άννα Ευτυχία Όλγα Ζωή "
    "Χρυσούλα Σταυρούλα Νίκη Φωτεινή Ουρανία Καλλιόπη Αλεξάνδρα Ελευθερία Μαριάννα Δανάη Νεφέλη Ηλέκτρα "
    "Αριάδνη Ιφιγένεια Μυρτώ Λυδία Ραφαέλα Στέλλα Βικτωρία Πηνελόπη Ελισάβετ Ξένια Μελίνα Ρένα Λίνα "
    "Νάντια Θάλεια Κλειώ Τατιάνα Μαργαρίτα Αντωνία Χαρά Ντόρα Μάρθα Κυριακή Παρασκευή"
)

MEN: Final = _words(
    "Γιώργος Δημήτρης Κώστας Νίκος Γιάννης Παναγιώτης Βασίλης Χρήστος Αλέξανδρος Σπύρος Μιχάλης Θανάσης "
    "Ανδρέας Στέλιος Πέτρος Θοδωρής Ηλίας Απόστολος Φώτης Μάριος Στέφανος Λευτέρης Άρης Ορέστης"
)

_SURNAMES = _words(
    "Παπαδόπουλος:Παπαδοπούλου Παππάς:Παππά Καραγιάννης:Καραγιάννη Βλάχος:Βλάχου Ιωαννίδης:Ιωαννίδου "
    "Οικονόμου Παπαγεωργίου Μακρής:Μακρή Κωνσταντινίδης:Κωνσταντινίδου Δημόπουλος:Δημοπούλου Γεωργίου "
    "Αθανασίου Νικολάου Δημητρίου Αντωνίου Χριστοδούλου Παπαϊωάννου Καρράς:Καρρά Μαυρίδης:Μαυρίδου "
    "Σταυρόπουλος:Σταυροπούλου Αγγελόπουλος:Αγγελοπούλου Γιαννόπουλος:Γιαννοπούλου "
    "Θεοδωρόπουλος:Θεοδωροπούλου Αλεξίου Βασιλείου Μιχαηλίδης:Μιχαηλίδου Λάμπρου Κόκκινος:Κοκκίνου "
    "Ζερβός:Ζερβού Λιάπης:Λιάπη Σιδέρης:Σιδέρη Ρούσσος:Ρούσσου Παναγόπουλος:Παναγοπούλου "
    "Κυριακίδης:Κυριακίδου Πετρόπουλος:Πετροπούλου Αναγνώστου Φραγκούλης:Φραγκούλη Τσακίρης:Τσακίρη "
    "Δούκας:Δούκα Ψαρράς:Ψαρρά Καλογερόπουλος:Καλογεροπούλου Σταματάκης:Σταματάκη Μανωλάκης:Μανωλάκη "
    "Βογιατζής:Βογιατζή Χατζής:Χατζή Λεβέντης:Λεβέντη Γαλάνης:Γαλάνη Μουζάκης:Μουζάκη Κατσαρός:Κατσαρού "
    "Μπακάλης:Μπακάλη Τριανταφύλλου Σωτηρίου Ευσταθίου Ευθυμίου Ζαφειρίου Ραπτόπουλος:Ραπτοπούλου "
    "Στεφανίδης:Στεφανίδου Φωτίου Χρυσάφης:Χρυσάφη Ανδρεάδης:Ανδρεάδου Αποστόλου Βέργος:Βέργου "
    "Γκίκας:Γκίκα Δρακόπουλος:Δρακοπούλου Ηλιάδης:Ηλιάδου Καζαντζής:Καζαντζή Λυμπερόπουλος:Λυμπεροπούλου "
    "Μελάς:Μελά Νομικός:Νομικού Πολίτης:Πολίτη Ρήγας:Ρήγα Σκούρας:Σκούρα Φιλίππου Αρβανίτης:Αρβανίτη "
    "Κοντός:Κοντού Σπανός:Σπανού"
)

SURNAMES: Final = tuple((pair.split(":")[0], pair.split(":")[-1]) for pair in _SURNAMES)
"""(his, hers)."""

FOREIGN_WOMEN: Final = _words(
    "Anna Emily Sophie Claire Giulia Laura Elena Ivana Mirela Katja Olivia Hannah Chloe Marta"
)
FOREIGN_MEN: Final = _words("James Marco Thomas Luca David Peter Stefan Oliver")
FOREIGN_SURNAMES: Final = _words(
    "Harris Bennett Müller Rossi Dubois Petrova Hoxha Novak Jansen Lindqvist Kelly Moreau Bianchi Schmidt "
    "Clarke Ivanova Popescu Weber"
)

_DIGRAPHS = {"ου": "ou", "γγ": "ng", "γκ": "gk", "γξ": "nx", "γχ": "nch"}
_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        _words("a v g d e z i th i k l m n x o p r s s t y f ch ps o"),
        strict=True,
    )
)
_UNVOICED = frozenset("θκξπσςτφχψ")


def latin(greek: str) -> str:
    """One Greek word in Latin letters (ELOT 743): Ευτυχία → Eftychia. A Latin word comes back unchanged."""
    letters = unicodedata.normalize("NFD", greek.lower()).replace("\u0301", "")
    if not any(letter in _LETTERS for letter in letters):
        return greek
    letters = letters.replace("μπ", "b", 1) if letters.startswith("μπ") else letters
    out: list[str] = []
    at = 0
    while at < len(letters):
        pair, following = letters[at : at + 2], letters[at + 2 : at + 3]
        if pair in _DIGRAPHS:
            out.append(_DIGRAPHS[pair])
            at += 2
        elif pair in {"αυ", "ευ", "ηυ"}:
            out.append(_LETTERS[pair[0]] + ("f" if following in _UNVOICED or not following else "v"))
            at += 2
        else:
            out.append(_LETTERS.get(pair[0], pair[0].replace("\u0308", "")))
            at += 1
    return "".join(out).capitalize()


def ascii_only(name: str) -> str:
    """The name as the left half of an e-mail address would carry it."""
    plain = unicodedata.normalize("NFKD", latin(name)).encode("ascii", "ignore")
    return plain.decode("ascii").lower()
