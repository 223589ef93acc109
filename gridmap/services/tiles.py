"""Vector tiles with a memory: the bytes stay until the data change."""

from __future__ import annotations

import gzip
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from gridmap import __version__
from gridmap.errors import NotFound
from gridmap.store.database import Place, transaction
from gridmap.store.tiles import MAX_ZOOM, TILE_SETS, DataVersion, data_versions, render_tile

__all__ = ["Tile", "Tiles"]

_FRESH_S = 1.0
_NOT_CHANGED = DataVersion(0, None)
_OVERHEAD = 200
_DRAWN_FROM = {"base": ("base",), "cells": ("base", "edition")}


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it goes over the wire: gzip bytes, and the tag that changes with the data."""

    gzipped: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class _Key:
    tag: str
    z: int
    x: int
    y: int


class Tiles:
    """The tiles of one database in one process.

    The data's version is compared once a second; ``capacity_bytes`` bounds what is kept.
    """

    def __init__(self, place: Place, *, capacity_bytes: int = 64 << 20) -> None:
        self._place = place
        self._capacity = capacity_bytes
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._versions: dict[str, DataVersion] = {}
        self._read_at = float("-inf")

    def from_memory(self, tile_set: str, *, z: int, x: int, y: int) -> Tile | None:
        """Return the tile if it is here and known to be fresh; never waits for the database.

        Raises
        ------
        NotFound
            There is no such set, or no such tile in the world.
        """
        _check(tile_set, z, x, y)
        if time.monotonic() - self._read_at > _FRESH_S:
            return None
        return self._look(self._tag(tile_set), z, x, y)

    def tile(self, tile_set: str, *, z: int, x: int, y: int) -> Tile:
        """Return the tile, from memory or from the database.

        Raises
        ------
        NotFound
            There is no such set, or no such tile in the world.
        """
        _check(tile_set, z, x, y)
        with transaction(self._place) as connection:
            if time.monotonic() - self._read_at > _FRESH_S:
                # read before the tile: a change in between makes the tag too old, never too new
                self._versions, self._read_at = data_versions(connection), time.monotonic()
            tag = self._tag(tile_set)
            known = self._look(tag, z, x, y)
            if known is not None:
                return known
            data = render_tile(connection, tile_set, z=z, x=x, y=y)
        packed = gzip.compress(data, 6, mtime=0)
        self._keep(_Key(tag, z, x, y), packed)
        return Tile(packed, tag)

    def _tag(self, tile_set: str) -> str:
        parts = (self._versions.get(name, _NOT_CHANGED) for name in _DRAWN_FROM[tile_set])
        told = "-".join(f"{part.value}.{part.moment_ms:x}" for part in parts)
        return f'"{tile_set}-{__version__}-{told}"'

    def _look(self, tag: str, z: int, x: int, y: int) -> Tile | None:
        key = _Key(tag, z, x, y)
        with self._lock:
            packed = self._kept.get(key)
            if packed is None:
                return None
            self._kept.move_to_end(key)
        return Tile(packed, tag)

    def _keep(self, key: _Key, packed: bytes) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = packed
            self._size += len(packed) + _OVERHEAD
            while self._size > self._capacity:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped) + _OVERHEAD


def _check(tile_set: str, z: int, x: int, y: int) -> None:
    if tile_set not in TILE_SETS:
        names = ", ".join(TILE_SETS)
        raise NotFound(f"没有这种瓦片。可用的有:{names}。", f"There are no such tiles. There are: {names}.")
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NotFound(
            f"没有这张瓦片:级别 0 到 {MAX_ZOOM},行列号小于 2 的级别次方。",
            f"There is no such tile: zoom 0 to {MAX_ZOOM}, column and row below 2 to the power of the zoom.",
        )
