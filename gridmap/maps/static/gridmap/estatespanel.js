/** Walled estates whose gate is only assumed: the list, and one of them, whose gate is being put. */
import { h, icon } from "./dom.js";

const MOST_ROWS = 300;

export function createEstates({ store, words, actions }) {
  const { t, number } = words;
  const { state } = store;

  const estates = () => {
    const list = state.estates.map(({ properties }) => properties);
    return [
      h("section", { class: "gm-card" }, h("h2", { tabindex: "-1" }, t("gates.title")), h("p", { class: "gm-note" }, t(list.length ? "gates.about" : "gates.all_known"))),
      h(
        "ul",
        { class: "gm-list" },
        ...list.slice(0, MOST_ROWS).map(({ id, name, households, buildings }) =>
          h(
            "li",
            null,
            h(
              "button",
              { type: "button", class: "gm-cover-row", "data-key": `estate-${id}`, click: () => actions.openGate(id) },
              h("span", { class: "gm-gate-mark", "aria-hidden": "true" }, h("b", null, "?")),
              h("span", { class: "gm-row-name" }, name, h("small", null, t("gap.buildings", { n: number(buildings) }))),
              h("span", { class: "gm-row-count" }, t("label.households", { n: number(households) })),
            ),
          ),
        ),
      ),
      list.length > MOST_ROWS ? h("p", { class: "gm-quiet" }, t("search.more", { n: number(list.length - MOST_ROWS) })) : null,
    ];
  };

  const gate = () => {
    const { name, households, buildings, put, problem, saving } = state.gate;
    const fact = (label, value) => h("div", null, h("dt", null, label), h("dd", null, value));
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, name),
        h("dl", { class: "gm-facts" }, fact(t("households"), number(households)), fact(t("buildings"), number(buildings))),
        h("p", { class: "gm-note" }, t("gates.how")),
        put ? h("p", { class: "gm-gate-put" }, icon("check"), t("gates.here")) : null,
        problem ? h("p", { class: "gm-warning", role: "alert" }, icon("warn"), problem) : null,
        h(
          "p",
          { class: "gm-actions" },
          h("button", { type: "button", class: "gm-button", "data-key": "gate-save", disabled: !put || saving, click: () => actions.saveGate() }, icon("plus"), t("gates.save")),
          h("button", { type: "button", class: "gm-button gm-plain", "data-key": "gate-list", click: () => actions.openEstates() }, t("gates.list")),
        ),
      ),
    ];
  };

  return { estates, gate };
}
