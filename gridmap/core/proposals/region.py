"""The land that a proposal may change, as graphs: one for each connected part of a community."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Grid
from gridmap.core.plans.selection import find_leaf
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals.options import Order, Weights
from gridmap.errors import InputError
from gridmap.model.text import Text

__all__ = ["NEW", "Region", "regions"]

Ints = NDArray[np.int64]
Longs = NDArray[np.int64]
Small = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEW = -1
"""In place of the number of a grid: none yet."""

_TOUCH_M = 3.0
_UNIT_M = 200.0
# an atom that stays where it is counts a little, so that land without households does not change for nothing
_LAND = 0.25
_TIE = 100.0
# how late a random tree takes a border: estates first, streets last
_LATE = {"estate": 0.0, "block": 1.0, "open": 1.5, "lane": 1.8, "minor": 2.0, "major": 2.6, "rail": 2.6, "water": 2.6}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """Connected land of one community that may change, n atoms of it, and the graph of their borders.

    Attributes
    ----------
    community
        Code, or None.
    grids
        Grids that have land here, by code; numbers of grids below are places in this list.
    rows, atom
        Cells (row numbers of the fabric), and the atom of each.
    xy
        Of each atom, its middle.
    start, other, cost, touch, late, homes, kept_start, kept_label, kept
        See :mod:`gridmap.core.proposals.kernels`; ``cost`` in units of the objective.
    kept_homes
        Households beside ``kept``, which counts land a little too.
    divided
        Estates that are in several grids now.
    apart
        Cells (row numbers) on land of its own that touches no other free land; they hang on to what is nearest.
    seed
        Of its own generator, whatever else is asked for.
    """

    community: str | None
    grids: tuple[Grid, ...]
    rows: Ints
    atom: Ints
    xy: Floats
    start: Longs
    other: Small
    cost: Floats
    touch: Bools
    late: Floats
    homes: Longs
    kept_start: Longs
    kept_label: Small
    kept: Floats
    kept_homes: Longs
    divided: tuple[str, ...]
    apart: Ints
    seed: int

    @property
    def households(self) -> int:
        """Return how many households live here."""
        return int(self.homes.sum())

    @property
    def label(self) -> Text:
        """Return how messages call it."""
        if self.community is None:
            return Text("无社区的土地", "Land without a community")
        return Text(f"社区 {self.community}", f"Community {self.community}")


def regions(state: PlanState, order: Order, context: Context) -> list[Region]:
    """Return the regions of an order, by community.

    Raises
    ------
    InputError
        There is no such grid or community, or nothing that may change: locked, dedicated and rural grids stay.
    """
    free = _free(state, order, context)
    community = _communities(state)
    found: list[Region] = []
    for code in sorted(set(community[free]), key=lambda c: (c is None, c or "")):
        rows = free[community[free] == code]
        parts = _connected(state, rows, context)
        homes_in = _homes_in(state, [part for part, _ in parts])
        for number, (part, apart) in enumerate(parts):
            # a grid in two parts goes on in that with most of it
            known = {key for key, homes in homes_in.items() if max(homes, key=lambda k: (homes[k], -k)) == number}
            found.append(_region(state, code, part, apart, known, order, context))
    return found


def _homes_in(state: PlanState, parts: Sequence[Ints]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for number, rows in enumerate(parts):
        keys = state.keys_of(rows)
        for key in np.unique(keys).tolist():
            found.setdefault(key, {})[number] = int(state.fabric.households[rows[keys == key]].sum())
    found.pop(NO_GRID, None)
    return found


def _communities(state: PlanState) -> NDArray[np.object_]:
    """Return the community of each cell: its grid's, else the official one."""
    own = np.empty(len(state.keys) + 1, dtype=object)
    own[:] = [*(state.grids[k].community if k in state.grids else None for k in state.keys), None]
    return np.where(state.labels >= 0, own[state.labels], state.fabric.community)


