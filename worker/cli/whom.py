"""What the commands about single patients and tokens share: the house of the workspace's clinic, and who gives the command."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.cli.app import Usage, fail, settings
from worker.cli.rooms import show_problems
from worker.workspace.files import read_folder
from worker.workspace.house import House, NoRooms
from worker.workspace.preview import read_texts

NOTHING_YET = "Nothing was published for this clinic yet. Start `revisit run` in its folder once; it publishes the workspace."


@contextmanager
def opened(workspace: Path | None) -> Iterator[tuple[House, str]]:
    """The house, and the id of the workspace's clinic. Mistakes in journeys are no obstacle: a right must not wait for a comma."""
    from worker.logs import set_up_logging
    from worker.service.intervening import Refused
    from worker.service.whom import NotDone, UnknownPatient, known_clinic
    from worker.wiring import open_house

    config = settings(workspace)
    files = read_folder(config.workspace)
    texts, problems = read_texts(files)
    if texts is None:
        show_problems(files, problems)
        raise fail("The clinic's id can't be read from config/clinic.yaml.", 1)
    set_up_logging(quiet=True)
    house = open_house(config)
    try:
        if not known_clinic(house, texts.clinic.id):
            raise fail(NOTHING_YET, 1)
        yield house, texts.clinic.id
    except NoRooms as error:
        raise fail(NOTHING_YET, 1) from error
    except (UnknownPatient, NotDone, Refused) as error:
        raise fail(str(error), 1) from error
    finally:
        house.engine.dispose()


@contextmanager
def every_clinic(workspace: Path | None) -> Iterator[House]:
    """The house alone, whatever the workspace holds."""
    from worker.logs import set_up_logging
    from worker.wiring import open_house

    config = settings(workspace)
    set_up_logging(quiet=True)
    house = open_house(config)
    try:
        yield house
    finally:
        house.engine.dispose()


def actor() -> str:
    """The user of the operating system, for the audit."""
    try:
        return f"user {getpass.getuser()}"
    except (KeyError, OSError) as error:
        raise Usage("The operating system does not say who you are; set the variable LOGNAME.") from error
