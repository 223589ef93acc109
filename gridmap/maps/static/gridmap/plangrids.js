/** The grids of a plan on the map: coloured by their size against the band, replaced one by one after each step. */
import { bordersOf } from "./borders.js";
import { between, outlined, trace } from "./canvas.js";
import { contains, edgeDistance, latOf, lonOf, meets, metresPerUnit, middleOf } from "./geo.js";

/** How a grid lies against the band: over, under, ok, or free (no band); twice the tolerance is far. */
export function sizeOf({ deviation }, { tolerance }) {
  if (deviation === null || deviation === undefined) return "free";
  if (Math.abs(deviation) <= tolerance + 1e-9) return "ok";
  const far = Math.abs(deviation) > 2 * tolerance ? "far_" : "";
  return far + (deviation > 0 ? "over" : "under");
}

const STEPS = 9;

/** A point well inside a feature and its distance to the edge, in units: where its name has most room. */
export function roomiest(feature) {
  let [left, top, right, bottom] = feature.box;
  let best = { ...middleOf(feature), room: 0 };
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < STEPS; i += 1) {
      for (let j = 0; j < STEPS; j += 1) {
        const x = left + ((right - left) * (i + 0.5)) / STEPS;
        const y = top + ((bottom - top) * (j + 0.5)) / STEPS;
        if (!contains(feature, x, y)) continue;
        const room = edgeDistance(feature, x, y);
        if (room > best.room) best = { x, y, room };
      }
    }
    const [dx, dy] = [(right - left) / STEPS, (bottom - top) / STEPS];
    [left, right, top, bottom] = [best.x - dx, best.x + dx, best.y - dy, best.y + dy];
  }
  return best;
}

export function createPlanGrids(style, { on, target }) {
  let features = new Map();
  /** The grids themselves while a proposal is looked at in their place. */
  let held = null;
  let before = [];
  let started = [];
  let active = null;
  let partner = null;
  let chosen = new Set();

  const labelled = (feature) => {
    const { x, y, room } = roomiest(feature);
    const lat = latOf(y);
    Object.assign(feature.properties, { label_lon: lonOf(x), label_lat: lat, label_radius_m: room * metresPerUnit(lat) });
    return feature;
  };

  const fill = (context, view) => {
    if (!on()) return;
    for (const feature of features.values()) {
      if (!meets(feature.box, view.box)) continue;
      const [colour, opacity] = style.sizes[sizeOf(feature.properties, target())];
      outlined(context, feature, view, (path) => {
        context.globalAlpha = opacity;
        context.fillStyle = colour;
        context.fill(path, "evenodd");
        if (![active, partner].includes(feature.properties.code)) return;
        context.globalAlpha = style.active_opacity;
        context.fillStyle = feature.properties.code === active ? style.active : style.partner;
        context.fill(path, "evenodd");
      });
    }
  };

  /** Footprints that are chosen in the list, or that a step has just moved. */
  const buildings = (context, view) => {
    if (!on() || !chosen.size || !view.content) return;
    const unit = view.content.extent / view.size;
    context.scale(1 / unit, 1 / unit);
    context.beginPath();
    for (const { id, parts } of view.content.footprints) {
      if (!chosen.has(id)) continue;
      for (const ring of parts) {
        context.moveTo(ring[0], ring[1]);
        for (let i = 2; i < ring.length; i += 2) context.lineTo(ring[i], ring[i + 1]);
        context.closePath();
      }
    }
    context.fillStyle = style.chosen;
    context.fill();
    context.strokeStyle = "#fff";
    context.lineWidth = 1.4 * unit;
    context.stroke();
  };

  const lines = (context, view) => {
    if (!on()) return;
    context.lineJoin = "round";
    // Where a border runs as it did, the new line covers the old one.
    context.beginPath();
    for (const line of before) if (meets(line.box, view.box)) trace(context, line.points, view);
    context.strokeStyle = style.before;
    context.lineWidth = between(style.before_width, view.zoom);
    context.setLineDash(style.before_dash);
    context.stroke();
    context.setLineDash([]);
    context.strokeStyle = style.line;
    context.lineWidth = between(style.line_width, view.zoom);
    const near = [...features.values()].filter((feature) => meets(feature.box, view.box));
    for (const feature of near) outlined(context, feature, view, (path) => context.stroke(path));
    for (const feature of near) {
      const { code, locked } = feature.properties;
      if (locked) lock(context, feature, view);
      if (code !== active && code !== partner) continue;
      outlined(context, feature, view, (path) => {
        context.strokeStyle = "#fff";
        context.lineWidth = 7;
        context.stroke(path);
        context.strokeStyle = code === active ? style.active : style.partner;
        context.lineWidth = 3.4;
        context.setLineDash(code === active ? [] : [9, 5]);
        context.stroke(path);
        context.setLineDash([]);
      });
    }
  };

  /** A locked grid has a thick broken frame: it keeps its land. */
  const lock = (context, feature, view) =>
    outlined(context, feature, view, (path) => {
      context.strokeStyle = style.locked;
      context.lineWidth = 4;
      context.setLineDash([2, 5]);
      context.stroke(path);
      context.setLineDash([]);
      context.strokeStyle = style.line;
      context.lineWidth = between(style.line_width, view.zoom);
    });

  const innerOf = (list) => bordersOf(list, (a, b) => (b ? "inner" : null)).inner ?? [];

  const byCode = (code) => {
    for (const feature of features.values()) if (feature.properties.code === code) return feature;
    return null;
  };

  return {
    fill,
    buildings,
    lines,
    all: () => (on() ? [...features.values()] : []),
    list: () => [...features.values()],
    find: byCode,
    named: (key) => features.get(key) ?? null,
    at(x, y) {
      for (const feature of features.values()) if (contains(feature, x, y)) return feature;
      return null;
    },
    set(list) {
      held = null;
      features.clear();
      for (const feature of list) features.set(feature.properties.key, labelled(feature));
    },
    /** Take over what a step changed; `gone` are codes of grids that ended. */
    update(list, gone) {
      for (const code of gone) {
        const feature = byCode(code);
        if (feature) features.delete(feature.properties.key);
      }
      for (const feature of list) features.set(feature.properties.key, labelled(feature));
    },
    /** A grid of the answer that has no land any more. */
    drop: (key) => features.delete(key),
    /** The borders that the plan started from stay to be seen as broken lines. */
    setBefore(list) {
      before = started = innerOf(list);
    },
    /** Show a step that is not taken: the broken lines are then the borders as they are. Without one, all is as it was. */
    look(step) {
      if (held) [features, held, before] = [held, null, started];
      if (!step) return;
      before = innerOf([...features.values()]);
      held = features;
      features = new Map(held);
      this.update(step.features, step.ended);
    },
    mark(code, other = null) {
      active = code;
      partner = other;
    },
    choose(ids) {
      chosen = new Set(ids);
    },
  };
}
