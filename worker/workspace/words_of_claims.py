"""Claims that a clinic cannot keep or should not make, in English and in Greek. Patterns over folded text (see lint_text.py): small letters, no accents, blanks for hyphens."""

from __future__ import annotations

import re
from typing import Final


def _pattern(*written: str) -> re.Pattern[str]:
    # Folding makes one letter of both forms of sigma.
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)".replace("ς", "σ"))


# "We cannot guarantee" is the opposite of a promise.
_UNSAID: Final = r"(?<!not )(?<!n't )(?<!cannot )(?<!never )(?<!no )(?<!nobody can )(?<!no one can )(?<!ever )(?<!δεν )(?<!δεν μπορουμε να )(?<!κανεις δεν )"
_RESULTS: Final = r"(?:results?|outcomes?|success|satisfaction|improvement|effects?)"
_FRUITS: Final = r"(?:αποτελεσμα(?:τα|τος|των)?|επιτυχια|ικανοποιηση)"
GUARANTEE: Final = _pattern(
    rf"{_UNSAID}guarante(?:e|es|ed|eing)(?: {_RESULTS})?|{_RESULTS} (?:is|are) guaranteed|(?:100 ?%|100 per ?cent) (?:\w+ )?(?:{_RESULTS}|effective|safe)",
    rf"(?:permanent|certain|assured|sure) {_RESULTS}|sure to work|works every time|never fails|risk free|no risk at all|without (?:any )?risks?|money back",
    rf"{_UNSAID}εγγυ(?:ημεν\w+|ησ\w+|ωμαστε|ομαστε|ουμαστε|αται)(?: {_FRUITS})?",
    rf"(?:σιγουρ\w+|μονιμ\w+|βεβαι\w+) {_FRUITS}|100 ?% (?:{_FRUITS}|ασφαλ\w+|αποτελεσματικ\w+)|χωρις (?:κανεναν? )?κινδυνο|επιστροφη χρηματων",
)
"""A promise that it works, or does no harm."""

_WHO: Final = r"(?:clinics?|doctors?|surgeons?|dermatologists?|practitioners?|specialists?|experts?|team|centre|center|practice|treatments?|technology|prices?|lasers?)"
_WHERE: Final = r"(?:town|the (?:city|country|world|area|region|market|business|uk)|athens|greece|london|europe|cyprus|thessaloniki)"
_FIRST: Final = r"(?:no|nr|number)[. ]{0,2}(?:1|one)"
_POIOS: Final = r"(?:κλινικ\w+|ιατρει\w+|γιατρ\w+|ιατρ\w+|δερματολογ\w+|ειδικ\w+|ομαδα\w*|κεντρ\w+|θεραπει\w+|τεχνολογι\w+|τιμες|λειζερ)"
_POU: Final = r"(?:στην? (?:αθηνα|ελλαδα|πολη|χωρα|περιοχη|αγορα|ευρωπη|κυπρο)|στον κοσμο|στη θεσσαλονικη|της (?:αθηνας|ελλαδας|πολης|χωρας|αγορας))"
_PROTO: Final = r"(?:νουμερο|νο)[. ]{0,2}(?:1|ενα)"
# The best for one patient is advice; the best of all is a claim.
SUPERIORITY: Final = _pattern(
    rf"(?:the|our|town's|city's) (?:very )?best (?:\w+ ){{0,2}}{_WHO}(?! (?:for|to|plan))|best (?:\w+ ){{0,3}}in {_WHERE}|(?:the|your|our) {_FIRST} (?:\w+ )?(?:{_WHO}|choice|in {_WHERE})",
    rf"{_FIRST} (?:\w+ )?(?:{_WHO}|in {_WHERE})|(?:better|safer|cheaper|more experienced) than (?:any|every|all|other|the other) (?:\w+ )?(?:{_WHO}|competitors?|others?)",
    r"unrivall?ed|unbeatable|unmatched|unparalleled|second to none|world(?: |')s (?:best|leading|finest)|world leading"
    rf"|(?:the )?(?:leading|top|finest) (?:\w+ ){{0,2}}(?:clinic|doctor|surgeon|centre|center)s?(?: in {_WHERE})?",
    rf"(?:ο|η|το|οι|τα|τον|την|τη|της|του|τις|τους) καλυτερ\w+ (?:\w+ ){{0,2}}{_POIOS}(?! για)|καλυτερ\w+ (?:\w+ ){{0,2}}{_POU}|{_POIOS} {_PROTO}",
    rf"{_PROTO} (?:\w+ )?(?:{_POIOS}|{_POU})|ασυναγωνιστ\w+|απαραμιλλ\w+|αξεπεραστ\w+|κορυφαι\w+ (?:\w+ )?{_POIOS}|καλυτερ\w+ απο (?:καθε|ολ\w+|τις|τους|τα) (?:αλλ\w+ )?{_POIOS}",
)
"""A claim to be better than others."""

