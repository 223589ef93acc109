"""Proposals: grids drawn anew or evened out by the program, for a planner to choose from.

:func:`propose` divides every community by itself: seeds cut from random trees that cross streets last, pairs of
neighbours merged and split again, then single atoms (buildings, estates) flipped and swapped by annealing. Grids stay
in one piece at every step; locked, dedicated and rural grids stay as they are.
"""

from gridmap.core.proposals.candidate import Candidate, Figures
from gridmap.core.proposals.options import MODES, Mode, Order, Weights
from gridmap.core.proposals.propose import Bound, Proposals, propose
from gridmap.core.proposals.reasons import Missed

__all__ = [
    "MODES",
    "Bound",
    "Candidate",
    "Figures",
    "Missed",
    "Mode",
    "Order",
    "Proposals",
    "Weights",
    "propose",
]