def _free(state: PlanState, order: Order, context: Context) -> Ints:
    """Return the cells that may change: of unlocked urban grids, and such as are in no grid."""
    if order.grid is not None:
        target = find_leaf(state, order.grid)
        _may_change(target)
        keys = {target.key} | {g.key for g in _neighbours(state, target) if g.kind == "urban" and not g.locked}
        return state.cells_of(*sorted(keys))
    if order.community is not None and order.community not in (
        set(context.communities) | {g.community for g in state.leaves}
    ):
        raise InputError(
            f"没有代码为 {order.community} 的社区。请核对。",
            f"There is no community of code {order.community}. Check it.",
        )
    chosen = [
        g.key for g in state.leaves if g.kind == "urban" and not g.locked and order.community in {None, g.community}
    ]
    rows = state.cells_of(*chosen) if chosen else np.zeros(0, dtype=np.int64)
    rural = {code for code, kind in context.communities.items() if kind == "rural"}
    loose = np.flatnonzero(state.labels < 0)
    official = state.fabric.community[loose]
    wanted = [c is not None and c not in rural and order.community in {None, c} for c in official]
    free = np.union1d(rows, loose[np.array(wanted, dtype=np.bool_)])
    if not len(free):
        raise InputError(
            "这个范围内没有可以调整的城市社区网格（锁定、专属、农村网格不动）。",
            "There is no urban grid here that may change: locked, dedicated and rural grids stay as they are.",
        )
    return free


def _may_change(grid: Grid) -> None:
    if grid.locked or grid.kind != "urban":
        raise InputError(
            f"网格 {grid.label} {'已锁定' if grid.locked else '不是城市社区网格'}，自动方案不改变它。",
            f"Grid {grid.label} is {'locked' if grid.locked else 'not an urban grid'}; proposals leave it as it is.",
        )


def _neighbours(state: PlanState, grid: Grid) -> Iterable[Grid]:
    _, neighbour, _ = state.fabric.edges_of(state.cells_of(grid.key))
    keys = set(state.keys_of(neighbour).tolist()) - {NO_GRID, grid.key}
    return [state.grids[k] for k in sorted(keys) if state.grids[k].community == grid.community]


