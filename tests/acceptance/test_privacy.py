"""What a person at the clinic does for a patient's rights, by command, on a system that runs: hold, export, forget; and the tokens that open the door."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.acceptance.clinic import Person, person, visit
from tests.acceptance.system import TOKEN, System
from worker.store import schema
from worker.store.engine import read


def told(house: System, *command: str) -> str:
    """What a command says that ends well."""
    done = house.command(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables_with(house: System, *words: str) -> list[str]:
    """The tables that hold one of these words, in whatever spelling."""
    spelled = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    found = []
    with read(house.engine) as conn:
        for name, table in schema.metadata.tables.items():
            for row in conn.execute(select(table)):
                text = "\n".join(
                    value if isinstance(value, str) else json.dumps(value, default=str) for value in row
                )
                found += [name for word in spelled if word in text]
    return sorted(set(found))


def test_who_is_on_hold_gets_nothing_until_released(house: System) -> None:
    who = person(channels=("sms",))
    house.tell(visit(who, house.now() - timedelta(minutes=5)))
    said = told(house, "hold", who.id, "--reason", "complained about the last visit")
    assert "until you release it" in said
    house.tell(visit(who, house.now(), "second", code="HYD"))
    assert house.texts(who) == []
    assert "no longer on hold" in told(house, "hold", who.id, "--release")
    assert house.texts(who) == []
    house.live_through((house.now() + timedelta(days=2)).replace(hour=12))
    assert [sms.body for sms in house.texts(who)] == ["Thank you for coming, Eleni."], house.message(who)
    assert [row[0] for row in house.rows("audit", "action") if row[0] in ("held", "released")][-2:] == [
        "held",
        "released",
    ]


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (("hold", "p-nobody", "--reason", "x"), 1, "no patient"),
        (("forget", "p-nobody", "--yes"), 1, "no patient"),
        (("export", "p-nobody"), 1, "no patient"),
        (("hold", "p-nobody"), 2, "--reason"),
        (("hold", "p-nobody", "--reason", "x", "--until", "31.1.2027"), 2, "2027-01-31"),
        (("hold", "p-nobody", "--reason", "x", "--until", "2020-01-31"), 2, "is over already"),
        (("hold", "p-nobody", "--release", "--reason", "x"), 2, "--release"),
        (("token", "revoke", "nobody"), 1, "no open token"),
        (("token", "create", "No Name"), 2, "small letters"),
        (("token", "create", "a", "--scope", "all"), 2, "no scope"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_way_out(
    house: System, command: tuple[str, ...], code: int, word: str
) -> None:
    done = house.command(*command)
    assert (done.returncode, word in done.stderr.replace("\n", " ")) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_patient_sees_everything_and_is_then_forgotten(house: System, tmp_path: Path) -> None:
    who = person(first_name="Polyxeni", channels=("sms",))
    house.tell(visit(who, house.now() - timedelta(minutes=5), code="HYD"))
    assert [sms.body for sms in house.texts(who)] == ["Thank you for coming, Polyxeni."]
    path = tmp_path / "her.json"
    told(house, "export", who.id, "--out", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["personal details"]["first name"] == "Polyxeni"
    assert [message["text"] for message in found["messages"]] == ["Thank you for coming, Polyxeni."]
    assert house.command("export", who.id, "--out", str(path)).returncode == 2

    refused = house.command("forget", who.id)
    assert (refused.returncode, tables_with(house, "Polyxeni") != []) == (1, True)
    forgotten = house.process("forget", who.id, "--yes")
    assert "Forgotten" in forgotten.stdout, forgotten.stderr
    assert tables_with(house, "Polyxeni", who.phone, who.email) == []
    assert "forgotten already" in told(house, "forget", who.id)
    _comes_back(house, who)
    assert tables_with(house, "Polyxeni", who.phone, who.email) == []
    assert len(house.texts(who)) == 1
    assert "Polyxeni" not in told(house, "export", who.id)
    assert "Polyxeni" not in house.said()


def _comes_back(house: System, who: Person) -> None:
    again = [
        visit(who, house.now() - timedelta(minutes=5), code="HYD"),
        visit(who, house.now(), "later", code="HYD"),
    ]
    assert house.post(again)["rejected"] == []
    house.settle()


def test_a_token_opens_the_door_until_it_is_revoked(house: System) -> None:
    name = f"book-{house.port}-{person().id}"
    token = told(house, "token", "create", name).splitlines()[0]
    event = json.dumps(visit(person(), house.now())).encode()
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/cloudevents+json"}
    assert house.request("POST", "/events", event, **headers).status == 202
    shown = told(house, "token", "list")
    assert (name in shown, token in shown) == (True, False)
    assert "opens nothing" in told(house, "token", "revoke", name)
    assert house.request("POST", "/events", event, **headers).status == 401
    assert (
        house.request("POST", "/events", event, **{**headers, "Authorization": f"Bearer {TOKEN}"}).status
        == 202
    )
    assert token not in house.said()
    house.settle()
