/** What is tried: the changes, their effect, named scenarios, comparing two of them, and making one real. */
import { compareTable } from "./comparetable.js";
import { h, icon } from "./dom.js";

/** How many grids are listed with what changes in them. */
const MOST_GRIDS = 6;

export function createTries({ store, words, coverage, actions, openGrid }) {
  const { t, number } = words;
  const { state } = store;
  let asked = null;

  const button = (name, words_, act, plain = true, off = false) =>
    h("button", { type: "button", class: plain ? "gm-button gm-plain" : "gm-button", disabled: off, click: act }, icon(name), words_);

  const told = (change) => {
    if (change.op === "close_street") return t("whatif.op.close_street", { name: coverage.streetName(change) });
    const name = change.name ?? coverage.nameOf(change.station) ?? change.station;
    return t(`whatif.op.${change.op}`, { name });
  };

  const changes = () =>
    state.changes.length
      ? h(
          "ul",
          { class: "gm-changes" },
          ...state.changes.map((change, i) =>
            h(
              "li",
              null,
              h("span", null, told(change)),
              h("button", { type: "button", class: "gm-icon-button", "data-key": `drop-${i}`, "aria-label": t("whatif.drop", { what: told(change) }), title: t("whatif.take_back"), click: () => actions.drop(i) }, icon("close")),
            ),
          ),
        )
      : h("p", { class: "gm-note" }, t("whatif.how"));

  const effect = () => {
    if (!state.changes.length || !state.answer || !state.today) return null;
    if (state.tried !== state.changes) return state.problem ? null : h("p", { class: "gm-note" }, t("siting.thinking"));
    const now = state.answer.cover.totals;
    const before = state.today.totals;
    const row = (name) => {
      const change = now[`${name}_covered`] - before[`${name}_covered`];
      const look = change > 0 ? "gm-gain" : change < 0 ? "gm-loss" : null;
      return h("tr", null, h("th", { scope: "row" }, t(`count.${name}`)), h("td", null, number(before[`${name}_covered`])), h("td", null, number(now[`${name}_covered`])), h("td", { class: look }, coverage.signed(change)));
    };
    return h(
      "table",
      { class: "gm-effect" },
      h("caption", null, t("whatif.effect", { n: number(coverage.outcome().size) })),
      h("thead", null, h("tr", null, h("td"), ...["today", "tries", "difference"].map((name) => h("th", { scope: "col" }, t(`compare.${name}`))))),
      h("tbody", null, ...["households", "people", "buildings"].map(row)),
    );
  };

  /** The grids that change most, each a way to look at it. */
  const changedGrids = () => {
    if (!state.changes.length || state.tried !== state.changes) return null;
    const rows = new Map((state.answer?.cover.rows ?? []).map((row) => [row.code, row]));
    const sorted = [...coverage.outcome()].sort(([a, x], [b, y]) => Math.abs(y) - Math.abs(x) || String(a).localeCompare(String(b)));
    if (!sorted.length) return null;
    return h(
      "div",
      { class: "gm-changed" },
      h(
        "ul",
        null,
        ...sorted.slice(0, MOST_GRIDS).map(([code, change]) =>
          h(
            "li",
            null,
            h("button", { type: "button", class: "gm-link gm-plain-link", "data-key": `changed-${code}`, click: () => openGrid(code) }, rows.get(code)?.name || code),
            h("span", { class: change > 0 ? "gm-gain" : "gm-loss" }, coverage.signed(change)),
          ),
        ),
      ),
      sorted.length > MOST_GRIDS ? h("button", { type: "button", class: "gm-link", "data-key": "changed-all", click: () => store.set({ tab: "grids" }) }, t("whatif.all_grids", { n: number(sorted.length) })) : null,
    );
  };

  const TOOLS = [
    ["add", "plus"],
    ["close_street", "closed"],
    ["link", "link"],
  ];
  /** What can be done on the map; each button is pressed while its tool is in hand. */
  const tools = () =>
    h(
      "div",
      { class: "gm-try-tools", role: "group", "aria-label": t("whatif.tools") },
      ...TOOLS.map(([op, name]) =>
        h("button", { type: "button", "data-key": `tool-${op}`, "aria-pressed": String(state.placing?.op === op), click: () => actions.place({ op }) }, icon(name), t(`whatif.tool.${op}`)),
      ),
    );

  /** A question that only its own button answers with yes. */
  const confirm = (words_, yes, act) => {
    const dialog = h(
      "dialog",
      { class: "gm-dialog", "aria-labelledby": "gm-dialog-words" },
      h("p", { id: "gm-dialog-words" }, words_),
      h(
        "p",
        { class: "gm-actions" },
        h("button", { type: "button", class: "gm-button gm-plain", autofocus: true, click: () => dialog.close() }, t("cancel")),
        h("button", { type: "button", class: "gm-button gm-danger", click: () => (dialog.close(), act()) }, yes),
      ),
    );
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    document.body.append(dialog);
    dialog.showModal();
  };

  const freeTitle = () => {
    const taken = new Set((state.scenarios ?? []).map(coverage.titleOf));
    for (let n = 1; ; n += 1) {
      const title = t("scenario.usual", { n });
      if (!taken.has(title)) return title;
    }
  };

  const saving = () => {
    if (!state.changes.length && !state.scenario) return null;
    const input = h("input", { type: "text", maxlength: 80, "aria-label": t("scenario.name"), placeholder: t("scenario.name"), "data-key": "scenario-name", input: () => (asked = input.value) });
    // A name stands there already: who has only a mouse can save, too.
    input.value = asked ?? (state.scenario ? coverage.titleOf(state.scenario) : freeTitle());
    const save = async (anew) => {
      const title = input.value.trim();
      if (!title) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
      if (await actions.save(title, anew)) asked = null;
    };
    return h(
      "form",
      { class: "gm-saving", submit: (event) => (event.preventDefault(), save(false)) },
      input,
      button("check", t(state.scenario ? "scenario.save_again" : "scenario.save"), () => save(false), false),
      state.scenario ? button("plus", t("scenario.save_new"), () => save(true)) : null,
    );
  };

  const current = () =>
    h(
      "section",
      { class: "gm-card" },
      h("h3", null, state.scenario ? t("scenario.open", { name: coverage.titleOf(state.scenario) }) : t("whatif.title")),
      tools(),
      changes(),
      effect(),
      changedGrids(),
      h(
        "p",
        { class: "gm-actions" },
        state.changes.length || actions.canUndo() ? button("undo", t("whatif.undo"), () => actions.undo(), true, !actions.canUndo()) : null,
        state.changes.length ? button("swipe", t("compare.start"), () => actions.startCompare("today", "tries")) : null,
        state.scenario ? button("close", t("scenario.leave"), () => actions.leaveScenario()) : state.changes.length ? button("close", t("whatif.clear"), () => actions.clearTries()) : null,
      ),
      saving(),
      state.scenario
        ? h(
            "p",
            { class: "gm-actions" },
            h(
              "button",
              { type: "button", class: "gm-button gm-danger", click: () => confirm(t("scenario.apply_sure", { name: coverage.titleOf(state.scenario), n: number(state.changes.length) }), t("scenario.apply"), () => actions.apply()) },
              t("scenario.apply_ask"),
            ),
          )
        : null,
    );

  const saved = () => {
    const list = state.scenarios ?? [];
    if (!list.length) return h("section", { class: "gm-card" }, h("h3", null, t("scenario.list")), h("p", { class: "gm-note" }, t("scenario.none")));
    return h(
      "section",
      { class: "gm-card" },
      h("h3", null, t("scenario.list")),
      h(
        "ul",
        { class: "gm-scenarios" },
        ...list.map((scenario) => {
          const name = coverage.titleOf(scenario);
          return h(
            "li",
            null,
            h(
              "button",
              { type: "button", class: "gm-link", "data-key": `scenario-${scenario.id}`, "aria-current": state.scenario?.id === scenario.id ? "true" : null, click: () => actions.openScenario(scenario.id) },
              name,
            ),
            scenario.applied_at ? h("small", null, t("scenario.is_real")) : null,
            h("button", { type: "button", class: "gm-icon-button", "aria-label": t("scenario.delete", { name }), title: t("scenario.delete_short"), click: () => confirm(t("scenario.delete_sure", { name }), t("scenario.delete_short"), () => actions.deleteScenario(scenario.id)) }, icon("close")),
          );
        }),
      ),
      comparing(list),
    );
  };

  const comparing = (list) => {
    const options = [["today", t("compare.today")], ...(state.changes.length ? [["tries", t("compare.tries")]] : []), ...list.map((one) => [String(one.id), coverage.titleOf(one)])];
    if (options.length < 2) return null;
    // While two are compared another choice counts at once.
    const chosen = () => state.compare && actions.startCompare(left.value, right.value);
    const select = (label, value) => {
      const element = h("select", { "aria-label": t(label), "data-key": label, change: chosen }, ...options.map(([id, name]) => h("option", { value: id, selected: id === value }, name)));
      return element;
    };
    const left = select("compare.left", state.compare?.left ?? "today");
    const right = select("compare.right", state.compare?.right ?? options[1][0]);
    return h("div", { class: "gm-comparing" }, left, h("span", { "aria-hidden": "true" }, "⇔"), right, state.compare ? null : button("swipe", t("compare.start"), () => actions.startCompare(left.value, right.value)));
  };

  /** While two are compared: what they differ in, by grid. */
  const comparison = () => {
    const { sides, today } = state.compare;
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, t("compare.title")),
        h("p", { class: "gm-note" }, t("compare.about")),
        h("p", { class: "gm-actions" }, button("close", t("compare.stop"), () => actions.stopCompare())),
        comparing(state.scenarios ?? []),
        compareTable({ sides, today, words, signed: coverage.signed, openGrid }),
      ),
    ];
  };

  return { view: () => [current(), saved()], comparison };
}
