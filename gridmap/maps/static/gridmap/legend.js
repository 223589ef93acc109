/** The legend: only what the map shows now. */
import { h, icon, s } from "./dom.js";
import { drop } from "./stations.js";

export const sample = (...shapes) =>
  s("svg", { viewBox: "0 0 34 18", width: 34, height: 18, class: "gm-sample", "aria-hidden": "true" }, ...shapes);

export const stroke = (colour, width, dash, y = 9) =>
  s("line", { x1: 1, x2: 33, y1: y, y2: y, stroke: colour, "stroke-width": width, "stroke-dasharray": dash });

export function legendRows({ styles, shown, t, has }) {
  const rows = [];
  const add = (picture, text) => rows.push(h("li", null, picture, h("span", null, text)));
  if (shown("grids") && has.grids) {
    const { palette, opacity, line, selected } = styles.grids;
    const fields = [0, 1, 2].map((i) =>
      s("rect", { x: 1 + i * 10.7, y: 2, width: 10.7, height: 14, fill: palette[i], "fill-opacity": opacity + 0.1, stroke: line, "stroke-width": 0.9 }),
    );
    add(sample(...fields), t("legend.grids"));
    if (has.parents) add(sample(stroke(line, 2.4)), t("legend.parent_line"));
    if (has.estimated) add(sample(s("text", { x: 17, y: 14, "text-anchor": "middle", "font-size": 15, fill: selected }, "≈")), t("legend.estimated"));
  }
  rows.push(...communityRows({ styles, shown, t, communities: has.communities }));
  if (shown("cells")) {
    const { line, open, open_opacity: opacity } = styles.cells;
    const look = { stroke: line, "stroke-width": 0.8, "stroke-opacity": 0.8 };
    add(
      sample(
        s("path", { d: "M17 2h16v14H19z", fill: open, "fill-opacity": opacity + 0.15, ...look }),
        s("path", { d: "M1 2h16l2 14H1zM1 8l17 2M9 2l1 7", fill: "none", ...look }),
      ),
      t(has.cells ? "legend.cells" : "legend.cells_closer"),
    );
  }
  if (shown("stations") && has.stations) {
    if (has.main) add(drop(true, 17), t("legend.main"));
    if (has.others) add(drop(false, 17), t("legend.station"));
  }
  return [...rows, ...baseRows({ styles, shown, t, base: has.base })];
}

/** The rows of the borders of communities. */
export function communityRows({ styles, shown, t, communities }) {
  if (!shown("communities") || !communities) return [];
  const { line, dash } = styles.communities;
  return [
    h("li", null, sample(stroke(line, 2.4, dash.join(" "))), h("span", null, t("legend.communities"))),
    h("li", null, sample(stroke(line, 3.4, dash.map((v) => v * 1.1).join(" "))), h("span", null, t("legend.outer"))),
  ];
}

/** The rows of the base map; `water` alone where streets and buildings speak for themselves. */
export function baseRows({ styles, shown, t, base, water: onlyWater = false }) {
  const rows = [];
  const add = (picture, text) => rows.push(h("li", null, picture, h("span", null, text)));
  if (shown("base") && styles.base) {
    const { water, streets, buildings } = styles.base;
    if (base.streets && !onlyWater) {
      add(sample(stroke(streets.major.casing, 7), stroke(streets.major.fill, 4.6)), t("legend.streets"));
    }
    if (base.rail && !onlyWater) {
      add(sample(stroke(streets.rail.casing, 4.4), stroke(streets.rail.fill, 2.8, "6 6")), t("legend.rail"));
    }
    if (base.water) {
      add(sample(s("rect", { x: 1, y: 3, width: 32, height: 12, fill: water.fill, stroke: water.edge })), t("legend.water"));
    }
    if (base.buildings && !onlyWater) {
      const look = { fill: buildings.fill, "fill-opacity": buildings.opacity + 0.1, stroke: buildings.edge, "stroke-opacity": 0.5 };
      add(sample(s("path", { d: "M4 3h11v12H4zM19 5h11v8H19z", ...look })), t("legend.buildings"));
    }
  }
  return rows;
}

export function createLegend(root, { store, rows, t }) {
  let open = !window.matchMedia("(max-width: 700px)").matches;
  const render = () => {
    const list = rows();
    root.hidden = !list.length;
    const button = h(
      "button",
      {
        type: "button",
        class: "gm-legend-button",
        "aria-expanded": String(open),
        "aria-controls": "gm-legend-list",
        title: t(open ? "legend.hide" : "legend.show"),
        click: () => {
          open = !open;
          render();
          root.querySelector("button").focus();
        },
      },
      icon("legend"),
      h("span", null, t("legend")),
    );
    root.replaceChildren(button, h("ul", { id: "gm-legend-list", hidden: !open }, ...list));
  };
  store.on(["language", "hidden", "grids", "communities", "stations", "base", "level", "zoom", "mode"], render);
  render();
  return { render };
}
