"""Two editions and a draft: the same blocks, grouped a little differently."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.sample.fabric import Fabric, Ints, components
from gridmap.sample.frames import table
from gridmap.sample.levels import Levels, leaf_codes
from gridmap.sample.names import numeral
from gridmap.sample.targets import Targets

#: A border moves over a block of this size, in square metres.
MOVED = (3_000.0, 60_000.0)
DEDICATED_NAMES = {"park": "清岩公园", "market": "中心市场", "school": "第一中学"}


@dataclass(slots=True)
class Edition:
    """A grouping of blocks into leaves, with a code, name, kind, community and level-2 grid for each leaf.

    ``label[block]`` is the leaf; leaves without blocks have no code (``""``).
    """

    label: Ints
    code: list[str]
    name: list[str]
    kind: list[str]
    community: Ints
    second: Ints
    second_code: list[str]
    changes: dict[str, list[object]] = field(default_factory=dict)

    @property
    def leaves(self) -> list[int]:
        """Leaves that exist in this edition."""
        return [k for k, c in enumerate(self.code) if c]


def union_by(shapes: NDArray[np.object_], label: Ints, count: int) -> NDArray[np.object_]:
    """Unite blocks by label; all vertices of the blocks on the outline stay."""
    out = np.full(count, None, dtype=object)
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    for k in range(count):
        members = order[bounds[k] : bounds[k + 1]]
        if len(members):
            out[k] = members_union(shapes[members])
    return out


def members_union(shapes: NDArray[np.object_]) -> shapely.Geometry:
    """Unite blocks of one noded set: a polygon where they hang together."""
    united = shapely.coverage_union_all(shapes)
    parts = shapely.get_parts(united)
    return parts[0] if len(parts) == 1 else united


def present(fabric: Fabric, levels: Levels, targets: Targets, villages: list[str], group_number: Ints) -> Edition:
    """Return the present edition."""
    shapes = union_by(fabric.blocks, fabric.block_leaf, fabric.n_leaves)
    code = leaf_codes(levels, levels.community, shapes)
    kind = [
        "dedicated" if k in targets.dedicated else "rural" if fabric.leaf_zone[k] == "village" else "urban"
        for k in range(fabric.n_leaves)
    ]
    seen: dict[str, int] = {}
    name = []
    for k in range(fabric.n_leaves):
        if kind[k] == "rural":
            name.append(f"{villages[fabric.leaf_village[k]]}{numeral(int(group_number[k]))}组网格")
        elif kind[k] == "dedicated":
            base = DEDICATED_NAMES[targets.dedicated[k]]
            seen[base] = seen.get(base, 0) + 1
            name.append(base + ("" if seen[base] == 1 else numeral(seen[base])) + "专属网格")
        else:
            name.append(_plain_name(levels, int(levels.community[k]), code[k]))
    return Edition(
        fabric.block_leaf.copy(), code, name, kind, levels.community, levels.second, _second_codes(levels, fabric)
    )


def renumber(edition: Edition, fabric: Fabric, levels: Levels) -> None:
    """Give the leaves new numbers after blocks were moved, and rename those that carry their number."""
    edition.code = leaf_codes(levels, edition.community, union_by(fabric.blocks, edition.label, fabric.n_leaves))
    for k in range(fabric.n_leaves):
        if edition.kind[k] == "urban":
            edition.name[k] = _plain_name(levels, int(edition.community[k]), edition.code[k])


def _plain_name(levels: Levels, community: int, code: str) -> str:
    base = levels.community_name[community].removesuffix("社区").removesuffix("村")
    return f"{base}第{int(code[-3:])}网格"


def _second_codes(levels: Levels, fabric: Fabric) -> list[str]:
    """Return codes of level-2 grids: the community's code and two digits, from west to east, north to south."""
    n = len(levels.second_community)
    label = levels.second[fabric.block_leaf]
    shapes = union_by(fabric.blocks, label, n)
    codes = leaf_codes(levels, levels.second_community, shapes)
    return [c[:-3] + c[-2:] for c in codes]


