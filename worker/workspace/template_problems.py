"""What is wrong with a workspace's texts: does each render, and in every language of the clinic?"""

from __future__ import annotations

from typing import Any

from worker.domain.clinic import Clinic
from worker.domain.source import Problem
from worker.workspace.files import Files
from worker.workspace.templates import Templates

SAMPLE_NAME = "Eleni"


def sample_variables(clinic: Clinic) -> dict[str, Any]:
    """Values as a patient's would be, for checks and previews."""
    practitioner = next(iter(clinic.practitioners.values()), "")
    return variables(
        clinic,
        first_name=SAMPLE_NAME,
        practitioner=practitioner,
        unsubscribe_url=f"{clinic.booking_url or 'https://example.com'}/u/sample",
    )


def variables(
    clinic: Clinic, *, first_name: str, practitioner: str, unsubscribe_url: str = ""
) -> dict[str, Any]:
    """All that a text may name."""
    about = {
        "name": clinic.name,
        "phone": clinic.phone,
        "address": clinic.address,
        "booking_url": clinic.booking_url,
    }
    return {
        "first_name": first_name,
        "practitioner": practitioner,
        "clinic": about,
        "unsubscribe_url": unsubscribe_url,
    }


def template_problems(files: Files, templates: Templates, clinic: Clinic) -> list[Problem]:
    """Texts that do not render (errors) and languages that are missing (warnings: the clinic's own language stands in)."""
    broken = {
        path
        for path, text in files.items()
        if path.startswith("templates/") and "\udc80" <= max(text, default="") <= "\udcff"
    }
    problems = [
        Problem(
            "yaml-not-utf8",
            "error",
            path,
            1,
            1,
            "this file is not in UTF-8",
            "Save it as UTF-8 in your editor.",
        )
        for path in sorted(broken)
    ]
    if broken:
        return problems
    problems += [
        Problem("template-broken", "error", error.path, error.line, 1, error.message)
        for error in templates.check(sample_variables(clinic))
    ]
    for name in sorted(templates.names()):
        for channel in sorted(templates.channels_of(name)):
            there = templates.languages_of(name, channel)
            ending = "j2" if channel == "sms" else "md"
            for language in clinic.languages:
                if language in there:
                    continue
                own = language == clinic.language
                problems.append(
                    Problem(
                        "template-language",
                        "error" if own else "warning",
                        f"templates/{name}.{channel}.{min(there)}.{ending}",
                        1,
                        1,
                        f"`{name}` has no {channel} text in `{language}`"
                        + (", the clinic's own language" if own else ""),
                        f"Write templates/{name}.{channel}.{language}.{ending}"
                        + ("." if own else f"; until then such patients read it in `{clinic.language}`."),
                    )
                )
    return problems
