"""Studies and their answers as other tools read them: Label Studio and Potato."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from evalharness.errors import DataError
from evalharness.meta.label_studio import write_label_studio
from evalharness.meta.potato import write_potato
from evalharness.meta.study_form import StudyForm, StudyRow, flags_of_item, rows_by_item
from evalharness.store.ledger import RunFolder

ExchangeTool = Literal["label-studio", "potato"]
_WRITERS: Mapping[str, Callable[[Sequence[StudyRow], StudyForm, RunFolder], list[Path]]] = {
    "label-studio": write_label_studio,
    "potato": write_potato,
}


def write_exchange(
    tool: ExchangeTool, rows: Sequence[StudyRow], form: StudyForm, folder: str | Path
) -> list[Path]:
    """Write a study, and the answers that its rows have, as a tool reads them; return the files.

    rows: as the page writes them, a row an item and annotator; without `answer` where nobody has
    answered. `flags`: what is asked about, of the protocol of that name.
    """
    if not rows:
        raise DataError("no item to write")
    if len({row["study"] for row in rows}) > 1:
        raise DataError("answers to several studies; give those to one at a time")
    named = [
        flag["kind"] for of_item in rows_by_item(rows).values() for flag in flags_of_item(of_item)
    ]
    whole = replace(form, kinds=list(dict.fromkeys([*form.kinds, *named])))
    return _WRITERS[tool](rows, whole, RunFolder(Path(folder)))
