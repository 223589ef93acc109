"""Proposals: grids drawn anew or evened out by the program, for a planner to choose from.

:func:`gridmap.core.proposals.propose.propose` divides every community by itself: seeds cut from random trees that cross
streets last, pairs of neighbours merged and split again, then single atoms (buildings, estates) flipped and swapped by
annealing. Grids stay in one piece at every step; locked, dedicated and rural grids stay as they are. What is asked
stands in ``options``, which brings no kernels with it.
"""