def _inner(state: PlanState, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Return borders among some cells, once each: positions of both sides among ``rows``, and edge numbers."""
    place = np.full(len(state.fabric.ids), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    row, neighbour, edge = state.fabric.edges_of(rows)
    a, b = place[row], place[neighbour]
    once = (b >= 0) & (a < b)
    return a[once], b[once], edge[once]


def _parts(count: int, a: Ints, b: Ints) -> tuple[int, Ints]:
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    return int(parts), np.asarray(part, dtype=np.int64)


def _connected(state: PlanState, rows: Ints, context: Context) -> list[tuple[Ints, Ints]]:
    """Return the connected parts that could be a grid, each with the small pieces that hang on to it."""
    fabric = state.fabric
    a, b, _ = _inner(state, rows)
    leader = fabric.leader[rows]
    _, first, inverse = np.unique(leader, return_index=True, return_inverse=True)
    a, b = np.concatenate([a, first[inverse]]), np.concatenate([b, np.arange(len(rows))])
    count, part = _parts(len(rows), a, b)
    homes = np.bincount(part, weights=fabric.households[rows], minlength=count)
    large = homes >= context.targets.households / 2
    if not large.any():
        large[int(np.argmax(homes))] = True
    main = np.flatnonzero(large[part])
    near = part.copy()
    lonely = np.flatnonzero(~large[part])
    if len(lonely):
        metres, at = cKDTree(fabric.xy[rows[main]]).query(fabric.xy[rows[lonely]])
        for piece in np.unique(part[lonely]):
            mine = np.flatnonzero(part[lonely] == piece)
            near[lonely[mine]] = part[main[at[mine[int(np.argmin(metres[mine]))]]]]
    return [(rows[near == k], rows[(near == k) & (part != k)]) for k in np.flatnonzero(large).tolist()]


def _region(
    state: PlanState,
    community: str | None,
    rows: Ints,
    apart: Ints,
    known: set[int],
    order: Order,
    context: Context,
) -> Region:
    fabric = state.fabric
    keys = state.keys_of(rows)
    grids = tuple(sorted((state.grids[k] for k in known), key=lambda g: g.code))
    number = {grid.key: k for k, grid in enumerate(grids)}
    label = np.array([number.get(k, NEW) for k in keys.tolist()], dtype=np.int64)
    a, b, edge = _inner(state, rows)
    atom, divided, ties = _atoms(state, rows, label, (a, b, edge), order, context)
    count = int(atom.max()) + 1
    homes = np.bincount(atom, weights=fabric.households[rows], minlength=count).astype(np.int64)
    graph = _graph(state, rows, atom, (a, b, edge), ties, order.weights)
    weight = np.bincount(atom, minlength=count).astype(np.float64)
    xy = np.column_stack([np.bincount(atom, weights=fabric.xy[rows, i], minlength=count) / weight for i in (0, 1)])
    joined = _joined(*graph, xy)
    kept = _kept(atom, label, fabric.households[rows], count)
    text = f"{community}/{int(fabric.ids[rows[0]])}"
    digest = hashlib.blake2b(text.encode(), digest_size=6).digest()
    return Region(
        community=community,
        grids=grids,
        rows=rows,
        atom=atom,
        xy=xy,
        start=joined[0],
        other=joined[1],
        cost=joined[2],
        touch=joined[3],
        late=joined[4],
        homes=homes,
        kept_start=kept[0],
        kept_label=kept[1],
        kept=kept[2],
        kept_homes=kept[3],
        divided=divided,
        apart=apart,
        seed=int.from_bytes(digest, "big"),
    )


def _atoms(
    state: PlanState,
    rows: Ints,
    label: Ints,
    borders: tuple[Ints, Ints, Ints],
    order: Order,
    context: Context,
) -> tuple[Ints, tuple[str, ...], list[tuple[int, int]]]:
    """Return the atom of each cell, estates that are divided now, and pairs of atoms of one estate that do not touch.

    Buildings stay whole, and so do estates that are no larger than the band. Only when drawing anew is an estate put
    together again that is divided now; else its parts stay as they are.
    """
    fabric = state.fabric
    group = np.unique(fabric.leader[rows], return_inverse=True)[1]
    link_a, link_b = [], []
    firsts = np.unique(group, return_index=True)[1]
    link_a.append(firsts[group])
    link_b.append(np.arange(len(rows)))
    a, b, edge = borders
    estate = fabric.estate[rows]
    has = np.array([e is not None for e in estate], dtype=np.bool_)
    names, code = np.unique(np.where(has, estate, "").astype(str), return_inverse=True)
    homes = np.bincount(code, weights=fabric.households[rows], minlength=len(names))
    whole = has & (homes[code] <= context.targets.most)
    divided = [str(names[k]) for k in np.unique(code[has]).tolist() if len(np.unique(label[(code == k) & has])) > 1]
    same = whole[a] & whole[b] & (code[a] == code[b]) & (fabric.edge_m[edge] >= _TOUCH_M)
    if order.mode != "fresh":
        same &= label[a] == label[b]
    link_a.append(a[same])
    link_b.append(b[same])
    _, atom = _parts(len(rows), np.concatenate(link_a), np.concatenate(link_b))
    ties = []
    for k in np.unique(code[whole]).tolist():
        pieces = np.unique(atom[whole & (code == k)]).tolist()
        ties += list(pairwise(pieces))
    return atom, tuple(divided), ties


def _graph(
    state: PlanState,
    rows: Ints,
    atom: Ints,
    borders: tuple[Ints, Ints, Ints],
    ties: Sequence[tuple[int, int]],
    weights: Weights,
) -> tuple[Ints, Ints, Floats, Bools, Floats]:
    """Return borders of atoms, once each: both ends, cost, whether land touches, and how late trees take it."""
    fabric = state.fabric
    a, b, edge = borders
    between = atom[a] != atom[b]
    a, b, edge = a[between], b[between], edge[between]
    ra, rb = rows[a], rows[b]
    one_estate = np.array([e is not None for e in fabric.estate[ra]], dtype=np.bool_)
    one_estate &= fabric.estate[ra] == fabric.estate[rb]
    open_land = (fabric.building[ra] < 0) | (fabric.building[rb] < 0)
    kind = np.where(one_estate, "estate", np.where(open_land, "open", "block")).astype(object)
    named = np.array([c in weights.classes for c in fabric.edge_class[edge]], dtype=np.bool_)
    kind[named & ~one_estate] = fabric.edge_class[edge][named & ~one_estate]
    price = np.array([weights.classes[k] for k in kind], dtype=np.float64) / _UNIT_M
    late = np.array([_LATE[k] for k in kind], dtype=np.float64)
    low, high = np.minimum(atom[a], atom[b]), np.maximum(atom[a], atom[b])
    pair, at = np.unique(low * (int(atom.max()) + 1) + high, return_inverse=True)
    count = len(pair)
    metres = np.bincount(at, weights=fabric.edge_m[edge], minlength=count)
    cost = np.bincount(at, weights=fabric.edge_m[edge] * price, minlength=count)
    mean = np.bincount(at, weights=fabric.edge_m[edge] * late, minlength=count) / np.maximum(metres, 1e-9)
    longest = np.zeros(count)
    np.maximum.at(longest, at, fabric.edge_m[edge])
    size = int(atom.max()) + 1
    touch = longest >= _TOUCH_M
    left, right = pair // size, pair % size
    touch |= _needed(size, left, right, touch)
    tied = np.array(ties, dtype=np.int64).reshape(-1, 2)
    return (
        np.concatenate([left, tied[:, 0]]),
        np.concatenate([right, tied[:, 1]]),
        np.concatenate([cost, np.full(len(tied), _TIE)]),
        np.concatenate([touch, np.zeros(len(tied), dtype=np.bool_)]),
        np.concatenate([mean, np.zeros(len(tied))]),
    )


def _needed(size: int, a: Ints, b: Ints, touch: Bools) -> Bools:
    """Return which short borders connect land that would not be connected by longer ones."""
    _, part = _parts(size, a[touch], b[touch])
    needed: Bools = ~touch & (part[a] != part[b])
    return needed


def _joined(
    a: Ints, b: Ints, cost: Floats, touch: Bools, late: Floats, xy: Floats
) -> tuple[Longs, Small, Floats, Bools, Floats]:
    """Return the graph by atom, pieces that touch nothing connected with what is nearest."""
    size = len(xy)
    count, part = _parts(size, a[touch], b[touch])
    bridges = []
    for number in range(1, count):
        before, here = np.flatnonzero(part < number), np.flatnonzero(part == number)
        metres, nearest = cKDTree(xy[before]).query(xy[here])
        k = int(np.argmin(metres))
        bridges.append((before[nearest[k]], here[k]))
    extra = np.array(bridges, dtype=np.int64).reshape(-1, 2)
    a, b = np.concatenate([a, extra[:, 0]]), np.concatenate([b, extra[:, 1]])
    cost = np.concatenate([cost, np.zeros(len(extra))])
    touch = np.concatenate([touch, np.ones(len(extra), dtype=np.bool_)])
    late = np.concatenate([late, np.full(len(extra), 3.0)])
    both, others = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((others, both))
    start = np.searchsorted(both[order], np.arange(size + 1)).astype(np.int64)
    twice: list[Any] = [np.tile(values, 2)[order] for values in (cost, touch, late)]
    return start, others[order].astype(np.int32), twice[0], twice[1], twice[2]


def _kept(atom: Ints, label: Ints, homes: Ints, count: int) -> tuple[Longs, Small, Floats, Longs]:
    """Return what of each atom is in which grid now."""
    has = label >= 0
    width = int(label.max(initial=0)) + 1
    pair, at = np.unique(atom[has] * width + label[has], return_inverse=True)
    start = np.searchsorted(pair // width, np.arange(count + 1)).astype(np.int64)
    live = np.bincount(at, weights=homes[has], minlength=len(pair)).astype(np.int64)
    weight = live + _LAND * np.bincount(at, minlength=len(pair))
    return start, (pair % width).astype(np.int32), weight, live
