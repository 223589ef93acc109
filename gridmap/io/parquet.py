"""GeoParquet (1.1), read and written row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from gridmap.errors import InputError, UnknownCrs, UnreadableFile
from gridmap.io.assigned import Geometries, Piece, Pieces, Sink
from gridmap.io.files import unchanged
from gridmap.io.tables import CRS

__all__ = ["ParquetPieces", "parquet_sink"]

_TYPES = {"near_boundary": pa.bool_(), "boundary_m": pa.float64()}


class ParquetPieces:
    """A Parquet file; with the metadata of GeoParquet its rows have shapes."""

    def __init__(self, file: Path, rows: int) -> None:
        self.name = file.name
        self._file = file
        self._rows = rows
        try:
            with pq.ParquetFile(file) as opened:
                self.schema = opened.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(
                f"“{self.name}”不是完整的 Parquet 文件。请重新导出。",
                f"'{self.name}' is not a whole Parquet file. Export it again.",
            ) from error
        self._geometry, self._crs = _geometry(self.schema, self.name)
        self.header = tuple(name for name in self.schema.names if name != self._geometry)

    def __iter__(self) -> Iterator[Piece]:
        with unchanged(self._file), pq.ParquetFile(self._file) as opened:
            done = 0
            for batch in opened.iter_batches(batch_size=self._rows):
                done += batch.num_rows
                flat = batch.select(list(self.header)) if self.header else batch
                columns = flat.to_pandas(date_as_object=True).astype(object)
                columns = columns.where(columns.notna(), None)
                yield Piece(columns, self._shapes(batch), done / opened.metadata.num_rows, batch)

    def _shapes(self, batch: pa.RecordBatch) -> Geometries | None:
        if self._geometry is None:
            return None
        shapes = shapely.from_wkb(batch.column(self._geometry).to_numpy(zero_copy_only=False), on_invalid="ignore")
        if self._crs is not None:
            change = pyproj.Transformer.from_crs(self._crs, CRS, always_xy=True)
            shapes = shapely.transform(shapes, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))
        return np.asarray(shapes, dtype=object)


def _geometry(schema: pa.Schema, name: str) -> tuple[str | None, pyproj.CRS | None]:
    """Return the geometry column, and its coordinate system where that is not longitude and latitude."""
    about = (schema.metadata or {}).get(b"geo")
    if about is None:
        return None, None
    try:
        geo = orjson.loads(about)
        column = str(geo["primary_column"])
        told = geo["columns"][column]
        encoding, crs = told["encoding"], told.get("crs", CRS)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UnreadableFile(
            f"“{name}”的 GeoParquet 说明有误。请用新版软件重新导出。",
            f"The GeoParquet metadata of '{name}' is broken. Export it again.",
        ) from error
    if encoding != "WKB" or column not in schema.names:
        raise UnreadableFile(
            f"“{name}”的几何不是 WKB 编码。请导出为 WKB 编码的 GeoParquet。",
            f"The geometry of '{name}' is not encoded as WKB. Export it as GeoParquet with WKB.",
        )
    if crs is None:
        raise UnknownCrs(
            f"“{name}”没有说明坐标系。请在导出时注明。",
            f"'{name}' does not say its coordinate system. Export it with one.",
        )
    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise UnknownCrs(f"“{name}”的坐标系无法识别。", f"The coordinate system of '{name}' is not known.") from error
    degrees = known.equals(pyproj.CRS("OGC:CRS84"), ignore_axis_order=True) or known.equals(CRS, ignore_axis_order=True)
    return column, None if degrees else known


@contextmanager
def parquet_sink(file: Path, pieces: Pieces, added: Sequence[str]) -> Iterator[Sink]:
    """Give what writes a Parquet file with the columns of another one and new ones at the end.

    Raises
    ------
    InputError
        The rows do not come from a Parquet file.
    """
    if not isinstance(pieces, ParquetPieces):
        raise InputError(
            "只有 Parquet 文件能写成 Parquet。请写成 .csv 或 .gpkg。",
            "Only what comes from Parquet is written as Parquet. Write .csv or .gpkg.",
        )
    schema = pieces.schema
    for name in added:
        schema = schema.append(pa.field(name, _TYPES.get(name, pa.string())))
    with pq.ParquetWriter(file, schema) as writer:
        yield _ParquetSink(writer, schema, added)


class _ParquetSink:
    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema, added: Sequence[str]) -> None:
        self._writer = writer
        self._schema = schema
        self._added = added

    def add(self, piece: Piece, added: pd.DataFrame) -> None:
        columns: list[Any] = list(piece.source.columns)
        columns += [
            pa.array(added[name].to_numpy(), type=self._schema.field(name).type, from_pandas=True)
            for name in self._added
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
