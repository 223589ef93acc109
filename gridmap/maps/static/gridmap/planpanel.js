/** The panel of redraw mode: the plans there are, or one plan with its totals, last step, grids, warnings and life. */
import { h, icon } from "./dom.js";
import { bandBar, offBy, titled } from "./planbars.js";
import { createPlanGrid } from "./plangrid.js";
import { createPublish } from "./planpublish.js";
import { createSteps } from "./plansteps.js";
import { percent } from "./share.js";

const MOST_ROWS = 300;
const TABS = ["grids", "warnings", "auto", "log", "publish"];
/** A list is drawn anew only when one of these changes; a figure alone does not move what somebody reads. */
const KEYS = ["plans", "view", "plan", "version", "active", "partner", "step", "warnings", "undo", "redo", "conflict", "tab", "buildings", "chosen", "diff", "log", "problem", "busy", "query", "sort", "editing", "across", "job", "proposal", "look", "asked", "rebase"];

export function createPlanPanel(body, { store, page, words, grids, actions, proposals, rebase }) {
  const { t, term, number, date } = words;
  const { state } = store;
  const scroll = h("div", { class: "gm-scroll gm-plan", id: "gm-list", tabindex: "-1" });
  const steps = createSteps({ store, words, actions, grids });
  const one = createPlanGrid({ store, words, actions, grids, page });
  const publish = createPublish({ store, words, actions, grids, rebase });
  let shown = "";
  let left = null;

  const chip = (plan) => h("span", { class: `gm-chip-state gm-state-${plan.state}` }, term("plan.state", plan.state));

  const problem = () =>
    state.problem
      ? h(
          "p",
          { class: "gm-warning gm-plan-problem", role: "alert" },
          icon("warn"),
          h("span", null, state.problem),
          h("button", { type: "button", class: "gm-icon-button", "data-key": "dismiss", "aria-label": t("plan.dismiss"), click: actions.dismiss }, icon("close")),
        )
      : null;

  // --- the plans there are -------------------------------------------------------------------------------

  let typed = "";
  const newPlan = () => {
    const input = h("input", { type: "text", maxlength: 120, "data-key": "new-title", "aria-label": t("plan.title"), placeholder: t("plan.title"), input: () => (typed = input.value) });
    input.value = typed;
    const make = async () => {
      const title = input.value.trim();
      if (!title) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
      if (await actions.make(title)) typed = "";
    };
    return h(
      "form",
      { class: "gm-saving", submit: (event) => (event.preventDefault(), make()) },
      input,
      h("button", { type: "submit", class: "gm-button" }, icon("plus"), t("plan.new")),
    );
  };

  const planRow = (plan) =>
    h(
      "li",
      null,
      h(
        "button",
        { type: "button", class: "gm-plan-row", "data-key": `plan-${plan.id}`, click: () => actions.openPlan(plan.id) },
        h("span", { class: "gm-row-name" }, plan.title, h("small", null, t("plan.about", { n: number(plan.revision), owner: plan.owner, date: date(plan.changed_at) }))),
        chip(plan),
      ),
    );

  const plansView = () => [
    problem(),
    state.busy ? h("p", { class: "gm-plan-opening", role: "status" }, t("plan.opening")) : null,
    h("section", { class: "gm-card" }, h("h2", { tabindex: "-1" }, t("plan.heading")), h("p", { class: "gm-note" }, t("plan.intro")), newPlan()),
    state.plans === null
      ? h("p", { class: "gm-loading" }, t("loading"))
      : state.plans.length
        ? h("section", null, h("h3", { class: "gm-group-name" }, h("span", null, t("plan.list")), h("small", null, number(state.plans.length))), h("ul", { class: "gm-list" }, ...state.plans.map(planRow)))
        : h("p", { class: "gm-quiet" }, t("plan.none")),
  ];

  // --- one plan ------------------------------------------------------------------------------------------

  const totals = () => {
    const { score } = state;
    if (!score) return null;
    const item = (value, key, title = null) => h("div", { title }, h("dd", null, value), h("dt", null, t(key)));
    return h(
      "dl",
      { class: "gm-totals gm-plan-totals" },
      item(number(score.grids), "count.grids"),
      item(number(score.households), "count.households"),
      item(score.within_band === null ? "—" : percent(score.within_band), "plan.in_band", t("plan.in_band.long", { tolerance: Math.round(state.target.tolerance * 100), n: number(state.target.households) })),
      item(number(score.households_moved), "plan.moved", t("plan.moved.long")),
    );
  };

  const head = () =>
    h(
      "div",
      { class: "gm-plan-head" },
      h("button", { type: "button", class: "gm-back", "data-key": "back-plans", click: actions.leave }, icon("back"), t("plan.back")),
      h("div", { class: "gm-plan-title" }, h("h2", { tabindex: "-1" }, state.plan.title), chip(state.plan), h("small", { class: state.busy ? "gm-plan-saving" : null }, state.busy ? t("plan.saving") : t("plan.revision", { n: number(state.revision) }))),
    );

  const badge = { warnings: () => state.warnings.length };
  const tabs = () =>
    h(
      "div",
      { class: "gm-tabs gm-cover-tabs", role: "group", "aria-label": t("plan.tabs") },
      ...TABS.map((name) =>
        h(
          "button",
          { type: "button", "data-key": `tab-${name}`, "aria-pressed": String(state.tab === name), click: () => store.set({ tab: name }) },
          t(`plan.tab.${name}`),
          badge[name]?.() ? h("b", { class: "gm-badge gm-badge-amber" }, number(badge[name]())) : null,
        ),
      ),
    );

  const rowOf = ({ properties }) =>
    h(
      "li",
      null,
      h(
        "button",
        { type: "button", class: "gm-plan-grid", "data-key": `grid-${properties.code}`, "aria-current": state.active === properties.code ? "true" : null, click: () => actions.activate(properties.code, { zoom: true }) },
        h("span", { class: "gm-row-name" }, properties.locked ? icon("lock") : null, titled(properties, t), properties.community_name ? h("small", null, properties.community_name) : null),
        h("span", { class: "gm-row-count" }, number(properties.households), offBy(properties, state.target)),
        bandBar(properties, state.target),
      ),
    );

  const ORDER = {
    worst: (a, b) => Math.abs(b.deviation ?? 0) - Math.abs(a.deviation ?? 0),
    large: (a, b) => b.households - a.households,
    small: (a, b) => a.households - b.households,
    code: () => 0,
  };
  const gridRows = () => {
    const query = state.query.trim().toLowerCase();
    const found = grids
      .list()
      .filter(({ properties: p }) => [p.name, p.code, p.community_name].some((value) => String(value ?? "").toLowerCase().includes(query)))
      .sort((a, b) => ORDER[state.sort](a.properties, b.properties) || String(a.properties.code).localeCompare(String(b.properties.code)));
    if (!found.length) return [h("p", { class: "gm-quiet" }, t("search.none", { text: state.query }))];
    return [
      h("ul", { class: "gm-list" }, ...found.slice(0, MOST_ROWS).map(rowOf)),
      found.length > MOST_ROWS ? h("p", { class: "gm-quiet" }, t("search.more", { n: number(found.length - MOST_ROWS) })) : null,
    ];
  };

  const gridList = () => {
    const input = h("input", { type: "search", id: "gm-search", "data-key": "search", placeholder: t("search"), "aria-label": t("search.label"), autocomplete: "off", input: () => store.set({ query: input.value }) });
    input.value = state.query;
    const sort = h(
      "select",
      { "aria-label": t("sort"), "data-key": "sort", change: () => store.set({ sort: sort.value }) },
      ...Object.keys(ORDER).map((name) => h("option", { value: name, selected: state.sort === name }, t(`plan.sort.${name}`))),
    );
    return [h("div", { class: "gm-search" }, icon("search"), input, sort), ...gridRows()];
  };

  const content = () => {
    if (state.view === "plans" || !state.plan) return plansView();
    const tab = { grids: state.active && grids.find(state.active) ? one.view : gridList, warnings: steps.warnings, auto: proposals.view, log: steps.log, publish: publish.view }[state.tab];
    return [head(), problem(), state.conflict ? steps.conflict() : null, totals(), state.step ? steps.step() : null, tabs(), ...tab()];
  };

  const where = () => (state.view === "plans" ? "plans" : `${state.tab} ${state.tab === "grids" ? (state.active ?? "") : ""}`);

  const render = () => {
    if (page.state.mode !== "redraw") {
      shown = "";
      return;
    }
    if (scroll.parentNode !== body) body.replaceChildren(scroll);
    const focused = scroll.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.dataset.key;
    const caret = focused?.selectionStart ?? null;
    const opened = new Set([...scroll.querySelectorAll("details[open]")].map((part) => part.dataset.key));
    const from = shown;
    shown = where();
    const top = scroll.scrollTop;
    scroll.replaceChildren(...content().flat(2).filter(Boolean));
    for (const part of scroll.querySelectorAll("details")) if (opened.has(part.dataset.key)) part.open = true;
    // On a phone the sheet is low: what was chosen comes to its top.
    const low = scroll.clientHeight < 420 && scroll.querySelector(".gm-plan-card");
    scroll.scrollTop = from === shown ? top : low ? low.offsetTop - scroll.offsetTop - scroll.querySelector(".gm-cover-tabs").offsetHeight : 0;
    const again = key && scroll.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again) {
      again.focus({ preventScroll: true });
      if (["text", "search"].includes(again.type) && caret !== null) again.setSelectionRange(caret, caret);
    } else if (from && from !== shown && (focused || page.state.byKeyboard)) {
      // Whoever came by key goes on under the key: into what opened, or back to the row that was left.
      const was = left && scroll.querySelector(`[data-key="${CSS.escape(left)}"]`);
      if (focused || document.activeElement === document.body) (was || scroll.querySelector(".gm-plan-card h2, h2"))?.focus();
    }
    if (key?.startsWith("grid-") || key?.startsWith("plan-")) left = key;
  };

  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.tagName === "SELECT") return;
    const stops = [...scroll.querySelectorAll("#gm-search, .gm-plan-grid, .gm-plan-row, .gm-plan-warning > button:first-child, .gm-homes input")];
    const next = stops[stops.indexOf(event.target) + step];
    if (!stops.includes(event.target) || !next) return;
    next.focus();
    event.preventDefault();
  });

  store.on(KEYS, render);
  page.on(["mode", "language"], render);
  return { render };
}
