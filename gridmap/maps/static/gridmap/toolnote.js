/** What the tool in hand waits for and what it has changed so far, on the map itself: there one looks while one clicks. */
import { h, icon } from "./dom.js";

const STAYING = new Set(["close_street", "link"]);

export function createToolNote(stage, { store, words, signed }) {
  const { t } = words;
  const { state } = store;
  const root = h("div", { class: "gm-tool-note", hidden: true });
  stage.append(root);

  const effect = () => {
    if (!state.changes.length || !state.answer || !state.today) return null;
    if (state.tried !== state.changes) return h("p", { class: "gm-quiet-inline" }, t("siting.thinking"));
    const change = state.answer.cover.totals.households_covered - state.today.totals.households_covered;
    return h("p", { class: "gm-tool-effect" }, t("whatif.against"), " ", h("strong", { class: change > 0 ? "gm-gain" : change < 0 ? "gm-loss" : null }, t("label.change", { n: signed(change) })));
  };

  const render = () => {
    const { placing } = state;
    root.hidden = !placing;
    if (!placing) {
      root.replaceChildren();
      return;
    }
    root.replaceChildren(
      h("p", { role: "status" }, t(placing.begun ? "placing.link_end" : `placing.${placing.op}`)),
      ...[
        STAYING.has(placing.op) ? effect() : null,
        state.problem ? h("p", { class: "gm-tool-problem", role: "alert" }, icon("warn"), state.problem) : null,
        h("button", { type: "button", class: "gm-button gm-plain", "data-key": "placing-done", click: () => store.set({ placing: null, problem: "" }) }, t(STAYING.has(placing.op) ? "placing.done" : "cancel")),
      ].filter(Boolean),
    );
  };
  store.on(["placing", "answer", "changes", "problem", "tried"], render);
  root.addEventListener("pointerdown", (event) => event.stopPropagation());
  return { render };
}
