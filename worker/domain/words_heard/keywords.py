"""The words that are enough by themselves: to leave, to come back, to ask for help.

Rules
1. The English words to leave are those of 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe), of the CTIA and of Twilio's defaults (stopall, optout);
   the Greek ones are what Greek senders ask for.
2. Some leave wherever they are a clause of their own (`Wrong number, stop`), some only when they are the whole message (`end`), because patients also use them of their appointments.
3. Only an explicit word comes back, alone. YES, ΝΑΙ and OK answer a question; they never give consent.
4. A misspelling counts when nothing else can be meant by it.
"""

from __future__ import annotations

from typing import Final

from worker.domain.words_heard.phrases import Words, phrases

LEAVE_ANYWHERE: Final = Words.of(
    "stop stopall stopp sotp stpo tsop st0p stp optout unsubscribe unsub unsubcribe unsuscribe unsubscibe unsubsribe arret стоп "
    "στοπ διακοπη διαγραφη απεγγραφη σταματηστε σταματα παυση"
)
LEAVE_ALONE: Final = Words.of("end quit quitt revoke remove τελοσ cancel cancell cancle ακυρωση")
OF_AN_APPOINTMENT_TOO: Final = Words.of("cancel cancell cancle ακυρωση")
"""With so much as a `please` beside them a person has to look: the appointment may be meant."""
LEAVE_IN_TWO: Final = phrases(
    """
    ^ stop all $
    ^ opt out $
    ^ un subscribe $
    ^ cease|desist $
    """,
    {},
)
RETURN: Final = Words.of("start unstop εναρξη")
HELP: Final = Words.of("help info βοηθεια πληροφοριεσ")

COURTESIES: Final = Words.of(
    "please pls plz plse plss thanks thank thx tnx ty ok okay okey k hi hello hey dear kindly now just sir madam so and but also then immediately asap already "
    "παρακαλω παρακ ευχαριστω σασ γεια καλημερα καλησπερα τωρα απλα λοιπον αμεσωσ αμεσα πια επιτελουσ και"
)
"""They change nothing about what stands beside them."""
ANSWERS: Final = Words.of("yes no text reply ναι οχι")
"""Nor do these beside a keyword."""

STOP_SIGNS: Final = "🛑⛔🚫"
"""A message of nothing else asks to stop."""
