/** The panel beside the map: list, facts, answer of a point, findings, what to load first. */
import { h, icon } from "./dom.js";

const MOST_ROWS = 400;
const TOLERANCE = 0.3;

const STEPS = [
  ["areas", ["areas"], ["gridmap import areas FILE"]],
  ["streets", ["streets"], ["gridmap import streets FILE", "gridmap import water FILE"]],
  ["buildings", ["buildings"], ["gridmap import buildings FILE"]],
  ["households", ["households"], ["gridmap import households FILE"]],
  ["cells", ["cells"], ["gridmap cells"]],
  ["grids", ["grids"], ["gridmap import grids FILE"]],
  ["stations", ["stations"], ["gridmap import stations FILE", "gridmap import people FILE"]],
];

export function createPanel(body, { store, words, figures, colourOf, actions }) {
  const { t, term, said, number } = words;
  const { state } = store;

  // --- pieces -----------------------------------------------------------------------------------------

  const swatch = (properties) =>
    h("span", { class: "gm-swatch", style: { "--gm-colour": colourOf(properties) }, "aria-hidden": "true" });

  const fact = (name, value, note) =>
    h("div", null, h("dt", null, name), h("dd", null, value, note && h("small", null, note)));

  /** A figure as text, or a dash that says why there is none. */
  const shownFigure = (name, value) =>
    value === null
      ? h("abbr", { class: "gm-unknown", title: t(`unknown.${name}`), "aria-label": t(`unknown.${name}`) }, "—")
      : number(value);

  const card = (title, ...children) =>
    h("section", { class: "gm-card" }, title && h("h3", null, title), ...children);

  const isLeaf = (grid) => grid.leaf ?? grid.level === Math.max(...(state.jurisdiction?.levels ?? [grid.level]));

  /** Share above or below the standard, for grids that have one. */
  const deviation = (grid) => {
    const target = state.jurisdiction?.household_target;
    const households = figures.of("households", grid);
    if (!target || grid.kind !== "urban" || !isLeaf(grid) || households === null) return null;
    return households / target - 1;
  };

  const band = (grid) => {
    const off = deviation(grid);
    if (off === null) return null;
    const limit = state.jurisdiction.household_tolerance ?? TOLERANCE;
    const n = Math.round(Math.abs(off) * 100);
    if (off > limit) return h("span", { class: "gm-flag gm-flag-large" }, "▲ ", t("band.large", { n }));
    if (off < -limit) return h("span", { class: "gm-flag gm-flag-small" }, "▼ ", t("band.small", { n }));
    return h("span", { class: "gm-flag" }, t("band.ok", { n: number(state.jurisdiction.household_target) }));
  };

  const estimate = (grid) => {
    const n = grid.households_estimated;
    if (!n || figures.of("households", grid) === null) return null;
    return h(
      "span",
      { class: "gm-estimate" },
      n >= grid.households ? t("estimated.all") : t("estimated.part", { n: number(n) }),
    );
  };

  const people = (duties) =>
    duties?.length
      ? h(
          "ul",
          { class: "gm-rows" },
          ...duties.map((duty) =>
            h(
              "li",
              null,
              h("span", { class: "gm-role" }, duty.label || term("role", duty.role)),
              h("span", { class: "gm-person" }, duty.name || t("duties.vacant")),
              duty.phone && h("a", { href: `tel:${String(duty.phone).replace(/[^\d+]/gu, "")}` }, duty.phone),
            ),
          ),
        )
      : h("p", { class: "gm-quiet" }, t("duties.none"));

  const distance = (metres) =>
    Number.isFinite(metres) ? t("metres", { n: number(metres < 10 ? Math.round(metres * 10) / 10 : Math.round(metres)) }) : "";

  const choices = (items, open) =>
    h(
      "ul",
      { class: "gm-rows gm-choices" },
      ...items.map((item) =>
        h(
          "li",
          null,
          h(
            "button",
            { type: "button", click: () => open(item.code) },
            h("span", null, item.name || item.code),
            h("span", { class: "gm-quiet" }, distance(item.distance_m)),
          ),
        ),
      ),
    );

  const back = () =>
    h("button", { type: "button", class: "gm-back", click: () => actions.close() }, icon("back"), t("back"));

  // --- list -------------------------------------------------------------------------------------------

  const matches = ({ properties }, query) =>
    [properties.name, properties.code, properties.community_name, properties.community_code].some((value) =>
      String(value ?? "").toLowerCase().includes(query),
    );

  const row = ({ properties }) => {
    const off = deviation(properties);
    const households = figures.of("households", properties);
    const largest = state.largest || 1;
    const target = state.jurisdiction?.household_target;
    const measured = target && properties.kind === "urban" && households !== null;
    return h(
      "li",
      null,
      h(
        "button",
        {
          type: "button",
          class: "gm-row",
          "data-code": properties.code,
          "aria-current": state.selected === properties.code ? "true" : null,
          click: () => actions.openGrid(properties.code),
        },
        swatch(properties),
        h(
          "span",
          { class: "gm-row-name" },
          properties.name || properties.code,
          state.sort !== "code" && properties.community_name
            ? h("small", null, properties.community_name)
            : null,
        ),
        h(
          "span",
          { class: "gm-row-count" },
          households !== null && properties.households_estimated ? "≈" : "",
          shownFigure("households", households),
          off !== null && Math.abs(off) > (state.jurisdiction.household_tolerance ?? TOLERANCE)
            ? h("small", { class: off > 0 ? "gm-over" : "gm-under" }, `${off > 0 ? "▲" : "▼"}${Math.round(Math.abs(off) * 100)}%`)
            : null,
        ),
        measured &&
          h(
            "span",
            { class: "gm-bar", "aria-hidden": "true" },
            h("span", { style: { width: `${(100 * households) / largest}%` } }),
            isLeaf(properties) && h("i", { style: { left: `${Math.min(100, (100 * target) / largest)}%` } }),
          ),
      ),
    );
  };

  const rows = () => {
    const query = state.query.trim().toLowerCase();
    const found = state.grids.filter((feature) => matches(feature, query));
    if (!found.length) return [h("p", { class: "gm-quiet" }, t("search.none", { text: state.query }))];
    const by = {
      code: (a, b) =>
        String(a.properties.community_code ?? "~").localeCompare(String(b.properties.community_code ?? "~")) ||
        String(a.properties.code).localeCompare(String(b.properties.code)),
      large: (a, b) => (b.properties.households ?? 0) - (a.properties.households ?? 0),
      small: (a, b) => (a.properties.households ?? 0) - (b.properties.households ?? 0),
    }[state.sort];
    const list = [...found].sort(by).slice(0, MOST_ROWS);
    const out = [];
    if (state.sort === "code") {
      const groups = new Map();
      for (const feature of list) {
        const name = feature.properties.community_name || t("no_community");
        if (groups.has(name)) groups.get(name).push(feature);
        else groups.set(name, [feature]);
      }
      for (const [name, group] of groups) {
        const sum = figures.sum("households", group.map((f) => f.properties));
        if (groups.size < list.length) {
          const count = sum === null ? null : h("small", null, t("label.households", { n: number(sum) }));
          out.push(h("h3", { class: "gm-group-name" }, h("span", null, name), count));
        }
        out.push(h("ul", { class: "gm-list" }, ...group.map(row)));
      }
    } else out.push(h("ul", { class: "gm-list" }, ...list.map(row)));
    if (found.length > MOST_ROWS) {
      out.push(h("p", { class: "gm-quiet" }, t("search.more", { n: number(found.length - MOST_ROWS) })));
    }
    return out;
  };

  const tabs = () =>
    state.findings?.length
      ? h(
          "div",
          { class: "gm-tabs", role: "group", "aria-label": t("tabs") },
          ...["list", "check"].map((name) =>
            h(
              "button",
              { type: "button", "aria-pressed": String(state.view === name), click: () => store.set({ view: name }) },
              t(`tab.${name}`),
              name === "check" ? h("b", { class: "gm-badge" }, number(state.findings.length)) : null,
            ),
          ),
        )
      : null;

  const totals = () => {
    const grids = state.grids.map((feature) => feature.properties);
    const item = (value, key) => h("div", null, h("dd", null, value), h("dt", null, t(key)));
    const guessed = state.jurisdiction?.counts?.households_estimated > 0;
    const total = (name) =>
      item([guessed && name !== "buildings" && "≈", shownFigure(name, figures.total(name, grids))], `count.${name}`);
    return h(
      "dl",
      { class: "gm-totals" },
      item(number(grids.length), "count.grids"),
      ...["households", "people", "buildings"].map(total),
    );
  };

  let list = null;
  const listView = () => {
    list = h("div", { class: "gm-scroll", id: "gm-list", tabindex: "-1" }, ...rows());
    const input = h("input", {
      type: "search",
      id: "gm-search",
      placeholder: t("search"),
      "aria-label": t("search.label"),
      autocomplete: "off",
      input: () => store.set({ query: input.value }),
    });
    input.value = state.query;
    const sort = h(
      "select",
      { "aria-label": t("sort"), change: () => store.set({ sort: sort.value }) },
      ...["code", "large", "small"].map((name) => h("option", { value: name, selected: state.sort === name }, t(`sort.${name}`))),
    );
    return [
      totals(),
      tabs(),
      h("div", { class: "gm-search" }, icon("search"), input, sort),
      list,
    ];
  };

  const checkView = () => [
    totals(),
    tabs(),
    h(
      "ul",
      { class: "gm-scroll gm-findings", id: "gm-list", tabindex: "-1" },
      ...state.findings.map((finding) =>
        h(
          "li",
          null,
          h(
            "button",
            { type: "button", class: `gm-finding gm-severity-${finding.severity}`, click: () => actions.openFinding(finding) },
            h("span", { class: "gm-severity" }, term("severity", finding.severity)),
            h("span", null, said(finding.message)),
            finding.repair ? h("small", null, said(finding.repair)) : null,
          ),
        ),
      ),
    ),
  ];

  // --- facts ------------------------------------------------------------------------------------------

  const gridCard = (grid, detail) => {
    const chain = (detail?.chain ?? []).filter((part) => part.code !== grid.code);
    return h(
      "section",
      { class: "gm-card gm-grid-card" },
      h("h2", { tabindex: "-1" }, swatch(grid), grid.name || grid.code),
      h("p", { class: "gm-code" }, grid.code),
      band(grid),
      h(
        "dl",
        { class: "gm-facts" },
        fact(t("households"), shownFigure("households", figures.of("households", grid)), estimate(grid)),
        fact(t("people"), shownFigure("people", figures.of("people", grid))),
        fact(t("buildings"), shownFigure("buildings", figures.of("buildings", grid))),
        fact(t("kind"), grid.kind ? term("kind", grid.kind) : "—"),
        grid.community_name ? fact(t("community"), grid.community_name) : null,
        chain.length ? fact(t("chain"), chain.map((part) => part.name || part.code).join(" › ")) : null,
      ),
    );
  };

  const hereCard = (point, answer) => {
    const lines = [];
    if (answer) {
      const { building, grid } = answer;
      if (building) {
        const what = [
          [building.estate, building.number].filter(Boolean).join(" ") || building.label || building.name || building.id,
          building.use && term("here.use", building.use),
          building.storeys ? t("here.storeys", { n: building.storeys }) : null,
          building.households ? t("label.households", { n: number(building.households) }) : null,
        ];
        lines.push(h("p", null, h("b", null, t("here.building")), " ", what.filter(Boolean).join(" · ")));
      }
      if (answer.town) {
        lines.push(h("p", null, h("b", null, t("here.town")), " ", answer.town.name ?? answer.town));
      }
      if (answer.near_boundary) {
        lines.push(
          h("p", { class: "gm-warning" }, icon("warn"), t("here.near", { n: distance(answer.boundary_m ?? 0) })),
        );
        if (answer.candidates?.length) {
          lines.push(h("h4", null, t("here.candidates")), choices(answer.candidates, actions.openGrid));
        }
      }
      if (!grid) {
        lines.push(h("p", { class: "gm-warning" }, icon("warn"), t("here.outside")));
        if (answer.parent) lines.push(h("p", null, t("here.parent", { name: answer.parent.name ?? answer.parent.code })));
        if (answer.nearest) {
          const { name, code, distance_m: metres } = answer.nearest;
          lines.push(
            h("p", null, h("button", { type: "button", class: "gm-link", click: () => actions.openGrid(code) },
              t("here.nearest", { name: name || code, n: distance(metres) }))),
          );
        }
      }
    } else if (!state.problem) lines.push(h("p", { class: "gm-quiet" }, t("status.locating")));
    return h(
      "section",
      { class: "gm-card gm-here" },
      h("h2", { tabindex: "-1" }, t("here")),
      h("p", { class: "gm-code" }, t("here.point", { lon: point.lng.toFixed(6), lat: point.lat.toFixed(6) })),
      ...lines,
    );
  };

  const factsView = () => {
    const { point, answer, detail } = state;
    const shown = state.grids.find((f) => f.properties.code === state.selected)?.properties;
    const grid = shown ?? (detail?.code === state.selected ? detail.grid : null) ?? answer?.grid;
    const about = detail && detail.code === state.selected ? detail : null;
    const duties = about?.duties ?? answer?.duties;
    const stations = answer?.stations ?? about?.stations;
    return [
      back(),
      h(
        "div",
        { class: "gm-scroll" },
        point ? hereCard(point, answer) : null,
        grid ? gridCard(grid, about ?? answer) : null,
        grid && (about || answer) ? card(t("duties"), people(duties)) : null,
        stations?.length
          ? card(t(answer?.stations ? "stations.near" : "stations.inside"), choices(stations, actions.openStation))
          : null,
        state.problem ? h("p", { class: "gm-warning", role: "alert" }, icon("warn"), state.problem) : null,
      ),
    ];
  };

  const stationView = () => {
    const { properties } = state.station;
    const services = Array.isArray(properties.services) ? properties.services : [];
    return [
      back(),
      h(
        "div",
        { class: "gm-scroll" },
        h(
          "section",
          { class: "gm-card" },
          h("h2", { tabindex: "-1" }, properties.name ?? ""),
          h("p", { class: "gm-code" }, properties.code ?? ""),
          h(
            "dl",
            { class: "gm-facts gm-facts-wide" },
            fact(t("station.kind"), term("station.kind", properties.kind)),
            properties.opening_hours ? fact(t("station.hours"), properties.opening_hours) : null,
          ),
        ),
        services.length
          ? card(t("station.services"), h("ul", { class: "gm-tags" }, ...services.map((name) => h("li", null, name))))
          : null,
      ),
    ];
  };

  const emptyView = () => {
    const counts = state.jurisdiction?.counts ?? {};
    return [
      h(
        "div",
        { class: "gm-scroll gm-empty" },
        h("h2", null, t(Object.values(counts).some((n) => n > 0) ? "empty.part" : "empty.title")),
        h("p", null, t("empty.text")),
        h(
          "ol",
          null,
          ...STEPS.map(([name, needs, commands]) => {
            const done = needs.every((key) => counts[key] > 0);
            return h(
              "li",
              { class: done ? "gm-done" : null },
              h("span", null, t(`empty.${name}`), done ? h("em", null, icon("check"), t("empty.done")) : null),
              ...commands.map((command) => h("code", null, command)),
            );
          }),
        ),
        h("p", null, t("empty.sample")),
        h("code", null, "gridmap sample --commit"),
      ),
    ];
  };

  const errorView = () => [
    h(
      "div",
      { class: "gm-scroll gm-empty" },
      h("p", { class: "gm-warning", role: "alert" }, icon("warn"), state.problem),
      h("button", { type: "button", class: "gm-button", click: () => actions.reload() }, t("retry")),
    ),
  ];

  const edition = () => {
    const editions = state.jurisdiction?.editions ?? [];
    const current = state.jurisdiction?.edition;
    const note = state.at ? h("p", { class: "gm-warning" }, icon("warn"), t("edition.other")) : null;
    if (editions.length < 2) return note;
    const select = h(
      "select",
      { id: "gm-edition", change: () => store.set({ at: select.value || null, selected: null, answer: null, point: null, view: "list" }) },
      ...editions.map((one) => {
        const now = one.id === current?.id;
        const value = now ? "" : String(one.effective_from ?? "");
        const since = words.since(one.effective_from);
        const label = `${one.name ?? one.id}${since && ` · ${since}`}${now ? ` (${t("edition.now")})` : ""}`;
        return h("option", { value, selected: value === (state.at ?? "") }, label);
      }),
    );
    return h("div", { class: "gm-edition" }, h("label", { for: "gm-edition" }, t("edition.choose")), select, note);
  };

  // --- putting it in place ----------------------------------------------------------------------------

  const views = { list: listView, check: checkView, facts: factsView, station: stationView, empty: emptyView, error: errorView };
  let shownView = null;

  const render = (changed = []) => {
    if (state.mode !== "grids" && state.view !== "error") {
      shownView = null;
      return;
    }
    if (state.view === "loading") return;
    const from = shownView;
    shownView = state.view;
    if (state.view === "list" && from === "list" && list && !changed.some((key) => ["language", "jurisdiction", "findings", "at", "mode"].includes(key))) {
      list.replaceChildren(...rows());
      return;
    }
    const inside = body.contains(document.activeElement);
    const parts = (views[state.view] ?? listView)().filter(Boolean);
    const editions = ["list", "check"].includes(state.view) ? edition() : null;
    body.replaceChildren(...(editions ? [editions] : []), ...parts);
    if (["facts", "station"].includes(state.view)) {
      // What is asked for arrives in parts: whoever was in the panel stays in it.
      if (inside || (state.byKeyboard && from !== state.view)) body.querySelector(".gm-back").focus();
    } else if (from && from !== state.view) {
      if (state.view === "list" && state.last) {
        const before = [...body.querySelectorAll(".gm-row")].find((r) => r.dataset.code === state.last);
        before?.scrollIntoView({ block: "nearest" });
        if (state.byKeyboard) before?.focus();
      }
    }
  };

  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.tagName === "SELECT") return;
    const stops = [...body.querySelectorAll("#gm-search, .gm-row, .gm-finding, .gm-choices button")];
    const here = stops.indexOf(event.target);
    const next = stops[here + step];
    if (here < 0 || !next) return;
    next.focus();
    event.preventDefault();
  });

  store.on(
    ["view", "grids", "query", "sort", "language", "selected", "answer", "detail", "station", "findings", "problem", "jurisdiction", "at", "point", "mode"],
    render,
  );
  return { render };
}
