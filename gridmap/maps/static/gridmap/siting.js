/** Proposals for the next stations: the quick answer at once, the proof as a job that can be followed and cancelled. */
import { h } from "./dom.js";

const POLL_MS = 700;
const ENDED = new Set(["done", "failed", "cancelled", "interrupted"]);

export const METHODS = ["max_cover", "set_cover", "p_median"];
export const CANDIDATES = ["candidates", "public", "buildings"];
export const OBJECTIVES = ["households", "people"];

/** The order as the server takes it. */
export function orderOf(form, query) {
  const order = { ...query, method: form.method, candidates: form.candidates, objective: form.objective, prove: form.prove };
  if (form.method === "set_cover") order.target_share = form.share / 100;
  else order.count = form.count;
  if (form.spacing > 0) order.spacing_m = form.spacing;
  return order;
}

export function createSiting({ source, store, query, sentence }) {
  const { state } = store;
  let current = null;

  const wait = (ms) => new Promise((go) => setTimeout(go, ms));

  async function follow(id, mine) {
    for (;;) {
      await wait(POLL_MS);
      if (current !== mine) return;
      const job = await source.job(id);
      if (current !== mine) return;
      store.set({ job });
      if (!ENDED.has(job.state)) continue;
      const proposal = job.result?.proposal ?? job.result;
      if (job.state === "done" && proposal?.sites) store.set({ proposal });
      return;
    }
  }

  return {
    async propose(form) {
      const mine = (current = {});
      store.set({ form, proposal: null, job: null, thinking: true, sitingProblem: "" });
      try {
        const found = await source.siting(orderOf(form, query()));
        if (current !== mine) return;
        store.set({ proposal: found.proposal, job: found.job, thinking: false });
        if (found.job) await follow(found.job.id, mine);
      } catch (error) {
        if (current === mine) store.set({ thinking: false, sitingProblem: sentence(error) });
      }
    },
    async cancel() {
      const { job } = state;
      if (!job || ENDED.has(job.state)) return;
      store.set({ job: { ...job, state: "cancelling" } });
      try {
        await source.cancelJob(job.id);
      } catch (error) {
        store.set({ sitingProblem: sentence(error) });
      }
    },
    clear() {
      current = null;
      store.set({ proposal: null, job: null, thinking: false, sitingProblem: "" });
    },
    running: () => Boolean(state.job && !ENDED.has(state.job.state)),
  };
}

/** Numbered pins of a proposal. */
export function createPins(L, map, { open, label }) {
  const group = L.layerGroup();
  const pins = new Map();
  return {
    set(sites) {
      group.clearLayers();
      pins.clear();
      for (const site of sites ?? []) {
        const marker = L.marker([site.lat, site.lon], {
          icon: L.divIcon({
            className: "gm-site",
            html: h("span", { class: "gm-site-pin" }, h("b", null, String(site.rank))),
            iconSize: [28, 36],
            iconAnchor: [14, 36],
          }),
          title: label(site),
          zIndexOffset: 400,
        });
        marker.on("click", () => open(site));
        marker.on("add", () => {
          const element = marker.getElement();
          element.setAttribute("aria-label", label(site));
          element.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            event.stopPropagation();
            open(site);
          });
        });
        marker.addTo(group);
        pins.set(site.rank, marker);
      }
    },
    show(on) {
      if (on) group.addTo(map);
      else group.remove();
    },
  };
}
