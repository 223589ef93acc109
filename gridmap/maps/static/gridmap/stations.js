/** Stations: a drop with 站; the main network filled, the others outlined. */
import { h, s } from "./dom.js";

const DROP = "M15 38C12 31 3 25 3 15a12 12 0 1 1 24 0c0 10-9 16-12 23z";
const MAIN = new Set(["center", "hub"]);

export const isMain = ({ tier, kind }) => (tier ? tier === 1 : MAIN.has(kind));

/** The marker's picture, also used by the legend. */
export function drop(main, size = 30) {
  return s(
    "svg",
    { viewBox: "0 0 30 40", width: size, height: (size * 4) / 3, class: main ? "gm-drop gm-drop-main" : "gm-drop" },
    s("path", { d: DROP }),
    s("text", { x: 15, y: 20.2, "text-anchor": "middle", "font-size": 13.5 }, "站"),
  );
}

export function createStations(L, map, { shown, open }) {
  const group = L.layerGroup().addTo(map);
  let features = [];
  const size = () => {
    map.getContainer().classList.toggle("gm-far", map.getZoom() < 14);
  };
  map.on("zoomend", size);
  return {
    set(list) {
      features = list;
      group.clearLayers();
      size();
      for (const feature of features) {
        const main = isMain(feature.properties);
        const name = String(feature.properties.name ?? "");
        const marker = L.marker([feature.lat, feature.lon], {
          icon: L.divIcon({
            className: "gm-station",
            html: h("span", { class: main ? "gm-pin gm-pin-main" : "gm-pin" }, drop(main)),
            iconSize: [30, 40],
            iconAnchor: [15, 38],
          }),
          title: name,
          alt: name,
          riseOnHover: true,
        });
        marker.on("click", () => open(feature));
        marker.addTo(group);
      }
      this.show();
    },
    show() {
      if (shown("stations")) group.addTo(map);
      else group.remove();
    },
    all: () => (shown("stations") ? features : []),
    find: (code) => features.find((feature) => feature.properties.code === code) ?? null,
  };
}
