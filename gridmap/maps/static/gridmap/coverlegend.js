/** The legend of coverage mode: only what it shows now. */
import { h, s } from "./dom.js";
import { sample, stroke } from "./legend.js";
import { isMain } from "./stations.js";
import { symbol } from "./symbols.js";

const HATCH = [-6, 2, 10, 18, 26].map((x) => `M${x + 10} 2L${x} 16`).join("");

export function coverLegendRows({ styles, shown, words, coverage, communities, zoom }) {
  const { t, term } = words;
  const style = styles.coverage;
  const { state } = coverage.store;
  const rows = [];
  const add = (picture, text, half = false) => rows.push(h("li", { class: half ? "gm-half" : null }, picture, h("span", null, text)));
  if (!state.answer) return rows;
  const limits = coverage.reach.limits();

  if (shown("reach") && limits.length) {
    const width = 32 / limits.length;
    const steps = limits.map((_, i) =>
      s("rect", { x: 1 + i * width, y: 2, width, height: 14, fill: style.reach, "fill-opacity": 1 - (1 - style.reach_opacity) ** (limits.length - i), stroke: style.contour, "stroke-width": 0.7 }),
    );
    add(sample(...steps), t("legend.reach", { steps: limits.join(" · ") }));
    add(sample(s("line", { x1: 2, x2: 33, y1: 9, y2: 9, stroke: style.limit, "stroke-width": 2.4, "stroke-linecap": "round", "stroke-dasharray": "0.1 4.6" })), t("legend.limit", { minutes: state.question.minutes }));
    if (zoom >= style.homes_from_zoom && state.answer.times) {
      const home = (x, fill) => s("rect", { x, y: 4, width: 9, height: 10, fill, "fill-opacity": style.home_opacity, stroke: "#fff" });
      add(sample(home(1, style.homes[0]), home(12.5, style.homes[Math.min(2, limits.length - 1)]), home(24, style.out)), t("legend.homes"));
    }
  }
  if (shown("gaps") && coverage.gaps.all().length) {
    add(
      sample(
        s("rect", { x: 1, y: 2, width: 32, height: 14, fill: style.gap, "fill-opacity": style.gap_wash }),
        s("clipPath", { id: "gm-legend-clip" }, s("rect", { x: 1, y: 2, width: 32, height: 14 })),
        s("path", { d: HATCH, stroke: style.gap, "stroke-width": 1.3, fill: "none", "clip-path": "url(#gm-legend-clip)" }),
        s("rect", { x: 1, y: 2, width: 32, height: 14, fill: "none", stroke: style.gap }),
      ),
      t("legend.gap"),
    );
  }
  if (shown("stations")) {
    const stations = coverage.stationsOf();
    if (state.marks === "score") {
      for (const [score, range] of [[8, "8"], [6, "6–7"], [4, "4–5"], [2, "2–3"], [0, "0–1"]]) {
        if (stations.some((one) => Number.isFinite(one.score) && Math.floor(one.score / 2) === score / 2)) add(symbol({ kind: "", main: true, score }, 17), t("legend.score", { n: range }), true);
      }
      if (stations.some((one) => !Number.isFinite(one.score))) add(symbol({ kind: "", main: true, score: null }, 17), t("legend.score_unknown"), true);
    } else {
      const kinds = [...new Set(stations.map(({ kind }) => kind))].sort();
      for (const kind of kinds) add(symbol({ kind, main: true }, 17), term("station.kind", kind), true);
      if (stations.some(isMain) && stations.some((one) => !isMain(one))) add(symbol({ kind: "service_point", main: false }, 17), t("legend.second_tier"), true);
    }
    if (stations.some((one) => one.isNew)) add(symbol({ kind: "grid_station", main: true, state: "new" }, 17), t("legend.new"), true);
    if (stations.some((one) => !one.isNew && (one.gone || one.active === false))) add(symbol({ kind: "grid_station", main: true, state: "closed" }, 17), t("legend.closed"), true);
  }
  if (state.radius) add(sample(s("circle", { cx: 17, cy: 9, r: 7.5, fill: "none", stroke: style.circle, "stroke-width": 1.6, "stroke-dasharray": "5 3" })), t("legend.circle", { n: state.radius }));
  const ops = new Set(state.changes.map(({ op }) => op));
  if (!state.compare && ops.has("close_street")) add(sample(stroke(style.closed, 3.4, "7 4")), t("legend.closed_street"), true);
  if (!state.compare && ops.has("link")) add(sample(stroke(style.link, 3.4)), t("legend.link"), true);
  if (["estates", "gate"].includes(state.view)) add(sample(s("rect", { x: 2, y: 2, width: 30, height: 14, fill: "none", stroke: style.wall, "stroke-width": 2, "stroke-dasharray": "6 4" })), t("legend.wall"));
  if (coverage.outcome().size) {
    add(sample(stroke(style.gain, 2.8)), t("legend.gain"));
    if ([...coverage.outcome().values()].some((change) => change < 0)) add(sample(stroke(style.loss, 2.8, "7 4")), t("legend.loss"));
  }
  if (state.proposal?.sites.length && !state.compare) add(sample(s("rect", { x: 9, y: 1, width: 16, height: 16, rx: 4, class: "gm-legend-site" }), s("text", { x: 17, y: 13.4, "text-anchor": "middle", "font-size": 12, class: "gm-legend-site-text" }, "1")), t("legend.site"));
  if (shown("grids")) add(sample(s("rect", { x: 1, y: 2, width: 32, height: 14, fill: "#fff", stroke: styles.grids.line, "stroke-width": 1 })), t("legend.grid_line"), true);
  if (shown("communities") && communities) {
    const { line, dash } = styles.communities;
    add(sample(stroke(line, 2.4, dash.join(" "))), t("legend.communities"), true);
  }
  return rows;
}
