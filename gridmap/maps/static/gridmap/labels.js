/** Names on the map, as vectors in one SVG above it: placed by importance, none over another. */
import { metresPerUnit, middleOf, worldX, worldY } from "./geo.js";
import { s } from "./dom.js";

const PAD = 0.2;

/** Width of text in px: a Chinese character is as wide as it is high, a Latin one about half. */
export function widthOf(text, size) {
  let width = 0;
  for (const character of text) width += character.codePointAt(0) > 0x2e7f ? size : size * 0.56;
  return width;
}

/** What of a grid's name fits into `diameter` px: whole, without the community's name, or its last digits. */
export function shortened(properties, diameter, size) {
  const name = properties.name || properties.code || "";
  const community = properties.community_name ?? "";
  const short = community && name.startsWith(community) ? name.slice(community.length).trim() : name;
  const bare = community.replace(/(社区|村)$/u, "");
  const shorter = bare && short === name && name.startsWith(bare) ? name.slice(bare.length).trim() : short;
  for (const text of [name, shorter]) {
    if (text && widthOf(text, size) <= diameter * 1.05) return { text, whole: true };
  }
  const digits = /(\d+)(?!.*\d)/u.exec(shorter)?.[1];
  const serial = digits ? String(Number(digits.slice(-3))) : "";
  if (serial && diameter >= 15 + widthOf(serial, size)) return { text: serial, whole: false };
  return null;
}

/**
 * `second(properties)` is the line under a grid's name, `{ text, look }` or null; `extra` writes what a mode adds,
 * before the names of streets; `kept()` are boxes in px of the container that nothing may be written over.
 */
