"""Grouping neighbouring pieces into connected groups of nearly equal weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from gridmap.sample.fabric import Ints
from gridmap.sample.ground import Floats

FEWEST_TRIES = 5
#: Groups may differ from their fair share by this much without being worse.
SLACK = 0.12


def merged_pairs(label: Ints, pairs: Ints, shared: Floats) -> tuple[Ints, Floats]:
    """Return the pairs of labels that touch, and how long they do, from the pairs of their members."""
    a, b = label[pairs[:, 0]], label[pairs[:, 1]]
    low, high = np.minimum(a, b), np.maximum(a, b)
    keep = (low != high) & (low >= 0)
    n = int(label.max()) + 1
    code = low[keep].astype(np.int64) * n + high[keep]
    unique, inverse = np.unique(code, return_inverse=True)
    total = np.bincount(inverse, weights=shared[keep], minlength=len(unique)).astype(np.float64)
    return np.column_stack([unique // n, unique % n]).astype(np.intp), total


def group(weight: Floats, place: Floats, pairs: Ints, ease: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Divide things into ``count`` connected groups of nearly equal weight.

    ``place`` are their middles (n, 2) in metres; ``pairs`` which touch, ``ease`` how readily a pair stays
    together (low across a river). Random spanning trees are cut where the halves balance best; among good
    cuts the more compact one wins.
    """
    out = np.zeros(len(weight), dtype=np.intp)
    stack = [(np.arange(len(weight)), count)]
    done = 0
    while stack:
        members, k = stack.pop()
        if k <= 1 or len(members) <= 1:
            out[members] = done
            done += 1
            continue
        left, right, k_left = _halve(weight, place, pairs, ease, members, k, rng)
        stack.append((right, k - k_left))
        stack.append((left, k_left))
    return out


def _halve(
    weight: Floats, place: Floats, pairs: Ints, ease: Floats, members: Ints, k: int, rng: np.random.Generator
) -> tuple[Ints, Ints, int]:
    position = np.full(len(weight), -1, dtype=np.intp)
    position[members] = np.arange(len(members))
    inside = (position[pairs] >= 0).all(axis=1)
    a, b = position[pairs[inside, 0]], position[pairs[inside, 1]]
    easy = ease[inside]
    n = len(members)
    w = weight[members]
    xy = place[members]
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(n, n)).tocsr()
    parts, part = connected_components(graph, directed=False)
    if parts > 1:
        one = part == part[0]
        k_one = min(k - 1, max(1, round(k * w[one].sum() / w.sum())))
        return members[one], members[~one], k_one
    by_row = np.lexsort((b, a))
    rows = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=n))])
    k_left = k // 2
    share = k_left / k
    best: tuple[float, NDArray[np.bool_]] | None = None
    for _ in range(max(FEWEST_TRIES, min(40, 1000 // n))):
        cost = rng.uniform(0.2, 1.0, len(a)) / easy
        order, before = _spread(minimum_spanning_tree(csr_array((cost[by_row], b[by_row], rows), shape=(n, n))))
        below, size = _sums(order, before, w)
        for goal, goal_k in ((share, k_left), (1 - share, k - k_left)):
            off = np.abs(below - goal * w.sum())
            off[order[0]] = np.inf
            off[(size < goal_k) | (n - size < k - goal_k)] = np.inf
            node = int(np.argmin(off))
            if not np.isfinite(off[node]):
                continue
            side = _subtree(node, order, before)
            spread = sum(
                float((np.hypot(*(xy[m] - np.average(xy[m], axis=0, weights=w[m])).T) * w[m]).sum())
                for m in (side, ~side)
            )
            excess = max(0.0, float(off[node] / w.sum()) - SLACK / k)
            score = excess * 4 * k + spread / (w.sum() * np.hypot(*np.ptp(xy, axis=0)))
            if best is None or score < best[0] - 1e-9:
                best = (score, side if goal_k == k_left else ~side)
    if best is None:
        side = np.zeros(n, dtype=bool)
        side[np.argsort(xy[:, 0], kind="stable")[:k_left]] = True
        return members[side], members[~side], k_left
    side = best[1]
    return members[side], members[~side], k_left


def _spread(tree: csr_array) -> tuple[Ints, Ints]:
    """Return the nodes of a tree breadth first from node 0, lower numbers first, and the node before each (-1: none).

    For the few hundred nodes that there are, quicker than building a symmetric matrix.
    """
    n = tree.shape[0]
    one = np.repeat(np.arange(n), np.diff(tree.indptr))
    ends = np.stack([np.concatenate([one, tree.indices]), np.concatenate([tree.indices, one])])
    near = ends[1][np.lexsort(ends[::-1])].tolist()
    first = [0, *np.cumsum(np.bincount(ends[0], minlength=n)).tolist()]
    order, before = [0], [-1] * n
    for node in order:
        for other in near[first[node] : first[node + 1]]:
            if other != before[node]:
                before[other] = node
                order.append(other)
    return np.array(order), np.array(before)


def _sums(order: Ints, before: Ints, weight: Floats) -> tuple[Floats, Floats]:
    """Return the weight and the number of members below every node of a tree, itself included."""
    below, size, up = weight.tolist(), [1.0] * len(weight), before.tolist()
    for node in order[:0:-1].tolist():
        below[up[node]] += below[node]
        size[up[node]] += size[node]
    return np.array(below), np.array(size)


def _subtree(root: int, order: Ints, before: Ints) -> NDArray[np.bool_]:
    inside, up = [False] * len(order), before.tolist()
    inside[root] = True
    at = int(np.flatnonzero(order == root)[0])
    for node in order[at + 1 :].tolist():
        if inside[up[node]]:
            inside[node] = True
    return np.array(inside)
