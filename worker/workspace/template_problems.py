"""What is wrong with a workspace's texts: does each render, in every language of the clinic, and can it do no harm?

Rules
1. A text that is no template is told with that alone; every other one goes through all lints.
2. Each text is filled twice, with the values of a sample patient and without those that may be empty; the layout is tried once a language.
3. Every finding has its place in the file. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from worker.domain.clinic import Clinic
from worker.domain.law import law_of_clinic
from worker.domain.offers import Offer
from worker.domain.source import Problem, place_of
from worker.workspace.config_channels import Sender
from worker.workspace.file_names import line_break
from worker.workspace.files import Files
from worker.workspace.lint_claims import claims, rewarded_referral
from worker.workspace.lint_health import Vocabulary, health, health_of_offers, health_once_filled
from worker.workspace.lint_layout import layouts, stands_alone
from worker.workspace.lint_links import links, links_once_filled
from worker.workspace.lint_medicines import Medicines, medicines
from worker.workspace.lint_names import speaks_of_offer
from worker.workspace.lint_sms import Price, dear
from worker.workspace.lint_stop import answers_to_nobody, no_link_to_stop, no_way_to_stop
from worker.workspace.lint_text import Part, Text
from worker.workspace.lint_values import MAY_BE_EMPTY, gaps, unknown_variables, without_fallback
from worker.workspace.lint_words import keywords, prices, reproaches
from worker.workspace.offering import Promise, promise
from worker.workspace.templates import Draft, Filled, TemplateError, Templates
from worker.workspace.variables import KNOWN, SAMPLE_DAY, sample_variables

Used = Mapping[str, Collection[str | None]]
"""Every template that a step names, with the offers of those steps; None for a step without one."""

_NO_TEXT = re.compile("[\udc80-\udcff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def template_problems(
    files: Files,
    templates: Templates,
    clinic: Clinic,
    *,
    segments: Mapping[str, str] | None = None,
    used: Used | None = None,
    offers: Mapping[str, Offer] | None = None,
    senders: Mapping[str, Sender] | None = None,
    purposes: Mapping[str, Collection[str]] | None = None,
    tracked: Collection[str] = (),
) -> list[Problem]:
    """All that is wrong with the texts. `segments` maps names to titles; without `used`, nothing is said of texts that nobody sends; `senders` say what an SMS costs, and whether it can be answered; `purposes` what the journeys are for that send each template; the links of those in `tracked` go by way of Revisit."""
    told = [_no_text(path, text) for path, text in sorted(files.items()) if path.startswith("templates/")]
    if broken := [problem for problem in told if problem is not None]:
        return broken
    problems = [_said(error) for error in layouts(templates)]
    problems += [
        Problem(
            "template-twice", "error", path, 1, 1, f"this is the same text as {first}, in the same language",
            "Keep one of the two: Markdown within the clinic's layout, or an MJML document of its own.",
        )
        for path, first in templates.shadowed
    ]  # fmt: skip
    sender = (senders or {}).get("sms")
    look = _Look(
        templates,
        clinic,
        Vocabulary(clinic, segments),
        used or {},
        offers or {},
        sender,
        purposes or {},
        tracked,
    )
    for draft in templates.drafts():
        problems += look.at(draft)
    problems += look.frames()
    problems += _languages(templates, clinic)
    if used is not None:
        problems += _unused(templates, clinic, used)
    return list(_once(problems))


class _Look:
    """One look at all texts of a workspace."""

    def __init__(
        self, templates: Templates, clinic: Clinic, vocabulary: Vocabulary, used: Used, offers: Mapping[str, Offer], sender: Sender | None, purposes: Mapping[str, Collection[str]], tracked: Collection[str]
    ) -> None:  # fmt: skip
        self.templates, self.vocabulary, self.used = templates, vocabulary, used
        self.price: Price | None = sender.price if sender else None
        self.one_way, self.purposes = sender is not None and not sender.two_way, purposes
        self.law = law_of_clinic(clinic)
        self.medicines = Medicines(clinic, self.law)
        self.full, self.tracked = (
            sample_variables(clinic),
            {name: sample_variables(clinic, tracked=True) for name in tracked},
        )
        self.empty = {**self.full, **dict.fromkeys(MAY_BE_EMPTY, "")}
        self.offers = {name: promise(offer, SAMPLE_DAY, clinic.country) for name, offer in offers.items()}
        self._framed: dict[str, tuple[Draft, Filled]] = {}

    def at(self, draft: Draft) -> list[Problem]:
        """What is wrong with one text."""
        try:
            parts = self.templates.parts(draft.path)
        except TemplateError as error:
            return [_said(error)]
        markup = draft.path.endswith(".mjml")
        looked = tuple(
            Part(name, source, markup and name == "body")
            for name, source in parts.items()
            if name != "sensitivity"
        )
        text = Text(
            draft, looked, "sensitivity" in parts, any(speaks_of_offer(part.source) for part in looked)
        )
        known = KNOWN | {"subject", "preheader"} if markup else KNOWN
        found = [unknown_variables(part, known) for part in looked]
        problems = [problem for each in found for problem in each]
        problems += [
            problem for lint in (links, reproaches, prices, keywords, claims) for problem in lint(text)
        ]
        problems += rewarded_referral(text, self.law)
        problems += medicines(text, self.medicines, self.purposes.get(draft.name))
        problems += health(text, self.vocabulary)
        problems += health_of_offers(text, self._offers_of(draft.name), self.vocabulary)
        problems += without_fallback(text)
        if markup:
            problems += stands_alone(text)
        filled = self._fill(draft, self.full, problems)
        bare = self._fill(draft, self.empty, problems)
        if filled is not None:
            said = {"subject": filled.subject, "preheader": filled.preheader, "body": filled.body}
            problems += health_once_filled(text, said, self.vocabulary, list(problems))
            problems += links_once_filled(text, said, self.full, list(problems))
            if text.sms:
                problems += self._stops(text, [each.body for each in (filled, bare) if each is not None])
                problems += dear(text, self._longest(draft, filled), self.price)
            else:
                self._framed.setdefault(draft.path if markup else draft.language, (draft, filled))
            if bare is not None and not any(problem.code == "template-fallback" for problem in problems):
                problems += gaps(text, filled, bare)
        return problems

    def frames(self) -> Iterator[Problem]:
        """What is wrong with layouts, and with documents that are their own."""
        told: set[tuple[str, str]] = set()
        for draft, filled in self._framed.values():
            for values in ({}, {"unsubscribe_url": ""}):
                try:
                    self.templates.frame(
                        draft,
                        Filled(filled.subject, filled.preheader, filled.body, {**filled.values, **values}),
                    )
                except TemplateError as error:
                    if (error.path, error.message) not in told:
                        told.add((error.path, error.message))
                        yield _said(error)

    def _stops(self, text: Text, said: Collection[str]) -> Iterator[Problem]:
        asked = list(answers_to_nobody(text)) if self.one_way else []
        yield from asked
        if "marketing" not in self.purposes.get(text.draft.name, ()) or asked:
            return
        yield from no_link_to_stop(text) if self.one_way else no_way_to_stop(text, said)

    def _offers_of(self, name: str) -> dict[str, Promise]:
        wanted = {offer for offer in self.used.get(name, ()) if offer is not None}
        return {offer: self.offers[offer] for offer in wanted if offer in self.offers}

    def _longest(self, draft: Draft, filled: Filled) -> str:
        """An SMS with the links that it will have and the longest of the offers that its steps make, since that is what will be paid for."""
        values = self.tracked.get(draft.name, self.full)
        bodies = []
        for offer in self._offers_of(draft.name).values() or (
            [values["offer"]] if draft.name in self.tracked else []
        ):
            try:
                bodies.append(self.templates.fill(draft, {**values, "offer": offer}).body)
            except TemplateError:
                continue
        return max(bodies, key=len, default=filled.body)

    def _fill(self, draft: Draft, values: Mapping[str, Any], problems: list[Problem]) -> Filled | None:
        try:
            return self.templates.fill(draft, values)
        except TemplateError as error:
            told = {(problem.code, problem.line) for problem in problems}
            strange = any(problem.code == "template-variable" for problem in problems)
            if (error.code, error.line) not in told and not (strange and error.code == "template-variable"):
                problems.append(_said(error))
            return None


def _once(problems: Collection[Problem]) -> Iterator[Problem]:
    """A name that there is not is found in the text, and again when it is filled in: told once."""
    told: set[tuple[str, str, int]] = set()
    for problem in problems:
        place = (problem.code, problem.file, problem.line)
        again = place in told and problem.column == 1
        if problem.code != "template-variable" or not again:
            yield problem
        told.add(place)


def _said(error: TemplateError) -> Problem:
    place = (error.path, error.line, error.column, error.message, error.hint)
    if error.code == "template-variable":
        return Problem("template-variable", "error", *place)
    if error.code == "template-subject":
        return Problem("template-subject", "error", *place)
    if error.code == "template-unsubscribe":
        return Problem("template-unsubscribe", "error", *place)
    return Problem("template-broken", "error", *place)


def _no_text(path: str, text: str) -> Problem | None:
    """The first byte that is no UTF-8 (such bytes stand in the text as surrogates, see files.py), or the first control character."""
    found = _NO_TEXT.search(text)
    if found is None:
        return None
    line, column = place_of(
        text.removeprefix("\ufeff"), found.start() - text.startswith("\ufeff"), line_break(path)
    )
    if found[0] < " " or found[0] == "\x7f":
        said = f"the character U+{ord(found[0]):04X} is not allowed in a text"
        hint = "Remove it, or type the line anew: it may have come along when text was pasted."
        return Problem("yaml-character", "error", path, line, column, said, hint)
    return Problem(
        "yaml-not-utf8",
        "error",
        path,
        line,
        column,
        "this file is not in UTF-8",
        "Save it as UTF-8 in your editor.",
    )


def _languages(templates: Templates, clinic: Clinic) -> Iterator[Problem]:
    for name in sorted(templates.names()):
        for channel in sorted(templates.channels_of(name)):
            there = {
                draft.language: draft.path
                for draft in templates.drafts()
                if (draft.name, draft.channel) == (name, channel)
            }
            path = there.get(clinic.language) or there[min(there)]
            ending = path.rpartition(".")[2]
            for language in clinic.languages:
                if language in there:
                    continue
                own = language == clinic.language
                yield Problem(
                    "template-language",
                    "error" if own else "warning",
                    path,
                    1,
                    1,
                    f"`{name}` has no {channel} text in `{language}`"
                    + (", the clinic's own language" if own else ""),
                    f"Write templates/{name}.{channel}.{language}.{ending}"
                    + ("." if own else f"; until then such patients read it in `{clinic.language}`."),
                )


def _unused(templates: Templates, clinic: Clinic, used: Collection[str]) -> Iterator[Problem]:
    for name in sorted(templates.names() - set(used)):
        drafts = [draft for draft in templates.drafts() if draft.name == name]
        path = next((draft.path for draft in drafts if draft.language == clinic.language), drafts[0].path)
        yield Problem(
            "template-unused", "warning", path, 1, 1, f"no journey sends `{name}`",
            f"Name it in a step by `template: {name}`, or remove its files.",
        )  # fmt: skip
