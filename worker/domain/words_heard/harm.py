"""Words that speak of harm, and the words that take it back.

Rules
1. A word counts unless it is denied right there: `no pain`, `it doesn't really hurt`, `δεν πονάω`. Between the denial and the word only words that carry it may stand; any other ends it,
   so `the swelling is not going down` and `pain does not go away` count.
2. A denial runs on through a list with `or`: `no pain, swelling or fever`. It does not run on through `and` or `but`.
3. What is over still counts (`the pain is gone`): a person looks. What is asked of the future (`will it hurt?`) does not.
4. In doubt it counts: an unneeded call costs less than a missed burn.
"""

from __future__ import annotations

from typing import Final

from worker.domain.words_heard.phrases import Words, phrases

WORDS: Final[dict[str, Words]] = {
    "allergy": Words.of("allergic allergy allergies anaphyla* αλλεργι*"),
    "bleeding": Words.of("bleeding bleed bleeds bled blood αιμορραγ* αιμα αιματα ματων* ματωσ* ματωμεν*"),
    "blister": Words.of("blister blisters blistered blistering φουσκαλ* φλυκταιν*"),
    "breathing": Words.of("breathless suffocating choking δυσπνοια"),
    "bruising": Words.of("bruise bruises bruised bruising μελανια μελανιεσ μελανιασ* μωλωπ*"),
    "burn": Words.of("burn burns burned burnt burning scald* εγκαυμα* εγκαυματ* καηκα καηκε καχκα καμενο καμενα καψιμο κεκαυμενο τσουξιμο τσουζει"),
    "dizziness": Words.of("dizzy dizziness faint fainted fainting ζαλη ζαλαδα ζαλιζ* ζαλιστ* λιποθυμ*"),
    "fever": Words.of("fever fevers feverish πυρετ*"),
    "infection": Words.of("infection infections infected pus oozing μολυνσ* μολυνθ* πυον"),
    "necrosis": Words.of("necrosis necrotic blanching νεκρωσ* νεκρωθηκε"),
    "numbness": Words.of("numb numbness μουδιασ* μουδιαζ*"),
    "pain": Words.of(
        "pain pains painful hurt hurts hurting ache aches aching sore soreness agony headache* πονοσ πονο πονοι πονουσ πονου πονω πονα ποναω ποναει πονανε πονουν πονουσα "
        "πονεσ* πονεμεν* πονοκεφαλ* επωδυνο επωδυνη"
    ),
    "rash": Words.of("rash rashes hives itchy itching itches εξανθημ* κνιδωση φαγουρα κνησμοσ"),
    "swelling": Words.of("swelling swellings swollen swelled swells puffy πρηξιμο πρηξιματα πρησμεν* πρηστ* πρηζεται οιδημα πρισιμο πρηχιμο"),
}  # fmt: skip

PHRASES: Final = {
    code: phrases(lines, {})
    for code, lines in {
        "breathing": """
            cant|cannot|not|couldnt ~1 breathe|breath
            difficulty|trouble|hard|problem|problems|struggling|difficult ~2 breathing|breathe|breath
            short|shortness of breath
            δεν ~2 αναπνευσω|αναπνεω|ανασανω
            δυσκολ*|δυσκολευομαι ~3 αναπνο*|αναπνευσω|αναπνεω
            """,
        "burn": """
            με|μασ ~1 καιει|καινε
            καιει ~3 δερμα|προσωπο|ποδι|ποδια
            εχω|εχει|εχουν ~1 καει
            """,
        "necrosis": "skin|lip|lips|nose ~2 turned|turning|went|gone|going black|grey|gray|white|purple|blue",
        "vision": """
            cant|cannot ~1 see $ unless link app page website message
            cant|cannot|not ~1 see well|clearly|properly|anything|straight|from|out unless link app page website message
            blurred|blurry|double|lost|losing|no|foggy ~1 vision|sight|eyesight
            vision|sight|eyesight ~3 blurred|blurry|gone|double|lost|worse
            see|seeing ~1 double|blurry|blurred
            eye|eyes ~3 blurry|blurred
            gone|going|went blind
            δεν βλεπω $
            δεν βλεπω καλα|καθαρα|τιποτα|απο
            βλεπω ~1 θολα|διπλα|θαμπα
            θολα|διπλα|θαμπα ~1 βλεπω
            θολη|θολωσε|θολωμενη ~2 οραση
            """,
    }.items()
}

IDIOMS: Final = phrases(
    """
    blood test|tests|pressure|work|type|thinners|thinner|sugar
    εξετασεισ|εξεταση|δωρεα|ομαδα|αναλυση|αναλυσεισ αιματοσ|αιμα
    burnt orange|sienna|caramel
    burn|burning|burns ~1 fat|calories
    fat burn|burning
    burn scar|scars
    pain|fever free
    cold sore|sores
    hay|cabin fever
    rash decision|decisions|move|choice
    hurt|hurts|hurting my|your|their feelings|wallet|budget
    will|would|could|can ~3 hurt|bleed|swell|bruise|burn unless why
    does|do ~2 hurt unless why still so
    will|would|is|does|how|could ~3 painful unless why very so still
    θα ~1 πονεσω|πονεσει|πονεσουν|ποναει|ποναω
    να πονεσει|πονεσω|πονεσουν
    """,
    {},
)
"""Where such a word means something else, or asks about a treatment to come."""

DENIES_A_THING: Final = Words.of("no without zero χωρισ διχωσ")
THINGS: Final = Words.of(
    "any more longer real sign signs symptoms of kind significant major serious other bad or nor καθολου αλλο η ουτε"
)
DENIES: Final = Words.of(
    "not dont doesnt didnt isnt arent wasnt havent hasnt hadnt never δεν δε ουτε κανενα κανενασ κανεναν καμια καμιαν"
)
CARRIES: Final = Words.of(
    "any really much too very have has had feel feels feeling felt got get is was be been a an at all more longer even kind of sign signs symptoms or nor in significant major real serious "
    "εχω εχει ειχα ειχε νιωθω ενιωσα αισθανομαι υπαρχει με μου καθολου πολυ πια πλεον κανενα κανενασ κανεναν καμια ιδιαιτερο ιδιαιτερα σχεδον η ουτε που αλλο"
)
"""Between what denies and what is denied only such words may stand: after `no` fewer, because a `no` may answer a question (`no it hurts`)."""
COMPARES: Final = Words.of("like σαν")
"""`Never had pain like this` denies nothing."""
OR: Final = Words.of("or nor ή ουτε")
