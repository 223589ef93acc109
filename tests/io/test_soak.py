"""Files with bytes changed, lost, doubled and slipped in: each is read or refused with a sentence, never a crash."""

from __future__ import annotations

import gzip
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osmium
import pandas as pd
import pytest
import shapely

from gridmap.errors import GridmapError
from gridmap.io.load import load
from gridmap.io.osm import read_osm
from gridmap.io.tables import canonical
from gridmap.io.write import write_layer

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

SECONDS = 120
SLOW_S = 10
STRANGE = (
    *(b"NaN", b"Infinity", b"1e999", b"null", b'"', b"\xff\xfe", b"\0\0\0", b"9" * 400, b"[[[", b"}]", b"=", b"\r"),
    *(b'"type":"Polygon"', b"POLYGON((1 1", b"<!ENTITY", b"/vsicurl/", "经度".encode("gbk"), b"\xed\xa0\x80"),
)


def _changed(content: bytes, rng: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(out) + 1)
        action = rng.randrange(6)
        if action == 0 and at < len(out):
            out[at] = rng.randrange(256)
        elif action == 1 and at < len(out):
            out[at] = rng.choice(b"{}[],:\"'-0e.;\n=@ <>&")
        elif action == 2:
            del out[at : at + rng.choice((1, 3, 20))]
        elif action == 3:
            other = rng.randrange(len(out) + 1)
            out[at:at] = out[other : other + rng.choice((1, 8, 60))]
        elif action == 4:
            out[at:at] = rng.choice(STRANGE)
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def _table_file(folder: Path, ending: str) -> bytes:
    shapes = [shapely.box(117 + i, 28, 117.5 + i, 28.5) for i in range(3)]
    table = pd.DataFrame(
        {"code": ["1", "2", "3"], "name": ["a", "=b", None], "level": [1, 2, None], "geometry": shapes}
    )
    plain = ending.removesuffix(".gz")
    content = write_layer(canonical(table, "grids"), folder / f"whole{plain}", "grids").read_bytes()
    return gzip.compress(content) if ending.endswith(".gz") else content


def _osm_file(folder: Path, ending: str) -> bytes:
    path = folder / f"whole{ending}"
    tags = {"type": "multipolygon", "building": "yes", "name": "东湖"}
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for i, xy in enumerate([(117, 28), (117.1, 28), (117.1, 28.1), (117, 28.1)], start=1):
            writer.add_node(osmium.osm.mutable.Node(id=i, location=xy, tags={"name": "花园社区", "place": "quarter"}))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2, 3, 4, 1], tags={"highway": "service"}))
        writer.add_relation(osmium.osm.mutable.Relation(id=1, members=[("w", 1, "outer")], tags=tags))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("ending", "make", "read"),
    [
        *((e, _table_file, lambda p: load(p, "grids")) for e in (".gpkg", ".geojson", ".geojson.gz", ".csv")),
        *((e, _osm_file, read_osm) for e in (".osm", ".osm.pbf", ".osm.gz")),
    ],
)
def test_a_damaged_file_is_read_or_refused_in_good_time(
    tmp_path: Path, ending: str, make: Callable[[Path, str], bytes], read: Callable[[Path], Any]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    rng = random.Random(seed)  # reproducible, not secret
    whole = make(tmp_path, ending)
    path = tmp_path / f"x{ending}"
    end = time.monotonic() + float(os.environ.get("GRIDMAP_SOAK_SECONDS", SECONDS))
    tried = 0
    while time.monotonic() < end:
        path.write_bytes(_changed(whole, rng))
        began = time.monotonic()
        try:
            read(path)
        except GridmapError as e:
            assert e.zh  # noqa: PT017  # every refusal has its sentence
        except Exception as e:
            raise AssertionError(f"seed {seed}, file {tried}: {type(e).__name__}") from e
        assert time.monotonic() - began < SLOW_S, f"seed {seed}, file {tried} took too long"
        tried += 1
    assert tried > 0
