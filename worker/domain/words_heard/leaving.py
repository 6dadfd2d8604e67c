"""How people ask in their own words not to be written to: any reasonable way counts (47 CFR 64.1200(a)(10)).

Rules
1. It must speak of messages, of lists or of being left alone: `stop texting me`, never `stop smoking`.
2. Idioms come first: in `the bus stop`, `stop by` or `don't stop` no stop is heard.
3. In doubt between leaving and an answer about an appointment it is an answer. In doubt between leaving and a complaint about messages it is leaving.
"""

from __future__ import annotations

from typing import Final

from worker.domain.words_heard.phrases import Words, phrases

_LISTS: Final = {
    "STOP": Words.of("stop stopp quit cease desist refrain discontinue halt στοπ σταματηστε σταματα σταματατε σταματησετε σταματησουν"),
    "MESSAGES": Words.of(
        "message* messg* texts text sms smss mms emails email mails mail txt txts msg msgs spam marketing ads advert* promo* offers notification* newsletter* "
        "communication* whatsapp* contact updates reminders subscription "
        "μηνυμα μηνυματα μηνυματων μυνηματα ενημερωσεισ διαφημισ* προσφορεσ προωθητικ* αποστολη αποστολησ"
    ),
    "SENDING": Words.of(
        "texting messaging messenging sending contacting emailing mailing writing spamming bothering harassing calling pestering disturbing annoying msging txting whatsapping"
    ),
    "SEND": Words.of("text message contact email write send sms msg txt bother disturb spam harass call mail annoy"),
    "NOT": Words.of("dont donot never not didnt doesnt μη μην δεν δε"),
    "DONT": Words.of("dont donot never not"),
    "TAKE": Words.of("take remove delete drop get erase scrub cut"),
    "ERASE": Words.of("διαγραψτε διαγραψετε διεγραψτε σβηστε σβησετε βγαλτε βγαλετε αφαιρεστε αφαιρεσετε διαγραφη"),
    "MINE": Words.of("number phone mobile cell details data info information contact email account profile νουμερο τηλεφωνο κινητο αριθμο στοιχεια email δεδομενα"),
    "OFF": Words.of("list lists database system mailing marketing everything messages texts records contacts λιστα λιστεσ λιστησ συστημα"),
    "OTHERWISE": Words.of("waiting waitlist waitinglist slot appointment booking ραντεβου αναμονησ αναμονη"),
    "HOURS": Words.of("before until till after during between πριν μεχρι μετα while unless"),
    "SEND_GR": Words.of("στειλ* στελν* στελετε στιλετε ξαναστειλ* ξαναστελν* ενοχλ* ξαναενοχλ* ξανενοχλ* γραψετε γραφετε ξαναγραψ* ξαναγραφ* επικοινων* ξαναεπικοινων* καλειτε καλεσετε ξανακαλεσ* ξαναπαρ*"),
    "CLITIC": Words.of("μου μασ με μασ αλλο αλλα πια πλεον ξανα να σασ τοσα τετοια παρακαλω ποτε"),
    "RECEIVE": Words.of("λαμβανω λαβω ξαναλαβω παιρνω ξαναπαρω"),
    "WANT": Words.of("want wanna wish need like care interested consent agree"),
    "CONSENT": Words.of("consent permission authorization authorisation συγκαταθεση"),
    "RUDE": Words.of("fuck fck piss bugger sod f"),
}  # fmt: skip

IDIOMS: Final = phrases(
    """
    bus|metro|tram|train|last|next|first|subway|taxi stop
    stop by|in|over|off|at
    NOT ~1 STOP unless why
    wont|cant|couldnt STOP unless you
    NOT ~2 unsubscrib*
    did ~2 stop
    stop to end|opt|unsubscribe|cancel
    reply|text|send|write stop
    ^ is this|it spam
    stop smoking|taking|using|drinking|eating|bleeding
    quit smoking|drinking|my
    opt out ~1 of unless MESSAGES list lists everything all these this marketing communications
    unsubscribed ~3 mistake|accident|accidentally
    """,
    _LISTS,
)
"""What sounds like leaving and is not."""

ALONE: Final = phrases("^ stop it|this|that $", {})
"""Leaving only when nothing else is said; with more it may be banter."""

