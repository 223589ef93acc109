/** Borders of communities: dash-dot on a white casing, the outer border stronger. */
import { bordersOf } from "./borders.js";
import { between, trace } from "./canvas.js";
import { meets } from "./geo.js";

export function createCommunities(style, shown) {
  let features = [];
  let borders = {};

  const lines = (context, view) => {
    if (!shown("communities")) return;
    context.lineJoin = "round";
    const width = between(style.width, view.zoom);
    const visible = (name) => (borders[name] ?? []).filter((line) => meets(line.box, view.box));
    const stroke = (list, colour, wide, dash) => {
      context.beginPath();
      for (const line of list) trace(context, line.points, view);
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.setLineDash(dash);
      context.stroke();
    };
    const between_ = visible("between");
    const outer = visible("outer");
    const step = Math.max(0.7, width / 2.5);
    const dash = style.dash.map((length) => length * step);
    stroke(between_, style.casing, width + 2 * style.casing_width, []);
    stroke(outer, style.casing, width * style.outer + 2 * style.casing_width, []);
    stroke(between_, style.line, width, dash);
    stroke(outer, style.line, width * style.outer, dash);
  };

  /** A veil over what lies outside every community, so that the eye stays inside. */
  const veil = (context, view) => {
    if (!shown("communities") || !features.length) return;
    context.beginPath();
    context.rect(0, 0, view.size, view.size);
    for (const feature of features) {
      if (meets(feature.box, view.box)) for (const ring of feature.rings) trace(context, ring, view);
    }
    context.globalAlpha = style.veil_opacity;
    context.fillStyle = style.veil;
    context.fill("evenodd");
  };

  return {
    veil,
    lines,
    set(list) {
      features = list;
      borders = bordersOf(list, (a, b) => (b ? "between" : "outer"));
    },
    all: () => features,
  };
}
