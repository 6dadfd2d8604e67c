from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.segments import GSM_BASIC, GSM_EXTENSION, count_segments


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "gsm7", 0),
        ("A" * 160, "gsm7", 1),
        ("A" * 161, "gsm7", 2),
        ("A" * 306, "gsm7", 2),
        ("A" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("A" * 152 + "€" + "A" * 10, "gsm7", 2),
        ("A" * 152 + "€" + "A" * 152, "gsm7", 3),  # 306 units would fit two, but the pair may not straddle
        ("α" * 70, "ucs2", 1),
        ("α" * 71, "ucs2", 2),
        ("α" * 134, "ucs2", 2),
        ("α" * 135, "ucs2", 3),
        ("🙂" * 35, "ucs2", 1),
        ("🙂" * 36, "ucs2", 2),
        ("🙂" * 66, "ucs2", 2),
        ("🙂" * 67, "ucs2", 3),  # 134 units would fit two, but 67 is odd
        ("ΓΔΘΛΞΠΣΦΨΩ", "gsm7", 1),
        ("ΑΒΓ", "ucs2", 1),
        ("it’s", "ucs2", 1),
        ("ça", "ucs2", 1),
        ("Ça", "gsm7", 1),
    ],
)
def test_a_text_costs_what_the_network_charges(text: str, encoding: str, count: int) -> None:
    found = count_segments(text)
    assert (found.encoding, found.count) == (encoding, count)


def test_the_characters_that_make_it_dear_are_named_once_and_in_order() -> None:
    assert count_segments("Ça va, it’s ΑΓΑ… ok").forced_by == ("’", "Α", "…")
    assert count_segments("plain [text] for 5€").forced_by == ()


def test_the_alphabet_is_complete() -> None:
    assert len(GSM_BASIC) == 127  # 128 positions, one of which is the escape
    assert len(GSM_EXTENSION) == 10
    assert not GSM_BASIC & GSM_EXTENSION


@given(st.text())
def test_the_count_lies_between_the_units_and_one_lost_unit_a_segment(text: str) -> None:
    found = count_segments(text)
    single, each = (160, 153) if found.encoding == "gsm7" else (70, 67)
    if found.units <= single:
        assert found.count == (1 if text else 0)
    else:
        assert -(-found.units // each) <= found.count <= -(-found.units // (each - 1))