export function createLabels({ map, L, store, grids, communities, stations, canvas, shown, second, extra, kept }) {
  const pane = map.createPane("gm-labels");
  pane.classList.add("gm-labels");
  const svg = s("svg", { class: "gm-names leaflet-zoom-animated", "aria-hidden": "true" });
  pane.append(svg);
  let corner = null;

  const place = () => {
    const size = map.getSize();
    const pad = size.multiplyBy(PAD).round();
    const topLeft = map.containerPointToLayerPoint(pad.multiplyBy(-1));
    corner = map.layerPointToLatLng(topLeft);
    const full = size.add(pad.multiplyBy(2));
    svg.setAttribute("width", full.x);
    svg.setAttribute("height", full.y);
    L.DomUtil.setPosition(svg, topLeft);
    svg.replaceChildren(...draw(topLeft, full));
  };

  function draw(topLeft, full) {
    const zoom = map.getZoom();
    const scale = 256 * 2 ** zoom;
    const origin = map.getPixelOrigin().add(topLeft);
    const at = (x, y) => [x * scale - origin.x, y * scale - origin.y];
    const visible = ([x, y]) => x > 0 && y > 0 && x < full.x && y < full.y;
    const taken = [];
    const free = (box) => taken.every((other) => !overlap(other, box));
    const out = [];

    for (const station of stations()) {
      const [x, y] = at(station.x, station.y);
      taken.push([x - 15, y - 34, x + 15, y + 3]);
    }

    // Nothing is written under the legend, the scale bar, the credits or the north arrow.
    const shift = map.containerPointToLayerPoint([0, 0]).subtract(topLeft);
    for (const part of map.getContainer().parentElement.querySelectorAll(".gm-legend, .gm-corner, .gm-north, .gm-tools, .gm-tool-hint")) {
      const [x, y] = [part.offsetLeft + shift.x, part.offsetTop + shift.y];
      if (part.offsetWidth) taken.push([x, y, x + part.offsetWidth, y + part.offsetHeight]);
    }

    for (const [left, top, right, bottom] of kept()) {
      taken.push([left + shift.x, top + shift.y, right + shift.x, bottom + shift.y]);
    }

    const centre = map.getCenter();
    const pxPerMetre = scale / metresPerUnit(centre.lat);
    const circle = (feature) => {
      const { label_lon: lon, label_lat: lat, label_radius_m: radius } = feature.properties;
      const known = Number.isFinite(lon) && Number.isFinite(lat);
      if (!known) feature.middle ??= middleOf(feature);
      const [x, y] = known ? [worldX(lon), worldY(lat)] : [feature.middle.x, feature.middle.y];
      const box = feature.box;
      const guess = (Math.min(box[2] - box[0], box[3] - box[1]) * scale) / 2.6;
      return { point: at(x, y), diameter: 2 * (radius ? radius * pxPerMetre : guess) };
    };

    if (shown("communities") && zoom >= 11 && zoom < 15.6) {
      const size = zoom >= 14 ? 16 : 13.5;
      const said = new Set(shown("grids") ? grids.all().map((feature) => feature.properties.name) : []);
      for (const feature of communities.all()) {
        const text = feature.properties.name;
        if (!text || said.has(text)) continue;
        const { point, diameter } = circle(feature);
        const width = widthOf(text, size * 1.12);
        if (!visible(point) || diameter < width * (zoom >= 14 ? 0.85 : 0.7)) continue;
        const y = spot(point, size, width, free, zoom >= 14 ? [0, -26, 26, -52, 52] : [0]);
        if (y === null) continue;
        taken.push(around(point[0], y, width, size));
        out.push(line(text, point[0], y, "gm-name-community", size));
      }
    }

    for (const feature of shown("grids") ? grids.all() : []) {
      const { point, diameter } = circle(feature);
      if (diameter < 18 || !visible(point)) continue;
      const size = diameter > 190 ? 14 : 12.5;
      const label = shortened(feature.properties, diameter, size);
      if (!label) continue;
      // What a try changes is told even where the name is too long.
      const about = second(feature.properties);
      const under = about?.look || (label.whole && diameter >= 46) ? about : null;
      const height = under ? size * 2.25 : size;
      const width = Math.max(widthOf(label.text, size), under ? widthOf(under.text, 11) : 0);
      const room = Math.max(0, diameter / 2 - height / 2 - 2);
      const y = spot(point, height, width, free, [0, room * 0.5, -room * 0.5, room, -room]);
      if (y === null) continue;
      taken.push(around(point[0], y, width, height));
      const first = under ? y - size * 0.58 : y;
      out.push(line(label.text, point[0], first, "gm-name-grid", size));
      if (under) out.push(line(under.text, point[0], y + size * 0.62, under.look ?? "gm-name-count", under.look ? 12.5 : 11));
    }

    for (const { text, x, y, size, look } of extra({ at, visible, full })) {
      const box = around(x, y, widthOf(text, size), size);
      if (!free(box)) continue;
      taken.push(box);
      out.push(line(text, x, y, look, size));
    }

    if (zoom >= 16) {
      for (const station of stations()) {
        const point = at(station.x, station.y);
        const text = station.properties.name;
        if (!text || !visible(point)) continue;
        const box = around(point[0], point[1] + 11, widthOf(text, 11.5), 11.5);
        if (!free(box)) continue;
        taken.push(box);
        out.push(line(text, point[0], point[1] + 11, "gm-name-station", 11.5));
      }
    }

    if (shown("names") && shown("base")) {
      if (zoom >= 14) out.push(...streetNames(at, visible, free, taken, zoom));
      if (zoom >= 17) out.push(...buildingNames(at, visible, free, taken));
    }
    return out;
  }

  /** Point of a tile in pixels of the view. */
  const fromTile = ({ coords, content }, at) => {
    const span = 2 ** coords.z;
    return (x, y) => at((coords.x + x / content.extent) / span, (coords.y + y / content.extent) / span);
  };

  function streetNames(at, visible, free, taken, zoom) {
    const found = [];
    for (const tile of canvas.contents()) {
      const place_ = fromTile(tile, at);
      for (const street of tile.content.streets) {
        if (zoom < (street.class === "major" ? 14 : street.class === "minor" ? 15 : 17)) continue;
        const size = street.class === "major" ? 12.5 : 11;
        const need = widthOf(street.text, size * 1.15) + 10;
        for (const part of street.parts) {
          const run = straightest(part, place_);
          if (run && run.length >= need && visible(run.middle)) found.push({ ...street, ...run, size, need });
        }
      }
    }
    const rank = { major: 0, minor: 1 };
    found.sort((a, b) => (rank[a.class] ?? 2) - (rank[b.class] ?? 2) || b.length - a.length);
    const seen = [];
    const out = [];
    for (const name of found) {
      const [x, y] = name.middle;
      if (seen.some((o) => o.text === name.text && Math.hypot(o.x - x, o.y - y) < 420)) continue;
      const half = name.need / 2;
      const steps = [-0.8, -0.4, 0, 0.4, 0.8].map((k) => [
        x + k * half * Math.cos(name.angle),
        y + k * half * Math.sin(name.angle),
      ]);
      const boxes = steps.map(([px, py]) => [px - name.size, py - name.size, px + name.size, py + name.size]);
      if (!boxes.every(free)) continue;
      taken.push(...boxes);
      seen.push({ text: name.text, x, y });
      out.push(along(name, x, y));
    }
    return out;
  }

  function buildingNames(at, visible, free, taken) {
    const out = [];
    const seen = new Set();
    for (const tile of canvas.contents()) {
      const place_ = fromTile(tile, at);
      for (const { text, id, ring } of tile.content.buildings) {
        if (seen.has(id)) continue;
        let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
        for (let i = 0; i < ring.length; i += 2) {
          const [x, y] = place_(ring[i], ring[i + 1]);
          left = Math.min(left, x);
          right = Math.max(right, x);
          top = Math.min(top, y);
          bottom = Math.max(bottom, y);
        }
        const point = [(left + right) / 2, (top + bottom) / 2];
        const width = widthOf(text, 10.5);
        if (!visible(point) || right - left < width * 0.8 || bottom - top < 9) continue;
        const box = around(point[0], point[1], width, 10.5);
        if (!free(box)) continue;
        seen.add(id);
        taken.push(box);
        out.push(line(text, point[0], point[1], "gm-name-building", 10.5));
      }
    }
    return out;
  }

  let waiting = 0;
  const refresh = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(place);
  };
  map.on("moveend zoomend viewreset resize", refresh);
  map.on("zoomanim", ({ zoom, center }) => {
    if (!corner) return;
    L.DomUtil.setTransform(svg, map._latLngToNewLayerPoint(corner, zoom, center), map.getZoomScale(zoom));
  });
  canvas.on("load", refresh);
  store.on(["grids", "communities", "stations", "hidden", "language", "mode"], refresh);
  return { refresh, place };
}

