/** Reach on the canvas: one blue, deeper where the walk is shorter, contours, and homes by their own walking time. */
import { between, outlined, trace } from "./canvas.js";
import { boxOf, meets } from "./geo.js";
import { limitsOf } from "./question.js";

/** Vertices of one piece of an outline: dots are set along whole lines, also far outside of a tile. */
const PIECE = 40;

/** The outline in pieces with their boxes, made once. */
function piecesOf(feature) {
  feature.pieces ??= feature.rings.flatMap((ring) => {
    const pieces = [];
    for (let i = 0; i + 2 < ring.length; i += 2 * PIECE) {
      const points = ring.subarray(i, i + 2 * PIECE + 2);
      pieces.push({ points, box: boxOf([points]) });
    }
    return pieces;
  });
  return feature.pieces;
}

export function createReach(style, shown) {
  let areas = [];
  let limits = [];
  let times = null;
  let only = null;
  let look = Symbol("look");

  const ink = (context, feature, view, act) => {
    if (feature && meets(feature.box, view.box)) outlined(context, feature, view, act);
  };

  /** Areas lie in one another: each adds its share of blue, so the steps also part in grey. */
  const fill = (context, view) => {
    if (!shown("reach")) return;
    context.fillStyle = style.reach;
    context.globalAlpha = only ? style.reach_opacity * 0.45 : style.reach_opacity;
    for (const { feature } of areas) ink(context, feature, view, (path) => context.fill(path, "evenodd"));
    context.globalAlpha = style.station_opacity;
    ink(context, only, view, (path) => context.fill(path, "evenodd"));
  };

  const contour = (context, feature, view, outer) => {
    if (!feature || !meets(feature.box, view.box)) return;
    const near = piecesOf(feature).filter(({ box }) => meets(box, view.box));
    if (!near.length) return;
    const width = between(outer ? style.limit_width : style.contour_width, view.zoom);
    context.beginPath();
    for (const { points } of near) trace(context, points, view);
    context.lineJoin = "round";
    context.lineCap = outer ? "round" : "butt";
    context.setLineDash([]);
    if (outer) {
      context.strokeStyle = "#fff";
      context.lineWidth = width + 2.6;
      context.globalAlpha = 0.9;
      context.stroke();
      context.setLineDash(style.limit_dash);
    }
    context.globalAlpha = outer ? 1 : 0.7;
    context.strokeStyle = outer ? style.limit : style.contour;
    context.lineWidth = width;
    context.stroke();
  };

  const lines = (context, view) => {
    if (!shown("reach")) return;
    // Inner steps first, the limit above them.
    for (let i = areas.length - 1; i >= 0; i -= 1) contour(context, areas[i].feature, view, i === 0 && !only);
    contour(context, only, view, true);
  };

  /** The step of a building: 0 the nearest, then up; -1 beyond the limit; null where nobody lives or nothing is known. */
  const stepOf = (id, households) => {
    if (!(households > 0) || !times) return null;
    const seconds = times.get(String(id));
    if (seconds === undefined) return null;
    const step = seconds === null ? -1 : limits.findIndex((minutes) => seconds <= minutes * 60);
    return step;
  };

  /** Homes of a tile by step, as one path each; made again only when the answer is another one. */
  const homes = (content) => {
    if (content.steps?.look === look) return content.steps.found;
    const found = new Map();
    for (const { id, households, parts } of content.footprints) {
      const step = stepOf(id, households);
      if (step === null) continue;
      let path = found.get(step);
      if (!path) found.set(step, (path = new Path2D()));
      for (const part of parts) {
        path.moveTo(part[0], part[1]);
        for (let i = 2; i < part.length; i += 2) path.lineTo(part[i], part[i + 1]);
        path.closePath();
      }
    }
    content.steps = { look, found };
    return found;
  };

  const buildings = (context, view) => {
    if (!view.content || view.zoom < style.homes_from_zoom || !shown("reach")) return;
    const unit = view.content.extent / view.size;
    context.scale(1 / unit, 1 / unit);
    for (const [step, path] of homes(view.content)) {
      context.globalAlpha = style.home_opacity;
      context.fillStyle = step < 0 ? style.out : style.homes[Math.min(step, style.homes.length - 1)];
      context.fill(path);
      if (view.zoom < 16) continue;
      context.globalAlpha = 0.9;
      context.strokeStyle = "#fff";
      context.lineWidth = 0.7 * unit;
      context.stroke(path);
    }
  };

  return {
    fill,
    lines,
    buildings,
    /** An answer: areas by limit, seconds by building; only what lies within the limit is drawn. */
    set(answer) {
      limits = answer ? limitsOf(answer.minutes) : [];
      const within = new Set(limits);
      areas = [...(answer?.reach ?? [])]
        .filter(({ properties }) => within.has(properties.minutes))
        .sort((a, b) => b.properties.minutes - a.properties.minutes)
        .map((feature) => ({ minutes: feature.properties.minutes, feature }));
      times = answer?.times ?? null;
      look = Symbol("look");
    },
    /** Lift the area of one station out of the others; null: none. */
    lift(feature) {
      only = feature;
    },
    limits: () => limits,
    outer: () => areas[0] ?? null,
    areas: () => areas,
  };
}
