"""Words that tell somebody's health to whoever looks over a shoulder: treatments, brands, conditions and parts of the body, in English and in Greek.

As in word_list.py: small letters, no accents, `*` for any ending. A clinic's own services, families and segments come on top of these.
"""

from __future__ import annotations

from typing import Final

_TREATMENTS: Final = """
    laser* ipl botox* botulinum dysport xeomin azzalure bocouture jeuveau daxxify toxin* wrinkle* filler* juvederm restylane belotero teosyal
    radiesse sculptra ellanse profhilo hyaluronic hyaluronidase injection* injectable* peel peels peeling* microneedling dermapen mesotherapy
    hydrafacial* microdermabrasion dermabrasion dermaplaning facelift* liposuction lipolysis cryolipolysis coolsculpting emsculpt* hifu ultherapy
    thermage morpheus8 radiofrequency electrolysis sclerotherapy carboxytherapy ozempic wegovy semaglutide acne rosacea melasma alopecia
    hyperhidrosis cellulite eczema psoriasis dermatitis keloid* biopsy biopsies melanoma* menopaus* pregnan* blepharoplasty rhinoplasty
    abdominoplasty implant* tretinoin isotretinoin roaccutane

    λειζερ* μποτοξ βοτοχ βοτουλινικ* τοξιν* ρυτιδ* φιλερ* φιλλερ* υαλουρονικ* ενεση ενεσης ενεσεις ενεσεων ενεσιμ* εμφυτευμα* πιλινγκ μεσοθεραπει*
    μικροβελον* αποτριχωσ* λιποαναρροφησ* λιποδιαλυσ* κρυολιπολυσ* ραδιοσυχνοτητ* ακμη ακμης ροδοχρου* μελασμα* παναδα* παναδες παναδων αλωπεκι*
    τριχοπτωσ* υπεριδρωσ* κυτταριτιδ* εκζεμα* ψωριασ* δερματιτιδ* βιοψι* μελανωμα* εμμηνοπαυσ* εγκυμοσυν* εγκυος βλεφαροπλαστικ* ρινοπλαστικ*
    κοιλιοπλαστικ* ευρυαγγει* ραγαδες ραγαδων ουλες ουλων δυσχρωμι*
"""
_TREATMENT_PHRASES: Final = (
    "chemical peel*", "hair removal", "hair loss", "hair transplant*", "skin tightening", "body contouring", "thread lift*", "lip augmentation", "tattoo removal",
    "scar removal", "scar treatment", "platelet rich plasma", "crow's feet", "frown lines", "stretch marks", "spider veins", "fat freezing", "fat reduction",
    "weight loss", "light therapy", "skin cancer", "breast augmentation",
    "χημικο πιλινγκ", "συσφιξη δερματος", "συσφιξη σωματος", "μεταμοσχευση μαλλιων", "καρκιν* του δερματος", "αφαιρεση τατουαζ", "απωλεια βαρους", "ποδι της χηνας",
)  # fmt: skip
_AREAS: Final = """
    face facial facials body lips lip cheek cheeks cheekbones forehead chin neck decolletage underarm underarms armpit armpits bikini abdomen belly
    buttocks thigh thighs breast breasts scalp eyelid eyelids jawline jowls
    προσωπο προσωπου σωμα σωματος χειλη χειλιων χειλος ζυγωματικ* μετωπο μετωπου πηγουνι λαιμο λαιμου λαιμος ντεκολτε μασχαλη μασχαλες μασχαλων μπικινι
    κοιλια κοιλιας γλουτοι γλουτων μηροι μηρων στηθος στηθους βλεφαρα βλεφαρων τριχωτο
"""
TREATMENTS: Final = (*_TREATMENTS.split(), *_TREATMENT_PHRASES)
AREAS: Final = (*_AREAS.split(), "under eye", "under eyes", "love handles")
HARMLESS: Final = (
    "face to face", "body language", "neck and neck", "chin up", "προσωπο με προσωπο", "προσωπο προς προσωπο",
)  # fmt: skip
"""Phrases in which such a word means something else."""

_GENERIC: Final = """
    skin care general other misc various unknown none new visit visits session sessions consultation consultations review follow up checkup check test free
    treatment treatments service services appointment beauty wellness health clinic doctor time day first second offer standard basic premium
"""
GENERIC: Final = frozenset(_GENERIC.split())
"""Words that a catalogue may use as a name, and that give nothing away by themselves."""