def neighbours(label: Ints, pairs: Ints, shared: NDArray[np.float64]) -> dict[int, dict[int, float]]:
    """Return for every leaf its neighbours with the length of the common border."""
    out: dict[int, dict[int, float]] = {}
    for (a, b), length in zip(label[pairs], shared, strict=True):
        if a != b:
            out.setdefault(int(a), {})[int(b)] = out.get(int(a), {}).get(int(b), 0.0) + float(length)
            out.setdefault(int(b), {})[int(a)] = out.get(int(b), {}).get(int(a), 0.0) + float(length)
    return out


def holds_together(label: Ints, leaf: int, pairs: Ints) -> bool:
    """Whether the blocks of a leaf hang together."""
    inside = pairs[(label[pairs] == leaf).all(axis=1)]
    members = np.flatnonzero(label == leaf)
    if len(members) < 2:  # noqa: PLR2004
        return len(members) == 1
    position = np.full(len(label), -1, dtype=np.intp)
    position[members] = np.arange(len(members))
    return int(components(len(members), position[inside]).max()) == 0


def last_year(now: Edition, fabric: Fabric, levels: Levels, special: set[int], rng: np.random.Generator) -> Edition:
    """Return last year's edition, from which the present one came by 3 splits, 2 merges and 5 moved borders."""
    old = Edition(
        now.label.copy(),
        list(now.code),
        list(now.name),
        list(now.kind),
        now.community.copy(),
        now.second.copy(),
        now.second_code,
        {"splits": [], "merges": [], "moves": []},
    )
    around = neighbours(now.label, fabric.pairs, fabric.shared)
    used = set(special)
    plain = [int(k) for k in rng.permutation(fabric.n_leaves) if now.kind[k] == "urban" and k not in used]
    _unsplit(old, now, around, plain, used, 3)
    _unmerge(old, now, fabric, levels, plain, used, 2)
    _unmove(old, now, fabric, around, plain, used, 5)
    return old


def _unsplit(
    old: Edition, now: Edition, around: dict[int, dict[int, float]], plain: list[int], used: set[int], count: int
) -> None:
    for a in plain:
        if len(old.changes["splits"]) == count:
            return
        partners = [
            (length, b)
            for b, length in around.get(a, {}).items()
            if b not in used and now.second[b] == now.second[a] and now.kind[b] == "urban" and length > 60  # noqa: PLR2004
        ]
        if a in used or not partners:
            continue
        b = max(partners)[1]
        keep, gone = sorted((a, b), key=lambda k: now.code[k])
        old.label[old.label == gone] = keep
        old.code[gone] = ""
        used |= {a, b}
        old.changes["splits"].append({"from": now.code[keep], "to": [now.code[keep], now.code[gone]]})


def _unmerge(
    old: Edition, now: Edition, fabric: Fabric, levels: Levels, plain: list[int], used: set[int], count: int
) -> None:
    for a in plain:
        if len(old.changes["merges"]) == count:
            return
        blocks = np.flatnonzero(now.label == a)
        if a in used or len(blocks) < 3:  # noqa: PLR2004
            continue
        for b in blocks:
            trial = old.label.copy()
            fresh = len(old.code)
            half = _grow(trial, int(b), a, fabric, 0.5 * shapely.area(fabric.blocks[blocks]).sum())
            trial[half] = fresh
            if len(half) < len(blocks) and holds_together(trial, a, fabric.pairs):
                community = int(now.community[a])
                taken = [int(c[-3:]) for c, m in zip(old.code, old.community, strict=True) if c and m == community]
                code = f"{levels.community_code[community]}{max(taken) + 1:03d}"
                old.label = trial
                old.code.append(code)
                old.name.append(_plain_name(levels, community, code))
                old.kind.append("urban")
                old.community = np.append(old.community, community)
                old.second = np.append(old.second, now.second[a])
                used.add(a)
                old.changes["merges"].append({"from": [now.code[a], code], "to": now.code[a]})
                break


def _grow(label: Ints, start: int, leaf: int, fabric: Fabric, area: float) -> Ints:
    """Return neighbouring blocks of a leaf around ``start`` that together have about ``area``."""
    chosen = [int(start)]
    total = float(shapely.area(fabric.blocks[start]))
    while True:
        touching = fabric.pairs[np.isin(fabric.pairs, chosen).sum(axis=1) == 1]
        edge = [int(b) for b in np.unique(touching) if b not in chosen and label[b] == leaf]
        edge = [b for b in edge if total + shapely.area(fabric.blocks[b]) <= area]
        if not edge:
            return np.array(chosen, dtype=np.intp)
        chosen.append(edge[0])
        total += float(shapely.area(fabric.blocks[edge[0]]))