WORDS_OF_LEAVING: Final = phrases(
    """
    STOP ~3 SENDING
    STOP ~3 MESSAGES
    ^ stop these|them $
    ^ DONT ~1 SEND ~4 anything|these unless HOURS at by about in on the why
    MESSAGES ~3 stop $ unless did why when
    i ~2 said|told|asked|ask|say ~3 stop $
    i ~2 said|told|asked|ask|say ~3 stop again|already|before|twice|times|now $
    how ~4 stop these|them
    cease and desist
    ^ no more $
    no more|further|additional ~2 MESSAGES|SENDING unless received got had have were there are get
    ^ no MESSAGES $
    ^ enough $
    enough ~3 MESSAGES unless not have
    enough already
    too many ~1 MESSAGES
    ^ DONT SEND me|us $
    ^ DONT ~1 SEND ~4 again|anymore|ever|longer
    ^ DONT ~1 text|message|contact|email|sms|txt|msg|bother|disturb|spam|harass $ unless but
    ^ DONT ~1 text|message|contact|email|sms|txt|msg|bother|disturb|spam|harass me|us|here|this unless HOURS but at by about in on
    ^ DONT ~1 send ~1 me|us $ unless HOURS
    ^ DONT ~1 send|write ~2 anything|any|these|this|more|messages|texts|emails|stuff|spam|offers|ads unless HOURS
    ^ DONT ~1 send ~2 sms|text|msg|msgs|txt $ unless HOURS by via
    ^ do not ~1 text|message|contact|email|sms|txt|msg|bother|disturb|spam|harass|write unless HOURS at by about in on
    ^ do not ~1 send|call ~3 again|anymore|ever|anything|any|these|messages|texts|emails|offers|me unless HOURS at by about in on the
    ^ do not SEND ~8 ever|again
    ^ DONT SEND ~8 ever|again
    rather|prefer not ~3 MESSAGES|SENDING|receive|contacted
    never|didnt|not consent|consented|agree|agreed|subscribe|subscribed to ~3 MESSAGES|receive|receiving|contacted
    never|didnt|not sign|signed|ask|asked up|for ~2 MESSAGES|this|these|it
    never|didnt|not sign|signed|subscribe|subscribed up|to $
    told|asked|ask|tell|said ~2 not to SEND
    i DONT ~1 want|wish|need|like|care|consent|agree ~4 MESSAGES|SENDING unless miss lose losing change HOURS call but
    unwanted MESSAGES
    MESSAGES ~2 unwanted
    i do not ~1 want|wish|need|like|care|consent|agree|accept ~4 MESSAGES|SENDING|receive unless miss lose losing change HOURS call but
    i do not ~1 wish|want ~3 these|this $
    i DONT want these|this|you|it anymore|again
    DONT|not want ~1 you ~2 SEND unless HOURS
    DONT|not want ~1 you ~2 SENDING unless HOURS
    no longer ~1 WANT ~3 MESSAGES|SENDING|receive|hear|contacted|these
    DONT ~2 want|wish|need|like ~2 hear from
    DONT|not ~2 want|wish ~2 contacted|messaged|texted|emailed|included|bothered
    not interested in ~2 MESSAGES
    DONT ~1 WANT ~2 part|on ~3 list
    opt ~2 out unless mistake photos photo
    opting out
    opted out unless mistake not never
    unsubscrib*|unsuscrib*|unsub|unsubcribe unless mistake accident accidentally
    take|remove me|us off $
    remove|delete|erase|scrub me|us $
    remove|delete|erase|scrub me|us immediately|asap|anyway|completely
    TAKE me|us ~2 off|from ~4 OFF unless OTHERWISE
    ERASE με|μασ ~2 απο ~4 OFF unless OTHERWISE
    take|remove|delete|erase|drop ~1 my|this|our ~2 MINE unless old other previous new wrong booking change
    take|remove|delete|drop ~2 name ~3 OFF|list unless OTHERWISE
    take|remove|get my|our name off
    ERASE με|μασ $
    με|μασ ERASE $
    με|μασ ERASE απο ~4 OFF unless OTHERWISE
    ERASE ~2 MINE unless παλιο αλλο νεο
    να διαγραφω|απεγγραφω|διαγραφει
    θελω|επιθυμω|ζηταω|ζητω ~2 διαγραφη|απεγγραφη|διακοπη $
    διαγραφη μου
    να βγω ~3 λιστα
    ξεχαστε|ξεχνατε ~2 νουμερο|αριθμο|τηλεφωνο
    δεν|δε ~1 ενδιαφερουν|ενδιαφερει ~2 MESSAGES
    δεν|δε ~2 CONSENT
    κοψτε|κοφτε|τελοσ|βαρεθηκα|κουραστηκα ~3 MESSAGES|sms
    πολλα|τοσα MESSAGES
    γαμησ*|γαμηθ*
    αφαιρεση ~3 λιστα|λιστεσ|λιστασ unless OTHERWISE
    διαγραφη|απεγγραφη|διακοπη|παυση|σταματημα ~2 MESSAGES|sms|OFF|απο
    if ~1 stopped SENDING
    be taken off this|these $
    DONT|not use my|this ~1 number|phone|email|data
    DONT want these $
    spamming|harassing|pestering me|us
    leave|let me|us ~2 alone|peace
    be removed|deleted|taken|excluded ~1 from|off ~4 OFF unless OTHERWISE
    ^ stop stop
    this is not ~2 number|phone unless working
    this isnt ~2 number|phone unless working
    sick|tired|fed ~1 of|with ~4 MESSAGES|SENDING
    harassment|harassing
    mind not SENDING
    can|could you not SEND me|us $
    want this|these|them to stop $
    make this|these stop $
    i ~1 want out $
    not|never|didnt ~1 give|gave|given ~3 permission|consent
    lose|forget my|this number
    ^ get lost $
    knock it off
    ^ cut it out $
    ^ go away $
    ^ shut up $
    RUDE off
    ^ spam $
    is|are ~1 spam unless folder
    block|blocking|blocked you|your
    block|blocking|blocked this|the number
    report|reporting|reported you|your
    report|reporting|reported ~3 spam|fcc|regulator|authority
    as spam unless mistake accident accidentally
    withdraw|revoke|withdrawing|revoking|retract ~3 CONSENT unless photo photos picture pictures image images
    ανακαλω|αποσυρω|ανακαλεσω ~3 CONSENT|συναινεση
    cancel|end ~2 messages|texts|emails|sms|notifications|offers|newsletter|alerts
    cancel|end ~2 subscription
    off your|the|this list|lists unless OTHERWISE
    wrong person|no $ unless gave give given
    wrong number unless gave give given i called dialed dialled wrote typed entered is was put
    have|got|is|reached the wrong number|person unless gave
    STOP ~2 SEND_GR
    STOP CLITIC|ta|τα|να ~3 SEND_GR|MESSAGES|sms
    να σταματησουν|σταματησει|σταματησετε ~3 MESSAGES|sms|SEND_GR
    μη|μην SEND_GR unless HOURS
    μη|μην CLITIC SEND_GR unless HOURS
    μη|μην CLITIC CLITIC SEND_GR unless HOURS
    να μη|μην ~2 RECEIVE|SEND_GR unless HOURS χασω
    δεν|δε θελω|επιθυμω|χρειαζομαι ~4 MESSAGES|sms|SEND_GR|RECEIVE unless HOURS χασω ραντεβου
    δεν|δε θελω|επιθυμω αλλα|αλλο $
    δεν|δε ενδιαφερομαι ~3 MESSAGES|sms
    οχι ~1 αλλα|αλλο|αλλεσ|αλλη ~1 MESSAGES|sms|ενοχλησεισ
    οχι MESSAGES $
    φτανει|φτανουν ~3 MESSAGES|sms unless δεν δε
    αρκετα|αρκει με|πια ~2 MESSAGES|sms
    ^ φτανει $
    ^ φτανει πια|πλεον $
    αφηστε|ασε|ασετε|αφησε|παρατα|παρατηστε με|μασ unless να
    λαθοσ αριθμοσ|νουμερο|τηλεφωνο|ατομο|αριθμο unless εδωσα ειχα εγραψα εβαλα καλεσα πηρα
    ξεκολλατε|ξεκολλα
    """,
    _LISTS,
)  # fmt: skip
