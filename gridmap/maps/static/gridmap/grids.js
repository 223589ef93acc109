/** Grids in grid mode: fills, borders, hit test, selection. */
import { bordersOf } from "./borders.js";
import { between, outlined, trace } from "./canvas.js";
import { contains, meets, toLatLng } from "./geo.js";

export function createGrids(style) {
  let features = [];
  let borders = { inner: [], parent: [] };
  let selected = null;

  const colourOf = (properties) => style.palette[(properties.colour ?? 0) % style.palette.length];

  const fill = (context, view) => {
    for (const feature of features) {
      if (!meets(feature.box, view.box)) continue;
      context.beginPath();
      for (const ring of feature.rings) trace(context, ring, view);
      context.globalAlpha = feature.properties.code === selected ? style.selected_opacity : style.opacity;
      context.fillStyle = colourOf(feature.properties);
      context.fill("evenodd");
    }
  };

  /** Coverage mode: every grid white, so that blue and red speak. */
  const veil = (context, view) => {
    context.globalAlpha = style.veil_opacity;
    context.fillStyle = style.veil;
    for (const feature of features) {
      if (meets(feature.box, view.box)) outlined(context, feature, view, (path) => context.fill(path, "evenodd"));
    }
  };

  const lines = (context, view) => {
    context.lineJoin = "round";
    context.strokeStyle = style.line;
    for (const [name, width] of [
      ["inner", style.line_width],
      ["parent", style.parent_width],
    ]) {
      context.beginPath();
      for (const line of borders[name]) if (meets(line.box, view.box)) trace(context, line.points, view);
      context.lineWidth = between(width, view.zoom);
      context.globalAlpha = 0.85;
      context.stroke();
    }
  };

  return {
    fill,
    veil,
    lines,
    colourOf,
    set(list) {
      features = list;
      borders = {
        inner: [],
        parent: [],
        ...bordersOf(list, (a, b) => {
          if (!b || a.properties.parent_code === b.properties.parent_code) return "inner";
          // Where communities meet, their own line is drawn.
          return a.properties.community_code === b.properties.community_code ? "parent" : "inner";
        }),
      };
    },
    select(code) {
      selected = code;
    },
    hasParents: () => borders.parent.length > 0,
    at: (x, y) => features.find((feature) => contains(feature, x, y)) ?? null,
    find: (code) => features.find((feature) => feature.properties.code === code) ?? null,
    all: () => features,
  };
}

/** Outline of the selected grid as vectors above the canvas. */
export function outlineLayer(L, map, style) {
  const group = L.layerGroup().addTo(map);
  return (feature) => {
    group.clearLayers();
    if (!feature) return;
    const rings = feature.rings.map((ring) => {
      const points = [];
      for (let i = 0; i < ring.length; i += 2) points.push(toLatLng(ring[i], ring[i + 1]));
      return points;
    });
    const shared = { interactive: false, lineJoin: "round" };
    L.polyline(rings, { ...shared, color: "#fff", weight: 7, opacity: 0.9 }).addTo(group);
    L.polyline(rings, { ...shared, color: style.selected, weight: 3.4 }).addTo(group);
  };
}
