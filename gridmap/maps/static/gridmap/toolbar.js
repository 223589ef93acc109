/** Levels, layers, language, print, zoom: real buttons, in one tab stop with arrows between them. */
import { h, icon } from "./dom.js";

const LAYERS = ["grids", "reach", "gaps", "communities", "cells", "stations", "base", "names"];
/** Layers that not every mode draws. */
const ONLY = { reach: ["coverage"], gaps: ["coverage"], cells: ["grids", "redraw"] };

export function createToolbar(root, zoom, { map, store, t, available, home, print, setMode }) {
  const modes = ["grids", "coverage", "redraw"].filter((name) => name === "grids" || available.has(name));
  const { state } = store;
  let menu = false;

  /** On a phone there is room for the short form only. */
  const twice = (full, short) => [h("span", { class: "gm-full" }, full), h("span", { class: "gm-short", "aria-hidden": "true" }, short)];
  const nameOf = (n) => ([1, 2, 3].includes(n) ? t(`level.${n}`) : t("level.n", { n }));

  const level = (n) =>
    h(
      "button",
      {
        type: "button",
        "data-key": `level-${n}`,
        "aria-label": nameOf(n),
        "aria-pressed": String(state.level === n),
        click: () => store.set({ level: n, selected: null, answer: null, view: "list" }),
      },
      ...twice(nameOf(n), state.language === "zh" ? nameOf(n) : String(n)),
    );

  const mode = (name) =>
    h(
      "button",
      {
        type: "button",
        "data-key": `mode-${name}`,
        "aria-pressed": String(state.mode === name),
        title: t(`mode.${name}`),
        click: () => setMode(name),
      },
      icon(name),
      h("span", { class: "gm-wide" }, t(`mode.${name}`)),
    );

  const toggle = (id) => {
    const hidden = new Set(state.hidden);
    if (!hidden.delete(id)) hidden.add(id);
    store.set({ hidden });
  };

  const layerMenu = () =>
    h(
      "div",
      { class: "gm-menu", id: "gm-layers" },
      h(
        "fieldset",
        null,
        h("legend", null, t("layers")),
        ...LAYERS.filter((id) => available.has(id) && (ONLY[id]?.includes(state.mode) ?? true)).map((id) => {
          const box = h("input", { type: "checkbox", "data-key": `layer-${id}`, change: () => toggle(id) });
          box.checked = !state.hidden.has(id);
          return h("label", null, box, h("span", null, t(`layer.${id}`)));
        }),
      ),
    );

  const render = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const levels = state.jurisdiction?.levels ?? [];
    const other = { zh: "EN", en: "ZH" }[state.language];
    root.setAttribute("aria-label", t("toolbar"));
    root.replaceChildren(
      ...(modes.length > 1 ? [h("div", { class: "gm-group", role: "group", "aria-label": t("mode") }, ...modes.map(mode))] : []),
      // A plan redraws the grids of the last level.
      ...(levels.length > 1 && state.mode !== "redraw"
        ? [h("div", { class: "gm-group", role: "group", "aria-label": t("level") }, ...levels.map(level))]
        : []),
      h(
        "div",
        { class: "gm-group" },
        h(
          "button",
          {
            type: "button",
            "data-key": "layers",
            "aria-expanded": String(menu),
            "aria-controls": "gm-layers",
            title: t("layers"),
            click: () => {
              menu = !menu;
              render();
            },
          },
          icon("layers"),
          h("span", { class: "gm-wide" }, t("layers")),
        ),
        h(
          "button",
          { type: "button", "data-key": "print", title: t("print"), click: print },
          icon("print"),
          h("span", { class: "gm-wide" }, t("print")),
        ),
        h(
          "button",
          {
            type: "button",
            "data-key": "language",
            lang: state.language === "zh" ? "en" : "zh-CN",
            title: t("language.label"),
            click: () => store.set({ language: state.language === "zh" ? "en" : "zh" }),
          },
          ...twice(t("language"), other),
        ),
      ),
      ...(menu ? [layerMenu()] : []),
    );
    const stops = [...root.querySelectorAll("button, input")];
    const current = stops.find((stop) => stop.dataset.key === focused) ?? stops[0];
    for (const stop of stops) stop.tabIndex = stop === current ? 0 : -1;
    if (focused) current?.focus();

    const step = (name, label, act) =>
      h("button", { type: "button", title: t(label), "aria-label": t(label), click: act }, icon(name));
    zoom.replaceChildren(
      step("plus", "zoom.in", () => map.zoomIn()),
      step("minus", "zoom.out", () => map.zoomOut()),
      step("whole", "zoom.all", home),
    );
  };

  root.addEventListener("keydown", (event) => {
    const stops = [...root.querySelectorAll("button, input")];
    const here = stops.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && here >= 0) {
      const next = stops[(here + step + stops.length) % stops.length];
      for (const stop of stops) stop.tabIndex = stop === next ? 0 : -1;
      next.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && menu) {
      menu = false;
      render();
      root.querySelector("[data-key=layers]").focus();
      event.stopPropagation();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (menu && !root.contains(event.target)) {
      menu = false;
      render();
    }
  });

  store.on(["language", "level", "hidden", "jurisdiction", "mode"], render);
  render();
}
