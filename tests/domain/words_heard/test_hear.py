"""What makes no difference to a keyword, what never opts in, and that any text is answered at once."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.domain.words_heard import Heard, hear
from worker.domain.words_heard.folding import READ, clauses, fold

OPT_OUT = ("stop", "stopall", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe", "διακοπη", "στοπ", "τελος", "διαγραφη", "απεγγραφη", "ακυρωση")  # fmt: skip
KEYWORDS = {
    **dict.fromkeys(OPT_OUT, "opt_out"),
    **dict.fromkeys(("start", "unstop", "εναρξη"), "opt_in"),
    **dict.fromkeys(("help", "info", "βοηθεια", "πληροφοριες"), "help"),
}
AROUND = st.text(" \t\n\u00a0\u200b\ufeff.,!?;:'\"«»()[]*-–…❤👍", max_size=6)
MARKS = "\u0301\u0308\u0336\u200b"


@st.composite
def dressed(draw: st.DrawFn) -> tuple[str, str]:
    """A keyword in any case, with marks, invisible characters and punctuation about it; and its kind."""
    word = draw(st.sampled_from(sorted(KEYWORDS)))
    letters = []
    for letter in word:
        shown = draw(st.sampled_from([letter, letter.upper()]))
        wide = unicodedata.normalize("NFKC", chr(ord(shown) + 0xFEE0)) == shown if shown.isascii() else False
        if wide and draw(st.booleans()):
            shown = chr(ord(shown) + 0xFEE0)
        letters.append(shown + (draw(st.sampled_from(["", *MARKS])) if shown != " " else ""))
    return draw(AROUND) + "".join(letters) + draw(AROUND), KEYWORDS[word]


@given(dressed())
def test_case_accents_and_what_stands_around_a_keyword_do_not_change_it(said: tuple[str, str]) -> None:
    text, kind = said
    heard = hear(text)
    assert (heard.kind, heard.keyword) == (kind, True)


@given(st.text() | st.text(alphabet="stop START να μη\u200b.,\n'-", max_size=200))
@example("\ud800")
@example("\ufdfa" * 50)
def test_any_text_has_an_answer_and_the_same_one_twice(text: str) -> None:
    heard = hear(text)
    assert isinstance(heard, Heard)
    assert hear(text) == heard
    assert list(heard.harm) == sorted(set(heard.harm))


@given(st.lists(st.sampled_from("when does my appointment the treatment please thanks yes ναι can I on Monday".split()), min_size=1), st.data())  # fmt: skip
def test_start_within_a_sentence_never_opts_in(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words)))
    word = data.draw(st.sampled_from(["start", "START", "unstop", "έναρξη"]))
    assert hear(" ".join([*words[:at], word, *words[at:]])).kind != "opt_in"


@pytest.mark.parametrize(
    "text", ["YES", "yes", "Y", "ναι", "ΝΑΙ", "ok", "OK!", "εντάξει", "start please", "START STOP"]
)
def test_only_an_explicit_word_alone_opts_in(text: str) -> None:
    assert hear(text).kind == "reply"


@pytest.mark.parametrize(
    "piece",
    ["stop ", "dont ", "s.t.o.p.", "a ", "-", "please no more ", "μη μου ", "'", "no pain or ", "🛑", "\u0301", "ﷺ", "aaaa", "\n", "x. "],
)  # fmt: skip
def test_a_hundred_kilobytes_take_milliseconds(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    hear(text)
    began = time.process_time()
    hear(text)
    assert time.process_time() - began < 0.5


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    between = "words " * READ
    assert hear(f"stop texting me. {between}").kind == "opt_out"
    assert hear(f"{between}. stop texting me").kind == "opt_out"
    assert hear(f"{between}. stop texting me. {between}").kind == "reply"
    assert len(fold("x, y " * READ)) <= READ


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("STOP", "en"), ("ΣΤΟΠ", "el"), ("diagrafi", "el"), ("min mou stelnete", "el"), ("stop texting me", "en"), ("ponaw", "el"), ("it hurts", "en"),
        ("καλημέρα", "el"), ("See you", None), ("👍", None), ("enarxi", "el"), ("help", "en"), ("voitheia", "el"),
    ],
)  # fmt: skip
def test_the_language_is_that_of_what_was_understood(text: str, language: str | None) -> None:
    assert hear(text).language == language


@pytest.mark.parametrize("text", ["cancel please", "yes, cancel", "ακύρωση παρακαλώ"])
def test_a_cancel_with_courtesies_leaves_and_is_shown_to_a_person(text: str) -> None:
    heard = hear(text)
    assert (heard.kind, heard.keyword) == ("opt_out", False)


@pytest.mark.parametrize(
    ("greek", "greeklish"),
    [
        ("σταματήστε", ["stamatiste", "stamathste"]), ("μου", ["mou", "mu"]), ("θέλω", ["thelo", "8elw", "9elo"]), ("ξανά", ["xana", "ksana", "3ana"]),
        ("μηνύματα", ["minimata", "mhnymata", "mhnumata"]), ("έγκαυμα", ["egkauma", "egavma", "egkavma"]), ("τη", ["ti", "th"]), ("ενοχλείτε", ["enoxleite", "enohlite", "enochlite"]),
    ],
)  # fmt: skip
def test_greek_and_greeklish_sound_alike(greek: str, greeklish: list[str]) -> None:
    ((heard,),) = clauses(greek)
    for written in greeklish:
        ((token,),) = clauses(written)
        assert token.sound == heard.sound, written


@pytest.mark.parametrize(
    ("mixed", "plain"), [("SΤΟΡ", "stop"), ("ЅТОР", "stop"), ("ΔIAKOΠH", "διακοπη"), ("ΤEΛOΣ", "τελοσ")]
)
def test_a_word_of_two_alphabets_is_read_in_the_one_it_looks_like(mixed: str, plain: str) -> None:
    assert [token.word for clause in clauses(mixed) for token in clause] == [plain]


@settings(max_examples=50)
@given(
    st.sampled_from(
        [
            "stopwatch",
            "nonstop",
            "unstoppable",
            "Spain",
            "campaign",
            "weekend",
            "restart",
            "helpful",
            "information",
            "Burnham",
            "trash",
        ]
    )
)
def test_a_keyword_within_a_word_is_no_keyword(word: str) -> None:
    heard = hear(word)
    assert (heard.kind, heard.harm) == ("reply", ())
