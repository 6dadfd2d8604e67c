"""A new journey's stories, told once before they are written: what can't hold in this clinic does not come along."""

from __future__ import annotations

from dataclasses import replace

from worker.domain.source import Map, Seq, compose
from worker.service.testing import Teller
from worker.workspace.files import Files
from worker.workspace.recipes import Draft
from worker.workspace.rooms import read
from worker.workspace.trees import under
from worker.workspace.yaml_text import without_items

OTHER_DAYS = "it does not hold with the closed days, hours and rules of this clinic"


def fitted(draft: Draft, files: Files) -> Draft:
    """The draft without the stories that fail here as the recipe tells them.

    Where answers were given that change what happens, all stories stay: their author moves the dates. So they do where the workspace has errors.
    """
    whole = {**files, **draft.files}
    rooms, _ = read(whole)
    if draft.differs or rooms is None:
        return draft
    teller = Teller(rooms)
    told = [teller.tell(story) for story in rooms.stories if story.place.file in draft.new]
    failed = [outcome.story for outcome in told if not outcome.passed]
    new = dict(draft.new)
    for path in sorted({story.place.file for story in failed}):
        node, _ = compose(new[path], path)
        listed = under(node, "stories")
        items = [item for item in listed.items if isinstance(item, Map)] if isinstance(listed, Seq) else []
        lines = {story.place.line for story in failed if story.place.file == path}
        gone = [item for item in items if item.place.line in lines]
        if len(gone) == len(items):
            del new[path]
        else:
            new[path] = without_items(new[path], items, gone)
    left_out = (*draft.left_out, *((story.name, OTHER_DAYS) for story in failed))
    return replace(draft, new=new, left_out=left_out)
