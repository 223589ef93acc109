/** The numbers of coverage: share with its range, what is not attached, and the radius circle beside walking. */
import { h, icon } from "./dom.js";
import { percent } from "./share.js";

export function createNumbers({ store, words, signed, actions }) {
  const { t, said, number } = words;
  const { state } = store;

  const change = (now, before) => {
    if (!state.changes.length || !Number.isFinite(before) || now === before) return null;
    return h("span", { class: now > before ? "gm-gain" : "gm-loss" }, signed(now - before));
  };

  const bar = ({ share, households, households_covered_low: low, households_covered_high: high }) => {
    const part = (value) => `${Math.max(0, Math.min(100, 100 * value))}%`;
    const range = households && high > low;
    return h(
      "div",
      { class: "gm-cover-bar", "aria-hidden": "true" },
      h("span", { style: { width: part(share) } }),
      range ? h("i", { style: { left: part(low / households), width: part((high - low) / households) } }) : null,
    );
  };

  const figure = (name, total, covered, before) =>
    h(
      "div",
      null,
      h("dt", null, t(`count.${name}`)),
      h("dd", null, number(covered), h("small", null, t("cover.of", { n: number(total) })), change(covered, before)),
    );

  const circle = (rows) =>
    h(
      "details",
      { class: "gm-circle" },
      h("summary", null, t("circle.title")),
      h("p", { class: "gm-quiet" }, t("circle.about")),
      h(
        "table",
        null,
        h("thead", null, h("tr", null, ...["radius", "inside", "only_circle", "only_walk"].map((name) => h("th", { scope: "col" }, t(`circle.${name}`))))),
        h(
          "tbody",
          null,
          ...rows.map(({ radius_m: radius, households, only_circle: circleOnly, only_walk: walkOnly }) => {
            const shown = state.radius === radius;
            const button = h(
              "button",
              { type: "button", "aria-pressed": String(shown), title: t("circle.show"), "data-key": `radius-${radius}`, click: () => store.set({ radius: shown ? null : radius }) },
              t("metres", { n: number(radius) }),
            );
            return h("tr", null, h("th", { scope: "row" }, button), ...[households, circleOnly, walkOnly].map((n) => h("td", null, number(n))));
          }),
        ),
      ),
    );

  return () => {
    const { answer, today, question, problem, busy } = state;
    const alert = problem
      ? h("p", { class: "gm-warning", role: "alert" }, icon("warn"), h("span", null, problem), h("button", { type: "button", class: "gm-link", click: () => actions.reload() }, t("retry")))
      : null;
    if (!answer) return [alert ?? h("p", { class: "gm-loading", role: "status" }, t(busy ? "cover.first" : "loading"))];
    const { totals, circle: circles = [], warnings = [] } = answer.cover;
    const before = today?.totals ?? {};
    const { households_covered_low: low, households_covered_high: high, unattached } = totals;
    const estimated = Number.isFinite(low) && Number.isFinite(high) && high > low;
    const points = state.changes.length ? (totals.share - before.share) * 100 : 0;
    return [
      alert,
      h(
        "section",
        { class: busy ? "gm-cover-numbers gm-busy" : "gm-cover-numbers", "aria-label": t("cover.numbers") },
        h(
          "p",
          { class: "gm-hero" },
          h("strong", null, percent(totals.share)),
          Math.abs(points) >= 0.05 ? h("span", { class: points > 0 ? "gm-gain" : "gm-loss" }, t("cover.points", { n: `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}` })) : null,
          h("span", null, t("cover.hero", { minutes: answer.minutes ?? question.minutes })),
        ),
        bar(totals),
        estimated ? h("p", { class: "gm-estimate" }, t("cover.range", { low: number(low), high: number(high) })) : null,
        h(
          "dl",
          { class: "gm-cover-figures" },
          figure("households", totals.households, totals.households_covered, before.households_covered),
          figure("people", totals.people, totals.people_covered, before.people_covered),
          figure("buildings", totals.buildings, totals.buildings_covered, before.buildings_covered),
        ),
        unattached?.buildings
          ? h("button", { type: "button", class: "gm-link gm-unattached", click: () => store.set({ view: "unattached" }) },
              t("unattached.note", { buildings: number(unattached.buildings), households: number(unattached.households) }))
          : null,
        state.estates.length
          ? h("button", { type: "button", class: "gm-link gm-unattached", "data-key": "estates", click: () => actions.openEstates() },
              t("gates.note", { n: number(state.estates.length), households: number(state.estates.reduce((sum, { properties }) => sum + properties.households, 0)) }))
          : null,
        ...warnings.map((warning) => h("p", { class: "gm-warning" }, icon("warn"), said(warning))),
        circles.length ? circle(circles) : null,
      ),
    ];
  };
}
