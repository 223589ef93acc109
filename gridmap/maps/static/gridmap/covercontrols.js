/** The question as controls: minutes by slider or number, who walks, which stations count. */
import { h, icon } from "./dom.js";
import { LONGEST, OPENINGS, PROFILES, minutesOf } from "./question.js";
import { symbol } from "./symbols.js";

const ENOUGH_MS = 250;

/** `steps` are the positions of the slider; `free`: any other question can be asked, too. */
export function createControls({ store, words, ask, offered, steps, free }) {
  const { t, term } = words;
  const { state } = store;
  let open = false;
  let waiting = 0;

  const root = h("div", { class: "gm-ask" });
  let parts = null;

  const toggled = (list, all, value) => {
    const now = new Set(list.length ? list : all);
    if (!now.delete(value)) now.add(value);
    // None at all would ask for nothing, all of them is what is asked without a choice.
    return now.size === 0 || now.size === all.length ? [] : [...now];
  };

  const box = (label, checked, change, picture) => {
    const input = h("input", { type: "checkbox", change });
    input.checked = checked;
    return h("label", null, input, picture, h("span", null, label));
  };

  /** Boxes for values of which any number is chosen; the last one that is left cannot be taken away. */
  const boxes = (title, all, chosen, name, key, picture) =>
    all.length > 1
      ? h(
          "fieldset",
          null,
          h("legend", null, title),
          ...all.map((value) => {
            const on = !chosen.length || chosen.includes(value);
            const label = box(name(value), on, () => ask({ [key]: toggled(chosen, all, value) }), picture?.(value));
            label.firstChild.disabled = on && chosen.length === 1;
            return label;
          }),
        )
      : null;

  const conditions = () => {
    const { kinds, services, tier, open: opening } = state.question;
    const known = offered();
    return [
      boxes(t("ask.kinds"), known.kinds, kinds, (kind) => term("station.kind", kind), "kinds", (kind) => symbol({ kind, main: true }, 15)),
      known.tiers
        ? h("fieldset", null, h("legend", null, t("ask.tier")), box(t("ask.tier_main"), tier === 1, (event) => ask({ tier: event.target.checked ? 1 : null })))
        : null,
      boxes(t("ask.services"), known.services, services, String, "services"),
      h(
        "fieldset",
        null,
        h("legend", null, t("ask.open")),
        ...OPENINGS.map((when) =>
          box(t(`ask.open.${when}`), opening === when, (event) => ask({ open: event.target.checked ? when : null })),
        ),
      ),
    ].filter(Boolean);
  };

  /** How many conditions narrow the stations. */
  const narrowed = () => {
    const { kinds, services, tier, open: opening } = state.question;
    return [kinds.length, services.length, tier, opening].filter(Boolean).length;
  };

  const build = () => {
    const slider = h("input", {
      type: "range",
      id: "gm-minutes",
      min: 0,
      max: steps.length - 1,
      step: 1,
      disabled: steps.length < 2,
      "aria-label": t("ask.minutes"),
      input: () => ask({ minutes: steps[Number(slider.value)] }),
    });
    const number = h("input", {
      type: "number",
      min: 1,
      max: LONGEST,
      step: "any",
      "aria-label": t("ask.minutes_number"),
      input: () => {
        clearTimeout(waiting);
        const minutes = minutesOf(number.value);
        number.setAttribute("aria-invalid", String(minutes === null));
        if (minutes !== null) waiting = setTimeout(() => ask({ minutes }), ENOUGH_MS);
      },
      blur: () => update(),
    });
    const profile = h(
      "select",
      { "aria-label": t("ask.profile"), change: () => ask({ profile: profile.value }) },
      ...PROFILES.map((name) => h("option", { value: name }, t(`ask.profile.${name}`))),
    );
    const more = h(
      "button",
      {
        type: "button",
        class: "gm-more",
        "aria-expanded": "false",
        "aria-controls": "gm-conditions",
        click: () => {
          open = !open;
          update();
        },
      },
    );
    const list = h("div", { class: "gm-conditions", id: "gm-conditions", hidden: true });
    parts = { slider, number, profile, more, list };
    const ticks = steps.map((step) => h("span", null, String(step)));
    root.replaceChildren(
      h(
        "div",
        { class: "gm-minutes" },
        h("label", { for: "gm-minutes" }, t("ask.minutes")),
        h("div", { class: "gm-slide" }, slider, h("div", { class: "gm-ticks", "aria-hidden": "true" }, ...ticks)),
        h("span", { class: "gm-minutes-number" }, free ? number : null, h("span", null, t("unit.min"))),
      ),
      ...(free ? [h("div", { class: "gm-ask-row" }, profile, more), list] : []),
    );
    update();
  };

  function update() {
    if (!parts) return;
    const { slider, number, profile, more, list } = parts;
    const { minutes, profile: who } = state.question;
    const nearest = steps.reduce((best, step, i) => (Math.abs(step - minutes) < Math.abs(steps[best] - minutes) ? i : best), 0);
    slider.value = String(nearest);
    slider.setAttribute("aria-valuetext", t("minutes.short", { n: minutes }));
    slider.classList.toggle("gm-between", !steps.includes(minutes));
    if (document.activeElement !== number || minutesOf(number.value) === null) number.value = String(minutes);
    profile.value = who;
    const n = narrowed();
    more.replaceChildren(icon(open ? "up" : "down"), t("ask.more"), ...(n ? [h("b", { class: "gm-badge gm-badge-blue" }, String(n))] : []));
    more.setAttribute("aria-expanded", String(open));
    list.hidden = !open;
    if (!open) return;
    const at = [...list.querySelectorAll("input")].indexOf(document.activeElement);
    list.replaceChildren(...conditions());
    if (at >= 0) list.querySelectorAll("input")[at]?.focus();
  }

  store.on(["question"], update);
  return { root, build, update };
}
