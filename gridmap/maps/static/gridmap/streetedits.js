/** Streets that a try closes and ways that it opens: pointed at on the map, drawn there, and taken back there. */
import { h } from "./dom.js";
import { metresPerUnit, worldX, worldY } from "./geo.js";

const WAIT_MS = 90;
/** How far from a street a click may be: some px on the screen, in metres within these bounds. */
const NEAR_PX = 22;
const [NEAREST_M, FARTHEST_M] = [12, 120];
/** A click this close to the end of a tried way means that end. */
const END_PX = 12;

const pointsOf = (path) => path.coordinates.map((line) => line.map(([lon, lat]) => [lat, lon]));
const keyOf = ({ street, lon, lat }) => `${street} ${lon ?? ""} ${lat ?? ""}`;

/** Metres to a point from a GeoJSON MultiLineString, near enough for telling pieces of one street apart. */
function away(path, lon, lat) {
  const scale = Math.cos((lat * Math.PI) / 180);
  let best = Infinity;
  for (const line of path.coordinates) {
    for (let i = 1; i < line.length; i += 1) {
      const [ax, ay] = [(line[i - 1][0] - lon) * scale, line[i - 1][1] - lat];
      const [bx, by] = [(line[i][0] - lon) * scale - ax, line[i][1] - lat - ay];
      const length2 = bx * bx + by * by;
      const along = length2 ? Math.min(1, Math.max(0, -(ax * bx + ay * by) / length2)) : 0;
      best = Math.min(best, Math.hypot(ax + along * bx, ay + along * by));
    }
  }
  return best * 111320;
}

/**
 * `active()` is the tool in hand: "close_street", "link" or none; `changes()` what is tried; `drop(i)` takes one back.
 */
