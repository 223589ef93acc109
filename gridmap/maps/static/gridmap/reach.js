/** Reach on the canvas: one blue, deeper where the walk is shorter, contours, and homes by their own walking time. */
import { between, trace } from "./canvas.js";
import { meets } from "./geo.js";
import { limitsOf } from "./question.js";

export function createReach(style, shown) {
  let areas = [];
  let limits = [];
  let times = null;
  let only = null;
  let look = Symbol("look");

  const paths = (context, features, view) => {
    context.beginPath();
    for (const { rings, box } of features) {
      if (meets(box, view.box)) for (const ring of rings) trace(context, ring, view);
    }
  };

  /** Areas lie in one another: each adds its share of blue, so the steps also part in grey. */
  const fill = (context, view) => {
    if (!shown("reach")) return;
    context.fillStyle = style.reach;
    context.globalAlpha = only ? style.reach_opacity * 0.45 : style.reach_opacity;
    for (const { features } of areas) {
      paths(context, features, view);
      context.fill("evenodd");
    }
    if (!only) return;
    context.globalAlpha = style.station_opacity;
    paths(context, [only], view);
    context.fill("evenodd");
  };

  const contour = (context, features, view, outer) => {
    paths(context, features, view);
    context.lineJoin = "round";
    if (outer) {
      context.lineCap = "round";
      context.strokeStyle = "#fff";
      context.lineWidth = between(style.limit_width, view.zoom) + 2.6;
      context.globalAlpha = 0.9;
      context.stroke();
      context.setLineDash(style.limit_dash);
    }
    context.globalAlpha = outer ? 1 : 0.7;
    context.strokeStyle = outer ? style.limit : style.contour;
    context.lineWidth = between(outer ? style.limit_width : style.contour_width, view.zoom);
    context.stroke();
    context.setLineDash([]);
  };

  const lines = (context, view) => {
    if (!shown("reach")) return;
    areas.forEach(({ features }, i) => contour(context, features, view, i === 0 && !only));
    if (only) contour(context, [only], view, true);
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
        .map((feature) => ({ minutes: feature.properties.minutes, features: [feature] }));
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
