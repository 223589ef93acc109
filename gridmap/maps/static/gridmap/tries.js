/** What is tried: the changes, their effect, named scenarios, comparing two of them, and making one real. */
import { h, icon } from "./dom.js";

export function createTries({ store, words, coverage, actions }) {
  const { t, number } = words;
  const { state } = store;
  let asked = null;

  const button = (name, words_, act, plain = true, off = false) =>
    h("button", { type: "button", class: plain ? "gm-button gm-plain" : "gm-button", disabled: off, click: act }, icon(name), words_);

  const told = (change) => {
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

  const saving = () => {
    if (!state.changes.length && !state.scenario) return null;
    const input = h("input", { type: "text", maxlength: 80, "aria-label": t("scenario.name"), placeholder: t("scenario.name"), "data-key": "scenario-name", input: () => (asked = input.value) });
    input.value = asked ?? (state.scenario ? coverage.titleOf(state.scenario) : "");
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
      changes(),
      effect(),
      h(
        "p",
        { class: "gm-actions" },
        button("plus", t("whatif.add"), () => actions.place({ op: "add" })),
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
    const select = (label, value) => {
      const element = h("select", { "aria-label": t(label) }, ...options.map(([id, name]) => h("option", { value: id, selected: id === value }, name)));
      return element;
    };
    const left = select("compare.left", state.compare?.left ?? "today");
    const right = select("compare.right", state.compare?.right ?? options[1][0]);
    return h("div", { class: "gm-comparing" }, left, h("span", { "aria-hidden": "true" }, "⇔"), right, button("swipe", t("compare.start"), () => actions.startCompare(left.value, right.value)));
  };

  /** While two are compared: what they differ in, by grid. */
  const comparison = () => {
    const { sides, difference } = state.compare;
    const totals = sides.map(({ answer }) => answer.cover.totals);
    const rows = new Map(sides[1].answer.cover.rows.map((row) => [row.code, row]));
    const old = new Map(sides[0].answer.cover.rows.map((row) => [row.code, row]));
    const sorted = [...difference].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
    const cells = (before, now) => {
      const change = (now ?? 0) - (before ?? 0);
      return [h("td", null, number(before)), h("td", null, number(now)), h("td", { class: change > 0 ? "gm-gain" : change < 0 ? "gm-loss" : null }, coverage.signed(change))];
    };
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, t("compare.title")),
        h("p", { class: "gm-note" }, t("compare.about")),
        h("p", { class: "gm-actions" }, button("close", t("compare.stop"), () => actions.stopCompare())),
        h(
          "table",
          { class: "gm-effect", id: "gm-compare-table" },
          h("caption", null, t("compare.caption", { n: number(difference.size) })),
          h("thead", null, h("tr", null, h("th", { scope: "col" }, t("tab.list")), ...sides.map(({ name }) => h("th", { scope: "col" }, name)), h("th", { scope: "col" }, t("compare.difference")))),
          h(
            "tbody",
            null,
            h("tr", { class: "gm-sum" }, h("th", { scope: "row" }, t("compare.all")), ...cells(totals[0].households_covered, totals[1].households_covered)),
            ...sorted.map(([code]) => h("tr", null, h("th", { scope: "row" }, rows.get(code)?.name || code), ...cells(old.get(code)?.households_covered, rows.get(code)?.households_covered))),
          ),
        ),
      ),
    ];
  };

  return { view: () => [current(), saved()], comparison };
}
