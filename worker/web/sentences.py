"""What a patient reads on the pages behind a link. Messages say more, and are the clinic's own words; these are the same for every clinic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Said = Mapping[str, Mapping[str, str]]

CHANNEL: Final[Said] = {
    "en": {"email": "by e\u2011mail", "sms": "by text message"},
    "el": {"email": "με e\u2011mail", "sms": "με SMS"},
}

PURPOSE: Final[Said] = {
    "en": {
        "marketing": "News, invitations and offers",
        "care": "Messages about my own appointments and my care",
        "health_profiling": "News chosen for me by the treatments that I have had",
    },
    "el": {
        "marketing": "Νέα, προσκλήσεις και προσφορές",
        "care": "Μηνύματα για τα δικά μου ραντεβού και τη φροντίδα μου",
        "health_profiling": "Νέα που επιλέγονται για μένα με βάση τις θεραπείες που έχω κάνει",
    },
}

PREFERENCES: Final[Said] = {
    "en": {
        "title": "Your messages from {clinic}",
        "what": "One press stops news, invitations and offers {by}. Messages about your own appointments still reach you.",
        "button": "Stop news and offers {by}",
        "off": "You get no news and no offers {by}.",
        "or": "Or choose what you receive",
        "save": "Save",
        "saved": "Your choice is saved.",
        "closed_sms": "This number is closed to our messages: after a STOP, or at its network. A tick here does not open it. Text START to the number that we write from, or tell us.",
        "closed_email": "This address is closed to our messages: after a complaint, or because mail came back. A tick here does not open it. Please tell us.",
        "done": "You are unsubscribed",
        "stopped": "{clinic} no longer sends you news, invitations or offers {by}.",
        "care": "Messages about your own appointments still reach you.",
        "call": "Was it a mistake? Call {phone}, or tell us at your next visit.",
        "visit": "Was it a mistake? Tell us at your next visit.",
        "choose": "Choose what you receive",
    },
    "el": {
        "title": "Τα μηνύματά σας από την κλινική {clinic}",
        "what": "Με ένα πάτημα σταματούν τα νέα, οι προσκλήσεις και οι προσφορές {by}. Τα μηνύματα για τα δικά σας ραντεβού θα συνεχίσετε να τα λαμβάνετε.",
        "button": "Διακοπή νέων και προσφορών {by}",
        "off": "Δεν λαμβάνετε νέα ή προσφορές {by}.",
        "or": "Ή επιλέξτε τι θα λαμβάνετε",
        "save": "Αποθήκευση",
        "saved": "Η επιλογή σας αποθηκεύτηκε.",
        "closed_sms": "Ο αριθμός αυτός είναι κλειστός για τα μηνύματά μας: μετά από STOP, ή στο δίκτυό του. Η επιλογή εδώ δεν τον ανοίγει. Στείλτε START στον αριθμό από τον οποίο σας γράφουμε ή πείτε μας το.",
        "closed_email": "Η διεύθυνση αυτή είναι κλειστή για τα μηνύματά μας: μετά από καταγγελία, ή επειδή τα e\u2011mail επιστρέφονταν. Η επιλογή εδώ δεν την ανοίγει. Πείτε μας το.",
        "done": "Η διαγραφή έγινε",
        "stopped": "Η κλινική {clinic} δεν θα σας στέλνει πια νέα, προσκλήσεις ή προσφορές {by}.",
        "care": "Τα μηνύματα για τα δικά σας ραντεβού θα συνεχίσετε να τα λαμβάνετε.",
        "call": "Έγινε κατά λάθος; Καλέστε στο {phone} ή πείτε μας το στην επόμενη επίσκεψή σας.",
        "visit": "Έγινε κατά λάθος; Πείτε μας το στην επόμενη επίσκεψή σας.",
        "choose": "Επιλέξτε τι θα λαμβάνετε",
    },
}

ANSWERS: Final[Said] = {
    "en": {
        "title": "What would you like?",
        "what": "{clinic} has written to you. Choose an answer.",
        "book": "Book a time",
        "call_me": "Please call me",
        "not_now": "Not now",
        "stop": "Stop news and offers {by}",
        "thanks": "Thank you",
        "done_book": "Your answer has reached us. Call {phone} to book a time.",
        "visit_book": "Your answer has reached us. We are glad to find a time for you.",
        "done_call_me": "We call you on the number that we have from you.",
        "done_not_now": "That is fine. You need not do anything.",
        "again": "We have had your answer before. To change it, call {phone}.",
        "visit_again": "We have had your answer before. To change it, tell us.",
    },
    "el": {
        "title": "Τι θα θέλατε;",
        "what": "Η κλινική {clinic} σας έγραψε. Διαλέξτε μια απάντηση.",
        "book": "Κλείνω ραντεβού",
        "call_me": "Καλέστε με",
        "not_now": "Όχι τώρα",
        "stop": "Διακοπή νέων και προσφορών {by}",
        "thanks": "Ευχαριστούμε",
        "done_book": "Λάβαμε την απάντησή σας. Καλέστε στο {phone} για να κλείσετε ραντεβού.",
        "visit_book": "Λάβαμε την απάντησή σας. Με χαρά θα βρούμε μια ώρα για εσάς.",
        "done_call_me": "Θα σας καλέσουμε στον αριθμό που μας έχετε δώσει.",
        "done_not_now": "Κανένα πρόβλημα. Δεν χρειάζεται να κάνετε κάτι.",
        "again": "Έχουμε ήδη λάβει απάντησή σας. Για να την αλλάξετε, καλέστε στο {phone}.",
        "visit_again": "Έχουμε ήδη λάβει απάντησή σας. Για να την αλλάξετε, πείτε μας το.",
    },
}

NO_LINK: Final[Said] = {
    "en": {
        "title": "This link does not work",
        "what": "It may have been cut short on its way. Open it again from the message, or call the clinic.",
        "call": "It may have been cut short on its way. Open it again from the message, or call {clinic}: {phone}.",
        "old": "This link is too old",
        "old_what": "Tell us at your next visit what you would like.",
        "old_call": "Call {clinic}, {phone}, and tell us what you would like.",
    },
    "el": {
        "title": "Ο σύνδεσμος δεν λειτουργεί",
        "what": "Ίσως κόπηκε στη διαδρομή. Ανοίξτε τον ξανά από το μήνυμα ή καλέστε την κλινική.",
        "call": "Ίσως κόπηκε στη διαδρομή. Ανοίξτε τον ξανά από το μήνυμα ή καλέστε την κλινική {clinic}: {phone}.",
        "old": "Ο σύνδεσμος έχει λήξει",
        "old_what": "Πείτε μας στην επόμενη επίσκεψή σας τι θα θέλατε.",
        "old_call": "Καλέστε την κλινική {clinic} στο {phone} και πείτε μας τι θα θέλατε.",
    },
}
