/** One way on the map: from where somebody asked, along the streets, to the station. */
import { h } from "./dom.js";

export function createWalk(L, map, style) {
  const group = L.layerGroup().addTo(map);
  return {
    clear: () => group.clearLayers(),
    /** `words` stands at the beginning of the way. */
    show(latlng, path, words) {
      group.clearLayers();
      const flat = { interactive: false, lineCap: "round", lineJoin: "round" };
      if (path?.coordinates?.length > 1) {
        const points = path.coordinates.map(([lon, lat]) => [lat, lon]);
        L.polyline(points, { ...flat, color: "#fff", weight: 9, opacity: 0.95, className: "gm-path-edge" }).addTo(group);
        L.polyline(points, { ...flat, color: style.path, weight: 4.4, className: "gm-path" }).addTo(group);
      }
      L.circleMarker(latlng, { ...flat, radius: 7, color: "#fff", weight: 2.5, fillColor: style.path, fillOpacity: 1 }).addTo(group);
      if (!words) return;
      L.marker(latlng, {
        icon: L.divIcon({ className: "gm-flagpole", html: h("span", { class: "gm-walk-time" }, words), iconSize: [0, 0] }),
        interactive: false,
        keyboard: false,
        pane: "tooltipPane",
      }).addTo(group);
    },
  };
}
