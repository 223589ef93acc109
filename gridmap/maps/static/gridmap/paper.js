/* global L */
/** The A3 sheet: the present view with title, legend, scale, north arrow, date, edition and review number. */
import { h, icon, s } from "./dom.js";
import { toLatLng } from "./geo.js";
import { drawScale, metresPerPx } from "./scale.js";

const WIDTH = 1526;
const HEIGHT = 1061;
const PX_PER_M = 96 / 0.0254;
const SCALES = [1000, 2000, 2500, 3000, 5000, 7500, 10000, 15000, 20000, 25000, 50000];
const PRINT_RATIO = 3;

/** `also()` are words that a mode adds to the figures under the title. */
export function createPaper({ map, sheet, stage, canvas, store, words, figures, config, title, whole, also, edition: shownEdition }) {
  const { t, number, date } = words;
  const { state } = store;
  let open = false;
  let before = null;
  const texts = { title: null, review: config.review_number ?? "", publisher: config.publisher ?? "" };
  const bar = h("form", { class: "gm-paper-bar", submit: (event) => event.preventDefault() });
  const head = h("header", { class: "gm-paper-head" });
  const foot = h("footer", { class: "gm-paper-foot" });
  const north = h("div", { class: "gm-north" });

  const named = ({ id, name, effective_from: from }) => `${name ?? id}${words.since(from) && ` (${words.since(from)})`}`;
  const denominator = () => metresPerPx(map) * PX_PER_M;
  const rounded = (n) => {
    const step = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1);
    return Math.round(n / step) * step;
  };

  const fit = () => {
    if (!open) return;
    const room = { x: window.innerWidth - 32, y: window.innerHeight - bar.offsetHeight - 32 };
    const scale = Math.min(1, room.x / (WIDTH + 2), room.y / (HEIGHT + 2));
    sheet.style.setProperty("--gm-fit", scale.toFixed(4));
  };

  const drawFurniture = () => {
    if (!open) return;
    const edition = shownEdition();
    const grids = state.grids.map((feature) => feature.properties);
    const totals = ["households", "people"].map((name) => [name, figures.sum(name, grids)]);
    const about = grids.some((grid) => grid.households_estimated > 0) ? "≈" : "";
    head.replaceChildren(
      h("h2", null, texts.title ?? title()),
      h(
        "p",
        null,
        [
          t("paper.grids", { n: number(grids.length) }),
          ...totals.filter(([, n]) => n !== null).map(([name, n]) => t(`paper.${name}`, { n: about + number(n) })),
          ...also(),
        ].join(" · "),
      ),
    );
    const item = (name, value) => h("span", null, h("b", null, name), " ", value);
    foot.replaceChildren(
      h("strong", null, t("paper.sketch")),
      h("span", null, t("paper.disclaimer")),
      item(t("paper.edition"), edition ? named(edition) : t("edition.none")),
      item(t("paper.date"), date(Date.now())),
      ...(texts.publisher ? [item(t("paper.publisher"), texts.publisher)] : []),
      item(t("paper.review"), h("span", { class: "gm-slot" }, texts.review || " ")),
    );
    north.replaceChildren(
      s(
        "svg",
        { viewBox: "0 0 40 60", width: 40, height: 60, role: "img", "aria-label": t("paper.north") },
        s("path", { d: "M20 2 L33 46 L20 37 Z", class: "gm-scale-light" }),
        s("path", { d: "M20 2 L7 46 L20 37 Z", class: "gm-scale-dark" }),
        s("text", { x: 20, y: 59, "text-anchor": "middle", "font-size": 14, "font-weight": 700 }, t("paper.north")),
      ),
    );
  };

  /** Put the legend into the corner where it hides least; the north arrow keeps clear of it. */
  const arrange = () => {
    const legend = stage.querySelector(".gm-legend");
    const [width, height] = [legend.offsetWidth, legend.offsetHeight];
    const size = map.getSize();
    const points = state.grids.map(({ box }) =>
      map.latLngToContainerPoint(toLatLng((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)),
    );
    const hides = ([right, bottom]) =>
      points.filter(
        ({ x, y }) =>
          (right ? x > size.x - width && x < size.x : x < width && x > 0) &&
          (bottom ? y > size.y - height && y < size.y : y < height && y > 0),
      ).length;
    const [hidden, [right, bottom]] = [[true, true], [false, false], [true, false]]
      .map((corner) => [hides(corner), corner])
      .reduce((best, next) => (next[0] < best[0] ? next : best));
    stage.classList.toggle("gm-legend-left", !right);
    stage.classList.toggle("gm-legend-top", !bottom);
    return hidden;
  };

  const drawBar = () => {
    const field = (name, value, act) => {
      const input = h("input", { type: "text", maxlength: 60, input: () => act(input.value) });
      input.value = value;
      return h("label", null, h("span", null, name), input);
    };
    const now = denominator();
    const select = h(
      "select",
      {
        change: () => {
          const lat = (map.getCenter().lat * Math.PI) / 180;
          const perPx = Number(select.value) / PX_PER_M;
          map.setZoom(Math.log2((40075016.686 * Math.cos(lat)) / (256 * perPx)), { animate: false });
        },
      },
      h("option", { value: String(now), selected: true }, `1∶${number(rounded(now))}`),
      ...SCALES.map((n) => h("option", { value: String(n) }, `1∶${number(n)}`)),
    );
    bar.replaceChildren(
      h("h2", null, t("paper")),
      field(t("paper.title"), texts.title ?? title(), (value) => {
        texts.title = value;
        drawFurniture();
      }),
      field(t("paper.review"), texts.review, (value) => {
        texts.review = value;
        drawFurniture();
      }),
      field(t("paper.publisher"), texts.publisher, (value) => {
        texts.publisher = value;
        drawFurniture();
      }),
      h("label", null, h("span", null, t("paper.scale", { n: "" }).replace(/1∶$|1:$/u, "").trim()), select),
      h("button", { type: "button", class: "gm-button", click: print }, icon("print"), t("paper.print")),
      h("button", { type: "button", class: "gm-button gm-plain", click: leave }, icon("close"), t("paper.close")),
      h("p", null, t("paper.hint")),
    );
  };

  function print() {
    if (canvas.isLoading()) canvas.once("load", () => requestAnimationFrame(() => window.print()));
    else window.print();
  }

  function settle(bounds) {
    map.invalidateSize({ animate: false, pan: false });
    map.fitBounds(bounds, { animate: false });
    delete document.documentElement.dataset.ready;
    canvas.redraw();
  }

  function enter() {
    if (open) return;
    open = true;
    store.set({ paper: true });
    const all = whole() && L.latLngBounds(whole());
    const everything = Boolean(all && map.getBounds().contains(all));
    const bounds = everything ? all.pad(0.02) : map.getBounds();
    before = { centre: map.getCenter(), zoom: map.getZoom(), snap: map.options.zoomSnap };
    document.body.classList.add("gm-paper");
    sheet.before(bar);
    stage.before(head);
    stage.after(foot);
    stage.append(north);
    map.options.zoomSnap = 0;
    canvas.options.ratio = PRINT_RATIO;
    settle(bounds);
    drawBar();
    drawFurniture();
    const hidden = arrange();
    if (everything && hidden > 0) {
      // Nothing may hide under the legend when the sheet shows everything.
      const side = [stage.querySelector(".gm-legend").offsetWidth + 8, 0];
      const right = !stage.classList.contains("gm-legend-left");
      map.fitBounds(bounds, { animate: false, [right ? "paddingBottomRight" : "paddingTopLeft"]: side });
    }
    fit();
    bar.querySelector("button").focus();
  }

  function leave() {
    if (!open) return;
    open = false;
    for (const part of [bar, head, foot, north]) part.remove();
    document.body.classList.remove("gm-paper");
    map.options.zoomSnap = before.snap;
    canvas.options.ratio = 0;
    map.invalidateSize({ animate: false, pan: false });
    map.setView(before.centre, before.zoom, { animate: false });
    canvas.redraw();
    store.set({ paper: false });
  }

  window.addEventListener("resize", fit);
  map.on("moveend", () => {
    if (open) arrange();
  });
  map.on("zoomend", () => {
    if (open) {
      drawBar();
      drawFurniture();
    }
  });
  store.on(["language", "grids", "jurisdiction"], () => {
    if (open) {
      drawBar();
      drawFurniture();
      fit();
    }
  });
  return {
    enter,
    leave,
    isOpen: () => open,
    scaleText: () => (open ? t("paper.scale", { n: number(rounded(denominator())) }) : ""),
    drawScale: () => drawScale(map, { room: open ? 320 : 150, number, unit: t("unit.m") }),
  };
}
