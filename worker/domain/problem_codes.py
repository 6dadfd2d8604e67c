"""Every code that a Problem can have: how bad it is, what is wrong, the way out. The reference page is written from this table.

Rules
1. A code stands here before it is used, and is used if it stands here.
2. The severity here is the truth. `either` is decided case by case, and said where the Problem is made.
3. An error keeps a workspace from being put in force. A warning can be silenced in its file, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake. `example` is the wrong text, where it says more than words."""

    severity: Literal["error", "warning", "either"]
    what: str
    way_out: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Codes that belong together on the page."""

    title: str
    codes: Mapping[str, Code]


def error(what: str, way_out: str, example: str = "") -> Code:
    """A mistake that must be corrected."""
    return Code("error", what, way_out, example)


def warning(what: str, way_out: str, example: str = "") -> Code:
    """What may be meant."""
    return Code("warning", what, way_out, example)


# fmt: off
GROUPS: Final = (
    Group("YAML", {
        "yaml-syntax": error("this is not YAML: a second colon in a line, text that begins with a sign that YAML needs", "put the text in quotes", "note: Call: at once"),
        "yaml-indent": error("the line does not line up with the ones above", "give keys of one block, and items of one list, the same indent"),
        "yaml-tab": error("a tab stands where spaces belong", "indent with spaces"),
        "yaml-colon": error("a colon is missing in the line, or the space after it", "write `key: value`", "send:sms"),
        "yaml-dash": error("the space after the dash of a list item is missing, or the dash is one of a word processor", "write `- ` before the item", "–toxin"),
        "yaml-quote": error("a quote is not closed, or closed too early, or is one of a word processor", 'write `"` before and after the text', "title: “Hello”"),
        "yaml-bracket": error("a bracket is not closed, or was not opened", "close it on the same line", "send: [sms, email"),
        "yaml-variable": error("`{{ … }}` or `{% … %}` stands outside of a template", "move the text into a template", "note: Call {{ first_name }}"),
        "yaml-character": error("an invisible or control character, or a space that is none", "remove it, or type the line anew"),
        "yaml-duplicate-key": error("a key stands twice in one block", "keep one"),
        "yaml-key": error("a key is not a word", "look for a missing `#` or colon"),
        "yaml-anchor": error("anchors and aliases (`&`, `*`) are not used here", "write the text out, or quote it"),
        "yaml-tag": error("tags (`!`) are not used here", "quote the text"),
        "yaml-documents": error("a second document begins in the file", "remove the `---`"),
        "yaml-too-deep": error("nested more than 50 levels deep", "flatten it"),
        "yaml-too-large": error("the file is larger than 1 MB", "split it"),
        "yaml-not-utf8": error("the file is not in UTF-8; templates too", "save it as UTF-8"),
    }),
    Group("Files", {
        "file-missing": error("a file that must be there is not", "take it from a workspace that `revisit init` lays out"),
        "file-empty": error("a file is empty", "write it, or remove it"),
        "file-unknown": warning("a file that is never read: its name or its place says not what it is", "rename it, move it, or remove it", "journeys/hello.yml.txt"),
        "journeys-none": warning("there are texts, and no journey that could send them", "write one in journeys/, or remove the texts"),
        "file-name": warning("a file's name has capitals or spaces, which systems treat differently", "small letters, digits, `_` and `-`", "journeys/Win back.yaml"),
        "journey-file-name": warning("a journey's file is not called as the journey is", "rename one of the two"),
    }),
    Group("Shape", {
        "shape-unknown-key": error("a key is not known here", "the hint names the nearest one", "tempalte: hello"),
        "shape-missing": error("a key that must be there is not", "add it"),
        "shape-empty": error("a key has no value, or a list has no items", "write one, or remove the key"),
        "shape-type": error("a block, a list or one line of text was expected", "the hint shows the form"),
        "shape-value": error("the text does not say what is asked for: a length of time, a count, a date", "the hint gives an example", "expires: soon"),
        "shape-choice": error("the word is none of the few that fit", "the hint names them", "purpose: advertising"),
        "shape-name": error("a name has letters that a name cannot have", "small letters, digits and `_`, a letter first", "journey: Win-back"),
    }),
    Group("Names that are not known", {
        "unknown-segment": error("no such segment", "look into config/segments.yaml"),
        "unknown-family": error("no such family", "look into config/services.yaml"),
        "family-unused": warning("a family that complements another belongs to no service", "add the service, or correct the spelling"),
        "unknown-service": error("no such service", "look into config/services.yaml"),
        "unknown-event": error("no such event type", "see [events.md](events.md)"),
        "unknown-template": error("no such text, or not for this channel", "write the file, or leave the channel out of `send`"),
        "unknown-offer": error("no such offer", "look into config/offers.yaml"),
        "unknown-journey": error("no such journey", "look into journeys/"),
        "unknown-step": error("a story names a step that its journey lacks", "the hint names the nearest one"),
        "unknown-way": error("a story names a way that its step lacks", "the hint names the ways"),
    }),
    Group("The clinic", {
        "clinic-language": error("`language` is not among `languages`", "add it"),
        "clinic-contrast": warning("white letters on the brand's colour are hard to read", "a darker `colour`"),
        "clinic-region": Code("either", "a region that the country does not have: an error. A warning where laws differ by region and none is named, or where they do not", "`region: FL`, or none", "region: Florida"),
        "clinic-twice": error("two folders of `--workspaces` have one clinic's `id`", "give each an `id` of its own"),
        "extends-cycle": error("folders extend each other in a circle", "take `extends` out of one of them"),
        "extends-missing": error("the folder that `extends` names is not there, holds no rooms, or can't be read", "put the shared folder beside the clinic's", "extends: ../agency-rooms"),
        "extends-outside": error("`extends` leads elsewhere than to a folder beside this one", "put the shared folder beside the clinic's", "extends: ../../agency-rooms"),
        "credential-half": error("of the two parts of an own account with Twilio one is missing", "name `account_sid_env` and `auth_token_env`, or none"),
        "credential-name": error("not the name of an environment variable that may hold a provider's credentials", "capitals with TWILIO or SENDGRID in it", "api_key_env: MY_KEY"),
        "credential-value": error("a secret stands in a file, where the name of an environment variable belongs", "take it out, have a new one made at the provider, and write the name of the variable that holds it"),
        "clinic-weekday": error("not a weekday or a range of them", "write `mon`, `sat`, `mon-fri`"),
    }),
    Group("Offers", {
        "offer-language": error("an offer has no text in one of the clinic's languages", "write it below `text`"),
        "offer-end": error("an offer ends never", "add `expires: 30 days` or `until: 2026-12-31`"),
        "offer-approval": error("nobody has approved an offer", "add `approved_by`"),
        "offer-missing": error("a text speaks of an offer, and the step that sends it makes none", "add `offer: NAME` to the step"),
        "offer-unsaid": warning("a step makes an offer that its text does not speak of", "`{{ offer.text }}` and `{{ offer.code }}` in the text, or no offer in the step"),
        "offer-care": error("a care message holds an offer, which makes it marketing", "take the offer out, or make it a marketing journey"),
    }),
    Group("Conditions and segments", {
        "condition-series": warning("`series` asks for courses, and no service that is meant has one", "give the services a `series` in services.yaml"),
        "condition-unknown": error("not a condition", "see [the list](journeys.md#conditions)"),
        "condition-shape": error("a block of conditions, or a list of such blocks, was expected", "`{visits: none}`; `[{visits: none}, {tags: [vip]}]`"),
        "condition-span": error("a segment is asked in hours", "segments know days"),
        "condition-currency": error("not the clinic's currency", "use that of clinic.yaml"),
        "condition-this": error("`this` where no appointment started the journey", "use it in journeys started by an appointment's event"),
        "condition-circular": error("`got_message` or `journey` in a segment: what we sent must not decide who a patient is", "ask for it in the journey's `if`"),
        "segment-twice": error("two segments or stages have one name", "rename one"),
        "segment-chain": error("a segment rests on segments that rest on segments, too many in a row", "write its conditions out"),
        "segment-circle": error("a segment depends on itself; the message shows the way round", "take one of them out"),
        "lifecycle-otherwise": error("`otherwise` is not the last stage, or the last stage is not `otherwise`", "move it to the end, or add it"),
    }),
    Group("Journeys", {
        "journey-start": error("not exactly one way to start", "one of `enters`, `leaves`, `event`, `date`"),
        "start-impossible": error("nobody can be written to after the event that starts it", "start it in another way", "event: patient.erased"),
        "journey-date": error("a date is neither a birthday nor the days of an announcement, or it ends before it begins", "`date: birthday`, or `from` and `until`"),
        "journey-no-end": error("an announcement has no first or no last day", "add `from` and `until`"),
        "journey-begun": warning("the first day of a live announcement is today or past: put in force only now, it does not reach those who fit already", "a later first day; nothing, if it was in force before that day"),
        "journey-over": warning("the last day of a live announcement is past", "new days, or `status: draft` once nobody is under way"),
        "journey-one-per": error("`one_per: appointment` without an appointment's event", "start it by such an event"),
        "journey-no-steps": error("there are no steps", "add one"),
        "journey-twice": error("two files have journeys of one name", "rename one"),
        "journey-reentry": warning("two events within a minute would take one patient through it twice", "`repeat: once every 1 day`, `one_per: appointment`, or begin with a `wait`"),
        "journey-same-start": warning("two live journeys write to the same patients on the same change", "tell them apart by `if`, or make one of them"),
        "journey-holdout": error("a care journey holds patients out", "remove `holdout`"),
        "journey-holdout-all": warning("everybody is held out", "for example `holdout: 10%`"),
        "journey-care": warning("a care journey starts by a segment or a date, and so writes to people without their leave", "`purpose: marketing`, or a start by the event of a visit or booking"),
        "journey-never": warning("the journey can't start, or ends every run at once", "change `if`, or `stop_if`"),
        "wait-past": warning("a step waits until a moment that is always past, so it is always skipped", "`after` instead of `before`"),
        "send-never": warning("with the quiet hours, the journey's own hours leave no moment to send", "widen `send_between` or `send_on`"),
        "send-seldom": warning("messages wait longer for an open hour than they are good for", "a longer `expires`, or more days"),
        "goal-impossible": error("the goal cannot be reached: nothing in the journey leads to it, or its window closes first", "choose another goal, or a longer `within`"),
        "channel-missing": error("a step sends by a channel that channels.yaml lacks", "add it there, or take it out"),
    }),
    Group("Steps", {
        "step-verb": error("a step has no verb, or two", "exactly one of `send`, `listen_for`, `branch`, `split`, `task`, `tag`, `stop`"),
        "step-twice": error("two steps of a journey have one id", "give each its own"),
        "step-unreachable": error("a step stands where every way has stopped", "move it up, or remove one of the two"),
        "step-renamed": warning("a step of a live journey has a new id: it is counted anew, and could be sent again", "keep the id"),
        "wait-value": error("a `wait` says not how long, or until when", "`3 weeks`, `until 10:00`, `until 90 days after last_visit`"),
        "listen-for-ever": error("a step listens without an end, or for longer than a year", "add `up_to: 14 days`"),
        "listen-one-way": error("SMS answers are listened for, but the sender takes none", "`two_way: true` in channels.yaml, or `link.answered`"),
        "listen-twice": error("one event is listened for twice", "keep one"),
        "listen-unheard": error("a way for an event that is not listened for", "add it to `listen_for`"),
        "listen-goal": error("what is listened for is the goal, which ends the journey first", "take it out of one of the two"),
        "listen-before": error("an answer is listened for before anything was sent", "move the step behind a `send` or `task`"),
        "listen-impossible": error("the event ends every run of the patient, so it cannot be heard", "remove it"),
        "branch-empty": error("a branch has no case", "write one, or leave the branch out"),
        "branch-otherwise": error("`otherwise` is not the last case", "move it to the end"),
        "branch-twice": error("two cases of a branch have one name", "give each its own"),
        "split-total": error("the shares do not make 100 %", "`{short: 50%, long: 50%}`"),
        "split-unknown": error("a way that has no share", "give it one in `split`"),
        "tag-both": error("a tag is both added and removed", "keep one of the two"),
        "template-name": error("not the name of a template", "folder and file without endings: `win_back_6/hello`"),
    }),
    Group("Texts", {
        "template-broken": error("the text cannot be rendered; the line is named", "correct it there"),
        "template-variable": error("a text names a variable that there is not", "the hint names the nearest one", "{{ firstname }}"),
        "template-fallback": warning("a value that may be empty is printed as if it never were", "`{% if first_name %} {{ first_name }}{% endif %}`", "Hello {{ first_name }},"),
        "template-subject": error("an e-mail has no subject, or an empty one", "add a line `subject: …` to the front matter"),
        "template-language": Code("either", "a text is missing in one of the clinic's languages. An error in the clinic's own language, else a warning", "write it"),
        "template-twice": error("one text stands in two files: as Markdown, and as an MJML document", "keep one"),
        "template-unused": warning("a text that no journey sends", "name it in a step, or remove its files"),
        "template-unsubscribe": error("an e-mail or a layout lacks what the law asks for: the clinic's address, a link to unsubscribe", "print them in it"),
        "template-translate": warning("a text is a draft in another language", "translate it, and remove the remark"),
        "template-link": error("a link that is not safe to follow", "https, a telephone number, an e-mail address, or `{{ clinic.booking_url }}`"),
        "template-health": error("an SMS, a subject, a preheader or a link names a treatment, an area, a segment or an amount of money", "leave it to the body of an e-mail, or to the visit"),
        "template-sensitivity": warning("the body of an e-mail names a treatment, and its front matter does not say so", "add a line `sensitivity: health`"),
        "template-optout-keyword": error("a text asks for an answer that carriers take for a STOP or a START", "ask for another word", "Reply YES to confirm"),
        "template-optout": warning("an SMS of a marketing journey does not say how to stop", "`Stop? Reply STOP`"),
        "template-optout-link": warning("an SMS of a marketing journey has no link to the way out, and its sender takes no answers", "`{{ unsubscribe_url }}` or `{{ answer_url }}`"),
        "template-one-way": warning("an SMS asks for an answer, and its sender takes none", "give a telephone number or a link, or a sender that is `two_way`"),
        "template-reproach": warning("a text reproaches the patient with not having come", "say what is new instead", "We have not seen you for six months"),
        "template-price": warning("a text speaks of a price or a discount, and of no offer", "name an `offer` in the step, and `{{ offer.text }}` in the text"),
        "sms-segments": warning("an SMS is longer than one message, or than two where its alphabet needs the wide encoding", "shorten it; the hint names the characters that make it long"),
    }),
    Group("What the law restricts", {
        "rx-advertised": Code("either", "a text or an offer names a prescription medicine, which may not be advertised to the public: an error. A warning for words that stand for one, and in care", "say “consultation”", "Your botox is due"),
        "journey-rx": warning("a marketing journey is about prescription medicines only", "make it about the consultation"),
        "referral-reward": warning("a text asks to bring others and speaks of a reward, which the law restricts", "ask without a reward"),
        "claim-guarantee": warning("a text promises a result, or that there is no risk", "say what it can do, not that it will", "guaranteed results"),
        "claim-superiority": warning("a text claims to be better than others", "say what you do, and for whom", "the best clinic in town"),
        "claim-urgency": warning("a text hurries the patient", "take it out; `{{ offer.until }}` says when an offer ends", "last chance"),
        "claim-painless": warning("a text makes light of a treatment that may hurt", "say what is done for comfort", "completely painless"),
        "policy-no-hours": warning("the policy is empty, and the law has hours or caps, which then do not hold either", "write `quiet_hours`"),
    }),
    Group("Sources", {
        "source-column": error("a file of a mapping says no column for what every row of its kind needs", "add it to `columns`", "appointments without `starts_at`"),
        "source-field": error("`id_from`, `patient_from` or `may_lack` names a field that has no column", "add the column, or take the field out"),
        "source-status": error("a column of statuses without their meanings, or meanings without a column", "`status` in `columns`, and `statuses`"),
        "source-signature": error("a webhook does not say how a call proves that it comes from the system, or says it in part", "add `signature`; `signature: none` asks for an API token"),
        "source-secret": error("the secret of a webhook is missing, or is not the name of an environment variable", "put the secret into a variable `REVISIT_SOURCE_…`, and its name into `secret`", "secret: s3cr3t"),
        "source-event": error("a type of event stands in two messages of a webhook", "keep it in the one whose shape it has"),
    }),
    Group("Stories", {
        "story-entry": error("what happens or is expected is not a time with one thing", "`- 2026-04-01 10:00: {sends: hello}`"),
        "story-verb": error("nothing that a story expects, or more than one thing in a line", "one of `sends`, `task`, `ends` …; the hint names them"),
        "story-twice": error("two stories of a file have one name", "give each its own"),
        "story-journey": error("it is not clear which journey is meant, or it does not run in this story", "write `journey.step`, or name it in `journeys`"),
        "story-journey-gone": warning("the journey of a story, or of a file of stories, is not there, and `revisit test` leaves its stories out", "remove them with their journey, or put the journey back", "journey: old_offer"),
        "story-born": error("the patient of a story is born after what is told", "correct `date_of_birth`"),
        "story-step": error("the step does something else than what is expected of it", "the hint names the steps that do it"),
        "story-appointment": error("it is not clear which appointment is spoken of", "`appointment: a-1` here and where it is booked"),
        "story-order": error("what happens stands out of order", "order by time"),
        "story-history": error("a visit of the past lies within the story", "tell it under `happens`"),
        "story-until": error("something lies after the story's end, or a story of silence has no end", "add or move `until`"),
        "story-from": error("something lies before the story's `from`", "move `from`"),
    }),
    Group("Silencing", {
        "silence-reason": error("a warning is silenced without a reason", "`# check: allow CODE: the reason`"),
        "silence-error": error("an error cannot be silenced", "correct it, and remove the comment"),
        "silence-unknown": error("no such code", "the hint names the nearest one"),
        "silence-unused": warning("a comment silences what is not reported", "remove it"),
    }),
)
# fmt: on

CODES: Final[Mapping[str, Code]] = {name: code for group in GROUPS for name, code in group.codes.items()}


def severity_of(code: str) -> Literal["error", "warning"]:
    """How bad a mistake is where nothing else is said; a code that is not in the table is an error."""
    known = CODES.get(code)
    return "warning" if known is not None and known.severity == "warning" else "error"
