"""Word lists and phrases, and whether they stand in a clause. The tables say what; this says how.

Rules
1. A word is whole: `stop` is not in `stopwatch`. Only an entry that ends in `*` means every ending of it (`unsubscrib*`).
2. A Greek entry is compared by sound, a Latin one by its letters; Greeklish therefore needs no entries of its own.
3. A phrase is words in order: `STOP ~3 MESSAGES` allows three words between, `^` is the beginning of a clause and `$` its end. Names in capitals are lists.
4. A phrase does not hold in a clause that has a word of its `unless`. Time is linear in the clause: every place is tried at once, and no regular expression is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.domain.words_heard.folding import Clause, Token, fold, is_greek, sound

BLANK: Final = Token("", "")
"""Stands where an idiom was, so that its words are no longer heard; the distance stays."""


@dataclass(frozen=True)
class Words:
    """A list of words, to be asked with `in`."""

    exact: frozenset[str]
    starts: tuple[str, ...]
    sounds: frozenset[str]
    sound_starts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Words:
        """From words with spaces between; `*` at the end of one stands for every ending."""
        exact, starts, sounds, sound_starts = set(), [], set(), []
        for entry in text.split():
            stem = fold(entry.rstrip("*"))
            if is_greek(stem):
                if entry.endswith("*"):
                    sound_starts.append(sound(stem))
                else:
                    sounds.add(sound(stem))
            elif entry.endswith("*"):
                starts.append(stem)
            else:
                exact.add(stem)
        return cls(frozenset(exact), tuple(starts), frozenset(sounds), tuple(sound_starts))

    def __contains__(self, token: Token) -> bool:
        word, heard = token
        return bool(word) and (
            word in self.exact
            or heard in self.sounds
            or (bool(self.starts) and word.startswith(self.starts))
            or (bool(self.sound_starts) and heard.startswith(self.sound_starts))
        )

    def greek(self, token: Token) -> bool:
        """True when the token is in the list as Greek."""
        return token.word not in self.exact and not (self.starts and token.word.startswith(self.starts))


@dataclass(frozen=True)
class Phrase:
    """Words in order, each with how many may stand before it; where the phrase must begin and end."""

    parts: tuple[tuple[int, Words], ...]
    first: bool
    last: bool
    unless: Words

    def spans(self, clause: Clause) -> dict[int, int]:
        """Where it stands: end (exclusive) to the latest beginning that leads there. Empty when nowhere."""
        words = self.parts[0][1]
        begins = range(1) if self.first else range(len(clause))
        found = {at + 1: at for at in begins if at < len(clause) and clause[at] in words}
        for gap, words in self.parts[1:]:
            if not found:
                return found
            reached: dict[int, int] = {}
            for end, begin in found.items():
                for at in range(end, min(end + gap + 1, len(clause))):
                    if clause[at] in words:
                        reached[at + 1] = max(begin, reached.get(at + 1, 0))
            found = reached
        if self.last:
            found = {end: begin for end, begin in found.items() if end == len(clause)}
        return {} if found and any(token in self.unless for token in clause) else found


def phrases(lines: str, lists: Mapping[str, Words]) -> tuple[Phrase, ...]:
    """One phrase a line; what follows `unless` are the words that must not be in the clause."""
    return tuple(_phrase(line, lists) for line in lines.splitlines() if line.strip())


def _phrase(line: str, lists: Mapping[str, Words]) -> Phrase:
    text, _, unless = line.partition(" unless ")
    parts: list[tuple[int, Words]] = []
    gap = 0
    for word in text.split():
        if word.startswith("~"):
            gap = int(word[1:])
        elif word not in {"^", "$"}:
            parts.append((gap, _either(word, lists)))
            gap = 0
    words = text.split()
    return Phrase(tuple(parts), words[0] == "^", words[-1] == "$", _union(unless.split(), lists))


def _either(word: str, lists: Mapping[str, Words]) -> Words:
    return _union(word.split("|"), lists)


def _union(names: Iterable[str], lists: Mapping[str, Words]) -> Words:
    named = [name for name in names if name in lists]
    plain = Words.of(" ".join(name for name in names if name not in lists))
    every = [*(lists[name] for name in named), plain]
    return Words(
        frozenset().union(*(words.exact for words in every)),
        tuple(start for words in every for start in words.starts),
        frozenset().union(*(words.sounds for words in every)),
        tuple(start for words in every for start in words.sound_starts),
    )


def without(clause: Clause, idioms: Iterable[Phrase]) -> Clause:
    """The clause with the idioms blanked: `the bus stop` no longer has a `stop`."""
    tokens = list(clause)
    for idiom in idioms:
        for end, begin in idiom.spans(clause).items():
            tokens[begin:end] = [BLANK] * (end - begin)
    return tuple(tokens)
