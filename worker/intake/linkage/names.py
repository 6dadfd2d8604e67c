"""Names as they sound, whatever the script, the spelling and the order.

Rules
1. Greek and Latin are compared by sound (`words_heard.folding`): ELOT 743 (`Christos`), and Greeklish (`Xrhstos`, `Hristos`), are one with `Χρήστος`. It is the same in both ways.
2. Titles are no part of a name. A name that stands in one column is taken apart: its last word is the family's.
3. Short forms (`Κώστας`, `Kate`) have the root of the name that they stand for; the root says that two names may be one, never that they are the same.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from worker.domain.words_heard.folding import clauses, sound

_TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "κ", "κα", "κος", "κυρια", "κυριος", "δρ", "δεσποινις"}
)
_BEFORE: Final = (
    (re.compile("^hr(?=[hiuy])"), "xr"),
    (re.compile("w[hiy]"), "oi"),
    (re.compile("ph"), "f"),
    (re.compile("dh(?=[aeiouy])"), "d"),
    (re.compile("(?<=[aeiouy])h$"), ""),
)
"""Latin spellings that the sounds of Greeklish do not know: `Hr` for χρ, `wh` for ωη, `Ph`, `Dh`, a silent `h` at the end."""
_AFTER: Final = ((re.compile("^gi(?=[aeov])"), "i"), (re.compile("n[td]"), "d"), (re.compile("U"), "i"))
"""`Γιάννης` is `Yannis`; `ντ` is `nt`, `nd` or `d`; `ου` is `ou`, `oy` or `u`."""

_SHORT: Final = """
Αικατερίνη Κατερίνα Κατίνα Καίτη Ekaterini Katherine Catherine Kate Katie Cathy Kathy
Αλεξάνδρα Αλεξία Αλέκα Σάντρα Sandra Alex
Αλέξανδρος Αλέξης Αλέκος Alexander Alex
Αναστασία Νατάσα Τασία Σία Anastasia Natasha
Αναστάσιος Τάσος Αναστάσης
Αντώνιος Αντώνης Anthony Antonio Tony
Ασπασία Άσπα
Αθανάσιος Θανάσης Νάσος Thanos Θάνος
Βασίλειος Βασίλης Basil Bill
Βασιλική Βίκυ Βάσω Vicky Vasso Vicki
Γεώργιος Γιώργος Georgios George
Γεωργία Georgina Γωγώ Gogo
Δέσποινα Δέσπω Debbie
Δημήτριος Δημήτρης Μήτσος Dimitri Jimmy James Jim
Δήμητρα Dimitra Μιμή
Ελένη Λένα Ελενίτσα Νίτσα Helen Helena Elena Eleni Lena
Ελευθερία Έλη Ρία
Ελευθέριος Λευτέρης
Ελισάβετ Ελίζα Μπέτυ Elizabeth Liz Lisa Beth Betty Eliza Bess
Εμμανουήλ Μανώλης Μάνος Emmanuel Manos
Ευάγγελος Βαγγέλης Άγγελος Evangelos
Ευαγγελία Λίτσα Εύα Βαγγελιώ Eva Lia
Ευστάθιος Στάθης
Ευφροσύνη Φρόσω Έφη Efi
Ζωή Zoe
Ηλίας Λιάκος Elias
Θεόδωρος Θοδωρής Θόδωρος Theodore Theo
Θεοδώρα Δώρα Ντόρα Dora Theodora
Ιωάννα Γιάννα Joanna Ioanna
Ιωάννης Γιάννης John Ioannis Yannis
Κωνσταντίνος Κώστας Ντίνος Κωστής Constantine Kostas Costas Dinos Gus
Κωνσταντίνα Ντίνα Νάντια Dina Konstantina
Μαργαρίτα Ρίτα Margaret Maggie Peggy Rita Meg
Μαρία Μαίρη Μαριώ Μάρω Mary Maria
Μιχαήλ Μιχάλης Michael Mike Mick
Νικόλαος Νίκος Nicholas Nick Nikolaos
Νικολέτα Νίκη Nicole
Παναγιώτης Πάνος Τάκης Panos
Παναγιώτα Γιώτα Πένυ Penny
Παρασκευή Εύη Βούλα Evi Voula
Παύλος Paul Pavlos
Πέτρος Peter Petros Pete
Σοφία Sophia Sophie Sofi
Σπυρίδων Σπύρος Spyros
Σταματία Ματίνα
Σταύρος Stavros Steve
Στυλιανός Στέλιος Stelios
Στυλιανή Στέλλα Stella Λίνα
Σωτήριος Σωτήρης Sotiris
Φώτιος Φώτης
Χαράλαμπος Μπάμπης Χάρης Babis Harry
Χρήστος Chris Christos
Χριστίνα Τίνα Christina Tina Chris
Χρυσούλα Χρύσα Chrysa
Alison Ali Allison
Andrew Andy Drew
Benjamin Ben
Charles Charlie Chuck
Christopher Chris
Daniel Dan Danny
David Dave
Deborah Debbie Deb
Edward Ed Ted Eddie
Jennifer Jen Jenny
Jessica Jess Jessie
Joseph Joe
Matthew Matt
Patricia Pat Patty Tricia
Rebecca Becky Becca
Richard Dick Rick Rich
Robert Bob Rob Bobby Robbie
Samantha Sam
Stephen Steven Steve
Susan Sue Susie Suzanne
Thomas Tom Tommy
Victoria Vicky Tori
William Bill Will Billy Liam
"""
"""One name a line: as it is written in papers, then as it is said and as it is written abroad. A short form may stand for several."""


class Name(NamedTuple):
    """A name by sound: the words of the given name and of the family's, "" where unknown; `whole` is both, sorted, so that order makes no difference; `roots` are of the given name."""

    given: str
    family: str
    whole: str
    words: tuple[str, ...]
    roots: tuple[str, ...]


@lru_cache(maxsize=65_536)
def name_of(first: str, last: str) -> Name | None:
    """A name from two columns, or from one; None where there is no word in either."""
    given, family = _words(first), _words(last)
    if not family and len(given) > 1:
        given, family = given[:-1], given[-1:]
    elif not given and len(family) > 1:
        given, family = family[:-1], family[-1:]
    if not given and not family:
        return None
    words = tuple(sorted({*given, *family}))
    roots = tuple(sorted({root for word in given for root in _roots().get(word, (word,))}))
    return Name(" ".join(given), " ".join(family), " ".join(words), words, roots)


def _words(text: str) -> list[str]:
    found = [token.word for clause in clauses(text) for token in clause]
    return [heard for word in found if word not in _TITLES for heard in [_heard(word)] if heard]


def _heard(word: str) -> str:
    if word.isdigit():
        return ""
    for pattern, letters in _BEFORE:
        word = pattern.sub(letters, word)
    heard = sound(word) if len(word) > 1 else word.translate(_LONE)
    for pattern, letters in _AFTER:
        heard = pattern.sub(letters, heard)
    return heard


_LONE: Final = str.maketrans("αβγδεζηικλμνξοπρστυφχψωcq", "avgdeziiklmnxoprstifxpokk")
"""An initial, as its sound begins."""


@cache
def _roots() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for line in _SHORT.split("\n"):
        forms = [_heard(token.word) for clause in clauses(line) for token in clause]
        for form in forms:
            found.setdefault(form, set()).add(forms[0])
    return {form: tuple(sorted(roots)) for form, roots in found.items()}
