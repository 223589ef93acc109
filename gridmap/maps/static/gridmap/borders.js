/**
 * Each border once: polygons of a coverage share their edges, and a line drawn from both sides would double
 * its dashes. Edges are matched by their vertices, classified by the areas on their two sides, and joined.
 */
import { boxOf } from "./geo.js";

const STEPS = 2 ** 26;

/**
 * Lines between features. `classify(a, b)` gets the features on the two sides (b is null on the outer
 * border) and returns the name of the class of line, or null for none. Returns { class: [{ points, box }] }.
 */
export function bordersOf(features, classify) {
  const box = boxOf(features.flatMap((feature) => feature.rings));
  const scale = (STEPS - 1) / Math.max(box[2] - box[0], box[3] - box[1], 1e-12);
  const ids = new Map();
  const xs = [];
  const ys = [];
  const vertex = (x, y) => {
    const key = Math.round((x - box[0]) * scale) * STEPS + Math.round((y - box[1]) * scale);
    let id = ids.get(key);
    if (id === undefined) {
      id = xs.length;
      ids.set(key, id);
      xs.push(x);
      ys.push(y);
    }
    return id;
  };
  const edges = new Map();
  for (const feature of features) {
    for (const ring of feature.rings) {
      let from = vertex(ring[0], ring[1]);
      for (let i = 2; i < ring.length; i += 2) {
        const to = vertex(ring[i], ring[i + 1]);
        if (to !== from) {
          const key = Math.min(from, to) * STEPS + Math.max(from, to);
          const edge = edges.get(key);
          if (edge) edge.right ??= feature;
          else edges.set(key, { from, to, left: feature, right: null });
        }
        from = to;
      }
    }
  }
  const classes = {};
  for (const edge of edges.values()) {
    const name = classify(edge.left, edge.right);
    if (name) (classes[name] ??= []).push(edge);
  }
  const line = (path) => {
    const points = new Float64Array(path.length * 2);
    path.forEach((id, i) => {
      points[2 * i] = xs[id];
      points[2 * i + 1] = ys[id];
    });
    return { points, box: boxOf([points]) };
  };
  return Object.fromEntries(
    Object.entries(classes).map(([name, list]) => [name, joined(list).map(line)]),
  );
}

/** Chains of vertex ids: from every junction or end along the edges, then the closed loops that are left. */
function joined(edges) {
  const at = new Map();
  for (const edge of edges) {
    for (const id of [edge.from, edge.to]) {
      if (at.has(id)) at.get(id).push(edge);
      else at.set(id, [edge]);
    }
  }
  const used = new Set();
  const chains = [];
  const walk = (start, first) => {
    const path = [start];
    let edge = first;
    let here = start;
    while (edge) {
      used.add(edge);
      here = edge.from === here ? edge.to : edge.from;
      path.push(here);
      const next = at.get(here);
      edge = next.length === 2 ? next.find((other) => !used.has(other)) : null;
    }
    chains.push(path);
  };
  for (const [id, list] of at) {
    if (list.length !== 2) for (const edge of list) if (!used.has(edge)) walk(id, edge);
  }
  for (const edge of edges) if (!used.has(edge)) walk(edge.from, edge);
  return chains;
}
