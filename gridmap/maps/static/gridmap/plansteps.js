/** What steps did: the table of the last one, warnings with their repair, a conflict with both versions, the record. */
import { h, icon } from "./dom.js";
import { bandBar, offBy, titled } from "./planbars.js";

const MOST_STEP_ROWS = 6;
/** Beside the table only what the step has broken; how large grids are is in the table already. */
const MOST_STEP_WARNINGS = 2;
const MOST_CLASHES = 6;

export function createSteps({ store, words, actions, grids }) {
  const { t, term, said, number, date } = words;
  const { state } = store;

  // --- the last step -------------------------------------------------------------------------------------

  const change = (before, after) => {
    const by = (after?.households ?? 0) - (before?.households ?? 0);
    return h("td", { class: "gm-step-by" }, by === 0 ? "±0" : `${by > 0 ? "+" : "−"}${number(Math.abs(by))}`);
  };

  const row = ({ before, after }) => {
    const { code } = after ?? before;
    const label = titled(after ?? before, t);
    return h(
      "tr",
      null,
      h(
        "th",
        { scope: "row" },
        after ? h("button", { type: "button", class: "gm-link", "data-key": `step-${code}`, click: () => actions.activate(code, { zoom: true }) }, label) : h("span", { class: "gm-gone" }, label),
        before ? null : h("small", { class: "gm-step-flag" }, t("step.is_new")),
        after ? null : h("small", { class: "gm-step-flag" }, t("step.is_ended")),
      ),
      h("td", null, before ? number(before.households) : "—", h("span", { "aria-hidden": "true" }, " → "), h("span", { class: "gm-hidden" }, t("step.to")), h("b", null, after ? number(after.households) : "—")),
      change(before, after),
      h("td", { class: "gm-step-bar" }, bandBar(after, state.target, before), offBy(after, state.target)),
    );
  };

  const step = () => {
    const { kind, rows, rebased, noted, warnings } = state.step;
    const shown = rows.slice(0, MOST_STEP_ROWS);
    const broken = warnings.filter(({ rule }) => rule !== "household_band");
    return h(
      "section",
      { class: "gm-card gm-step", "aria-label": t("step.last") },
      h(
        "div",
        { class: "gm-step-head" },
        h("h3", null, t(`step.${kind}`)),
        h("button", { type: "button", class: "gm-icon-button", "data-key": "undo", title: t("tool.undo"), "aria-label": t("tool.undo"), disabled: !state.undo || !state.editing, click: actions.undo }, icon("undo")),
        h("button", { type: "button", class: "gm-icon-button", "data-key": "redo", title: t("tool.redo"), "aria-label": t("tool.redo"), disabled: !state.redo || !state.editing, click: actions.redo }, icon("redo")),
      ),
      noted
        ? h("p", { class: "gm-note" }, rows.map(({ before, after }) => titled(after ?? before, t)).slice(0, MOST_STEP_ROWS).join(t("comma")))
        : h(
            "table",
            { class: "gm-effect gm-step-table" },
            h("caption", { class: "gm-hidden" }, t("step.caption")),
            h("thead", { class: "gm-hidden" }, h("tr", null, ...["step.grid", "step.households", "step.change", "step.bar"].map((key) => h("th", { scope: "col" }, t(key))))),
            h("tbody", null, ...shown.map(row)),
          ),
      rows.length > shown.length ? h("p", { class: "gm-note" }, t("step.more", { n: number(rows.length - shown.length) })) : null,
      rebased ? h("p", { class: "gm-note" }, t("step.rebased", { n: number(rebased) })) : null,
      ...broken.slice(0, MOST_STEP_WARNINGS).map(warning),
      broken.length > MOST_STEP_WARNINGS
        ? h("button", { type: "button", class: "gm-link gm-step-more", "data-key": "step-warnings", click: () => store.set({ tab: "warnings" }) }, t("step.more_warnings", { n: number(broken.length - MOST_STEP_WARNINGS) }))
        : null,
    );
  };

  // --- warnings ------------------------------------------------------------------------------------------

  const warning = (one) => {
    const sign = one.severity === "info" ? "legend" : "warn";
    return h(
      "div",
      { class: `gm-plan-warning gm-severity-${one.severity}` },
      h("button", { type: "button", class: "gm-plan-see", title: t("plan.see"), click: () => actions.see(one) }, icon(sign), h("span", null, said(one.message))),
      one.repair && state.editing
        ? h("button", { type: "button", class: "gm-button gm-plain gm-repair", click: () => actions.operate(one.repair.operation) }, icon("check"), said(one.repair.text))
        : null,
    );
  };

  const warnings = () =>
    state.warnings.length ? [h("div", { class: "gm-plan-warnings" }, ...state.warnings.map(warning))] : [h("p", { class: "gm-quiet" }, t("plan.no_warnings"))];

  // --- a conflict ----------------------------------------------------------------------------------------

  const named = (code) => (code === null || code === undefined ? t("conflict.nothing") : titled(grids.find(code)?.properties ?? { code, name: code }, t));

  const clash = ({ message, cell_count: cells, grid, mine, theirs }) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, cells ? t("conflict.cells", { n: number(cells) }) : named(grid), h("small", null, said(message))),
      h("td", null, mine ? t("conflict.goes", { from: named(mine.from), to: named(mine.to) }) : t(`step.${state.conflict.operation.kind}`)),
      h(
        "td",
        null,
        theirs?.now ? named(theirs.now) : theirs?.kind ? term("step", theirs.kind) : t("conflict.nothing"),
        theirs?.by ? h("small", null, t("conflict.by", { who: theirs.by, n: number(theirs.operation), kind: term("step", theirs.kind) })) : null,
      ),
    );

  const conflict = () => {
    const { sentence, errors, operation } = state.conflict;
    return h(
      "section",
      { class: "gm-card gm-conflict", role: "alertdialog", "aria-labelledby": "gm-conflict-title" },
      h("h3", { id: "gm-conflict-title" }, icon("warn"), t("conflict.title")),
      h("p", { class: "gm-note" }, sentence),
      h(
        "table",
        { class: "gm-effect" },
        h("thead", null, h("tr", null, ...["conflict.what", "conflict.mine", "conflict.theirs"].map((key) => h("th", { scope: "col" }, t(key))))),
        h("tbody", null, ...errors.slice(0, MOST_CLASHES).map(clash)),
      ),
      errors.length > MOST_CLASHES ? h("p", { class: "gm-note" }, t("step.more", { n: number(errors.length - MOST_CLASHES) })) : null,
      h("p", { class: "gm-note" }, t("conflict.map")),
      h(
        "p",
        { class: "gm-actions" },
        h("button", { type: "button", class: "gm-button", "data-key": "conflict-theirs", click: actions.giveIn }, icon("check"), t("conflict.keep_theirs")),
        ["undo", "redo"].includes(operation.kind)
          ? null
          : h("button", { type: "button", class: "gm-button gm-plain", "data-key": "conflict-mine", click: actions.again }, icon("redo"), t("conflict.do_mine")),
      ),
    );
  };

  // --- the record ----------------------------------------------------------------------------------------

  const log = () => {
    if (!state.log) return [h("p", { class: "gm-loading" }, t("loading"))];
    if (!state.log.length) return [h("p", { class: "gm-quiet" }, t("plan.no_log"))];
    return [
      h(
        "ol",
        { class: "gm-plan-log", reversed: true, start: state.log[0].seq },
        ...state.log.map(({ seq, kind, who, at, inverse_of: inverse }) =>
          h("li", { value: seq }, h("b", null, term("step", kind)), inverse ? h("span", null, t("plan.log.of", { n: number(inverse) })) : null, h("small", null, [who, date(at)].join(" · "))),
        ),
      ),
    ];
  };

  return { step, warnings, conflict, log };
}
