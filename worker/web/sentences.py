"""What a patient reads on the pages behind a link. Messages say more, and are the clinic's own words; these are the same for every clinic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHANNEL: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"email": "by e\u2011mail", "sms": "by text message"},
    "el": {"email": "με e\u2011mail", "sms": "με SMS"},
}

UNSUBSCRIBE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "ask": "No more news from {clinic}?",
        "what": "If you unsubscribe, {clinic} no longer sends you news, invitations or offers {by}.",
        "care": "Messages about your own appointments still reach you.",
        "button": "Unsubscribe",
        "done": "You are unsubscribed",
        "stopped": "{clinic} no longer sends you news, invitations or offers {by}.",
        "call": "Was it a mistake? Call {phone}, or tell us at your next visit.",
        "visit": "Was it a mistake? Tell us at your next visit.",
    },
    "el": {
        "ask": "Να μη λαμβάνετε πια νέα από την κλινική {clinic};",
        "what": "Αν διαγραφείτε, η κλινική {clinic} δεν θα σας στέλνει πια νέα, προσκλήσεις ή προσφορές {by}.",
        "care": "Τα μηνύματα για τα δικά σας ραντεβού θα συνεχίσετε να τα λαμβάνετε.",
        "button": "Διαγραφή",
        "done": "Η διαγραφή έγινε",
        "stopped": "Η κλινική {clinic} δεν θα σας στέλνει πια νέα, προσκλήσεις ή προσφορές {by}.",
        "call": "Έγινε κατά λάθος; Καλέστε στο {phone} ή πείτε μας το στην επόμενη επίσκεψή σας.",
        "visit": "Έγινε κατά λάθος; Πείτε μας το στην επόμενη επίσκεψή σας.",
    },
}

NO_LINK: Final[Mapping[str, tuple[str, str]]] = {
    "en": (
        "This link does not work",
        "It may have been cut short on its way. Open it again from the message, or call the clinic.",
    ),
    "el": (
        "Ο σύνδεσμος δεν λειτουργεί",
        "Ίσως κόπηκε στη διαδρομή. Ανοίξτε τον ξανά από το μήνυμα ή καλέστε την κλινική.",
    ),
}
