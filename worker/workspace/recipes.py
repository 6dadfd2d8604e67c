"""A new journey from a recipe: one of the sample clinic's journeys, with its texts and stories, made a workspace's own.

Rules
1. The recipe's text stays as it is written, comments and layout too; only names, and the values that were answered, change.
2. A new journey is a draft: nothing starts until its author sets it live.
3. Nothing is overwritten. What the recipe needs and the workspace lacks is added to config/ below a remark; see `needs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from worker.domain.calendar import parse_window
from worker.domain.language.wait import parse_wait
from worker.domain.shape import NAME
from worker.domain.source import Map, Seq
from worker.workspace.drawing import written_journeys
from worker.workspace.files import Files
from worker.workspace.needs import Clinic, clinic_of, needs
from worker.workspace.recipe_text import (
    CannotMake,
    Recipe,
    channels_of,
    is_word,
    journey_text,
    renamed,
    stories,
    texts,
)
from worker.workspace.rooms import read
from worker.workspace.trees import listed, steps, tree_of, under, word

__all__ = ["CannotMake", "Draft", "Question", "Recipe", "drafted", "make", "questions", "recipes"]

ASKED_STEPS: Final = 3
OTHERS: Final = "another journey takes part in it, which is not here"


@dataclass(frozen=True)
class Question:
    """One value to ask for. `wrong` says what is wrong with an answer, "" where nothing is."""

    key: str
    ask: str
    default: str
    wrong: Callable[[str], str]


@dataclass(frozen=True)
class Draft:
    """What a new journey consists of: `new` files, `changed` ones with their whole text, and in words what was `added` to config/.

    `left_out` are stories that did not come along, each with the reason. `differs` where answers were given that the stories do not know of.
    """

    new: Mapping[str, str]
    changed: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    differs: bool = False

    @property
    def files(self) -> dict[str, str]:
        """All that is to be written."""
        return {**self.changed, **self.new}


def recipes(sample: Files) -> dict[str, Recipe]:
    """The journeys of the sample rooms by name."""
    found = written_journeys(sample)
    return {
        name: Recipe(name, sample[path], node)
        for name, (path, node) in found.items()
        if isinstance(node, Map)
    }


def questions(recipe: Recipe, sample: Files, files: Files) -> tuple[Question, ...]:
    """What is asked before a journey is made of the recipe in this workspace, each with the answer that `--yes` takes."""
    clinic = clinic_of(files)
    node = recipe.node
    asked = [Question("title", "Title", recipe.title, _something)]
    for kind in ("enters", "leaves"):
        segment = word(under(node.get("start"), kind))
        if segment and segment not in clinic.segments:
            told = f"Segment that starts it (there is no `{segment}` here yet; it would be added)"
            asked.append(Question(kind, told, segment, _one_of({*clinic.segments, segment})))
    if is_word(hours := node.get("send_between")):
        asked.append(Question("send_between", "Hours in which its messages may leave", word(hours), _hours))
    if is_word(priority := node.get("priority")):
        asked.append(
            Question("priority", "Priority, 1 (first) to 9", word(priority), _one_of({*"123456789"}))
        )
    listing = node.get("steps")
    for step in listing.items[:ASKED_STEPS] if isinstance(listing, Seq) else ():
        name = word(under(step, "id"))
        if is_word(wait := under(step, "wait")):
            asked.append(Question(f"wait {name}", f"Wait before `{name}`", word(wait), _wait))
        if wanted := listed(under(step, "send")):
            known = channels_of(sample, word(under(step, "template"))) & {*clinic.channels}
            default = ", ".join(channel for channel in wanted if channel in clinic.channels)
            asked.append(
                Question(
                    f"send {name}", f"Channels of `{name}`, the first choice first", default, _some_of(known)
                )
            )
    return tuple(asked)


def make(name: str, recipe: Recipe, answers: Mapping[str, str], sample: Files, files: Files) -> Draft:
    """Like `drafted`, and tried: raises CannotMake where the workspace would have errors that it does not have now."""
    draft = drafted(name, recipe, answers, sample, files)
    _tried(draft, files)
    return draft


def drafted(name: str, recipe: Recipe, answers: Mapping[str, str], sample: Files, files: Files) -> Draft:
    """The files of a new journey. `answers` are by `Question.key`; those left out are as in the recipe. Raises CannotMake or NotEditable."""
    _name_is_free(name, recipe, sample, files)
    defaults = {question.key: question.default for question in questions(recipe, sample, files)}
    given = {key: answer.strip() for key, answer in answers.items() if answer.strip() != defaults.get(key)}
    clinic = clinic_of(files)
    channels, used = _channels(recipe, given, clinic)
    new = {f"journeys/{name}.yaml": journey_text(name, recipe, given, channels)}
    absent = recipes(sample).keys() - written_journeys(files).keys() - {recipe.name}
    told = list(stories(name, recipe, sample, absent))
    new.update({each.path: each.text for each in told})
    trees = [tree_of(new, path) for path in new]
    for old, fresh in renamed(name, recipe).items():
        new.update(texts(sample, old, fresh, used.get(old, frozenset()), clinic))
    for path in sorted(new):
        if path in files:
            raise CannotMake(
                f"{path} is there already, and nothing is overwritten. Choose another name, or move that file."
            )
    lacking = needs(recipe.name, name, trees, sample, files)
    left_out = tuple((story, OTHERS) for each in told for story in each.left_out)
    differs = bool(given.keys() - {"title", "priority"})
    return Draft(new, lacking.files, tuple(lacking.words), left_out, differs)


def _name_is_free(name: str, recipe: Recipe, sample: Files, files: Files) -> None:
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
        hint = f" Try `{near}`." if NAME.fullmatch(near) else ""
        raise CannotMake(
            f"`{name}` can't be a journey's name: small letters, digits and _ only, starting with a letter.{hint}"
        )
    there = written_journeys(files)
    if name in there:
        raise CannotMake(f"There is a journey `{name}` already, in {there[name][0]}. Choose another name.")
    for other in sorted((recipe.asks_about & recipes(sample).keys()) - there.keys() - {recipe.name}):
        raise CannotMake(
            f"This recipe asks about the journey `{other}`, which this workspace does not have. Make it first: revisit new journey {other} --from {other}"
        )


def _channels(
    recipe: Recipe, given: Mapping[str, str], clinic: Clinic
) -> tuple[dict[str, tuple[str, ...]], dict[str, frozenset[str]]]:
    """The channels of each sending step that the workspace has, and those in which each template is used."""
    channels: dict[str, tuple[str, ...]] = {}
    used: dict[str, frozenset[str]] = {}
    for step in steps(recipe.node.get("steps")):
        name, send = word(step.get("id")), step.get("send")
        if send is None:
            continue
        answer = given.get(f"send {name}")
        wanted = _list(answer) if answer is not None else listed(send)
        kept = tuple(channel for channel in wanted if channel in clinic.channels)
        if not kept:
            raise CannotMake(
                f"Step `{name}` writes by {' or '.join(wanted)}, which config/channels.yaml does not have. Add it there."
            )
        template = word(step.get("template"))
        channels[name] = kept
        used[template] = used.get(template, frozenset()) | {*kept}
    return channels, used


def _tried(draft: Draft, files: Files) -> None:
    """The workspace as it would be must have no error that it does not have now."""
    whole = {**files, **draft.files}
    errors = [problem for problem in read(whole)[1] if problem.severity == "error"]
    before = (
        {(problem.code, problem.file, problem.message) for problem in read(files)[1]} if errors else set()
    )
    fresh = tuple(
        problem for problem in errors if (problem.code, problem.file, problem.message) not in before
    )
    if fresh:
        raise CannotMake("The journey would have errors, so nothing was written.", fresh, whole)


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,\[\]]+", text) if part))


def _something(text: str) -> str:
    return "" if text.strip() else "Say in a few words what it is for."


def _one_of(known: set[str]) -> Callable[[str], str]:
    return lambda text: "" if text.strip() in known else f"One of {', '.join(sorted(known))}."


def _some_of(known: frozenset[str]) -> Callable[[str], str]:
    return lambda text: (
        "" if _list(text) and {*_list(text)} <= known else f"One or more of {', '.join(sorted(known))}."
    )


def _hours(text: str) -> str:
    return "" if parse_window(text) is not None else "For example 10:00 - 19:00."


def _wait(text: str) -> str:
    return "" if parse_wait(text) is not None else "For example 3 weeks, or until next tuesday 10:00."
