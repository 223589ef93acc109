/** From draft to the edition in force: what the plan changes, hand in, approve, publish. */
import { h, icon } from "./dom.js";

const LIFE = ["draft", "submitted", "approved", "active"];
const MOST_PAIRS = 40;

export function createPublish({ store, words, actions, grids, rebase }) {
  const { t, number, date } = words;
  const { state } = store;
  let typed = "";
  let day = "";

  const named = (code) => (code === null ? "—" : grids.find(code)?.properties.name || code);
  const button = (label, press, { name = "check", plain = false, key } = {}) =>
    h("button", { type: "button", class: plain ? "gm-button gm-plain" : "gm-button", "data-key": key, disabled: state.busy, click: press }, icon(name), label);

  /** A question that only its own button answers with yes. */
  const confirm = (text, yes, act) => {
    const dialog = h(
      "dialog",
      { class: "gm-dialog", "aria-labelledby": "gm-dialog-words" },
      h("p", { id: "gm-dialog-words" }, text),
      h("p", { class: "gm-note" }, t("publish.not_enforced")),
      h(
        "p",
        { class: "gm-actions" },
        h("button", { type: "button", class: "gm-button gm-plain", autofocus: true, click: () => dialog.close() }, t("cancel")),
        h("button", { type: "button", class: "gm-button gm-danger", "data-key": "publish-yes", click: () => (dialog.close(), act()) }, yes),
      ),
    );
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    document.body.append(dialog);
    dialog.showModal();
  };

  const road = () => {
    const now = state.plan.state === "superseded" ? LIFE.length : LIFE.indexOf(state.plan.state);
    return h(
      "ol",
      { class: "gm-road" },
      ...LIFE.map((name, i) => h("li", { class: i < now ? "gm-road-done" : null, "aria-current": i === now ? "step" : null }, h("span", null, t(`plan.state.${name}`)))),
    );
  };

  const seen = () => ({ base_revision: state.revision });

  const publishing = () => {
    const input = h("input", { type: "text", maxlength: 120, "data-key": "edition-name", "aria-label": t("publish.name"), placeholder: t("publish.name"), input: () => (typed = input.value) });
    input.value = typed || state.plan.title;
    const act = () => {
      const name = input.value.trim();
      if (!name) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
      const households = number(state.score.households_moved);
      const text = day ? t("publish.sure_on", { name, households, date: date(day) }) : t("publish.sure", { name, households });
      confirm(text, t("publish.publish"), () => actions.move("publish", { ...seen(), name, ...(day ? { effective_at: day } : {}) }));
    };
    const when = h("input", { type: "date", "data-key": "effective-day", "aria-label": t("publish.day"), change: () => (day = when.value) });
    when.value = day;
    return h(
      "form",
      { class: "gm-saving", submit: (event) => (event.preventDefault(), act()) },
      input,
      h("label", { class: "gm-day" }, h("span", null, t("publish.day")), when),
      h("button", { type: "submit", class: "gm-button", "data-key": "publish", disabled: state.busy }, icon("publish"), t("publish.publish")),
    );
  };

  const life = () => {
    const back = button(t("publish.reopen"), () => actions.move("reopen"), { name: "undo", plain: true, key: "reopen" });
    // Published for a date, and not in force yet.
    if (state.plan.state === "approved" && state.plan.edition) {
      return [
        h("p", { class: "gm-warning gm-waiting" }, icon("publish"), h("span", null, t("publish.waiting", { date: date(state.plan.effective_from) }))),
        h("p", { class: "gm-actions" }, button(t("publish.withdraw"), () => actions.move("withdraw"), { name: "undo", plain: true, key: "withdraw" })),
      ];
    }
    return {
      draft: () => [h("p", { class: "gm-note" }, t("publish.draft")), h("p", { class: "gm-actions" }, button(t("publish.submit"), () => actions.move("submit", seen()), { key: "submit" }))],
      submitted: () => [h("p", { class: "gm-warning" }, icon("warn"), h("span", null, t("publish.not_enforced"))), h("p", { class: "gm-actions" }, button(t("publish.approve"), () => actions.move("approve", seen()), { key: "approve" }), back)],
      approved: () => [h("p", { class: "gm-note" }, t("publish.approved", { who: state.plan.approved_by ?? "—" })), publishing(), h("p", { class: "gm-actions" }, back)],
      active: () => [h("p", { class: "gm-note" }, t("publish.active"))],
      superseded: () => [h("p", { class: "gm-note" }, t("publish.superseded"))],
    }[state.plan.state]?.() ?? [];
  };

  const changes = () => {
    const { diff } = state;
    if (!diff) return h("p", { class: "gm-loading" }, t("loading"));
    const pairs = diff.pairs.filter(({ old, new: now, buildings }) => old !== now && buildings);
    const facts = h(
      "dl",
      { class: "gm-cover-figures" },
      ...[["count.households", diff.households_moved], ["count.people", diff.people_moved], ["count.buildings", diff.buildings_moved]].map(([key, n]) => h("div", null, h("dt", null, t(key)), h("dd", null, number(n)))),
    );
    if (!pairs.length) return [facts, h("p", { class: "gm-note" }, t("publish.nothing"))];
    return [
      facts,
      h(
        "table",
        { class: "gm-effect gm-crosswalk" },
        h("caption", null, t("publish.crosswalk")),
        h("thead", null, h("tr", null, ...["publish.old", "publish.new", "count.buildings", "count.households"].map((key) => h("th", { scope: "col" }, t(key))))),
        h(
          "tbody",
          null,
          ...pairs
            .sort((a, b) => b.households - a.households)
            .slice(0, MOST_PAIRS)
            .map(({ old, new: now, buildings, households }) => h("tr", null, h("th", { scope: "row" }, named(old)), h("td", null, named(now)), h("td", null, number(buildings)), h("td", null, number(households)))),
        ),
      ),
      pairs.length > MOST_PAIRS ? h("p", { class: "gm-note" }, t("step.more", { n: number(pairs.length - MOST_PAIRS) })) : null,
    ];
  };

  const view = () => [
    rebase.view(),
    h("section", { class: "gm-card" }, road(), ...life()),
    h("section", { class: "gm-card" }, h("h3", null, t("publish.changes")), changes()),
  ];
  return { view };
}
