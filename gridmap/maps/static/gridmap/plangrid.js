/** The grid that is selected: its figures against the band, its buildings as a list, and what can be done to it by keys. */
import { h, icon } from "./dom.js";
import { meets } from "./geo.js";
import { bandBar, offBy, titled } from "./planbars.js";

const SHARED = 1e-9;

export function createPlanGrid({ store, words, actions, grids, page }) {
  const { t, term, number } = words;
  const { state } = store;
  let typed = null;
  let target = null;

  const button = (name, label, press, { key = name, plain = true, off = false } = {}) =>
    h("button", { type: "button", class: plain ? "gm-button gm-plain" : "gm-button", "data-key": key, disabled: off, click: press }, icon(name), label);

  /** Grids that may share a border, those of the same community first. */
  const around = (feature) => {
    const box = [feature.box[0] - SHARED, feature.box[1] - SHARED, feature.box[2] + SHARED, feature.box[3] + SHARED];
    const own = feature.properties.community_code;
    return grids
      .list()
      .filter((other) => other !== feature && meets(other.box, box) && (state.across || other.properties.community_code === own))
      .sort((a, b) => Number(b.properties.community_code === own) - Number(a.properties.community_code === own) || String(a.properties.code).localeCompare(String(b.properties.code)));
  };

  const choice = (label, list, value, change) => {
    const select = h(
      "select",
      { "aria-label": label, "data-key": "neighbour", change: () => change(select.value) },
      ...list.map(({ properties: p }) => h("option", { value: p.code, selected: p.code === value }, t("plan.neighbour", { name: titled(p, t), n: number(p.households) }))),
    );
    return select;
  };

  const facts = (grid) => {
    const fact = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
    const share = (value) => (value === null ? "—" : `${Math.round(value * 100)}%`);
    return h(
      "dl",
      { class: "gm-facts gm-plan-facts" },
      fact(t("people"), number(grid.people)),
      fact(t("buildings"), number(grid.buildings)),
      fact(t("plan.street_share"), share(grid.street_share)),
      fact(t("plan.compact"), grid.polsby_popper === null ? "—" : grid.polsby_popper.toFixed(2)),
    );
  };

  const rename = (grid) => {
    const input = h("input", { type: "text", maxlength: 80, "data-key": "grid-name", "aria-label": t("plan.rename"), input: () => (typed = input.value) });
    input.value = typed ?? grid.name;
    const act = () => {
      const name = input.value.trim();
      typed = null;
      if (name && name !== grid.name) actions.operate({ kind: "rename", grid: grid.code, name });
    };
    return h("form", { class: "gm-saving", submit: (event) => (event.preventDefault(), act()) }, input, h("button", { type: "submit", class: "gm-button gm-plain", "data-key": "rename" }, t("plan.rename")));
  };

  const neighbours = (feature, list) => {
    if (!list.length) return null;
    if (!list.some(({ properties }) => properties.code === target)) target = list[0].properties.code;
    const name = titled(grids.find(target).properties, t);
    return h(
      "div",
      { class: "gm-plan-neighbour" },
      h("label", null, h("span", null, t("plan.with")), choice(t("plan.with"), list, target, (code) => {
        target = code;
        store.set({ partner: code });
      })),
      h(
        "p",
        { class: "gm-actions" },
        button("give", t("plan.give_chosen", { n: number(state.chosen.size), name }), () => actions.giveChosen(target), { off: !state.chosen.size, plain: !state.chosen.size }),
        button("merge", t("plan.merge_with", { name }), () => actions.merge(target)),
      ),
    );
  };

  const homes = (feature) => {
    const { buildings } = state;
    const rows = buildings?.code === feature.properties.code ? buildings.rows : null;
    const row = ({ id, estate, number: no, building, households }) => {
      const box = h("input", { type: "checkbox", "data-key": `home-${id}`, disabled: !state.editing, change: () => actions.choose(id, box.checked) });
      box.checked = state.chosen.has(id);
      return h("li", null, h("label", null, box, h("span", null, [estate, no].filter(Boolean).join(" ") || building), h("small", null, t("label.households", { n: number(households) }))));
    };
    return h(
      "details",
      { class: "gm-homes", "data-key": "homes" },
      h("summary", { "data-key": "homes-summary" }, t("plan.homes", { n: rows ? number(rows.length) : "…" })),
      rows?.length ? h("ul", null, ...rows.map(row)) : h("p", { class: "gm-note" }, t(rows ? "plan.homes.none" : "loading")),
    );
  };

  const view = () => {
    const feature = grids.find(state.active);
    const grid = feature.properties;
    const off = offBy(grid, state.target);
    const across = h("input", { type: "checkbox", "data-key": "across", change: () => store.set({ across: across.checked }) });
    across.checked = state.across;
    const list = state.editing ? around(feature) : [];
    return [
      h("button", { type: "button", class: "gm-back", "data-key": "back-grids", click: () => actions.activate(null) }, icon("back"), t("back")),
      h(
        "section",
        { class: "gm-card gm-plan-card" },
        h("h2", { tabindex: "-1" }, grid.locked ? icon("lock") : null, titled(grid, t)),
        h("p", { class: "gm-code" }, [grid.code, term("kind", grid.grid_kind), grid.community_name].filter(Boolean).join(" · ")),
        h("p", { class: "gm-plan-size" }, h("strong", null, number(grid.households)), h("span", null, t("plan.of_target", { n: number(state.target.households) })), off),
        bandBar(grid, state.target),
        facts(grid),
        ...(state.editing
          ? [
              h(
                "p",
                { class: "gm-actions" },
                button("split", t("plan.halve"), () => actions.operate({ kind: "split", grid: grid.code }), { key: "halve" }),
                button("lock", t(grid.locked ? "plan.unlock" : "plan.lock"), () => actions.operate({ kind: grid.locked ? "unlock" : "lock", grids: [grid.code] })),
              ),
            ]
          : []),
        homes(feature),
        neighbours(feature, list),
        ...(state.editing
          ? [
              h("label", { class: "gm-plan-across" }, across, h("span", null, t("plan.across"))),
              h("details", { "data-key": "more", class: "gm-homes" }, h("summary", { "data-key": "more-summary" }, t("plan.rename")), rename(grid)),
            ]
          : []),
      ),
    ];
  };

  // A name that was typed for one grid is not the next one's.
  store.on(["active"], () => {
    typed = null;
  });
  page.on(["mode"], () => {
    typed = null;
  });
  return { view };
}
