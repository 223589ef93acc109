"""Reach: who can walk to which station, in how many seconds."""

from gridmap.core.reach.kernels import Legs
from gridmap.core.reach.legs import DirectPairs, legs
from gridmap.core.reach.search import Nearest, Pairs, nearest, node_times, pairs

__all__ = ["DirectPairs", "Legs", "Nearest", "Pairs", "legs", "nearest", "node_times", "pairs"]
