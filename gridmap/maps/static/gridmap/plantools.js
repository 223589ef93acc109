/** Drawing on the map with mouse, pen, finger or keys: the stroke is drawn here at once, the server decides what it means. */
import { h, icon, s } from "./dom.js";
import { latOf, lonOf, worldX, worldY } from "./geo.js";
import { inside, lengthOf, ringOf, worth } from "./planstroke.js";

export const TOOLS = ["select", "lasso", "box", "give", "line", "shift", "split", "merge"];
const KEYS = { v: "select", l: "lasso", x: "box", b: "give", d: "line", o: "shift", s: "split", m: "merge" };
const DRAWN = new Set(["lasso", "box", "line", "shift", "split"]);
/** Strokes that enclose land. */
const AREAS = new Set(["lasso", "box"]);
const CLICK_PX = 6;
const MOST_POINTS = 9000;

const letterOf = (tool) => Object.keys(KEYS).find((key) => KEYS[key] === tool).toUpperCase();

/**
 * `drawn(tool, points)` gets a finished stroke as [lon, lat], `clicked(latlng, event)` a stroke that was only a click;
 * `homes()` are buildings in sight as { x, y, households } for the count that goes along with a lasso.
 */
export function createTools({ L, map, stage, store, words, drawn, clicked, homes, say, undo, redo }) {
  const { t, number } = words;
  const { state } = store;
  const path = s("path", { class: "gm-draft-path" });
  const casing = s("path", { class: "gm-draft-casing" });
  const cross = s("path", { class: "gm-draft-cross", d: "M-14 0H14M0-14V14" });
  const svg = s("svg", { class: "gm-draft", "aria-hidden": "true" }, casing, path, cross);
  const count = h("div", { class: "gm-draft-count", hidden: true, "aria-hidden": "true" });
  const root = h("div", { class: "gm-tools", role: "toolbar", "aria-orientation": "vertical", hidden: true });
  const hint = h("div", { class: "gm-tool-hint", hidden: true });
  stage.append(svg, count, root, hint);

  let points = [];
  let pointer = null;
  let panning = null;
  let kept = null;
  let byKeys = null;
  let counting = 0;

  const drawing = () => state.editing && DRAWN.has(state.tool);
  const place = (event) => {
    const box = map.getContainer().getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const lonlat = ([x, y]) => {
    const { lng, lat } = map.containerPointToLatLng([x, y]);
    return [Number(lng.toFixed(7)), Number(lat.toFixed(7))];
  };
  const pixel = ([lon, lat]) => {
    const { x, y } = map.latLngToContainerPoint([lat, lon]);
    return [x, y];
  };

  // --- the stroke in hand --------------------------------------------------------------------------------

  const outlineOf = (tool, list) => {
    if (tool !== "box" || list.length < 2) return list;
    const [[ax, ay], [bx, by]] = [list[0], list[list.length - 1]];
    return [[ax, ay], [bx, ay], [bx, by], [ax, by]];
  };

  const show = (list, tool, look) => {
    const text = list.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") + (AREAS.has(tool) && list.length > 2 ? "Z" : "");
    for (const line of [casing, path]) line.setAttribute("d", text);
    svg.setAttribute("class", `gm-draft gm-draft-${AREAS.has(tool) ? "area" : "line"}${look ? ` gm-draft-${look}` : ""}`);
  };

  const clear = () => {
    kept = null;
    points = [];
    show([], state.tool);
    count.hidden = true;
  };

  /** What the lasso would take, by the middles of the buildings in sight. */
  const tell = () => {
    counting = 0;
    if (!pointer || !AREAS.has(state.tool) || points.length < 3 - (state.tool === "box")) return;
    const ring = outlineOf(state.tool, points);
    const scale = 256 * 2 ** map.getZoom();
    const origin = map.getPixelOrigin().add(map.containerPointToLayerPoint([0, 0]));
    let [buildings, households] = [0, 0];
    for (const home of homes()) {
      if (!inside(ring, home.x * scale - origin.x, home.y * scale - origin.y)) continue;
      buildings += 1;
      households += home.households ?? 0;
    }
    const [x, y] = points[points.length - 1];
    count.replaceChildren(t("tool.count", { buildings: number(buildings), households: number(households) }));
    count.hidden = false;
    count.style.setProperty("transform", `translate(${x + 16}px, ${y - 34}px)`);
  };

  const drop = () => {
    pointer = null;
    panning = null;
    count.hidden = true;
    stage.classList.remove("gm-panning");
  };

  const finish = () => {
    const tool = state.tool;
    let list = outlineOf(tool, points);
    if (tool === "lasso") list = ringOf(list);
    if (tool === "shift") list = [list[0], list[list.length - 1]];
    const stroke = list.slice(0, MOST_POINTS).map(lonlat);
    kept = { tool, stroke };
    points = [];
    show(stroke.map(pixel), tool, "sent");
    drawn(tool, stroke);
  };

  const container = map.getContainer();
  container.addEventListener(
    "pointerdown",
    (event) => {
      if (!state.editing || event.target.closest(".leaflet-marker-icon")) return;
      if (pointer !== null) {
        // A second finger means the map, not the stroke.
        drop();
        clear();
        return;
      }
      if (!drawing() || !event.isPrimary) return;
      if (event.button === 1 || (event.button === 0 && stage.classList.contains("gm-space"))) {
        panning = [event.clientX, event.clientY];
        stage.classList.add("gm-panning");
      } else if (event.button !== 0) return;
      event.preventDefault();
      container.focus({ preventScroll: true });
      container.setPointerCapture(event.pointerId);
      pointer = event.pointerId;
      byKeys = null;
      cross.removeAttribute("transform");
      if (!panning) {
        clear();
        points = [place(event)];
      }
    },
    true,
  );
  container.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    if (panning) {
      map.panBy([panning[0] - event.clientX, panning[1] - event.clientY], { animate: false });
      panning = [event.clientX, event.clientY];
      return;
    }
    for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
      const at = place(one);
      if (worth(points, at)) points.push(at);
    }
    show(state.tool === "shift" ? [points[0], points[points.length - 1]] : outlineOf(state.tool, points), state.tool);
    counting ||= requestAnimationFrame(tell);
  });
  container.addEventListener("pointerup", (event) => {
    if (event.pointerId !== pointer) return;
    const moved = panning;
    drop();
    if (moved) return;
    if (lengthOf(points) < CLICK_PX) {
      clear();
      clicked(map.mouseEventToLatLng(event), event);
    } else finish();
  });
  container.addEventListener("pointercancel", () => {
    drop();
    clear();
  });
  map.on("move zoom zoomend viewreset resize", () => {
    if (kept) show(kept.stroke.map(pixel), kept.tool, "sent");
    else if (byKeys) show([...byKeys.map(pixel), middle()], state.tool);
    if (byKeys) aim();
  });

  // --- by keys: points at the middle of the map ----------------------------------------------------------

  const middle = () => {
    const { x, y } = map.getSize();
    return [x / 2, y / 2];
  };
  const aim = () => cross.setAttribute("transform", `translate(${middle().join(" ")})`);
  const stopKeys = () => {
    byKeys = null;
    cross.removeAttribute("transform");
    clear();
  };

  function point(finished) {
    byKeys ??= [];
    if (!finished) {
      byKeys.push(lonlat(middle()));
      aim();
      show([...byKeys.map(pixel), middle()], state.tool);
      say(t("tool.point", { n: byKeys.length }));
      return;
    }
    points = byKeys.map(pixel);
    byKeys = null;
    cross.removeAttribute("transform");
    if (points.length > 1) finish();
    else clear();
  }

  // --- the bar ------------------------------------------------------------------------------------------

  const ready = () => {
    const touch = drawing();
    container.classList.toggle("gm-drawing", touch);
    for (const handler of [map.dragging, map.boxZoom, map.doubleClickZoom]) {
      if (touch) handler?.disable();
      else handler?.enable();
    }
    stage.classList.toggle("gm-giving", state.editing && state.tool === "give");
  };

  const button = (name, { pressed, disabled, press, key }) =>
    h(
      "button",
      {
        type: "button",
        "data-key": `tool-${name}`,
        "aria-pressed": pressed === undefined ? null : String(pressed),
        "aria-keyshortcuts": key,
        "aria-disabled": disabled ? "true" : null,
        title: `${t(`tool.${name}`)} (${key})`,
        click: () => !disabled && press(),
      },
      icon(name),
      h("span", null, t(`tool.${name}`)),
      h("kbd", null, key),
    );

  const render = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    root.hidden = !state.editing;
    root.setAttribute("aria-label", t("tool.bar"));
    root.replaceChildren(
      h("div", { class: "gm-tool-group" }, ...TOOLS.map((tool) => button(tool, { pressed: state.tool === tool, press: () => store.set({ tool }), key: letterOf(tool) }))),
      h("div", { class: "gm-tool-group" }, button("undo", { disabled: !state.undo, press: undo, key: "Ctrl+Z" }), button("redo", { disabled: !state.redo, press: redo, key: "Ctrl+Y" })),
    );
    const stops = [...root.querySelectorAll("button")];
    const current = stops.find((stop) => stop.dataset.key === focused) ?? stops.find((stop) => stop.getAttribute("aria-pressed") === "true") ?? stops[0];
    for (const stop of stops) stop.tabIndex = stop === current ? 0 : -1;
    if (focused) current.focus();
    const name = state.activeName;
    const needs = !["select", "line", "shift"].includes(state.tool) && !name;
    hint.hidden = !state.editing;
    hint.classList.toggle("gm-tool-needs", needs);
    hint.replaceChildren(needs ? t("tool.choose_first") : t(`tool.${state.tool}.how`, { name: name ?? "" }), ...(state.told ? [h("small", null, state.told)] : []));
    ready();
  };

  root.addEventListener("keydown", (event) => {
    const stops = [...root.querySelectorAll("button")];
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const next = stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length];
    for (const stop of stops) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("keyup", ({ key }) => key === " " && stage.classList.remove("gm-space"));

  store.on(["tool", "editing", "activeName", "undo", "redo", "told"], (changed) => {
    if (changed.includes("tool") || changed.includes("editing")) stopKeys();
    render();
  });

  return {
    render,
    drawing: () => Boolean(drawing()),
    /** The answer is there: the stroke goes. */
    clear,
    /** Whether a stroke is in hand. */
    busy: () => pointer !== null || Boolean(byKeys),
    /** Buildings of the tiles in sight, by the middle of their box. */
    escape() {
      if (pointer === null && !byKeys && !kept) return false;
      drop();
      stopKeys();
      return true;
    },
    /** A key pressed anywhere but in a field; true when it was for the tools. */
    key(event) {
      if (!state.editing) return false;
      if (KEYS[event.key]) store.set({ tool: KEYS[event.key] });
      else if (event.target !== container || !drawing()) return false;
      else if (event.key === " ") stage.classList.add("gm-space");
      else if (event.key === "Enter") point(event.shiftKey);
      else if (event.key === "Backspace" && byKeys?.length) {
        byKeys.pop();
        show([...byKeys.map(pixel), middle()], state.tool);
      } else return false;
      return true;
    },
  };
}

