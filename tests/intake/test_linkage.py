"""Records that may be one patient: names by sound, rules that no shared phone satisfies, and a synthetic base whose double entries are known."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from time import perf_counter
from typing import Any, Final

import pytest

from tests.intake.linkage_base import synthetic
from worker.intake.linkage import Likeness, NoLinkage, Record, alike, groups, scoring, sort_out
from worker.intake.linkage.names import name_of
from worker.intake.linkage.records import CROWD, email_key
from worker.intake.linkage.weights import FIELDS

ELENI = Record(
    "p-1", "Ελένη", "Παπαδοπούλου", "+306900000001", "eleni.p@gmail.com", "1985-03-07", 3, "2024-01-01"
)


def found(*records: Record) -> tuple[Likeness, ...]:
    return sort_out(alike(records), {one.id: one for one in records})


def other(**told: Any) -> Record:
    return replace(ELENI, id="p-2", **told)


def band(*records: Record) -> str:
    pairs = found(*records)
    return pairs[0].band if pairs else ""


# ---- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [
        "Χρήστος ΧΡΗΣΤΟΣ Christos Hristos Xristos Xrhstos", "Παπαδοπούλου Papadopoulou Papadopoylou Papadopulu", "Γιάννης Giannis Yiannis Yannis Giannhs",
        "Δημήτρης Dimitris Dhmhtrhs Dhimitris", "Ευστάθιος Efstathios Eustathios Eystathios", "Αλέξανδρος Alexandros Aleksandros Ale3andros", "Μπάμπης Bampis Babis Mpampis",
        "Αγγελική Aggeliki Angeliki Agelikh", "Θεόδωρος Theodoros 8eodwros Theodwros", "Φωτεινή Foteini Fotini Photini Fwteinh", "Ζωή Zoi Zwh", "Σάρα Sara Sarah",
        "Ψαρά Psara 4ara", "O'Brien OBrien O’Brien",
    ],
)  # fmt: skip
def test_a_name_sounds_the_same_in_either_script(spelled: str) -> None:
    assert len({name_of(word, "") for word in spelled.split()}) == 1


@pytest.mark.parametrize(
    "names", ["Μαρία Μάριος Μαρίνα Μαρίκα", "Γεώργιος Γεωργία", "Anna Hanna Joanna", "Ελένη Ειρήνη"]
)
def test_other_names_sound_otherwise(names: str) -> None:
    assert len({name_of(word, "") for word in names.split()}) == len(names.split())


def test_the_order_of_names_one_column_and_titles_make_no_difference() -> None:
    wholes = {
        name.whole if name else None
        for name in (name_of("Ελένη", "Παπαδοπούλου"), name_of("Papadopoulou", "Eleni"), name_of("κα Ελένη Παπαδοπούλου", ""), name_of("", "Mrs. ELENI PAPADOPOULOU"))
    }  # fmt: skip
    assert len(wholes) == 1
    assert name_of(" ", "-") is None


def test_dots_and_plus_mean_nothing_at_gmail_and_only_there() -> None:
    assert email_key("Eleni.P+spa@Googlemail.com") == email_key("elenip@gmail.com") == "elenip@gmail.com"
    assert email_key("Eleni.P+spa@Example.com") == "eleni.p+spa@example.com"


# ---- what is certain, what is proposed, what is nothing -----------------------------------------------------


CASES: Final[tuple[tuple[dict[str, str], str], ...]] = (
    ({}, "certain"),
    ({"first_name": "Eleni", "last_name": "Papadopulu", "email": ""}, "certain"),
    ({"first_name": "Παπαδοπούλου", "last_name": "Ελένη", "email": ""}, "certain"),
    ({"first_name": "Λένα", "email": ""}, "certain"),
    ({"birth_date": "{year}-07-03", "email": ""}, "certain"),
    ({"last_name": "Whitfield", "email": ""}, "certain"),
    ({"phone": "+44790000{year}", "email": "ELENI{year}@gmail.com"}, "certain"),
    ({"last_name": "Whitfield", "birth_date": "{year}-07-03", "email": ""}, "proposed"),
    ({"first_name": "Ελένφη", "email": ""}, "proposed"),
    ({"phone": "+44790000{year}", "email": "other{year}@example.com"}, "proposed"),
    ({"birth_date": "", "email": ""}, "proposed"),
    ({"birth_date": ""}, "proposed"),
    ({"birth_date": "1931-11-29"}, "proposed"),
    ({"first_name": "", "last_name": "", "email": ""}, "proposed"),
    ({"first_name": "Μαρία"}, ""),
    ({"first_name": "Νίκος", "email": "", "birth_date": "2011-05-05"}, ""),
    ({"last_name": "Whitfield", "birth_date": "1999-01-01", "email": ""}, ""),
    ({"phone": "", "email": "", "birth_date": ""}, ""),
    ({"first_name": "Μαρία Ελένη"}, "certain"),
    ({"first_name": "Ε."}, "proposed"),
)
"""What is told otherwise of a second record, and what the pair is then. Each case has a patient of its own, born in a year of her own."""


def test_the_band_of_a_pair() -> None:
    records = {}
    for at, (told, _) in enumerate(CASES):
        year = str(1950 + at)
        first = replace(
            ELENI,
            id=f"{at}-a",
            phone=f"+30690000{year}",
            email=f"eleni{year}@gmail.com",
            birth_date=f"{year}-03-07",
        )
        new: dict[str, Any] = {name: value.format(year=year) for name, value in told.items()}
        second = replace(first, id=f"{at}-b", **new)
        records.update({one.id: one for one in (first, second)})
    bands = {one.pair: one.band for one in sort_out(alike(list(records.values())), records)}
    assert [(told, bands.pop((f"{at}-a", f"{at}-b"), "")) for at, (told, _) in enumerate(CASES)] == list(
        CASES
    )


def test_where_no_record_knows_a_birth_date_name_phone_and_mail_must_all_be_the_same() -> None:
    bare = replace(ELENI, birth_date="")
    assert band(bare, other(birth_date="")) == "certain"
    assert band(bare, other(birth_date="", email="")) == "proposed"


def test_twins_are_never_certain() -> None:
    for names in (("Μαρία", "Μαρίνα", "Άννα", "Γεώργιος", "Γεωργία"), ("Μαρία Ελένη", "Μαρία Άννα")):
        pairs = found(*(replace(ELENI, id=f"p-{at}", first_name=name) for at, name in enumerate(names)))
        assert {one.band for one in pairs} <= {"proposed"}


def test_a_number_that_many_share_says_nothing() -> None:
    many = [replace(ELENI, id=f"p-{n}", email="", birth_date="") for n in range(CROWD + 1)]
    assert found(*many[:-1])
    assert found(*many) == ()


def test_a_record_that_is_certain_with_two_who_contradict_each_other_is_for_a_person() -> None:
    grandmother = replace(ELENI, id="p-3", birth_date="1931-11-29")
    bridge = replace(ELENI, id="p-2", birth_date="1931-03-07")
    pairs = (
        Likeness("p-1", "p-2", 20, {"name": "same", "birth": "same"}, "certain"),
        Likeness("p-2", "p-3", 20, {"name": "same", "birth": "same"}, "certain"),
        Likeness("p-1", "p-3", 5, {"name": "same", "birth": "other"}, "proposed"),
    )
    records = {one.id: one for one in (ELENI, bridge, grandmother)}
    assert {one.band for one in sort_out(pairs, records)} == {"proposed"}
    assert {one.band for one in sort_out(pairs[:1], records)} == {"certain"}


def test_what_a_person_decided_over_is_never_certain_again_and_what_she_told_apart_never_comes_back() -> None:
    records = {one.id: one for one in (ELENI, other())}
    pairs, both = alike(list(records.values())), frozenset(records)
    assert [one.band for one in sort_out(pairs, records, ask={both})] == ["proposed"]
    assert sort_out(pairs, records, never={both}) == ()


def test_one_of_two_who_has_died_is_for_a_person() -> None:
    assert band(ELENI, replace(other(), gone=True)) == "proposed"
    assert band(replace(ELENI, gone=True), replace(other(), gone=True)) == "certain"


def test_the_record_with_most_appointments_goes_on_then_the_oldest() -> None:
    records = [replace(ELENI, id="p-9", entries=4), ELENI, replace(ELENI, id="p-2", since="2020-01-01")]
    (group,) = groups(found(*records), {one.id: one for one in records})
    assert (group.kept, group.gone) == ("p-9", ("p-1", "p-2"))
    level = [replace(one, entries=1) for one in records]
    assert groups(found(*level), {one.id: one for one in level})[0].kept == "p-2"


# ---- the whole --------------------------------------------------------------------------------------------


def test_the_weights_are_probabilities() -> None:
    for levels in FIELDS.values():
        told = [level for level in levels if level.name != "unknown"]
        assert sum(level.m for level in told) == pytest.approx(1, abs=0.01)
        assert sum(level.u for level in told) == pytest.approx(1, abs=0.001)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "find_spec", lambda name: None)
    with pytest.raises(NoLinkage, match=r"pip install 'revisit\[organise\]'"):
        alike([ELENI, other()])


def test_the_same_records_in_any_order_give_the_same_pairs() -> None:
    records = synthetic(800, 80, seed=5).records
    shuffled = records.copy()
    Random(1).shuffle(shuffled)
    assert alike(records) == alike(shuffled) != ()


def test_twenty_thousand_records_with_known_doubles() -> None:
    base = synthetic(20_000, 1_000)
    records = {one.id: one for one in base.records}
    start = perf_counter()
    pairs = sort_out(alike(base.records), records)
    seconds = perf_counter() - start
    certain, proposed = (
        {frozenset(one.pair) for one in pairs if one.band == band} for band in ("certain", "proposed")
    )
    precision = len(certain & base.same) / len(certain)
    recall = len((certain | proposed) & base.same) / len(base.same)
    print(
        f"\n20,000 records, {len(base.same)} doubles, {seconds:.1f} s: certain {len(certain)} (precision {precision:.4f}), proposed {len(proposed)}, "
        f"recall {recall:.3f} ({len(certain & base.same) / len(base.same):.3f} by rule); traps merged: "
        + ", ".join(
            f"{what} {len(traps & certain)} of {len(traps)}" for what, traps in sorted(base.traps.items())
        )
    )
    assert precision >= 0.99
    assert recall >= 0.95
    assert len(certain & base.same) >= 0.6 * len(base.same)
    assert {what: len(traps & certain) for what, traps in base.traps.items()} == {
        "family": 0,
        "twins": 0,
        "generations": 0,
    }
    assert len(proposed) <= len(base.same)
    assert seconds < 60
