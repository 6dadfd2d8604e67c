"""What patients write by SMS: stop, start, help, harm, and answers that a journey and a person hear, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import Inbound
from tests.delivery.inbox import FILES, OURS, PHONE, Inbox, an_inbox
from tests.store.samples import together
from worker.delivery.dispatch import dispatch
from worker.delivery.senders import Channels, Credentials
from worker.service.folding import fold
from worker.service.hearing import Answer, hear_sms
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.service.waking import wake
from worker.store import schema


@pytest.fixture
def inbox(database_url: str) -> Iterator[Inbox]:
    with an_inbox(database_url) as found:
        yield found


def tasks(inbox: Inbox) -> list[tuple[str, bool, str]]:
    return [(row.kind, row.urgent, row.note) for row in inbox.rows(schema.tasks) if row.kind != "journey"]


# -- stop -------------------------------------------------------------------------------------------------------------------------


def test_stop_closes_the_number_and_takes_the_leave_back_in_any_shape(inbox: Inbox) -> None:
    for number, said in enumerate(
        ["STOP", "stop.", " «Stop» ", "ΣΤΟΠ", "SΤΟΡ", "Unsubscribe!", "διακοπή", "stop please"]
    ):
        who, phone = f"p-{number}", f"+3069000010{number:02}"
        inbox.written(who, phone=phone)
        assert inbox.sms(said, f"SM{number}", phone)[0] == Answer()
        assert (inbox.suppressed("sms", phone), inbox.allows(who)) == ("opted_out", False), said
        assert inbox.allows(who, "email")
    assert tasks(inbox) == []


def test_stop_in_a_patients_own_words_closes_it_too_and_is_shown_to_the_front_desk(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("please stop texting me, thank you")
    assert (inbox.suppressed(), inbox.allows()) == ("opted_out", False)
    ((kind, urgent, said),) = tasks(inbox)
    assert (kind, urgent) == ("reply", False)
    assert "own words" in said
    assert "texting" not in said


def test_a_stop_counts_though_the_rooms_cannot_be_read_and_its_consent_follows_when_they_can(
    inbox: Inbox,
) -> None:
    inbox.written()
    inbox.spoil_the_rooms()
    for _ in range(8):
        inbox.sms("STOP", "SM-1")
        inbox.now += timedelta(minutes=1)
        for job in sweep(inbox.house).jobs:
            if job.kind == "fold":
                fold(inbox.house, job.clinic, [int(key) for key in job.ids])
    assert inbox.suppressed() == "opted_out"
    assert inbox.rows(schema.quarantine) == []
    publish(inbox.house, FILES)
    inbox.now += timedelta(minutes=1)
    for job in sweep(inbox.house).jobs:
        if job.kind == "fold":
            fold(inbox.house, job.clinic, [int(key) for key in job.ids])
    assert not inbox.allows()


def test_a_stop_of_the_providers_counts_whatever_the_text(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("basta", opt_out_type="STOP")
    assert (inbox.suppressed(), inbox.allows()) == ("opted_out", False)
    assert tasks(inbox) == []


def test_a_stop_is_evidence_and_an_audited_act(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("STOP", "SM-77")
    (told,) = inbox.rows(schema.consents, action="revoked")
    assert (told.channel, told.purpose, told.basis, told.source, told.evidence) == (
        "sms", "marketing", "explicit", "SMS reply", "twilio SM-77",
    )  # fmt: skip
    assert len(told.text_hash) == 64
    (done,) = inbox.rows(schema.audit, action="opted out")
    assert (done.actor, done.detail) == ("patient", {"channel": "sms", "reply": 1, "patients": 1})
    (kept,) = inbox.rows(schema.replies)
    assert (kept.patient_id, kept.body, kept.kind, kept.keyword, kept.harm) == (
        "p-1", "STOP", "opt_out", True, [],
    )  # fmt: skip


def test_the_message_that_was_to_come_stays_in(inbox: Inbox, tmp_path: Path) -> None:
    inbox.written("p-1")
    waiting = inbox.visit("p-2", email=None, consent={"sms": ["marketing"]})
    inbox.sms("STOP")
    out = tmp_path / "outbox"
    channels = Channels(Credentials(), out)
    dispatch(inbox.house, channels, "default", waiting)
    channels.close()
    row = inbox.message(waiting)
    assert (row.state, row.reason) == ("dropped", "suppressed")
    assert not out.exists()


def test_stop_speaks_for_all_who_share_the_number(inbox: Inbox) -> None:
    inbox.written("p-1")
    inbox.now += timedelta(hours=1)
    inbox.written("p-2")
    inbox.sms("STOP")
    assert not inbox.allows("p-1")
    assert not inbox.allows("p-2")
    assert inbox.rows(schema.replies)[0].patient_id == "p-2"


def test_stop_from_a_number_that_we_never_wrote_to_closes_it_all_the_same(inbox: Inbox) -> None:
    inbox.sms("STOP", sender="+306911111111")
    assert inbox.suppressed("sms", "+306911111111") == "opted_out"
    assert inbox.rows(schema.replies)[0].patient_id is None


def test_what_is_told_again_changes_nothing(inbox: Inbox) -> None:
    inbox.written()
    for _ in range(3):
        inbox.sms("stop sending me these")
    together(*(lambda: inbox.sms("It hurts", "SM-2") for _ in range(3)))
    assert len(inbox.rows(schema.replies)) == 2
    assert len(tasks(inbox)) == 2
    assert len(inbox.events("consent.revoked")) == 1
    assert len(inbox.events("patient.held")) == 1


# -- start ------------------------------------------------------------------------------------------------------------------------


def test_start_alone_opens_the_number_and_gives_leave_anew(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("STOP", "SM-1")
    inbox.sms("START", "SM-2", opt_out_type="START")
    assert (inbox.suppressed(), inbox.allows()) == (None, True)
    (given,) = inbox.rows(schema.consents, action="granted")
    assert (given.basis, given.source, given.evidence) == ("explicit", "sms START", "twilio SM-2")
    assert tasks(inbox) == []
    inbox.sms("STOP", "SM-3")
    assert (inbox.suppressed(), inbox.allows()) == ("opted_out", False)


@pytest.mark.parametrize("said", ["YES", "When can we start?"])
def test_nothing_but_start_opens_it_even_where_the_provider_takes_it_for_one(inbox: Inbox, said: str) -> None:
    inbox.written()
    inbox.sms("STOP", "SM-1")
    inbox.sms(said, "SM-2", opt_out_type="START")
    assert (inbox.suppressed(), inbox.allows()) == ("opted_out", False)
    assert inbox.rows(schema.replies)[1].kind == "reply"


def test_start_from_the_number_of_somebody_who_was_forgotten_opens_nothing(inbox: Inbox) -> None:
    inbox.written()
    inbox.tell("patient.erased")
    inbox.sms("START")
    assert inbox.suppressed() == "erased"
    assert inbox.events("consent.granted") == []
    ((_, _, said),) = tasks(inbox)
    assert "forgotten" in said


# -- help -------------------------------------------------------------------------------------------------------------------------


def test_help_that_the_provider_answers_is_left_to_it(inbox: Inbox) -> None:
    inbox.written()
    for number, (said, kind) in enumerate([("HELP", None), ("info", None), ("βοηθεια", "HELP")]):
        assert inbox.sms(said, f"SM{number}", opt_out_type=kind)[0] == Answer()
    assert tasks(inbox) == []


def test_help_in_greek_is_answered_in_the_patients_language_and_shown_to_the_front_desk(inbox: Inbox) -> None:
    inbox.written(language="el")
    answer, _ = inbox.sms("ΒΟΗΘΕΙΑ")
    assert answer.text == "Sample: για βοήθεια καλέστε +302100000000. Στείλτε STOP για διακοπή."
    assert tasks(inbox) == [("reply", False, "Asked for help by SMS. Answered an SMS of hello.")]
    assert inbox.sms("ΒΟΗΘΕΙΑ")[0] == answer, "whoever asks again for the same answer gets it"
    assert len(tasks(inbox)) == 1


def test_a_rehearsal_answers_nobody(inbox: Inbox) -> None:
    clinic = FILES["config/clinic.yaml"].replace("mode: live", "mode: rehearsal")
    publish(inbox.house, {**FILES, "config/clinic.yaml": clinic})
    assert inbox.sms("ΒΟΗΘΕΙΑ")[0] == Answer()


# -- answers ----------------------------------------------------------------------------------------------------------------------


def test_an_answer_is_heard_by_the_journey_that_listens_and_read_by_a_person(inbox: Inbox) -> None:
    key = inbox.written()
    wake(inbox.house, "default", ["p-1"])
    inbox.now += timedelta(hours=2)
    inbox.sms("When does my appointment start?")
    (event,) = inbox.events("message.replied")
    (run,) = inbox.rows(schema.enrollments)
    assert event.data == {"enrollment": run.id, "journey": "hello", "message": key, "channel": "sms"}
    assert (run.outcome, run.reason) == ("finished", "all steps done")
    assert [(row.kind, row.note) for row in inbox.rows(schema.tasks)] == [
        ("reply", "Answered an SMS of hello."), ("journey", "Answered."),
    ]  # fmt: skip
    task = inbox.rows(schema.tasks)[0]
    assert (task.patient_id, task.assignee, task.about) == ("p-1", "front_desk", "1")
    assert task.due_at > inbox.now
    assert inbox.allows()
    assert inbox.suppressed() is None


def test_an_answer_from_a_shared_number_is_of_whom_we_wrote_to_last(inbox: Inbox) -> None:
    inbox.written("p-1")
    inbox.now += timedelta(hours=1)
    inbox.written("p-2")
    inbox.sms("Thanks")
    assert [row.subject for row in inbox.events("message.replied")] == ["p-2"]
    assert tasks(inbox) == [("reply", False, "Answered an SMS of hello. 2 patients share this number.")]


def test_an_answer_counts_for_the_patient_that_two_records_became(inbox: Inbox) -> None:
    inbox.written("p-1")
    inbox.tell("patient.upserted", "p-2", patient={"first_name": "Maria"})
    inbox.tell("patient.merged", "p-1", into="p-2")
    inbox.sms("Thanks")
    assert [row.subject for row in inbox.events("message.replied")] == ["p-2"]


def test_a_picture_without_words_is_an_answer_and_nothing_at_all_is_not(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("", "SM-1", media=2)
    inbox.sms(" ", "SM-2")
    assert tasks(inbox) == [("reply", False, "Answered an SMS of hello. With 2 pictures.")]
    assert [row.kind for row in inbox.rows(schema.replies)] == ["reply", "nothing"]


def test_words_from_a_number_that_we_do_not_know_are_for_a_person(inbox: Inbox) -> None:
    inbox.visit()
    inbox.sms("Do you open on Sunday?")
    assert inbox.events("message.replied") == []
    (task,) = inbox.rows(schema.tasks)
    assert (task.patient_id, task.note) == ("", "An SMS from a number that we have not written to.")


# -- harm -------------------------------------------------------------------------------------------------------------------------


def test_words_of_harm_hold_everybody_of_the_number_and_are_urgent(inbox: Inbox) -> None:
    inbox.written("p-1")
    inbox.written("p-2")
    inbox.sms("My face is swollen and it hurts")
    assert [inbox.held(who) for who in ("p-1", "p-2")] == ["harm reported in a reply"] * 2
    ((kind, urgent, said),) = tasks(inbox)
    assert (kind, urgent) == ("harm", True)
    assert said.startswith("Speaks of pain, swelling. ")
    assert "2 patients share this number." in said
    assert inbox.rows(schema.tasks)[0].due_at == inbox.now
    assert len(inbox.events("message.replied")) == 1


def test_words_of_harm_count_in_a_stop_too_and_after_a_release(inbox: Inbox) -> None:
    inbox.written()
    inbox.sms("ΣΤΟΠ, έχω έγκαυμα", "SM-1")
    assert (inbox.suppressed(), inbox.allows()) == ("opted_out", False)
    assert inbox.held()
    assert [(kind, urgent) for kind, urgent, _ in tasks(inbox)] == [("harm", True)]
    inbox.now += timedelta(minutes=5)
    inbox.tell("patient.released")
    assert inbox.held() is None
    inbox.now -= timedelta(minutes=2)
    inbox.sms("πρήξιμο", "SM-2")
    assert inbox.held()


def test_harm_from_a_number_that_we_do_not_know_is_urgent_too(inbox: Inbox) -> None:
    inbox.sms("It burns!", sender="+306911111111")
    assert [(kind, urgent) for kind, urgent, _ in tasks(inbox)] == [("harm", True)]


# -- whose it is ------------------------------------------------------------------------------------------------------------------


def another(inbox: Inbox, name: str, number: str) -> None:
    files = {
        **FILES, "config/clinic.yaml": FILES["config/clinic.yaml"] + f"id: {name}\n",
        "config/channels.yaml": FILES["config/channels.yaml"].replace(OURS, number),
    }  # fmt: skip
    publish(inbox.house, files)


def sms_to(inbox: Inbox, to: str, body: str, key: str, clinic: str | None = None, **more: str) -> list[str]:
    raw = {"MessageSid": key, **more}
    hear_sms(inbox.house, clinic, Inbound("twilio", key, PHONE, to, body, 0, None, raw))
    return sorted(row.clinic_id for row in inbox.rows(schema.replies, key=key))


def test_the_clinic_is_the_one_that_is_called(inbox: Inbox) -> None:
    service = "MG" + "0" * 32
    another(inbox, "other", "+302100000009")
    another(inbox, "third", service)
    assert sms_to(inbox, "+302100000009", "Hello", "SM-1") == ["other"], "by its number"
    assert sms_to(inbox, "+302100000009", "Hello", "SM-2", clinic="third") == ["third"], "by the address"
    assert sms_to(inbox, "+1555", "Hello", "SM-3", MessagingServiceSid=service) == ["third"], "by its service"
    assert sms_to(inbox, "+1555", "Hello", "SM-4") == ["default"], "nobody's number"
    assert sms_to(inbox, "+302100000009", "Hello", "SM-5", clinic="nobody") == ["other"]


def test_a_stop_to_a_number_that_clinics_share_closes_it_for_all_of_them(inbox: Inbox) -> None:
    another(inbox, "annex", OURS)
    inbox.written()
    assert sms_to(inbox, OURS, "Thanks", "SM-1") == ["default"], "the one that wrote last"
    assert sms_to(inbox, OURS, "STOP", "SM-2") == ["annex", "default"]
    assert {row.clinic_id for row in inbox.rows(schema.suppressions)} == {"annex", "default"}


def test_no_word_of_a_patient_is_logged_or_stands_outside_the_replies(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    inbox.written()
    inbox.sms("zanzibar swollen", "SM-1")
    inbox.sms("please stop texting me zanzibar", "SM-2")
    logged = caplog.text + "".join(capsys.readouterr())
    assert not [word for word in ("zanzibar", "swollen", "swelling", PHONE) if word in logged]
    for table in schema.metadata.sorted_tables:
        if table.name not in ("replies", "workspace_versions"):
            assert "zanzibar" not in str(inbox.rows(table)), table.name
