"""Medicines on prescription that clinics work with, and words that stand for them, in English and in Greek.

As in word_list.py: small letters, no accents, `*` for any ending. A clinic's own services with `rx_only: true` come on top of these.
"""

from __future__ import annotations

from typing import Final

_PRODUCTS: Final = """
    botox* brotox* botulinum* dysport* azzalure* vistabel* bocouture* xeomin* alluzience* nuceiva* letybo* relfydess* jeuveau* daxxify* botulax* nabota*
    semaglutide* ozempic* wegovy* rybelsus* tirzepatide* mounjaro* zepbound* liraglutide* saxenda* orforglipron*
    tretinoin* isotretinoin* roaccutane* accutane* hydroquinone* bimatoprost* latisse* finasteride* hyaluronidase* hyalase* triamcinolone* kenalog*
    kybella* belkyra* deoxycholic*

    μποτοξ* βοτοξ* βοτοχ βοτουλινικ* αλλαντοτοξιν* σεμαγλουτιδ* οζεμπικ* γουεγκοβι* τιρζεπατιδ* μουντζαρο* λιραγλουτιδ* τρετινοιν* ισοτρετινοιν*
    υδροκινον* φιναστεριδ* υαλουρονιδαση*
"""
_PRODUCT_PHRASES: Final = ("retin a", "toxin injection*", "αλλαντικη τοξιν*", "ενεσ* τοξιν*")
PRODUCTS: Final = (*_PRODUCTS.split(), *_PRODUCT_PHRASES)
"""Brands and substances."""
STAND_INS: Final = (
    "anti wrinkle injection*", "antiwrinkle injection*", "anti wrinkle jab*", "wrinkle injection*", "wrinkle relaxing injection*", "wrinkle relaxer*",
    "line smoothing injection*", "muscle relaxing injection*", "anti ageing injection*", "anti aging injection*", "weight loss injection*",
    "weight loss jab*", "weight loss pen*", "slimming injection*", "slimming jab*", "skinny jab*", "fat loss jab*", "fat loss injection*", "b12 injection*",
    "vitamin b12 shot*", "αντιρυτιδικ* ενεσ*", "ενεσ* αντιρυτιδικ*", "ενεσ* για ρυτιδ*", "ενεσ* για τις ρυτιδ*", "ενεσ* αδυνατισματος", "ενεσ* για αδυνατισμα",
    "ενεσ* για απωλεια βαρους",
)  # fmt: skip
"""Words that everybody takes for such a medicine."""