export function createStreetEdits({ L, map, source, style, words, active, changes, drop, told }) {
  const { t } = words;
  const marks = L.layerGroup();
  const preview = L.layerGroup();
  const known = new Map();
  let from = null;
  let latest = null;
  let waiting = 0;
  let question = null;

  const flat = { interactive: false, lineCap: "round", lineJoin: "round" };
  const within = (latlng) => {
    const { x } = map.latLngToContainerPoint(latlng);
    const metres = metresPerUnit(latlng.lat) * Math.abs(worldX(map.containerPointToLatLng([x + NEAR_PX, 0]).lng) - worldX(latlng.lng));
    return Math.min(FARTHEST_M, Math.max(NEAREST_M, metres));
  };

  /** The end of a tried way under a place on the screen. */
  const endAt = (latlng) => {
    const here = map.latLngToContainerPoint(latlng);
    for (const { op, path } of changes()) {
      if (op !== "link") continue;
      for (const [lon, lat] of [path[0], path[path.length - 1]]) {
        if (map.latLngToContainerPoint([lat, lon]).distanceTo(here) <= END_PX) return { lon, lat };
      }
    }
    return null;
  };

  /** What a place means: the street there, or the end of a tried way; null: nothing. */
  async function look(latlng, signal) {
    const end = active() === "link" ? endAt(latlng) : null;
    if (end) return { ...end, street: null, piece: null };
    const found = await source.streetNear(latlng.lng, latlng.lat, within(latlng), signal);
    return found.street ? found : null;
  }

  const dot = ([lat, lon], colour) => L.circleMarker([lat, lon], { ...flat, radius: 6, color: "#fff", weight: 2, fillColor: colour, fillOpacity: 1 });

  /** The closed piece that a found piece is, as its place among the changes; −1: it is open. */
  const closedAt = (found) =>
    changes().findIndex(
      (change) => change.op === "close_street" && change.street === found.street.id && (change.lon === undefined || away(found.piece.path, change.lon, change.lat) < 2),
    );

  function rubber(found, latlng) {
    preview.clearLayers();
    const tool = active();
    if (!tool) return;
    if (tool === "close_street") {
      if (!found) return;
      const open = closedAt(found) < 0;
      L.polyline(pointsOf(found.piece.path), { ...flat, color: "#fff", weight: 11, opacity: 0.9 }).addTo(preview);
      L.polyline(pointsOf(found.piece.path), { ...flat, color: open ? style.closed : style.link, weight: 6, opacity: 0.75 }).addTo(preview);
      return;
    }
    const to = found ? [found.lat, found.lon] : [latlng.lat, latlng.lng];
    if (from) {
      L.polyline([from, to], { ...flat, color: "#fff", weight: 7, opacity: 0.9 }).addTo(preview);
      L.polyline([from, to], { ...flat, color: style.link, weight: 3.4, dashArray: "2 7" }).addTo(preview);
      dot(from, style.link).addTo(preview);
    }
    if (found) dot(to, style.link).addTo(preview);
  }

  async function preview_() {
    waiting = 0;
    if (!active() || !latest) return;
    question?.abort();
    question = new AbortController();
    const { signal } = question;
    const here = latest;
    try {
      const found = await look(here, signal);
      if (!signal.aborted && active()) rubber(found, here);
    } catch {
      // A preview that fails is none; the click says what is wrong.
    }
  }
  const later = (latlng) => {
    latest = latlng;
    if (active() === "link" && from) rubber(null, latlng);
    waiting ||= setTimeout(preview_, WAIT_MS);
  };
  map.on("mousemove", ({ latlng }) => active() && later(latlng));
  map.on("moveend", () => active() && document.activeElement === map.getContainer() && later(map.getCenter()));

  // --- what is tried, on the map ---------------------------------------------------------------------

  async function pathOf(change) {
    const key = keyOf(change);
    if (known.has(key)) return known.get(key);
    const found = change.lon === undefined ? { street: await source.street(change.street) } : await source.streetNear(change.lon, change.lat, NEAREST_M);
    const at = found.street ? { name: found.street.name, path: (found.piece ?? found.street).path } : null;
    known.set(key, at);
    told();
    return at;
  }

  const middleOf = (lines) => {
    const longest = lines.reduce((best, line) => (line.length > best.length ? line : best), lines[0]);
    const half = (longest.length - 1) / 2;
    const [a, b] = [longest[Math.floor(half)], longest[Math.ceil(half)]];
    return longest.length === 2 ? [(longest[0][0] + longest[1][0]) / 2, (longest[0][1] + longest[1][1]) / 2] : [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  };

  const knob = (latlng, look_, sign, label, act) => {
    const marker = L.marker(latlng, {
      icon: L.divIcon({ className: `gm-knob ${look_}`, html: h("span", { "aria-hidden": "true" }, sign), iconSize: [26, 26], iconAnchor: [13, 13] }),
      title: label,
      zIndexOffset: 300,
    });
    marker.on("click", act);
    marker.on("add", () => {
      const element = marker.getElement();
      element.setAttribute("aria-label", label);
      element.addEventListener("keydown", (event) => {
        if (!["Enter", " ", "Delete", "Backspace"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        act();
      });
    });
    return marker;
  };

  let round = 0;
  let places = [];
  async function draw() {
    const mine = (round += 1);
    const list = changes().map((change, i) => [change, i]).filter(([{ op }]) => op === "close_street" || op === "link");
    const paths = await Promise.all(list.map(([change]) => (change.op === "link" ? null : pathOf(change).catch(() => null))));
    if (mine !== round) return;
    marks.clearLayers();
    places = [];
    list.forEach(([change, i], k) => {
      const lines = change.op === "link" ? [change.path.map(([lon, lat]) => [lat, lon])] : paths[k] && pointsOf(paths[k].path);
      if (!lines) return;
      const closed = change.op === "close_street";
      L.polyline(lines, { ...flat, color: "#fff", weight: closed ? 9 : 8, opacity: 0.92 }).addTo(marks);
      L.polyline(lines, { ...flat, color: closed ? style.closed : style.link, weight: closed ? 4.5 : 4, dashArray: closed ? "9 7" : null, lineCap: closed ? "butt" : "round" }).addTo(marks);
      if (!closed) for (const end of [lines[0][0], lines[0][lines[0].length - 1]]) dot(end, style.link).addTo(marks);
      const middle = middleOf(lines);
      places.push(middle);
      knob(middle, closed ? "gm-knob-closed" : "gm-knob-link", closed ? "✕" : "＋", t(closed ? "streets.reopen" : "streets.remove_link", { name: nameOf(change) }), () => drop(i)).addTo(marks);
    });
  }

  const nameOf = (change) => known.get(keyOf(change))?.name || t("streets.unnamed");

  function rest() {
    question?.abort();
    clearTimeout(waiting);
    waiting = 0;
    latest = null;
    from = null;
    preview.clearLayers();
  }

  return {
    draw,
    rest,
    /** Boxes of the marks in px of the map's container: names keep clear of them. */
    boxes: () =>
      !map.hasLayer(marks)
        ? []
        : places.map((place) => {
            const { x, y } = map.latLngToContainerPoint(place);
            return [x - 14, y - 14, x + 14, y + 14];
          }),
    look,
    closedAt,
    nameOf,
    /** Where the way begins that is being drawn. */
    from: () => from,
    begin(found) {
      from = [found.lat, found.lon];
      rubber(found, { lat: found.lat, lng: found.lon });
    },
    show(on) {
      if (on) {
        marks.addTo(map);
        preview.addTo(map);
      } else {
        rest();
        marks.remove();
        preview.remove();
      }
    },
    /** Metres between two places. */
    metres: (one, other) => metresPerUnit(one[0]) * Math.hypot(worldX(one[1]) - worldX(other[1]), worldY(one[0]) - worldY(other[0])),
  };
}
