/** Proposals of the program for a plan: asked for as a job, looked at on the map one by one, taken as one step. */
import { h, icon, s } from "./dom.js";
import { percent } from "./share.js";

const POLL_MS = 500;
const ENDED = new Set(["done", "failed", "cancelled", "interrupted"]);
const MODES = ["min_change", "rebalance", "grow", "fresh"];
const SCOPES = ["all", "community", "grid"];
const MOST_MISSED = 5;

/** `operate(call, kind)` sends a step as the others are sent; `look(answer)` shows one without taking it. */
export function createProposals({ store, words, grids, api, step, look, failed, say }) {
  const { t, said, number } = words;
  const { state } = store;
  let order = { mode: "min_change", scope: "all" };
  let current = null;

  const wait = (ms) => new Promise((go) => setTimeout(go, ms));
  const live = () => state.job && !ENDED.has(state.job.state);

  /** What was proposed before, the newest first: its candidates can still be looked at. */
  async function load() {
    const { id } = state.plan;
    const found = await api.proposals(id).catch(() => null);
    if (state.plan?.id === id && found) store.set({ proposal: found[0] ?? null, proposalsKnown: true });
  }

  async function ask() {
    const mine = (current = {});
    const { id } = state.plan;
    const active = state.active ? grids.find(state.active)?.properties : null;
    const body = { mode: order.mode };
    if (order.scope === "grid" && active) body.grid = active.code;
    if (order.scope === "community" && active?.community_code) body.community = active.community_code;
    look(null);
    try {
      store.set({ job: await api.propose(id, body), proposal: null, problem: "" });
      while (current === mine && live()) {
        await wait(POLL_MS);
        if (current !== mine) return;
        store.set({ job: await api.job(state.job.id) });
      }
      if (current !== mine) return;
      const { state: end, error } = state.job;
      if (end === "failed") store.set({ problem: error?.message ? said(error.message) : said(error) || t("auto.failed") });
      store.set({ job: null });
      await load();
      if (state.proposal) say(t("auto.said", { n: number(state.proposal.candidates.length) }));
    } catch (error) {
      if (current === mine) {
        store.set({ job: null });
        failed(error);
      }
    }
  }

  async function cancel() {
    await api.cancelJob(state.job.id).catch(failed);
  }

  async function see(candidate) {
    if (state.look?.number === candidate.number) {
      look(null);
      return;
    }
    const { id } = state.plan;
    const { proposal } = state;
    try {
      const answer = await api.take(id, proposal.id, candidate.number, true);
      if (state.plan?.id !== id) return;
      look({ number: candidate.number, answer });
      say(t("auto.seen", { name: said(candidate.title) }));
    } catch (error) {
      failed(error);
    }
  }

  async function take(candidate) {
    const { id } = state.plan;
    const { proposal } = state;
    look(null);
    // What it did is told above the list of grids.
    if (await step({ kind: "auto" }, () => api.take(id, proposal.id, candidate.number, false))) store.set({ tab: "grids", proposalsKnown: false });
  }

  // --- the tab ------------------------------------------------------------------------------------------

  const choice = (key, values, value, change, label) => {
    const select = h(
      "select",
      { "data-key": key, "aria-label": t(label), change: () => change(select.value) },
      ...values.map((name) => h("option", { value: name, selected: name === value }, t(`${key}.${name}`))),
    );
    return h("label", null, h("span", null, t(label)), select);
  };

  const form = () => {
    const name = state.activeName;
    const scopes = name ? SCOPES : SCOPES.slice(0, 1);
    if (!scopes.includes(order.scope)) order = { ...order, scope: "all" };
    const set = (patch) => {
      order = { ...order, ...patch };
      store.set({ asked: order });
    };
    return h(
      "form",
      { class: "gm-siting", submit: (event) => (event.preventDefault(), ask()) },
      choice("auto.mode", MODES, order.mode, (mode) => set({ mode }), "auto.mode"),
      h("p", { class: "gm-note gm-auto-note" }, t(`auto.mode.${order.mode}.about`)),
      choice("auto.scope", scopes, order.scope, (scope) => set({ scope }), "auto.scope"),
      order.scope !== "all" ? h("p", { class: "gm-note gm-auto-note" }, t("auto.about_grid", { name })) : name ? null : h("p", { class: "gm-note gm-auto-note" }, t("auto.select_for_less")),
      h("button", { type: "submit", class: "gm-button", "data-key": "propose", disabled: live() || !state.editable }, icon("auto"), t("auto.propose")),
    );
  };

  const job = () =>
    state.job
      ? h(
          "div",
          { class: "gm-job", role: "status" },
          h("progress", { max: 100, value: state.job.percent, "aria-label": t("auto.working") }),
          h("span", null, `${Math.round(state.job.percent)}%`),
          h("button", { type: "button", class: "gm-button gm-plain", "data-key": "cancel-job", click: cancel }, t("cancel")),
          state.job.message ? h("small", null, said(state.job.message)) : null,
        )
      : null;

  /** All candidates at once: to the right more households move, upwards grids lie nearer to the standard. */
  const strip = ({ candidates, now }) => {
    const points = [{ number: "", households_moved: 0, figures: now }, ...candidates];
    const most = Math.max(...points.map((one) => one.households_moved), 1);
    const offs = points.map((one) => one.figures.mean_deviation);
    const [low, high] = [Math.min(...offs), Math.max(...offs)];
    const place = (one) => [16 + (268 * one.households_moved) / most, 14 + (high > low ? (38 * (one.figures.mean_deviation - low)) / (high - low) : 19)];
    return h(
      "figure",
      { class: "gm-strip" },
      s(
        "svg",
        { viewBox: "0 0 300 66", role: "img", "aria-label": t("auto.strip") },
        s("path", { d: "M8 4V60H296", class: "gm-strip-axis" }),
        ...points.map((one) => {
          const [x, y] = place(one);
          const look = one.number === "" ? "gm-strip-now" : state.look?.number === one.number ? "gm-strip-shown" : "";
          return s("g", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: look }, s("circle", { r: one.number === "" ? 5 : 9.5 }), s("text", { y: 4, "text-anchor": "middle" }, String(one.number)));
        }),
      ),
      h("figcaption", null, t("auto.strip")),
    );
  };

  const card = (candidate) => {
    const shown = state.look?.number === candidate.number;
    const { not_satisfied: missed } = candidate;
    return h(
      "li",
      { class: shown ? "gm-candidate gm-candidate-shown" : "gm-candidate" },
      h("h3", null, h("b", { class: "gm-rank gm-rank-site" }, String(candidate.number)), said(candidate.title), h("span", null, t("auto.moved", { n: number(candidate.households_moved), share: percent(candidate.moved_share) }))),
      h("p", { class: "gm-note" }, said(candidate.trade_off)),
      missed.length
        ? h("details", { class: "gm-homes", "data-key": `missed-${candidate.number}` }, h("summary", { "data-key": `missed-s-${candidate.number}` }, t("auto.missed", { n: number(missed.length) })), h("ul", { class: "gm-missed" }, ...missed.slice(0, MOST_MISSED).map((one) => h("li", null, said(one.message))), missed.length > MOST_MISSED ? h("li", null, t("step.more", { n: number(missed.length - MOST_MISSED) })) : null))
        : null,
      h(
        "p",
        { class: "gm-actions" },
        h("button", { type: "button", class: "gm-button gm-plain", "data-key": `see-${candidate.number}`, "aria-pressed": String(shown), click: () => see(candidate) }, icon("eye"), t(shown ? "auto.unsee" : "auto.see")),
        h("button", { type: "button", class: "gm-button", "data-key": `take-${candidate.number}`, disabled: !state.editable, click: () => take(candidate) }, icon("check"), t("auto.take")),
      ),
    );
  };

  const found = () => {
    const { proposal } = state;
    if (!proposal) return [];
    if (!proposal.candidates.length) return [h("p", { class: "gm-quiet" }, t("auto.nothing"))];
    const { households, aim, impossible } = proposal.bound ?? {};
    const limit = Math.round(100 * aim);
    return [
      h(
        "section",
        { class: "gm-card gm-auto-found" },
        proposal.stale ? h("p", { class: "gm-warning" }, icon("warn"), t("auto.stale")) : null,
        proposal.complete ? null : h("p", { class: "gm-warning" }, icon("warn"), t("auto.incomplete")),
        strip(proposal),
        households > 0 ? h("p", { class: "gm-note" }, t("auto.bound", { n: number(households), aim: limit })) : null,
        impossible > 0 ? h("p", { class: "gm-note" }, t("auto.impossible", { n: number(impossible), aim: limit })) : null,
        h("ul", { class: "gm-candidates" }, ...proposal.candidates.map(card)),
      ),
    ];
  };

  return {
    load,
    /** Another plan, or none: what runs goes on, but nobody waits for it here. */
    forget() {
      current = null;
      order = { ...order, scope: "all" };
    },
    view: () => [h("section", { class: "gm-card" }, h("p", { class: "gm-note" }, t("auto.intro")), form()), job(), ...found()],
  };
}
