/** A plan goes over to a newer edition: what both changed is listed, and the planner says which side holds. */
import { h, icon } from "./dom.js";

const MOST_ROWS = 60;

export function createRebase({ store, page, words, api, failed, done, nameOf }) {
  const { t, said, number } = words;
  const { state } = store;

  /** The newest edition, when the plan did not start from it. */
  const newer = () => {
    const last = (page.state.jurisdiction?.editions ?? []).at(-1);
    return last && state.plan && last.id > state.plan.base_edition && ["draft", "submitted"].includes(state.plan.state) ? last : null;
  };

  const order = (more) => ({ base_revision: state.revision, edition: newer().id, ...more });

  async function look() {
    try {
      const found = await api.rebase(state.plan.id, order({ preview: true }));
      if (found.differences.length) store.set({ rebase: { ...found, settle: {} } });
      else await go({});
    } catch (error) {
      failed(error);
    }
  }

  async function go(settle) {
    try {
      const found = await api.rebase(state.plan.id, order({ settle }));
      store.set({ rebase: null });
      await done(t("rebase.said", { taken: number(found.taken), kept: number(found.kept) }));
    } catch (error) {
      failed(error);
    }
  }

  const settle = (patch) => store.set({ rebase: { ...state.rebase, settle: { ...state.rebase.settle, ...patch } } });
  const all = (side) => settle(Object.fromEntries(state.rebase.differences.map(({ id }) => [id, side])));

  const difference = (one) => {
    const side = (name) => {
      const box = h("input", { type: "radio", name: `settle-${one.id}`, value: name, "data-key": `${name}-${one.id}`, change: () => settle({ [one.id]: name }) });
      box.checked = state.rebase.settle[one.id] === name;
      return h("label", null, box, h("span", null, t(`rebase.${name}`), typeof one[name] === "string" ? h("small", null, one.grid ? one[name] : nameOf(one[name])) : null));
    };
    return h("li", null, h("p", null, said(one.message)), h("div", { class: "gm-sides", role: "radiogroup" }, side("mine"), side("theirs")));
  };

  const view = () => {
    const edition = newer();
    if (!edition) return null;
    const { rebase } = state;
    const left = rebase ? rebase.differences.filter(({ id }) => !rebase.settle[id]).length : 0;
    return h(
      "section",
      { class: "gm-card gm-rebase" },
      h("p", { class: "gm-warning" }, icon("warn"), h("span", null, t("rebase.newer", { name: edition.name ?? edition.id }))),
      rebase
        ? [
            h("p", { class: "gm-note" }, t("rebase.both", { n: number(rebase.differences.length) })),
            h("ul", { class: "gm-differences" }, ...rebase.differences.slice(0, MOST_ROWS).map(difference)),
            h(
              "p",
              { class: "gm-actions" },
              ...["mine", "theirs"].map((name) => h("button", { type: "button", class: "gm-button gm-plain", "data-key": `all-${name}`, click: () => all(name) }, t(`rebase.all_${name}`))),
              h("button", { type: "button", class: "gm-button", "data-key": "rebase-go", disabled: left > 0, click: () => go(rebase.settle) }, icon("check"), left ? t("rebase.left", { n: number(left) }) : t("rebase.go")),
            ),
          ]
        : h("p", { class: "gm-actions" }, h("button", { type: "button", class: "gm-button", "data-key": "rebase", click: look }, icon("redo"), t("rebase.start"))),
    );
  };
  return { view };
}
