/** The form for the next stations, and what is proposed. */
import { h, icon } from "./dom.js";
import { percent } from "./share.js";
import { CANDIDATES, METHODS, OBJECTIVES } from "./siting.js";

const RUNNING = new Set(["waiting", "running", "cancelling"]);

export function createSitingPanel({ store, words, coverage, actions }) {
  const { t, said, number } = words;
  const { state } = store;
  const form = { method: "max_cover", count: 3, share: 95, candidates: "candidates", objective: "households", spacing: 0, prove: false };

  const choice = (name, label, values) => {
    const select = h(
      "select",
      { "data-key": `siting-${name}`, change: () => ((form[name] = select.value), store.set({ form: { ...form } })) },
      ...values.map((value) => h("option", { value, selected: form[name] === value }, t(`siting.${name}.${value}`))),
    );
    return h("label", null, h("span", null, label), select);
  };

  const figure = (name, label, min, max, unit) => {
    const input = h("input", { type: "number", min, max, "data-key": `siting-${name}`, input: () => (form[name] = Math.min(max, Math.max(min, Number(input.value) || min))) });
    input.value = String(form[name]);
    return h("label", null, h("span", null, label), h("span", { class: "gm-unit" }, input, unit));
  };

  const prove = () => {
    const input = h("input", { type: "checkbox", "data-key": "siting-prove", change: () => (form.prove = input.checked) });
    input.checked = form.prove;
    return h("label", { class: "gm-check" }, input, h("span", null, t("siting.prove")));
  };

  const order = () =>
    h(
      "form",
      {
        class: "gm-siting",
        submit: (event) => {
          event.preventDefault();
          actions.propose({ ...form });
        },
      },
      choice("method", t("siting.method"), METHODS),
      form.method === "set_cover" ? figure("share", t("siting.share"), 1, 100, "%") : figure("count", t("siting.count"), 1, 200, t("siting.unit")),
      choice("candidates", t("siting.candidates"), CANDIDATES),
      choice("objective", t("siting.objective"), OBJECTIVES),
      figure("spacing", t("siting.spacing"), 0, 5000, t("unit.m")),
      prove(),
      h("button", { type: "submit", class: "gm-button", disabled: state.thinking }, icon("search"), t("siting.propose")),
    );

  const job = () => {
    const { job: now } = state;
    if (!now) return null;
    const running = RUNNING.has(now.state);
    const percent_ = Math.round(now.percent ?? 0);
    return h(
      "div",
      { class: "gm-job" },
      h("p", null, t(`job.${now.state}`), running ? ` ${percent_}%` : "", now.message ? h("small", null, said(now.message)) : null),
      running ? h("progress", { max: 100, value: percent_, "aria-label": t("siting.proving") }) : null,
      running ? h("button", { type: "button", class: "gm-button gm-plain", disabled: now.state === "cancelling", "data-key": "job-cancel", click: () => actions.cancelJob() }, icon("close"), t("cancel")) : null,
    );
  };

  const site = (one) =>
    h(
      "li",
      null,
      h(
        "button",
        { type: "button", class: "gm-cover-row", "data-key": `site-${one.rank}`, click: () => actions.openSite(one) },
        h("span", { class: "gm-rank gm-rank-site" }, String(one.rank)),
        h(
          "span",
          { class: "gm-row-name" },
          one.name || one.code,
          h(
            "small",
            null,
            [
              one.takes_from?.length ? t("siting.takes", { list: one.takes_from.slice(0, 3).map(({ code, households }) => `${coverage.nameOf(code) ?? code} ${number(households)}`).join(t("comma")) }) : "",
              one.closes_gaps?.length ? t("siting.closes", { n: one.closes_gaps.length }) : "",
            ]
              .filter(Boolean)
              .join(" · "),
          ),
        ),
        h("span", { class: "gm-gain" }, `+${number(one.gains)}`),
      ),
    );

  const proposal = () => {
    const found = state.proposal;
    if (!found) return null;
    const notes = [
      found.proven ? t("siting.proven") : Number.isFinite(found.gap) ? t("siting.gap", { n: (found.gap * 100).toFixed(1) }) : t("siting.quick"),
      found.repeatable === false ? t("siting.not_repeatable") : "",
    ].filter(Boolean);
    return h(
      "section",
      { class: "gm-proposal" },
      h("p", { class: "gm-note" }, t("siting.result", { n: number(found.sites.length), share: percent(found.share) }), " ", notes.join(t("comma"))),
      ...(found.not_satisfied ?? []).map((one) => h("p", { class: "gm-warning" }, icon("warn"), said(one))),
      found.sites.length ? h("ul", { class: "gm-list" }, ...found.sites.map(site)) : h("p", { class: "gm-quiet" }, t("siting.nothing")),
      h(
        "p",
        { class: "gm-actions" },
        found.sites.length ? h("button", { type: "button", class: "gm-button", click: () => actions.trySites() }, icon("check"), t("siting.try")) : null,
        h("button", { type: "button", class: "gm-button gm-plain", click: () => actions.clearSiting() }, icon("close"), t("siting.clear")),
      ),
    );
  };

  return () => [
    h("section", { class: "gm-card" }, h("p", { class: "gm-note" }, t("siting.about")), order()),
    state.thinking ? h("p", { class: "gm-quiet", role: "status" }, t("siting.thinking")) : null,
    state.sitingProblem ? h("p", { class: "gm-warning", role: "alert" }, icon("warn"), state.sitingProblem) : null,
    job(),
    proposal(),
  ];
}
