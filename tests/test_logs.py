"""No line of a log holds a patient's data, whatever key, type or logger somebody passes it to."""

from __future__ import annotations

import ast
import enum
import io
import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from worker.logs import SHAPES, Handler, formatter, scrub, without_patients
from worker.workspace.house import House

NAME, PHONE, MAIL = "Ευφροσύνη Zographaki", "+306911111111", "efi.z@mail.example"
PRIVATE = (NAME, "Zographaki", PHONE, PHONE[1:], MAIL, "Laser hair removal")


NUMBERS = {
    "version",
    "accepted",
    "added",
    "duplicates",
    "left",
    "refused",
    "number",
    "line",
    "count",
    "seconds",
    "new",
    "harm",
    "patients",
}


class Lines:
    """What was logged, line by line, as a clinic's log would have it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = Handler(self.stream)
        self.handler.setFormatter(formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
        self.logger = logging.getLogger(f"dramatiq.test.{id(self)}")
        self.logger.propagate = False
        self.logger.addHandler(self.handler)

    def named(self, name: str) -> logging.Logger:
        found = logging.getLogger(f"{name}.{id(self)}")
        found.propagate = False
        found.handlers[:] = [self.handler]
        return found

    @property
    def all(self) -> str:
        return self.stream.getvalue()

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.all.splitlines()[-1])
        return found


@pytest.fixture
def lines() -> Lines:
    return Lines()


class State(enum.Enum):
    SENT = "sent"


def shown(**event: Any) -> dict[str, Any]:
    return dict(without_patients(None, "", {"event": "x", **event}))


def test_ids_counts_codes_and_places_are_shown() -> None:
    event = {
        "clinic": "default", "message": "0a" * 16, "number": 7, "channel": "sms", "outcome": "accepted", "code": "21610", "line": 3,
        "error": "ValueError", "where": ["folding.py:12 _fold", "x.py:1 <lambda>"], "path": "/events", "held": True, "seconds": 0.5,
        "nothing": None, "variable": "TWILIO_AUTH_TOKEN",
    }  # fmt: skip
    assert shown(**event) == {"event": "x", **event}
    assert shown(state=State.SENT)["state"] == "sent"


@pytest.mark.parametrize(
    "key", [*sorted(SHAPES), "error", "name", "phone", "patient", "subject", "detail", "number", "count"]
)
@pytest.mark.parametrize(
    "value",
    [
        NAME,
        PHONE,
        MAIL,
        int(PHONE),
        float(PHONE),
        [NAME],
        {"a": MAIL},
        NAME.encode(),
        ValueError(NAME),
        {MAIL},
        (NAME,),
    ],
)
def test_nothing_of_a_patient_passes_whatever_the_key(key: str, value: Any) -> None:
    told = json.dumps(shown(**{key: value}), ensure_ascii=False, default=str)
    assert not [word for word in PRIVATE if word in told]


@given(
    st.dictionaries(
        st.text(max_size=30).filter(lambda key: key not in ("event", "level", "timestamp")),
        st.recursive(
            st.sampled_from([NAME, PHONE, MAIL, int(PHONE)]),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=5,
    )
)
def test_nothing_of_a_patient_passes_whatever_the_shape(event: dict[str, Any]) -> None:
    told = json.dumps(without_patients(None, "", {"event": "x", **event}), ensure_ascii=False)
    assert not [word for word in PRIVATE if word in told]


def test_a_key_may_be_somebodys_name_too() -> None:
    assert list(shown(**{NAME: 1, PHONE: 2, "Anna": 3})) == ["event", "key_1", "key_2", "key_3"]


def test_what_may_name_a_treatment_stands_in_no_line_about_one_patient() -> None:
    assert shown(template="templates/lips/x.sms.en.j2", line=3)["template"] == "templates/lips/x.sms.en.j2"
    assert shown(template="templates/lips/x.sms.en.j2", message="0a" * 16)["template"] == "<str>"
    assert shown(journey="lip_filler", reply=7)["journey"] == "<str>"


@pytest.mark.parametrize(
    "text",
    [
        "+306911111111",
        "691 111 1111",
        "(691) 111-1111",
        "0030.691.111.1111",
        "x+306911111111y",
        "efi.z@mail.example",
        "<efi.z@mail.example>",
    ],
)
def test_addresses_are_taken_out_of_the_text_of_a_line(text: str) -> None:
    assert not [
        part
        for part in ("691", "111", "efi", "mail.example")
        if part in scrub(f"no answer from {text} today")
    ]


@given(
    st.from_regex(r"[a-z0-9.]{1,10}@[a-z]{1,8}\.[a-z]{2,3}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{10,13}", fullmatch=True),
)
def test_no_address_of_any_kind_stays_in_a_text(mail: str, phone: str) -> None:
    assert mail not in scrub(f"a {mail} b")
    assert phone not in scrub(f"a {phone} b")
    assert phone not in scrub(f"a{phone}b")


def test_an_exception_is_told_by_its_kind_and_way_and_never_by_its_words(lines: Lines) -> None:
    try:
        raise ValueError(f"{NAME} at {PHONE}")
    except ValueError:
        lines.logger.exception("Failed to process message with unhandled exception")
    assert (lines.last["error"], lines.last["where"][-1].partition(":")[0]) == ("ValueError", "test_logs.py")
    assert not [word for word in PRIVATE if word in lines.all]


def test_other_peoples_lines_are_shown_where_their_words_stand_in_their_code(lines: Lines) -> None:
    lines.logger.warning("Restarting consumer")
    assert lines.last["event"] == "Restarting consumer"
    lines.logger.warning("%s could not be reached after %d tries, %r", NAME, 3, MAIL)
    assert lines.last["event"] == "<str> could not be reached after 3 tries, <str>"
    lines.logger.warning("%(who)s is away", {"who": NAME})
    assert lines.last["event"] == "<str> is away"
    put_together = f"patient {NAME} is away"
    lines.logger.warning(put_together)
    assert lines.last["event"] == "a line whose words are not shown"
    assert lines.last["where"].startswith("test_logs.py:")
    lines.logger.error({"who": NAME})
    lines.logger.error(ValueError(NAME))
    assert not [word for word in PRIVATE if word in lines.all]


@given(st.text(min_size=1, max_size=60), st.lists(st.sampled_from([NAME, PHONE, MAIL]), max_size=3))
def test_nothing_of_a_patient_passes_through_another_logger(words: str, values: list[str]) -> None:
    lines = Lines()
    try:
        lines.logger.warning(words, *values)
        after, before = f"{words} {NAME} {PHONE} {MAIL}", f"{NAME} {words}"
        lines.logger.warning(after)
        lines.named("uvicorn.error").error(before, exc_info=ValueError(MAIL))
        lines.named("worker.service").error("%s has failed", NAME)
        assert not [word for word in PRIVATE if word in lines.all]
        assert len(lines.all.splitlines()) == 4
    finally:
        lines.logger.handlers.clear()


def test_the_plumbing_knows_no_patient_so_its_values_are_shown_but_for_addresses(lines: Lines) -> None:
    lines.named("worker.queue.supervisor").warning("%s ended (%s), said %s", "web", "SIGKILL", MAIL)
    assert lines.last["event"] == "web ended (SIGKILL), said […]"


def test_every_key_that_the_program_logs_is_known_or_a_number() -> None:
    unknown = []
    for path in sorted((Path(__file__).resolve().parents[1] / "worker").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("log.", "_LOG.")):
                keys = {str(keyword.arg) for keyword in node.keywords} - {
                    *SHAPES,
                    *NUMBERS,
                    "error",
                    "exc_info",
                }
                unknown += [f"{path.name}:{node.lineno}: {key}" for key in sorted(keys)]
    assert unknown == []


def test_a_line_that_cannot_be_written_is_not_printed_instead(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(NAME)

    lines.handler.setFormatter(formatter(broken))
    lines.logger.warning("%s is away", NAME)
    said = capsys.readouterr().err
    assert "could not be logged (RuntimeError)" in said
    assert not [word for word in PRIVATE if word in said]


def test_what_a_thread_dies_of_is_not_printed_with_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    from worker import logs

    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    hooks = (threading.excepthook, sys.unraisablehook)
    try:
        logs.set_up_logging()

        def fail() -> None:
            raise ValueError(f"{NAME} {MAIL}")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        threading.excepthook, sys.unraisablehook = hooks
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert '"error": "ValueError"' in said
    assert not [word for word in PRIVATE if word in said]


def test_an_id_from_outside_is_shown_as_letters_that_tell_nobody_whose_it_is() -> None:
    house, other = (
        House(create_engine("sqlite://"), secret, "http://127.0.0.1:1") for secret in ("one", "two")
    )
    for told in (PHONE, NAME, MAIL, "p-1"):
        seen = house.opaque(told)
        assert shown(patient=seen, enrollment=seen) == {"event": "x", "patient": seen, "enrollment": seen}
        assert seen == house.opaque(told) != other.opaque(told)
        assert shown(patient=told)["patient"] == "<str>"


def test_what_a_job_is_about_stands_in_every_line_that_is_logged_while_it_runs(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(job="dispatch", clinic="default", message="0a" * 16):
        lines.logger.warning("Restarting consumer")
    assert (lines.last["job"], lines.last["clinic"], lines.last["message"]) == (
        "dispatch",
        "default",
        "0a" * 16,
    )
