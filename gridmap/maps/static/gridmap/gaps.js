/** Gaps: red hatching on inhabited land without a station in reach, and the rank of the largest as a badge. */
import { outlined } from "./canvas.js";
import { h } from "./dom.js";
import { boxOf, contains, meets, toLatLng } from "./geo.js";
import { widthOf } from "./labels.js";

export function createGaps(style, shown) {
  let features = [];
  let chosen = null;

  /** All gaps as one, so that they are hatched at once. */
  let whole = null;

  const fill = (context, view) => {
    if (!shown("gaps") || !whole || !meets(whole.box, view.box)) return;
    context.save();
    outlined(context, whole, view, (path) => context.clip(path, "evenodd"));
    context.globalAlpha = style.gap_wash;
    context.fillStyle = style.gap;
    context.fillRect(0, 0, view.size, view.size);
    context.globalAlpha = style.hatch_opacity;
    context.strokeStyle = style.gap;
    context.lineWidth = style.hatch_width;
    // Lines of the whole world's pixels: they go on from tile to tile, whose size is a multiple of the step.
    context.beginPath();
    for (let k = 0; k <= 2 * view.size; k += style.hatch_step) {
      context.moveTo(k, 0);
      context.lineTo(k - view.size, view.size);
    }
    context.stroke();
    context.restore();
  };

  const lines = (context, view) => {
    if (!shown("gaps") || !whole || !meets(whole.box, view.box)) return;
    context.lineJoin = "round";
    const stroke = (feature, colour, width, opacity) =>
      outlined(context, feature, view, (path) => {
        context.globalAlpha = opacity;
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.stroke(path);
      });
    stroke(whole, style.gap, style.gap_width, 0.85);
    const one = features.find(({ properties }) => properties.id === chosen);
    if (!one) return;
    stroke(one, "#fff", style.gap_width + 5, 1);
    stroke(one, style.gap, style.gap_width + 1.8, 1);
  };

  return {
    fill,
    lines,
    set(list) {
      features = list ?? [];
      const rings = features.flatMap((feature) => feature.rings);
      whole = rings.length ? { rings, box: boxOf(rings) } : null;
    },
    choose(id) {
      chosen = id;
    },
    at: (x, y) => features.find((feature) => contains(feature, x, y)) ?? null,
    all: () => features,
    find: (id) => features.find(({ properties }) => properties.id === id) ?? null,
  };
}

const HEIGHT = 22;
/** How far a badge moves up or down so that it keeps clear of a station. */
const AWAY = [0, 28, -28, 44, -44];
/** A gap lower than this would hide below its badge, which stands above it then. */
const LOW_PX = 56;
const touching = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

/**
 * Numbered badges on gaps, the largest first, none over another or over a station (`stations()` are their places).
 * The list in the panel is their way by keyboard.
 */
export function createBadges(L, map, { gaps, shown, open, text, stations }) {
  const group = L.layerGroup();
  let places = [];

  const draw = () => {
    group.clearLayers();
    places = [];
    if (!shown("gaps") || !map.hasLayer(group)) return;
    const taken = stations().map((latlng) => {
      const { x, y } = map.latLngToLayerPoint(latlng);
      return [x - 13, y - 34, x + 13, y];
    });
    for (const { properties, box } of gaps.all()) {
      const words = text(properties);
      const middle = map.latLngToLayerPoint([properties.lat, properties.lon]);
      const half = (widthOf(words, 12) + 40) / 2;
      const [top, bottom] = [box[1], box[3]].map((y) => map.latLngToLayerPoint(toLatLng(box[0], y)).y);
      if (bottom - top < LOW_PX) middle.y = top - HEIGHT / 2 - 3;
      const boxes = AWAY.map((dy) => [middle.x - half, middle.y + dy - HEIGHT / 2, middle.x + half, middle.y + dy + HEIGHT / 2]);
      const free = boxes.find((one) => !taken.some((other) => touching(one, other)));
      if (!free) continue;
      taken.push(free);
      const latlng = map.layerPointToLatLng([middle.x, (free[1] + free[3]) / 2]);
      places.push({ latlng, half });
      const mark = h("span", { class: "gm-gap-badge" }, h("b", null, String(properties.rank)), words);
      L.marker(latlng, {
        icon: L.divIcon({ className: "gm-gap", html: mark, iconSize: [0, 0] }),
        keyboard: false,
        zIndexOffset: -500,
      })
        .on("click", () => open(properties.id))
        .addTo(group);
    }
  };
  map.on("zoomend", draw);
  return {
    draw,
    boxes: () =>
      places.map(({ latlng, half }) => {
        const { x, y } = map.latLngToContainerPoint(latlng);
        return [x - half, y - HEIGHT / 2, x + half, y + HEIGHT / 2];
      }),
    show(on) {
      if (on) {
        group.addTo(map);
        draw();
      } else {
        group.remove();
        places = [];
      }
    },
  };
}
