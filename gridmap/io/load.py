"""One file, one kind: reading, recognising and checking in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridmap.errors import UnknownColumns
from gridmap.io.files import MAX_BYTES
from gridmap.io.geojson import Built
from gridmap.io.reader import RawTable, read_table
from gridmap.io.recognise import Recognition, recognise
from gridmap.io.validate import Checked, validate
from gridmap.model.text import Text

__all__ = ["Loaded", "load", "only"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked file, and what its columns were taken for. ``format`` and ``layer`` say what was opened."""

    checked: Checked
    recognition: Recognition
    format: str
    layer: str | None


def load(
    path: str | os.PathLike[str],
    kind: str,
    *,
    layer: str | None = None,
    mapping: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    with_contacts: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Loaded:
    """Read a file as one kind of data and check it.

    Parameters
    ----------
    path, layer, max_bytes
        As :func:`gridmap.io.reader.read_table`; a layer named like the kind is taken by itself.
    kind
        A key of ``KINDS``.
    mapping
        Ours → theirs, as :func:`gridmap.io.recognise.recognise`.
    where
        Column of the file → value: only rows that have it, for files that hold several sorts.
    with_contacts
        Take columns marked personal.

    Raises
    ------
    UnreadableFile, UnknownColumns, UnknownCrs, TooLarge, InputError
        As the three steps.
    """
    raw = read_table(path, layer=layer, prefer=kind, max_bytes=max_bytes)
    if where:
        raw = only(raw, where)
    recognition = recognise(raw, kind, mapping=mapping)
    checked = validate(raw, recognition, with_contacts=with_contacts)
    return Loaded(checked, recognition, raw.format, raw.layer)


def only(raw: RawTable, where: Mapping[str, str]) -> RawTable:
    """Return the rows whose columns have the given values, compared as text.

    Raises
    ------
    UnknownColumns
        If the file has no such column.
    """
    keep = np.ones(len(raw), dtype=bool)
    for column, value in where.items():
        if column not in raw.columns.columns:
            names = ", ".join(map(str, raw.columns.columns)) or "—"
            raise UnknownColumns(
                f"文件里没有列“{column}”。文件的列有:{names}。",
                f"The file has no column '{column}'. Its columns are: {names}.",
            )
        keep &= np.array([v is not None and str(v).strip() == value for v in raw.columns[column]], dtype=bool)
    left = int((~keep).sum())
    notes = raw.notes
    if left:
        notes = (*notes, Text(f"按条件略去了 {left} 行。", f"{left} rows do not meet the condition and were left out."))
    return replace(
        raw,
        columns=pd.DataFrame(raw.columns[keep]).reset_index(drop=True),
        shapes=None if raw.shapes is None else _rows(raw.shapes, keep),
        rows=raw.rows[keep],
        ragged=raw.ragged[keep],
        extra={name: values[keep] for name, values in raw.extra.items()},
        notes=notes,
    )


def _rows(shapes: Built, keep: np.typing.NDArray[np.bool_]) -> Built:
    return Built(shapes.geometry[keep], shapes.broken[keep], shapes.raised[keep], shapes.closed[keep])