const overlap = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

const around = (x, y, width, height) => [
  x - width / 2 - 3,
  y - height / 2 - 3,
  x + width / 2 + 3,
  y + height / 2 + 3,
];

function spot([x, y], height, width, free, shifts) {
  const shift = shifts.find((dy) => free(around(x, y + dy, width, height)));
  return shift === undefined ? null : y + shift;
}

function line(text, x, y, className, size) {
  return s(
    "text",
    { x: x.toFixed(1), y: (y + size * 0.36).toFixed(1), class: className, "font-size": size },
    text,
  );
}

/** Text along a street: each character on the line, upright where the street runs up and down. */
function along({ text, angle, size }, x, y) {
  const steep = Math.abs(angle) > Math.PI / 4;
  const cjk = /^[\u2e80-\uffef\d]+$/u.test(text);
  if (!cjk) {
    const node = line(text, x, y, "gm-name-street", size);
    node.setAttribute("transform", `rotate(${((angle * 180) / Math.PI).toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})`);
    return node;
  }
  // A steep street is read downwards.
  const way = steep && angle < 0 ? angle + Math.PI : angle;
  const turn = steep ? way - Math.PI / 2 : way;
  const characters = [...text];
  const spans = characters.map((character, i) => {
    const k = (i - (characters.length - 1) / 2) * size * 1.15;
    const px = x + k * Math.cos(way);
    const py = y + k * Math.sin(way);
    const place = `${px.toFixed(1)} ${py.toFixed(1)}`;
    return s(
      "text",
      { "font-size": size, transform: `translate(${place}) rotate(${((turn * 180) / Math.PI).toFixed(1)})`, y: (size * 0.36).toFixed(1) },
      character,
    );
  });
  return s("g", { class: "gm-name-street" }, ...spans);
}

/** The longest nearly straight run of a line in px: its middle, length, and angle for upright text. */
function straightest(part, place) {
  let best = null;
  let start = 0;
  const points = [];
  for (let i = 0; i < part.length; i += 2) points.push(place(part[i], part[i + 1]));
  for (let i = 1; i < points.length; i += 1) {
    const turn = i + 1 < points.length ? bend(points[start], points[i], points[i + 1]) : Infinity;
    if (turn < 0.12) continue;
    const [ax, ay] = points[start];
    const [bx, by] = points[i];
    const length = Math.hypot(bx - ax, by - ay);
    if (!best || length > best.length) {
      let angle = Math.atan2(by - ay, bx - ax);
      if (angle > Math.PI / 2) angle -= Math.PI;
      if (angle <= -Math.PI / 2) angle += Math.PI;
      best = { length, angle, middle: [(ax + bx) / 2, (ay + by) / 2] };
    }
    start = i;
  }
  return best;
}

function bend([ax, ay], [bx, by], [cx, cy]) {
  const turn = Math.abs(Math.atan2(cy - by, cx - bx) - Math.atan2(by - ay, bx - ax));
  return Math.min(turn, 2 * Math.PI - turn);
}