def _unmove(
    old: Edition,
    now: Edition,
    fabric: Fabric,
    around: dict[int, dict[int, float]],
    plain: list[int],
    used: set[int],
    count: int,
) -> None:
    for a in plain:
        if len(old.changes["moves"]) == count:
            return
        if a in used:
            continue
        for b in sorted(around.get(a, {}), key=lambda k: now.code[k]):
            if b in used or now.second[b] != now.second[a] or now.kind[b] != "urban":
                continue
            block = _movable(old.label, a, b, fabric)
            if block is None:
                continue
            old.label[block] = b
            used |= {a, b}
            old.changes["moves"].append({"from": now.code[b], "to": now.code[a]})
            break


def _movable(label: Ints, a: int, b: int, fabric: Fabric) -> int | None:
    """Return a block of ``a`` that could as well belong to ``b``."""
    touching = label[fabric.pairs]
    both = (touching == [a, b]).all(axis=1) | (touching == [b, a]).all(axis=1)
    at = both & (fabric.shared > 30)  # noqa: PLR2004
    members = np.unique(fabric.pairs[at])
    for block in members[label[members] == a]:
        area = shapely.area(fabric.blocks[block])
        trial = label.copy()
        trial[block] = b
        if MOVED[0] < area < MOVED[1] and (trial == a).any() and holds_together(trial, a, fabric.pairs):
            return int(block)
    return None


def grid_table(
    edition: Edition,
    levels: Levels,
    degrees: NDArray[np.object_],
    hole: tuple[int, shapely.Geometry] | None = None,
) -> pd.DataFrame:
    """Return all grids of an edition: communities, level-2 grids and leaves.

    ``degrees`` are the blocks in degrees; ``hole`` is a leaf and land (degrees) that it lacks.
    """
    rows: list[dict[str, object]] = []
    shapes: list[shapely.Geometry] = []
    community = edition.community[edition.label]
    tops = union_by(degrees, community, len(levels.community_code))
    for c in np.argsort(np.array(levels.community_code)):
        kind = "rural" if levels.community_rural[c] else "urban"
        rows.append(_row(levels.community_code[c], levels.community_name[c], 1, kind, None, levels.community_code[c]))
        shapes.append(tops[c])
    second = edition.second[edition.label]
    mids = union_by(degrees, second, len(edition.second_code))
    for s in np.argsort(np.array(edition.second_code)):
        if mids[s] is None:
            continue
        c = int(levels.second_community[s])
        base = levels.community_name[c].removesuffix("社区").removesuffix("村")
        code = edition.second_code[s]
        kind = "rural" if levels.community_rural[c] else "urban"
        label = f"{base}第{numeral(int(code[-2:]))}片区"
        rows.append(_row(code, label, 2, kind, levels.community_code[c], levels.community_code[c]))
        shapes.append(mids[s])
    leaves = union_by(degrees, edition.label, len(edition.code))
    for k in sorted(edition.leaves, key=lambda k: edition.code[k]):
        shape = leaves[k]
        if hole is not None and hole[0] == k:
            shape = shapely.difference(shape, hole[1])
        parent = edition.second_code[int(edition.second[k])]
        top = levels.community_code[int(edition.community[k])]
        rows.append(_row(edition.code[k], edition.name[k], 3, edition.kind[k], parent, top))
        shapes.append(shape)
    return table(
        "grids",
        {key: [row[key] for row in rows] for key in rows[0]},
        np.array(shapes, dtype=object),
    )


def _row(code: str, name: str, level: int, kind: str, parent: str | None, community: str) -> dict[str, object]:
    return {
        "code": code,
        "name": name,
        "level": level,
        "grid_kind": kind,
        "parent_code": parent,
        "community_code": community,
    }


__all__ = ["Edition", "grid_table", "last_year", "present", "renumber", "union_by"]
