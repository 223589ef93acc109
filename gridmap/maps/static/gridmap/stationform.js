/** The form of a real station: facts, hours in plain words, and the eight checks with their score. */
import { CHECKS } from "./coverdetails.js";
import { h, icon } from "./dom.js";
import { hoursField } from "./hoursfield.js";
import { tagsField } from "./tagsfield.js";

const KINDS = ["center", "hub", "grid_station", "service_point", "courier_stop", "shop", "hearing_center", "mediation_room", "deliberation_point"];
const TENURES = ["new", "converted", "rented", "borrowed", "shared"];
const TIERS = [1, 2];
const MET = [
  ["yes", true, "✓"],
  ["no", false, "✗"],
  ["unknown", null, "?"],
];

export function createStationForm({ store, words, actions, offered, check, sentence, language }) {
  const { t, term } = words;
  const { state } = store;
  let shown = null;
  let form = null;

  const row = (label, ...parts) => h("div", { class: "gm-form-row" }, h("span", { class: "gm-form-label" }, label), h("div", { class: "gm-form-field" }, ...parts));

  const text = (name, label, longest) => {
    const { draft } = state.edit;
    const input = h("input", { type: "text", maxlength: longest, "data-key": `edit-${name}`, "aria-label": label, input: () => (draft[name] = input.value) });
    input.value = draft[name];
    return row(label, input);
  };

  const choice = (name, label, values, title, none) => {
    const { draft } = state.edit;
    const select = h(
      "select",
      { "data-key": `edit-${name}`, "aria-label": label, change: () => (draft[name] = select.value === "" ? (name === "tier" ? null : "") : name === "tier" ? Number(select.value) : select.value) },
      none ? h("option", { value: "" }, none) : null,
      ...values.map((value) => h("option", { value }, title(value))),
    );
    select.value = draft[name] ?? "";
    return row(label, select);
  };

  const checks = () => {
    const { draft } = state.edit;
    const score = h("strong", { "data-key": "edit-score" });
    const bar = h("span", { class: "gm-score-bar", "aria-hidden": "true" }, ...CHECKS.map(() => h("i")));
    const count = () => {
      const met = CHECKS.filter((name) => draft.checks[name] === true).length;
      score.textContent = `${met}/${CHECKS.length}`;
      CHECKS.forEach((name, i) => bar.children[i].classList.toggle("gm-met", draft.checks[name] === true));
    };
    count();
    return h(
      "fieldset",
      { class: "gm-eight" },
      h("legend", null, t("checks.title")),
      h("p", { class: "gm-score", role: "status" }, score, bar),
      ...CHECKS.map((name) =>
        h(
          "div",
          { class: "gm-eight-row", role: "radiogroup", "aria-label": t(`checks.${name}`) },
          h("span", null, t(`checks.${name}`)),
          h(
            "span",
            { class: "gm-three" },
            ...MET.map(([how, value, sign]) => {
              const input = h("input", { type: "radio", name: `gm-check-${name}`, value: how, "data-key": `edit-${name}-${how}`, "aria-label": t(`edit.check.${how}`), change: () => ((draft.checks[name] = value), count()) });
              input.checked = draft.checks[name] === value;
              return h("label", { class: `gm-three-${how}`, title: t(`edit.check.${how}`) }, input, h("span", { "aria-hidden": "true" }, sign));
            }),
          ),
        ),
      ),
    );
  };

  const build = () => {
    const { draft } = state.edit;
    const known = offered();
    const services = tagsField({ list: draft.services, key: "edit-services", label: t("station.services"), suggestions: known.services, words, changed: () => {} });
    const rooms = tagsField({ list: draft.rooms, key: "edit-rooms", label: t("station.rooms"), suggestions: [], words, changed: () => {} });
    const hours = hoursField({ value: draft.opening_hours, key: "edit-hours", label: t("station.hours"), words, check, sentence, language, input: (value) => (draft.opening_hours = value) });
    return h(
      "form",
      {
        class: "gm-form",
        novalidate: true,
        submit: async (event) => {
          event.preventDefault();
          services.take();
          rooms.take();
          if (!draft.name.trim()) {
            const box = form.querySelector("[data-key=edit-name]");
            box.setAttribute("aria-invalid", "true");
            box.focus();
            return;
          }
          if (!(await hours.look())) {
            hours.parts[0].focus();
            return;
          }
          actions.saveEdit();
        },
      },
      text("name", t("edit.name"), 120),
      choice("kind", t("ask.kinds"), KINDS, (kind) => term("station.kind", kind)),
      choice("tier", t("ask.tier"), TIERS, (tier) => t(`edit.tier.${tier}`), t("edit.unset")),
      row(t("station.services"), ...services.parts),
      row(t("station.hours"), ...hours.parts),
      choice("tenure", t("station.tenure"), TENURES, (tenure) => term("tenure", tenure), t("edit.unset")),
      row(t("station.rooms"), ...rooms.parts),
      text("address", t("station.address"), 200),
      checks(),
    );
  };

  const conflict = (theirs) =>
    h(
      "div",
      { class: "gm-theirs" },
      theirs.fields.length ? h("p", null, t("edit.theirs", { what: theirs.fields.map((name) => t(`edit.field.${name}`)).join(t("comma")) })) : null,
      h(
        "p",
        { class: "gm-actions" },
        h("button", { type: "button", class: "gm-button", "data-key": "edit-mine", click: () => actions.goOn(true) }, t("edit.mine")),
        h("button", { type: "button", class: "gm-button gm-plain", "data-key": "edit-theirs", click: () => actions.goOn(false) }, t("edit.take_theirs")),
      ),
    );

  /** The form is built once for a draft: what is being typed stays while the page around it is drawn again. */
  return () => {
    const { edit } = state;
    if (!edit) return [];
    if (shown?.draft !== edit.draft || shown.words !== language()) {
      shown = { draft: edit.draft, words: language() };
      form = build();
    }
    return [
      h(
        "section",
        { class: "gm-card gm-edit" },
        h("h2", { tabindex: "-1" }, t("edit.title", { name: edit.base.name ?? edit.code })),
        h("p", { class: "gm-code" }, edit.code),
        h("p", { class: "gm-note" }, t("edit.real")),
        form,
        // What was refused stands with the buttons, which are always in sight.
        h(
          "div",
          { class: "gm-save-bar" },
          edit.problem ? h("p", { class: "gm-warning", role: "alert" }, icon("warn"), edit.problem) : null,
          edit.theirs
            ? conflict(edit.theirs)
            : h(
                "p",
                { class: "gm-actions" },
                h("button", { type: "button", class: "gm-button", "data-key": "edit-save", disabled: edit.saving, click: () => form.requestSubmit() }, icon("check"), t("edit.save")),
                h("button", { type: "button", class: "gm-button gm-plain", "data-key": "edit-cancel", click: () => actions.back() }, t("cancel")),
              ),
        ),
      ),
    ];
  };
}
