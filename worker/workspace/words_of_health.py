"""Words that tell somebody's health to whoever looks over a shoulder: treatments, brands, conditions and parts of the body, in English and in Greek.

As in word_list.py: small letters, no accents, `*` for any ending. A clinic's own services, families and segments come on top of these.
"""

from __future__ import annotations

import re
from typing import Final

_TREATMENTS: Final = """
    laser* ipl botox* botulinum dysport xeomin azzalure bocouture jeuveau daxxify toxin* wrinkle* filler* juvederm restylane belotero teosyal
    radiesse sculptra ellanse profhilo hyaluronic hyaluronidase injection* injectable* peel peels peeling* microneedling dermapen mesotherapy
    hydrafacial* microdermabrasion dermabrasion dermaplaning facelift* liposuction lipolysis cryolipolysis coolsculpting emsculpt* hifu ultherapy
    thermage morpheus8 radiofrequency electrolysis sclerotherapy carboxytherapy ozempic wegovy semaglutide acne rosacea melasma alopecia
    hyperhidrosis cellulite eczema psoriasis dermatitis keloid* biopsy biopsies melanoma* menopaus* pregnan* blepharoplasty rhinoplasty
    abdominoplasty implant* tretinoin isotretinoin roaccutane jab jabs

    λειζερ* μποτοξ βοτοχ βοτουλινικ* τοξιν* ρυτιδ* φιλερ* φιλλερ* υαλουρονικ* ενεση ενεσης ενεσεις ενεσεων ενεσιμ* εμφυτευμα* πιλινγκ μεσοθεραπει*
    μικροβελον* αποτριχωσ* λιποαναρροφησ* λιποδιαλυσ* κρυολιπολυσ* ραδιοσυχνοτητ* ακμη ακμης ροδοχρου* μελασμα* παναδα* παναδες παναδων αλωπεκι*
    τριχοπτωσ* υπεριδρωσ* κυτταριτιδ* εκζεμα* ψωριασ* δερματιτιδ* βιοψι* μελανωμα* εμμηνοπαυσ* εγκυμοσυν* εγκυος βλεφαροπλαστικ* ρινοπλαστικ*
    κοιλιοπλαστικ* ευρυαγγει* αδυνατισμα* ραγαδες ραγαδων ουλες ουλων δυσχρωμι*
"""
_TREATMENT_PHRASES: Final = (
    "chemical peel*", "hair removal", "hair loss", "hair transplant*", "skin tightening", "body contouring", "thread lift*", "lip augmentation", "tattoo removal",
    "scar removal", "scar treatment", "platelet rich plasma", "crow's feet", "frown lines", "stretch marks", "spider veins", "fat freezing", "fat reduction",
    "weight loss", "light therapy", "skin cancer", "breast augmentation", "touch up", "touch ups",
    "χημικο πιλινγκ", "συσφιξη δερματος", "συσφιξη σωματος", "μεταμοσχευση μαλλιων", "καρκιν* του δερματος", "αφαιρεση τατουαζ", "απωλεια βαρους", "ποδι της χηνας",
)  # fmt: skip
_AREAS: Final = """
    facial facials lips lip cheek cheeks cheekbones forehead chin neck decolletage underarm underarms armpit armpits bikini abdomen belly tummy tummies
    buttocks thigh thighs breast breasts scalp eyelid eyelids jawline jowls
    χειλη χειλιων χειλος ζυγωματικ* μετωπο μετωπου πηγουνι λαιμο λαιμου λαιμος ντεκολτε μασχαλη μασχαλες μασχαλων μπικινι
    κοιλια κοιλιας γλουτοι γλουτων μηροι μηρων στηθος στηθους βλεφαρα βλεφαρων τριχωτο
"""
TREATMENTS: Final = (*_TREATMENTS.split(), *_TREATMENT_PHRASES)
AREAS: Final = (*_AREAS.split(), "under eye", "under eyes", "love handles")
HARMLESS: Final = (
    "face to face", "body language", "neck and neck", "chin up", "belly laugh", "peel off", "peels off", "προσωπο με προσωπο", "προσωπο προς προσωπο",
    "προσωπο επικοινωνιας", "προσωπου επικοινωνιας",
)  # fmt: skip
"""Phrases in which such a word means something else."""


_EVERYDAY: Final = r"(?:face|body|eyes?|(?:eye)?brows?|προσωπου?|σωμα(?:τος)?|ματι(?:α|ων)|φρυδι(?:α|ων))"
_DONE: Final = r"(?:treatments?|sessions?|therap(?:y|ies)|procedures?|rejuvenation|lift(?:s|ing)?|tightening|contouring|sculpting|peels?|waxing|threading)"
_GIVEN: Final = r"(?:θεραπει(?:α|ας|ες|ων)|συνεδρι(?:α|ας|ες|ων)|περιποιησ\w+|καθαρισμ(?:ος|ο|ου|οι|ων)|συσφιγ?ξ\w+|ανορθωσ\w+|αναπλασ\w+|επεμβασ\w+)"
_TOGETHER: Final = rf"(?: +(?:and|or|&|και) +(?:το +|του +)?{_EVERYDAY})?"
EVERYDAY: Final = re.compile(
    (
        rf"(?<!\w){_EVERYDAY}(?={_TOGETHER}(?: +(?!in|at|to|for|of|on|with|from|before|after|during)\w+)? +{_DONE}(?!\w)|{_TOGETHER}(?: +\w+){{0,2}} +{_GIVEN}(?!\w))"
        rf"|(?:(?<!\w){_DONE} +(?:for|of|on|around) +(?:(?:the|your|my|whole|full|entire) +)*|(?<!\w){_GIVEN} +(?:\w+ +){{0,3}}?){_EVERYDAY}(?!\w)"
    ).replace("ς", "σ")
)
"""Parts of the body that everyday speech is full of: they tell something only beside a word for what is done to them. A pattern over folded text."""
EVERYDAY_WORD: Final = re.compile(_EVERYDAY)
"""One of them, alone."""

_GENERIC: Final = """
    skin care general other misc various unknown none new visit visits session sessions consultation consultations review follow up checkup check test free
    treatment treatments service services appointment beauty wellness health clinic doctor time day first second offer standard basic premium
"""
GENERIC: Final = frozenset(_GENERIC.split())
"""Words that a catalogue may use as a name, and that give nothing away by themselves."""
