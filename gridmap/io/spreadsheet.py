"""Tables as CSV for spreadsheets: UTF-8 that they recognise, and no text that they would run."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["csv_bytes"]

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_BOM = b"\xef\xbb\xbf"


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table without geometry as CSV; text that a spreadsheet would run gets an apostrophe in front."""
    columns = [name for name in table.columns if name != "geometry"]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_word(name) for name in columns])
    writer.writerows([[_word(v) for v in row] for row in table[columns].astype(object).to_numpy().tolist()])
    return _BOM + buffer.getvalue().encode()


def _word(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value if _FORMULA.match(value) else value
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
