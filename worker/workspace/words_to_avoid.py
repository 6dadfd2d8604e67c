"""Phrases that a good clinic does not write, in English and in Greek: reproaches, and promises of price. Patterns over folded text (see lint_text.py)."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = (
    r"(?:\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|many|some|few)"
)
_UNITS: Final = r"(?:months?|years?|while|time)"
_ARITHMOS: Final = r"(?:\d+|ενας?|μια|δυο|τρεις|τρια|τεσσερις|πεντε|εξι|επτα|εφτα|οκτω|οχτω|εννια|δεκα|εντεκα|δωδεκα|πολλοι|πολλες|αρκετοι|αρκετες|καποιοι)"
_MONADES: Final = r"(?:μερες|ημερες|εβδομαδες|μηνας|μηνες|χρονος|χρονια|χρονο|ετη|ετος|καιρος)"


def _pattern(written: str) -> re.Pattern[str]:
    # Folding makes one letter of both forms of sigma.
    return re.compile(written.replace("ς", "σ"))


_REPROACHES: Final = (
    r"inactive (?:patient|client|customer|account|member)s?|(?:you are|you're|you have been|you've been|marked as|become|became|been) inactive|inactive for",
    rf"(?:it has|it's|it is|has it|there have|that's) been (?:(?:more than|over|almost|about|nearly|at least|quite|such|so|too) )*{_NUMBER} (?:(?:long|whole|full) )?{_UNITS}",
    r"(?:it has|it's) been (?:so |too |very |quite )?(?:long|ages|forever)",
    r"(?:we )?(?:have not|haven't|did not|didn't) (?:seen?|hear|heard from|met) you(?! next)|we've not (?:seen|heard)",
    r"you (?:have not|haven't|did not|didn't|never) (?:been|come|came|visit(?:ed)?|return(?:ed)?|show(?:ed|n)?|book(?:ed)?|answer(?:ed)?|repl(?:y|ied)|respond(?:ed)?|keep|kept|turn(?:ed)?)",
    r"you(?:'ve| have)? (?:missed|forgot(?:ten)?|failed|neglected|skipped|ignored|lapsed|disappeared|stopped coming)",
    r"we(?:'ve| have)?(?: really| all)? miss(?:ed)? you|you(?:'re| are) (?:overdue|late)|long time no see|where have you been|over ?due (?:for|visit|appointment)|last seen",
    r"(?:since|in) (?:we last saw you|your last visit (?:was|is)) (?:so )?long|(?:six|twelve|6|12) months (?:ago|since|without)|a year (?:ago|since|without)",
    r"δεν (?:σας|σε) (?:εχουμε (?:ξανα)?δει|ειδαμε|ξαναειδαμε|ακουσαμε)|(?:καιρο|μηνες|χρονια) (?:εχουμε )?να (?:σας|σε) (?:δουμε|ξαναδουμε|ακουσουμε)",
    r"εχουμε καιρο να|εχετε καιρο να|εχετε να (?:μας )?(?:ερθετε|επισκεφ\w+)",
    rf"(?:εχ(?:ει|ουν)|εχει ηδη) περασει (?:\w+ ){{0,3}}{_MONADES}|εχουν περασει|περασ(?:ε|αν) (?:{_ARITHMOS} )?{_MONADES}|εχει περασει (?:πολυς |αρκετος )?καιρος",
    r"ξεχασατε|αμελησατε|παραλειψατε|χασατε το ραντεβου|δεν (?:ηρθατε|προσηλθατε|εμφανιστηκατε|απαντησατε|επιστρεψατε|τηρησατε)",
    r"(?<!αν )δεν εχετε (?:ξαναερθει|ξαναρθει|ερθει|επισκεφ\w+|επιστρεψει|φανει|περασει)(?! (?:ποτε|ακομα|ακομη)(?!\w))",
    r"(?:μας|σας) (?:λειψατε|λειπετε|εχετε λειψει|χασαμε)|(?:που )?χαθηκατε|χαθηκαμε|εξαφανιστηκατε|ανενεργ\w*|αδρανη\w*",
)
REPROACH: Final = _pattern(rf"(?<!\w)(?:{'|'.join(_REPROACHES)})(?!\w)")

_CURRENCY: Final = r"(?:eur|euros?|ευρω|usd|dollars?|gbp|pounds?|chf|francs?)"
_TENS: Final = r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
_FIGURES: Final = (
    rf"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|{_TENS}|hundreds?|thousands?"
    r"|ενα|δυο|τρια|τεσσερα|πεντε|εξι|επτα|εφτα|οκτω|οχτω|εννια|δεκα|εντεκα|δωδεκα|δεκα(?:τρια|τεσσερα|πεντε|εξι|επτα|εφτα|οκτω|οχτω|εννια)"
    r"|εικοσι|τριαντα|σαραντα|πενηντα|εξηντα|εβδομηντα|ογδοντα|ενενηντα|εκατον?|(?:δια|τρια|τετρα|πεντα|εξα|επτα|οκτα|εννια)κοσια|χιλια|χιλιαδες)"
)
MONEY: Final = _pattern(
    rf"[€$£] ?\d[\d.,]*|(?<![\w.,])\d[\d.,]* ?(?:[€$£]|{_CURRENCY}(?!\w))|(?<!\w){_CURRENCY} ?\d[\d.,]*"
    rf"|(?<!\w){_FIGURES}(?: (?:and )?{_FIGURES}){{0,6}} {_CURRENCY}(?!\w)"
)
"""An amount of money, in figures or in words."""

# "Free" is a price before a thing that a clinic sells; it is none in "feel free", "free to", "fragrance-free", "a free slot".
_SOLD: Final = r"(?:consultations?|reviews?|visits?|sessions?|treatments?|checks?|checkups?|tests?|trials?|gifts?|samples?|assessments?|advice|services?|products?|scans?|analys[ei]s|talks?|chats?)"
_PRICES: Final = (
    r"\d+(?:[.,]\d+)? ?(?:%|per ?cent(?!\w)|τοις εκατο)(?! (?:effective|safe|results|αποτελεσματικ|ασφαλ|αποτελεσμα))",
    r"(?:discount(?:s|ed)?|half price|reduced price|special price|lower price|price (?:cut|drop|reduction)|money off|save up to|on sale|bargain|vouchers?|gift cards?)(?!\w)",
    r"(?:complimentary|without charge|no charge|at no cost|free of charge|on the house|for free|two for one|2 for 1|buy one)(?!\w)",
    r"(?:black friday|cyber monday) (?:sales?|deals?|offers?|prices?|specials?)(?!\w)|(?:summer|winter|spring|autumn|flash|clearance|seasonal) sales?(?!\w)|promo codes?(?!\w)",
    rf"(?:\d+|{_FIGURES}) off (?:with|when|using|your|all|any|every)(?!\w)|save (?:{_FIGURES} ){{1,6}}(?:percent|per cent)(?!\w)",
    rf"{_SOLD} (?:is |are )?on us(?!\w)|gifts? (?:for you|from us|to you|awaits?|is waiting|with (?:your|every|each))(?!\w)|(?<![\d+])[12] ?\+ ?1(?!\d)",
    rf"(?<!risk )free (?!to )(?:\w+ ){{0,2}}{_SOLD}(?!\w)|{_SOLD} (?:is|are) (?:\w+ )?free(?! (?:to|on|at|from|for|this|next|in|after|before)(?!\w))(?!\w)",
    r"(?:εκπτωσ\w+|δωρεαν|χωρις (?:καμια )?χρεωση|χωρις κοστος|μιση τιμη|ειδικ\w+ τιμ\w+|προσφορα|προσφορας|προσφορες|προσφορων|δωροεπιταγ\w+|κουπονι\w*|δωρο)(?!\w)",
)
PRICE: Final = _pattern(rf"(?<!\w)(?:{'|'.join(_PRICES)})")
"""A price, a share, or a word that promises one."""

KEYWORDS: Final = (
    "CANCEL",
    "END",
    "QUIT",
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "OPTOUT",
    "REVOKE",
    "YES",
    "START",
    "UNSTOP",
    "HELP",
    "INFO",
)
"""What carriers take for themselves: the first eight stop all messages, YES, START and UNSTOP allow them again, HELP and INFO are answered by them."""
