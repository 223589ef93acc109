"""Where the next stations should stand.

Three questions on walking coverage rows, all with existing stations kept: :func:`max_cover` (most people with so many
stations), :func:`set_cover` (fewest stations for a share), :func:`p_median` (least walking). Each answers at once by
greedy choice and exchange; with ``prove`` a Lagrangian bound settles most candidates and HiGHS proves the rest.
"""

from gridmap.core.siting.inputs import Coverage, Demand, Objective, Places, SitingOptions
from gridmap.core.siting.plan import max_cover, p_median, set_cover
from gridmap.core.siting.proposal import GapShare, Method, Proposal, Site, Taken

__all__ = [
    "Coverage",
    "Demand",
    "GapShare",
    "Method",
    "Objective",
    "Places",
    "Proposal",
    "Site",
    "SitingOptions",
    "Taken",
    "max_cover",
    "p_median",
    "set_cover",
]
