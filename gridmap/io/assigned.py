"""Tables of any size, read and written in pieces: what stands in them stays as it is, columns are added at the end.

CSV is read cell by cell as text and written with the same cells; GeoParquet keeps its columns, their types and its
geometry byte for byte. Neither is ever whole in memory. GeoPackage and GeoJSON are read whole and written with their
geometry.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely

from gridmap.errors import InputError, UnreadableFile
from gridmap.io.files import plain_file, truncated, unchanged
from gridmap.io.reader import RawTable, read_table
from gridmap.io.tables import CRS
from gridmap.io.write import guarded_text, placed

__all__ = ["PARQUET", "Geometries", "Piece", "Pieces", "Sink", "open_pieces", "save_pieces"]

_CELL_LIMIT = 1 << 24
PARQUET = (".parquet", ".geoparquet")
_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows: cells as they stand in the file, shapes in EPSG:4326 where there are any, and the share read."""

    columns: pd.DataFrame
    shapes: Geometries | None
    share: float
    source: Any = None  # the rows as the format has them, where they are written back untouched


class Pieces(Protocol):
    """A table that is read in pieces."""

    name: str
    header: tuple[str, ...]

    def __iter__(self) -> Iterator[Piece]:
        """Go through the table from its first row."""


def open_pieces(path: Path, *, rows: int, layer: str | None = None) -> Pieces:
    """Open a table to be read in pieces of ``rows`` rows.

    Raises
    ------
    UnreadableFile
        As :func:`gridmap.io.reader.read_table`.
    """
    file = plain_file(path, max_bytes=1 << 50)
    ending = file.suffix.lower()
    if ending in {".csv", ".tsv", ".txt"}:
        return _CsvPieces(file, rows)
    if ending in PARQUET:
        from gridmap.io.parquet import ParquetPieces  # brings pyarrow

        return ParquetPieces(file, rows)
    return _WholeTable(read_table(file, layer=layer), rows)


class _CsvPieces:
    """CSV in UTF-8, the separator as in its first line."""

    def __init__(self, file: Path, rows: int) -> None:
        self.name = file.name
        self._file = file
        self._rows = rows
        with _opened(self._file) as (lines, _):
            header = tuple(cell.strip() for cell in next(lines, []))
        if not any(header):
            raise UnreadableFile(
                f"“{self.name}”第一行没有列名。第一行应是列名。",
                f"The first row of '{self.name}' has no column names. It must hold them.",
            )
        twice = sorted({c for c in header if c and header.count(c) > 1})
        if twice:
            raise UnreadableFile(
                f"“{self.name}”有同名的列:{'、'.join(twice)}。请让列名各不相同。",
                f"'{self.name}' has columns of the same name: {', '.join(twice)}. Give each its own name.",
            )
        self.header = header

    def __iter__(self) -> Iterator[Piece]:
        size = max(1, self._file.stat().st_size)
        width = len(self.header)
        with unchanged(self._file), _opened(self._file) as (lines, stream):
            next(lines, None)
            piece: list[list[str]] = []
            for number, row in enumerate(lines, start=2):
                if not row:
                    continue
                if len(row) != width:
                    raise UnreadableFile(
                        f"“{self.name}”第 {number} 行有 {len(row)} 格,列名有 {width} 个。请改正这一行。",
                        f"Row {number} of '{self.name}' has {len(row)} cells, the header {width}. Mend that row.",
                    )
                piece.append(row)
                if len(piece) == self._rows:
                    yield self._piece(piece, stream.tell() / size)
                    piece = []
            if piece:
                yield self._piece(piece, 1.0)

    def _piece(self, rows: list[list[str]], share: float) -> Piece:
        cells = np.array(rows, dtype=object)
        return Piece(pd.DataFrame(cells, columns=list(self.header), dtype=object), None, min(share, 1.0))


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Iterator[list[str]], io.BufferedReader]]:
    """Open a CSV: its rows, and the stream that tells how far it is."""
    csv.field_size_limit(_CELL_LIMIT)
    with file.open("rb") as raw:
        first = raw.readline(1 << 20)
        raw.seek(0)
        with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            separator = max(b",;\t", key=first.count)
            yield _rows(csv.reader(text, delimiter=chr(separator), strict=True), file.name), raw


def _rows(lines: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    try:
        yield from lines
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"“{name}”不是 UTF-8 编码。请在表格软件里另存为“CSV UTF-8”。",
            f"'{name}' is not in UTF-8. Save it as 'CSV UTF-8' in your spreadsheet.",
        ) from error
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise truncated(name) from error
        raise UnreadableFile(
            f"“{name}”不是规范的 CSV:引号不成对。请用表格软件重新导出。",
            f"'{name}' is no proper CSV: its quotes do not pair up. Export it again from a spreadsheet.",
        ) from error