_FEW: Final = r"(?:\d+|one|two|three|four|five|a few|few|last|limited|only a few)"
_SEATS: Final = r"(?:places?|spots?|slots?|appointments?|spaces?|seats?)"
_THESEIS: Final = r"(?:θεσεις|ραντεβου|ωρες)"
# Imperatives: "there is no need to hurry" and «αν δεν προλάβετε» urge nobody.
URGENCY: Final = _pattern(
    r"(?:last|final|your only) chances?|only (?:for )?(?:today|tonight|this weekend|24 hours|48 hours)|just for today|(?:today|tonight|this weekend) only|for one day only",
    r"hurry up|(?:so|please|but) hurry|(?:(?<![\w,;: ] )(?<=[.!?] )|(?<=[.!?\0])|(?<!.))hurry(?! (?:is|was))|act (?:now|fast|today)|(?:do not|don't|never) miss (?:out|this|it|your chance)",
    rf"before it(?: i|')s too late|while (?:stocks?|supplies|places|spots) lasts?|limited (?:time|offer|{_SEATS})|{_FEW} {_SEATS} (?:left|remaining|remain)|(?:selling|filling|going) (?:up )?fast",
    r"(?:offer|sale) (?:ends|closes|expires) (?:today|tonight|tomorrow|soon|in \d+ (?:hours?|minutes?))|ends (?:today|tonight|at midnight)|final hours|now or never|once in a lifetime",
    r"τελευται\w+ (?:ευκαιρι\w+|προσκληση)|(?:μονο|μοναχα) (?:για )?(?:σημερα|αποψε|αυτο το σαββατοκυριακο|24 ωρες|λιγες (?:μερες|ωρες))|σημερα μονο",
    r"(?<!να )μην? (?:το |την |τη |τον |τα |τις )?χασετε(?! (?:το )?ραντεβου)|(?<!να )μη χανετε|(?<!δεν )(?<!αν )(?<!θα )(?<!να )προλαβετε|(?<!να )(?<!μη )(?<!μην )βιαστειτε|σπευσ(?:τε|ατε)|πριν (?:να )?ειναι αργα",
    rf"οσο (?:υπαρχουν|διαρκουν) (?:θεσεις|τα αποθεματα)|μεχρι εξαντλησ\w+|(?:λιγες|τελευταιες|περιορισμενες|ελαχιστες|\d+) {_THESEIS} (?:ακομα|ακομη|απεμειναν|εμειναν)"
    r"|(?:τελευταιες|περιορισμενες|λιγοστες) (?:θεσεις|διαθεσιμοτητ\w+)|προσφορα (?:ληγει|τελειωνει) (?:σημερα|αποψε|αυριο|συντομα)",
)
"""Pressure of time or of few places."""

PAINLESS: Final = _pattern(
    r"(?:completely |totally |virtually |almost |quite )?(?:painless(?:ly)?|pain free|painfree)|without (?:any |the )?pain|with no pain|zero pain|(?:does not|doesn't|won't|will not) hurt(?: at all)?",
    r"(?:εντελως |τελειως |απολυτα |σχεδον )?ανωδυν\w*|χωρις (?:καθολου |κανεναν? )?πονο|δεν (?:ποναει|πονα)(?: καθολου)?|μηδενικ\w+ πονο\w*|δεν θα (?:πονεσετε|νιωσετε (?:κανεναν? )?πονο)",
)
"""A treatment made light of."""

_FRIEND: Final = r"(?:friends?|relatives?|family|somebody|someone|colleagues?|sisters?|loved ones?)"
_FILOS: Final = r"(?:φιλ(?:ο|ος|η|ους|ες|ων|οι)|γνωστ(?:ο|η|ους)|συγγεν\w+|καποιον)"
REFERRAL: Final = _pattern(
    rf"refer(?:ring)? (?:us|(?:a|any|your|one|two|another) (?:\w+ )?{_FRIEND})|referrals?|(?:bring|send|invite|introduce)(?: us| in| along)? (?:a|your|any|one|another) (?:\w+ )?{_FRIEND}",
    rf"(?:recommend|mention) us|tell (?:a|your|any) (?:\w+ )?{_FRIEND}|(?:if|when|should|for every|each time|whenever) (?:a|your|any|every) (?:\w+ )?{_FRIEND} (?:\w+ ){{0,3}}(?:ask|asks|books?|comes?|visits?|joins?|signs?)|pass (?:on )?(?:our|us|this) (?:\w+ )?(?:on|name|number|page)?",
    rf"(?:φερτε|στειλτε|προσκαλεστε|συστηστε)(?: μας)? (?:μια |ενα |εναν |τους |τις |το |τη |την )?(?:\w+ )?{_FILOS}|(?:μας συστησ|μας συσταινε|μας προτεινε)\w+|συστηστε μας|προτεινετε μας",
    rf"(?:αν|οταν|για καθε|καθε φορα που) (?:\w+ ){{0,4}}{_FILOS}(?: \w+){{0,4}} (?:ρωτησει|κλεισει|ερθει|επισκεφτει|επισκεφθει|σας)|πειτε το σε (?:μια |εναν |καποι\w+ )?{_FILOS}",
)
"""A request to bring others."""
REWARD: Final = _pattern(
    r"rewards?|rewarded|bonus(?:es)?|thank you gift|gifts?|presents?|points|credits?|commission|cashback|vouchers?|you both (?:get|receive|save)|(?:you|they|both) (?:will )?(?:get|receive|earn) (?:\w+ ){0,4}(?:off|free|discount|credit)",
    r"ανταμοιβ\w+|ανταμειβ\w+|επιβραβευσ\w+|δωρο|δωρα|δωρακι|ποντους|πιστωση|κουπονι\w*|δωροεπιταγ\w*|προμηθεια",
)
"""What is given for it."""
