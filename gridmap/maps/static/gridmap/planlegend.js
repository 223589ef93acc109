/** The legend of redraw mode: sizes against the band, borders before, what is selected. */
import { h, s } from "./dom.js";
import { sample, stroke } from "./legend.js";

export function planLegend({ style, t, target, free, locked }) {
  const row = (picture, text) => h("li", null, picture, h("span", null, text));
  const limit = Math.round(target.tolerance * 100);
  const field = (name, x = 1, width = 32) => {
    const [fill, opacity] = style.sizes[name];
    return s("rect", { x, y: 2, width, height: 14, fill, "fill-opacity": Math.min(1, opacity + 0.15), stroke: style.line, "stroke-width": 0.9 });
  };
  return [
    row(sample(field("over", 1, 16), field("far_over", 17, 16)), t("legend.over", { n: limit, far: 2 * limit })),
    row(sample(field("ok")), t("legend.in_band", { n: limit })),
    row(sample(field("under", 1, 16), field("far_under", 17, 16)), t("legend.under", { n: limit, far: 2 * limit })),
    free ? row(sample(field("free")), t("legend.no_band")) : null,
    row(sample(stroke(style.before, 1.6, style.before_dash.join(" "))), t("legend.before")),
    row(sample(s("rect", { x: 2, y: 3, width: 30, height: 12, fill: style.active, "fill-opacity": style.active_opacity, stroke: style.active, "stroke-width": 3 })), t("legend.active")),
    locked ? row(sample(stroke(style.locked, 4, "2 5")), t("legend.locked")) : null,
  ].filter(Boolean);
}