class _WholeTable:
    """A table that the reader has read whole."""

    def __init__(self, raw: RawTable, rows: int) -> None:
        self.name = raw.name
        self.header = tuple(str(c) for c in raw.columns.columns)
        self._raw = raw
        self._rows = rows

    def __iter__(self) -> Iterator[Piece]:
        n = len(self._raw)
        shapes = None if self._raw.shapes is None else self._raw.shapes.geometry
        for start in range(0, n, self._rows):
            end = min(n, start + self._rows)
            yield Piece(
                self._raw.columns.iloc[start:end].reset_index(drop=True),
                None if shapes is None else np.asarray(shapes[start:end], dtype=object),
                end / n,
            )


@contextmanager
def save_pieces(path: Path, pieces: Pieces, added: Sequence[str]) -> Iterator[Sink]:
    """Give something that takes pieces, for a file that appears whole or not at all, by the ending of its name.

    Parameters
    ----------
    path
        The file.
    pieces
        The table whose rows come.
    added
        The new columns.

    Raises
    ------
    InputError
        The ending is not one that is written.
    """
    ending = path.suffix.lower()
    if ending not in {".csv", *_DRIVERS, *PARQUET}:
        known = (".csv", *_DRIVERS, *PARQUET)
        raise InputError(
            f"不能写成“{path.suffix}”格式。可写 {'、'.join(known)}。",
            f"'{path.suffix}' cannot be written. Written are {', '.join(known)}.",
        )
    header = pieces.header
    with placed(path) as beside:
        if ending == ".csv":
            with beside.open("w", encoding="utf-8-sig", newline="") as stream:
                yield _CsvSink(stream, header, added)
        elif ending in PARQUET:
            from gridmap.io.parquet import parquet_sink  # brings pyarrow

            with parquet_sink(beside, pieces, added) as sink:
                yield sink
        else:
            layer = _LayerSink([*header, *added])
            yield layer
            layer.write(beside, _DRIVERS[ending])


class Sink(Protocol):
    """Takes the pieces of a table, one after the other."""

    def add(self, piece: Piece, added: pd.DataFrame) -> None:
        """Add the rows of a piece with their new columns."""


class _CsvSink:
    def __init__(self, stream: TextIO, header: Sequence[str], added: Sequence[str]) -> None:
        self._header, self._added = header, added
        self._writer = csv.writer(stream, lineterminator="\r\n")
        self._writer.writerow([*header, *added])

    def add(self, piece: Piece, added: pd.DataFrame) -> None:
        cells = [_as_it_was(piece.columns[name]) for name in self._header]
        cells += [guarded_text(added[name]) for name in self._added]
        self._writer.writerows(zip(*cells, strict=True))


class _LayerSink:
    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self._pieces: list[tuple[pd.DataFrame, Geometries]] = []

    def add(self, piece: Piece, added: pd.DataFrame) -> None:
        table = pd.concat([piece.columns, added], axis=1)
        self._pieces.append((table, np.full(len(table), None, dtype=object) if piece.shapes is None else piece.shapes))

    def write(self, file: Path, driver: str) -> None:
        """Write all pieces as one layer."""
        nothing = pd.DataFrame(columns=self._columns)
        table = pd.concat([nothing, *(c for c, _ in self._pieces)], ignore_index=True)[self._columns]
        shapes = np.concatenate([np.empty(0, dtype=object), *(s for _, s in self._pieces)])
        pyogrio.raw.write(
            str(file),
            np.asarray(shapely.to_wkb(shapes), dtype=object),
            field_data=[_plain(table[c]) for c in self._columns],
            fields=np.array(self._columns, dtype=object),
            layer=file.stem,
            driver=driver,
            geometry_type="Unknown",
            crs=CRS,
        )


def _as_it_was(values: pd.Series[Any]) -> list[str]:
    return ["" if v is None or v is pd.NA or v != v else v if isinstance(v, str) else str(v) for v in values]  # noqa: PLR0124


def _plain(values: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return a column as GDAL takes it: numbers, truths, or text with None where there is none."""
    kinds = {type(v) for v in values if v is not None and v == v}  # noqa: PLR0124
    if kinds and kinds <= {bool, np.bool_} and not values.isna().any():
        return values.to_numpy(dtype=bool)
    if kinds and kinds <= {int, np.int64, np.int32} and not values.isna().any():
        return values.to_numpy(dtype=np.int64)
    if kinds and kinds <= {int, float, np.float64, np.float32, np.int64, np.int32}:
        return values.to_numpy(dtype=np.float64)
    return np.array([None if v is None or v != v else str(v) for v in values], dtype=object)  # noqa: PLR0124
