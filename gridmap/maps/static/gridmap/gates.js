/** Walled estates whose gate is only assumed: marked on the map; a gate is put on the wall where somebody points. */
import { h } from "./dom.js";
import { contains, metresPerUnit, toLatLng, worldX, worldY } from "./geo.js";

/** Farther than this from the wall a click is a slip; the server's own limit. */
const FARTHEST_M = 50;
/** Half of a mark, in px. */
const HALF = 13;

/** The point of the outline nearest to a place, with the metres between. */
export function onWall(feature, latlng) {
  const [x, y] = [worldX(latlng.lng), worldY(latlng.lat)];
  let best = { metres: Infinity, latlng: null };
  const scale = metresPerUnit(latlng.lat);
  for (const ring of feature.rings) {
    for (let i = 2; i < ring.length; i += 2) {
      const [ax, ay] = [ring[i - 2], ring[i - 1]];
      const [dx, dy] = [ring[i] - ax, ring[i + 1] - ay];
      const length2 = dx * dx + dy * dy;
      const along = length2 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
      const [px, py] = [ax + along * dx, ay + along * dy];
      const metres = Math.hypot(x - px, y - py) * scale;
      if (metres < best.metres) best = { metres, latlng: toLatLng(px, py) };
    }
  }
  return best;
}

export function createGates({ L, map, style, words, open }) {
  const { t, number } = words;
  const group = L.layerGroup();
  const hint = L.layerGroup();
  let estates = [];
  let chosen = null;
  let on = false;

  const flat = { interactive: false, lineJoin: "round" };
  const outline = (feature, strong) => {
    for (const ring of feature.rings) {
      const points = [];
      for (let i = 0; i < ring.length; i += 2) points.push(toLatLng(ring[i], ring[i + 1]));
      L.polyline(points, { ...flat, color: "#fff", weight: strong ? 8 : 5, opacity: 0.9 }).addTo(group);
      L.polyline(points, { ...flat, color: style.wall, weight: strong ? 4 : 2.2, dashArray: strong ? null : "6 4" }).addTo(group);
    }
  };
  const sign = () => h("span", { class: "gm-gate-mark" }, h("b", { "aria-hidden": "true" }, "?"));

  function draw() {
    group.clearLayers();
    hint.clearLayers();
    if (!on) return;
    for (const feature of estates) {
      const { id, name, lat, lon, households } = feature.properties;
      outline(feature, id === chosen);
      if (id === chosen) continue;
      const label = t("gates.mark", { name, n: number(households) });
      const marker = L.marker([lat, lon], { icon: L.divIcon({ className: "gm-gate", html: sign(), iconSize: [26, 26], iconAnchor: [13, 13] }), title: label });
      marker.on("click", () => open(id));
      marker.on("add", () => {
        const element = marker.getElement();
        element.setAttribute("aria-label", label);
        element.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          event.stopPropagation();
          open(id);
        });
      });
      marker.addTo(group);
    }
  }

  const dot = (latlng, sure) =>
    L.circleMarker(latlng, { ...flat, radius: sure ? 8 : 6, color: sure ? "#fff" : style.wall, weight: 2.5, fillColor: sure ? style.wall : "#fff", fillOpacity: 1 }).addTo(hint);

  map.on("mousemove", ({ latlng }) => {
    const feature = on && chosen !== null && estates.find(({ properties }) => properties.id === chosen);
    if (!feature || feature.put) return;
    hint.clearLayers();
    const found = onWall(feature, latlng);
    if (found.metres <= FARTHEST_M) dot(found.latlng, false);
  });

  return {
    /** Boxes of the marks in px of the map's container: names keep clear of them. */
    boxes: () =>
      !on
        ? []
        : estates
            .filter(({ properties }) => properties.id !== chosen)
            .map(({ properties }) => {
              const { x, y } = map.latLngToContainerPoint([properties.lat, properties.lon]);
              return [x - HALF, y - HALF, x + HALF, y + HALF];
            }),
    set(list) {
      estates = list;
      draw();
    },
    all: () => estates,
    find: (id) => estates.find(({ properties }) => properties.id === id) ?? null,
    at: (latlng) => estates.find((feature) => contains(feature, worldX(latlng.lng), worldY(latlng.lat))) ?? null,
    /** Which estate a gate is being put into; null: none. */
    choose(id) {
      for (const feature of estates) feature.put = null;
      chosen = id;
      draw();
    },
    /** Put the gate on the wall nearest to a place; null where the wall is too far. */
    put(latlng) {
      const feature = estates.find(({ properties }) => properties.id === chosen);
      const found = feature && onWall(feature, latlng);
      if (!found || found.metres > FARTHEST_M) return null;
      feature.put = found.latlng;
      hint.clearLayers();
      dot(found.latlng, true);
      return found.latlng;
    },
    show(shown) {
      on = shown;
      if (on) {
        group.addTo(map);
        hint.addTo(map);
      } else {
        group.remove();
        hint.remove();
      }
      draw();
    },
  };
}
