"""Parameters of cell making; each is a length in metres, an area in square metres, or a share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSettings:
    """How land is cut into cells. The defaults held on six real towns.

    Attributes
    ----------
    lanes_cut
        Lanes (service roads, pedestrian streets, tracks) cut everywhere; otherwise only in blocks larger than
        ``large_block_m2`` or with more households than ``target_households``.
    thin_m, small_block_m2
        A face without building whose mean width ``2 A / P`` or area is below goes to its neighbour: the strip
        between two carriageways, the inside of a slip road.
    min_water_m2
        Smaller water polygons do not cut.
    give_way_m
        A line of lower rank that runs nearer than this to one of higher rank is left out.
    min_piece_m
        A shorter piece of a line of lower rank is left out.
    straddle_share
        A building with a smaller share in its block is listed.
    own_cell_m2
        A smaller outline has no cell of its own.
    duplicate_share
        An outline of which more than this share lies in a larger one is taken for a duplicate.
    step_m
        Distance of the samples on outlines; twice the farthest shift of a cell border's end along a block's.
    simplify_m
        Tolerance of the lines between buildings.
    reach_m, min_open_m2, max_open_m2
        Land farther than ``reach_m`` from any outline is open land if there is at least ``min_open_m2`` of it,
        cut into pieces of at most ``max_open_m2``.
    min_scrap_m2, min_scrap_width_m
        Smaller or thinner open scraps go to a neighbour.
    follow_m
        A cell border nearer than this to a street or path follows it.
    legacy_depth_m
        Legacy polygons cut a block only where they differ from its cells by more than this inwards.
    household_band
        A building with more households is divided among its entrances.
    """

    lanes_cut: bool = False
    large_block_m2: float = 200_000.0
    target_households: int = 300
    thin_m: float = 20.0
    small_block_m2: float = 400.0
    min_water_m2: float = 2_000.0
    give_way_m: float = 10.0
    min_piece_m: float = 15.0
    straddle_share: float = 0.95
    own_cell_m2: float = 8.0
    duplicate_share: float = 0.6
    step_m: float = 4.0
    simplify_m: float = 0.2
    reach_m: float = 40.0
    min_open_m2: float = 5_000.0
    max_open_m2: float = 100_000.0
    min_scrap_m2: float = 30.0
    min_scrap_width_m: float = 1.5
    follow_m: float = 4.0
    legacy_depth_m: float = 2.5
    household_band: int = 390
