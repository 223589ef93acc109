/** Stations of the coverage mode on the map: opened by a click, moved by the mouse or by arrow keys, never for real. */
import { h } from "./dom.js";
import { symbol } from "./symbols.js";

const STEP_PX = 10;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * `open(code)`, `move(code, lat, lon)`, `say(text)`; `label(station)` is what a screen reader says of a station,
 * `look(station)` how its symbol looks.
 */
export function createMarks(L, map, { open, move, say, label, look, words, movable = true, pane = "markerPane" }) {
  const group = L.layerGroup();
  const ghosts = L.layerGroup();
  const marks = new Map();
  let grabbed = null;

  const picture = (mark) => {
    const how = look(mark.station);
    const key = JSON.stringify(how);
    const element = mark.marker.getElement();
    if (!element || mark.shown === key + map.hasLayer(group)) return;
    mark.shown = key + map.hasLayer(group);
    element.replaceChildren(h("span", { class: how.main ? "gm-pin gm-pin-main" : "gm-pin" }, symbol(how)));
  };

  const tell = (mark) => {
    const element = mark.marker.getElement();
    if (!element) return;
    element.setAttribute("aria-label", label(mark.station));
    element.dataset.code = mark.station.code;
  };

  const hold = (mark) => {
    if (grabbed) return;
    grabbed = { mark, from: mark.marker.getLatLng() };
    mark.marker.getElement().classList.add("gm-grabbed");
    say(words.t("cover.grabbed", { name: mark.station.name }));
  };

  const release = (back) => {
    if (!grabbed) return;
    const { mark, from } = grabbed;
    grabbed = null;
    mark.marker.getElement()?.classList.remove("gm-grabbed");
    if (back) {
      mark.marker.setLatLng(from);
      say(words.t("cover.put_back"));
      return;
    }
    const { lat, lng } = mark.marker.getLatLng();
    if (lat !== from.lat || lng !== from.lng) move(mark.station.code, lat, lng);
  };

  const keys = (mark, event) => {
    const way = ARROWS[event.key];
    if (way && movable) {
      hold(mark);
      const step = event.shiftKey ? 1 : STEP_PX;
      const at = map.latLngToContainerPoint(mark.marker.getLatLng()).add([way[0] * step, way[1] * step]);
      const place = map.containerPointToLatLng(at);
      mark.marker.setLatLng(place);
      map.panInside(place, { padding: [60, 60], animate: false });
    } else if (event.key === "Enter" || event.key === " ") {
      if (grabbed) release(false);
      else open(mark.station.code);
    } else if (event.key === "Escape" && grabbed) release(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const make = (station) => {
    const marker = L.marker([station.lat, station.lon], {
      icon: L.divIcon({ className: "gm-station gm-station-mark", html: "", iconSize: [30, 40], iconAnchor: [15, 38] }),
      title: String(station.name ?? station.code),
      riseOnHover: true,
      draggable: movable,
      autoPan: movable,
      pane,
    });
    const mark = { marker, station, shown: "" };
    marker.on("add", () => {
      const element = marker.getElement();
      element.addEventListener("keydown", (event) => keys(mark, event));
      element.addEventListener("blur", () => grabbed?.mark === mark && release(true));
      mark.shown = "";
      picture(mark);
      tell(mark);
    });
    marker.on("click", () => open(mark.station.code));
    marker.on("dragend", () => {
      const { lat, lng } = marker.getLatLng();
      move(mark.station.code, lat, lng);
    });
    marker.addTo(group);
    return mark;
  };

  return {
    /** Stations as { code, name, kind, lat, lon, was: [lat, lon] or none }; those that stay keep their element and focus. */
    set(stations) {
      const codes = new Set(stations.map(({ code }) => code));
      for (const [code, { marker }] of marks) {
        if (codes.has(code)) continue;
        marker.remove();
        group.removeLayer(marker);
        marks.delete(code);
      }
      for (const station of stations) {
        const mark = marks.get(station.code);
        if (mark) {
          mark.station = station;
          if (grabbed?.mark !== mark) mark.marker.setLatLng([station.lat, station.lon]);
          picture(mark);
          tell(mark);
        } else marks.set(station.code, make(station));
      }
      ghosts.clearLayers();
      for (const { lat, lon, was } of stations) {
        if (!was) continue;
        const style = { interactive: false, color: "#0a3d7a", weight: 1.8, dashArray: "3 5", pane: "overlayPane" };
        L.polyline([was, [lat, lon]], style).addTo(ghosts);
        L.circleMarker(was, { ...style, radius: 6, fillColor: "#fff", fillOpacity: 0.85 }).addTo(ghosts);
      }
    },
    redraw() {
      for (const mark of marks.values()) {
        picture(mark);
        tell(mark);
      }
    },
    show(on) {
      if (!on) {
        release(true);
        group.remove();
        ghosts.remove();
        return;
      }
      ghosts.addTo(map);
      group.addTo(map);
    },
    focus(code) {
      marks.get(code)?.marker.getElement()?.focus();
    },
  };
}
