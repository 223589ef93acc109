"""Assignments from elsewhere: lists of buildings with grid codes, or drawn polygons, brought onto the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core import partition
from gridmap.core.cells.borders import shares_in
from gridmap.core.plans import gestures
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange, Outcome
from gridmap.core.plans.fabric import Fabric
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["Cleaned", "Wanted", "bring", "clean", "open_land_follows", "wanted_by_buildings", "wanted_by_polygons"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]

_SNAP_M, _GAP_M = 2.0, 6.0
_DEEP_M = 0.05
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which grid code each cell is to have (None: nothing is said of it), and what a list could not say.

    Attributes
    ----------
    codes
        By cell.
    unknown
        Buildings of the list that there are not.
    twice
        Buildings that it gives to several grids.
    missing
        Buildings that it does not name.
    attached
        Buildings that stand on the land of another, which the list gives to another grid.
    """

    codes: Objects
    unknown: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Polygons that fit together, and what had to be done for that.

    Attributes
    ----------
    polygons
        In the order in which they were given.
    mended
        Positions of polygons that crossed themselves.
    overlap_m2, gap_m2
        Land that two had, and narrow land between them that none had.
    shift_m
        How far a border was moved at most.
    changed
        Positions of those whose border moved at all.
    """

    polygons: Objects
    mended: tuple[int, ...]
    overlap_m2: float
    gap_m2: float
    shift_m: float
    changed: tuple[int, ...] = field(default=())


def wanted_by_buildings(
    fabric: Fabric, buildings: Sequence[str], parts: Sequence[int | None], codes: Sequence[str]
) -> Wanted:
    """Read a list of buildings and grid codes; ``parts`` is the entrance where a building is divided among grids."""
    said: dict[tuple[str, int | None], set[str]] = {}
    for building, part, code in zip(buildings, parts, codes, strict=True):
        said.setdefault((building, part), set()).add(code)
    known = fabric.cells_of_building
    unknown = sorted({building for building, _ in said if building not in known})
    twice = sorted({building for (building, _), given in said.items() if len(given) > 1})
    out = np.full(len(fabric.ids), None, dtype=object)
    skip = {*unknown, *twice}
    # whole buildings first, then their parts
    for (building, part), given in sorted(said.items(), key=lambda each: each[0][1] is not None):
        if building in skip:
            continue
        rows = known[building]
        if fabric.source[rows[0]] == building:
            (code,) = given
            out[rows if part is None else rows[part : part + 1]] = code
    attached = sorted(
        building
        for (building, _), given in said.items()
        if building not in skip
        and fabric.source[known[building][0]] != building
        and out[known[building][0]] not in {None, *given}
    )
    missing = sorted(set(known) - {building for building, _ in said})
    return Wanted(_whole(fabric, out), tuple(unknown), tuple(twice), tuple(missing), tuple(attached))


def _whole(fabric: Fabric, codes: Objects) -> Objects:
    """Let the cells of a building that must stay together have what the leading one has."""
    built = fabric.building >= 0
    out = codes.copy()
    out[built] = codes[fabric.leader[built]]
    return out


def clean(polygons: Objects) -> Cleaned:
    """Make drawn polygons (metric) fit together: overlaps, slivers and narrow gaps up to 6 m are closed."""
    given = np.asarray(polygons, dtype=object)
    bad = np.flatnonzero(~shapely.is_valid(given))
    sound = shapely.make_valid(given, method="structure", keep_collapsed=False)
    if len(sound) < 2 or shapely.coverage_is_valid(sound):  # noqa: PLR2004 (one fits with itself)
        return Cleaned(sound, tuple(bad.tolist()), 0.0, 0.0, 0.0)
    fitted = shapely.coverage_clean(sound, snapping_distance=_SNAP_M, gap_width=_GAP_M)
    fitted = np.where(shapely.is_empty(fitted), sound, fitted)
    before = float(shapely.area(sound).sum())
    union = shapely.union_all(sound, grid_size=0.001)
    overlap = before - float(shapely.area(union))
    gap = float(shapely.area(shapely.difference(shapely.union_all(fitted, grid_size=0.001), union)))
    shift = shapely.hausdorff_distance(shapely.boundary(sound), shapely.boundary(fitted))
    moved = np.flatnonzero(shift > _DEEP_M)
    return Cleaned(
        fitted, tuple(bad.tolist()), max(overlap, 0.0), gap, float(shift.max(initial=0.0)), tuple(moved.tolist())
    )


def wanted_by_polygons(
    fabric: Fabric, polygons: Objects, codes: Sequence[str], *, footprints: Mapping[int, object] | None = None
) -> Wanted:
    """Let each cell have the polygon (metric, see :func:`clean`) that holds most of it.

    A building goes by its footprint where that is known (``footprints`` by cell row), else by the land of its cell.
    Open land of which polygons hold less than half is not spoken of.
    """
    shapes = fabric.geometry.copy()
    for row, footprint in (footprints or {}).items():
        shapes[row] = footprint
    cell, polygon, share = shares_in(shapes, np.asarray(polygons, dtype=object))
    order = np.lexsort((polygon, -share, cell))
    first = order[np.unique(cell[order], return_index=True)[1]]
    covered = np.bincount(cell, weights=share, minlength=len(shapes))
    built = fabric.building >= 0
    out = np.full(len(shapes), None, dtype=object)
    told = first[built[cell[first]] | (covered[cell[first]] >= 0.5)]  # noqa: PLR2004 (half)
    out[cell[told]] = np.array([*codes, None], dtype=object)[polygon[told]]
    out = _whole(fabric, out)
    missing = sorted(name for name, rows in fabric.cells_of_building.items() if out[rows[0]] is None)
    return Wanted(out, missing=tuple(missing))


def open_land_follows(state: PlanState, codes: Objects) -> Objects:
    """Return what a list of buildings means for open land too.

    Open land that would lose touch with the buildings of its grid goes to the neighbour, of the same community, with
    which it has the longest border; what had no buildings before stays.
    """
    fabric = state.fabric
    names = [state.grids[key].code if key in state.grids else None for key in state.keys]
    before = np.array([*names, None], dtype=object)[state.labels]
    after = np.where(codes == None, before, codes)  # noqa: E711 (by element)
    community = fabric.community
    for _ in range(_ROUNDS):
        listed = sorted({code for code in after if code is not None})
        number = {code: k for k, code in enumerate(listed)}
        label = np.array([number.get(code, -1) for code in after], dtype=np.int64)
        found = partition.pieces(fabric.edge_a, fabric.edge_b, label, len(listed), area_m2=fabric.area_m2)
        homes = np.bincount(found.of_cell[found.of_cell >= 0], weights=(fabric.building >= 0)[found.of_cell >= 0])
        loose = np.isin(found.of_cell, np.flatnonzero(homes == 0)) & (fabric.building < 0)
        loose &= _had_buildings(state)
        if not loose.any():
            break
        a, b, metres = fabric.edge_a, fabric.edge_b, fabric.edge_m
        both = [(a, b), (b, a)]
        best: dict[int, dict[str, float]] = {}
        for own, other in both:
            at = loose[own] & ~loose[other] & (community[own] == community[other])
            for e in np.flatnonzero(at):
                if after[other[e]] is not None:
                    lengths = best.setdefault(int(found.of_cell[own[e]]), {})
                    lengths[after[other[e]]] = lengths.get(after[other[e]], 0.0) + float(metres[e])
        if not best:
            break
        for piece, lengths in best.items():
            after[loose & (found.of_cell == piece)] = max(sorted(lengths), key=lambda code: lengths[code])
    return np.where(after == before, codes, after)


def _had_buildings(state: PlanState) -> NDArray[np.bool_]:
    """Tell of each cell whether the piece of its grid that it is in has buildings now."""
    fabric = state.fabric
    found = partition.pieces(fabric.edge_a, fabric.edge_b, state.labels, len(state.keys), area_m2=fabric.area_m2)
    has = found.of_cell >= 0
    homes = np.bincount(found.of_cell[has], weights=(fabric.building >= 0)[has])
    out = np.zeros(len(fabric.ids), dtype=np.bool_)
    out[has] = homes[found.of_cell[has]] > 0
    return out


def bring(state: PlanState, gesture: gestures.Bring, context: Context) -> Outcome:  # noqa: ARG001 (one signature)
    """Return what an import does: land to grids by code; codes that there are not begin, emptied grids end.

    Raises
    ------
    InputError
        A cell is not live or named twice, a grid is locked, or a code is that of a grid above.
    """
    fabric = state.fabric
    by_code = {grid.code: grid for grid in state.grids.values()}
    rows = [fabric.rows_of(share.cells) for share in gesture.grids]
    chosen = np.concatenate(rows)
    if (chosen < 0).any() or len(np.unique(chosen)) < len(chosen):
        raise InputError(
            "有的单元已被新单元取代，或写了两次。请重新导入。",
            "Some cells have been replaced since, or are named twice. Import the file again.",
        )
    targets = np.zeros(len(chosen), dtype=np.int64)
    begun: list[GridChange] = []
    made: list[Grid] = []
    at = 0
    for share, mine in zip(gesture.grids, rows, strict=True):
        grid = by_code.get(share.to)
        if grid is None:
            grid = _new(state, share, mine, key=state.next_key - len(made))
            made.append(grid)
            begun.append(GridChange.begin(grid))
        elif not grid.leaf:
            raise InputError(
                f"{grid.label} 是上级网格，不直接管楼栋。请改用下级网格的编码。",
                f"{grid.label} is a grid above others and has no land of its own. Use the codes of leaf grids.",
            )
        targets[at : at + len(mine)] = grid.key
        at += len(mine)
    sources = state.keys_of(chosen)
    community = {grid.key: grid.community for grid in [*state.grids.values(), *made]}
    locked = np.array(
        [key != NO_GRID and (key in state.grids and state.grids[key].locked) for key in targets.tolist()],
        dtype=np.bool_,
    )
    held = np.array([key != NO_GRID and state.grids[key].locked for key in sources.tolist()], dtype=np.bool_)
    stays = (locked | held) & (sources != targets)
    across = (state.communities_of(chosen) != np.array([community[k] for k in targets.tolist()], dtype=object)) & (
        sources != targets
    )
    left = {"locked": int(stays.sum())}
    if not gesture.across_communities:
        left["community"] = int((across & ~stays).sum())
        stays |= across
    targets = np.where(stays, sources, targets)
    began = [change for change, grid in zip(begun, made, strict=True) if (targets == grid.key).any()]
    keys = state.all_keys()
    had = set(np.unique(keys[chosen]).tolist()) - {NO_GRID}
    keys[chosen] = targets
    emptied = sorted(had - set(np.unique(keys).tolist()))
    changes = [*began, *(GridChange.end(state.grids[key]) for key in emptied)]
    effect = Effect.moving(fabric.ids[chosen], sources, targets, changes)
    if not effect and stays.any():
        raise InputError(
            f"文件要移动的 {int(stays.sum())} 个单元都属于其他社区或已锁定，没有变化。跨社区须另行指明，锁定的先解锁。",
            f"All {int(stays.sum())} cells that the file would move are of other communities or locked; nothing "
            "changes. Ask for moves across communities, or unlock the grids first.",
        )
    return Outcome(effect, {reason: count for reason, count in left.items() if count})


def _new(state: PlanState, share: gestures.BringShare, rows: Ints, *, key: int) -> Grid:
    keys, count = np.unique(state.keys_of(rows), return_counts=True)
    known = [(c, -k) for k, c in zip(keys.tolist(), count.tolist(), strict=True) if k != NO_GRID]
    names, often = np.unique([str(c or "") for c in state.communities_of(rows)], return_counts=True)
    community = str(names[int(np.argmax(often))]) or None
    like = state.grids[-max(known)[1]] if known else next(iter(state.leaves), None)
    return Grid(
        key=key,
        code=share.to,
        name=share.name or share.to,
        level=1 if like is None else like.level,
        kind=share.grid_kind or "urban",
        parent=None if like is None or like.community != community else like.parent,
        community=community,
    )