/** Middles of the buildings that the tiles in sight hold, once each. */
export function homesOf(canvas) {
  let [known, held] = [null, null];
  canvas.on("load tileload tileunload", () => (known = null));
  return () => {
    if (known) return known;
    held = new Map();
    for (const { coords, content } of canvas.contents()) {
      const span = 2 ** coords.z * content.extent;
      for (const { id, households, parts } of content.footprints) {
        if (held.has(id)) continue;
        let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
        for (let i = 0; i < parts[0].length; i += 2) {
          left = Math.min(left, parts[0][i]);
          right = Math.max(right, parts[0][i]);
          top = Math.min(top, parts[0][i + 1]);
          bottom = Math.max(bottom, parts[0][i + 1]);
        }
        const x = (coords.x * content.extent + (left + right) / 2) / span;
        const y = (coords.y * content.extent + (top + bottom) / 2) / span;
        held.set(id, { id, households, x, y, lon: lonOf(x), lat: latOf(y), parts, coords, extent: content.extent });
      }
    }
    known = [...held.values()];
    return known;
  };
}

/** The building under a point, or null. */
export function homeAt(canvas, latlng) {
  const [x, y] = [worldX(latlng.lng), worldY(latlng.lat)];
  for (const { coords, content } of canvas.contents()) {
    const [u, v] = [(x * 2 ** coords.z - coords.x) * content.extent, (y * 2 ** coords.z - coords.y) * content.extent];
    if (u < 0 || v < 0 || u > content.extent || v > content.extent) continue;
    for (const { id, parts } of content.footprints) {
      const points = [];
      for (let i = 0; i < parts[0].length; i += 2) points.push([parts[0][i], parts[0][i + 1]]);
      if (inside(points, u, v)) return id;
    }
  }
  return null;
}
