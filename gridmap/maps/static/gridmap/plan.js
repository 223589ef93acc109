/** Redraw mode: a plan, its revision, what each step changed, conflicts, and what can be taken back. */
import { toLatLng, worldX, worldY } from "./geo.js";
import { titled } from "./planbars.js";
import { createPlanGrids, sizeOf } from "./plangrids.js";
import { planLegend } from "./planlegend.js";
import { createPlanPanel } from "./planpanel.js";
import { createProposals } from "./planproposals.js";
import { createRebase } from "./planrebase.js";
import { createTools, homeAt, homesOf } from "./plantools.js";
import { createStore } from "./store.js";

const POLL_MS = 8000;
const LOGGED = 40;
/** Kinds of steps that move land: their table says households before and after. */
const NOTED = new Set(["rename", "set_kind", "set_parent", "lock", "unlock", "renumber"]);

/** What reading a plan sets; the rest is where a planner stood in it. */
const OF_PLAN = new Set(["plan", "score", "target", "version", "editing", "editable", "revision", "warnings", "undo", "redo", "across", "sort"]);

const fresh = () => ({
  plan: null,
  score: null,
  target: { households: 300, tolerance: 0.3, people: 1000 },
  version: 0,
  editing: false,
  revision: 0,
  active: null,
  activeName: null,
  partner: null,
  tool: "select",
  across: false,
  step: null,
  told: "",
  warnings: [],
  undo: null,
  redo: null,
  conflict: null,
  tab: "grids",
  buildings: null,
  chosen: new Set(),
  diff: null,
  log: null,
  job: null,
  proposal: null,
  proposalsKnown: false,
  look: null,
  asked: null,
  rebase: null,
  editable: false,
  kept: null,
  query: "",
  sort: "worst",
});

export function createRedraw({ L, map, stage, body, canvas, source, page, words, style, say, sentence, fit, showPanel, repaint, relabel, relegend, published, remember }) {
  const { t, said, number } = words;
  const store = createStore({ ...fresh(), plans: null, busy: false, problem: "", view: "plans" });
  const { state } = store;
  const api = source.plans;
  const on = () => page.state.mode === "redraw";
  const open = () => on() && Boolean(state.plan);
  const grids = createPlanGrids(style, { on: open, target: () => state.target });
  const homes = homesOf(canvas);
  /** Steps go to the server one after another: each is worked out on the revision that the one before left. */
  let queue = Promise.resolve();
  let opened = 0;

  const community = (code) => page.state.communities.find(({ properties }) => properties.code === code)?.properties.name ?? "";
  const named = (features) => {
    for (const { properties } of features) properties.community_name ??= community(properties.community_code);
    return features;
  };
  const nameOf = (code) => titled(grids.find(code)?.properties ?? { code, name: code }, t);

  /** However much a step changes, the map is drawn once, in the next frame. */
  let frame = 0;
  const redrawn = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      repaint();
    });
  };
  const draw = () => {
    redrawn();
    relabel();
  };

  function activate(code, { zoom = false } = {}) {
    const feature = code ? grids.find(code) : null;
    const active = feature ? code : null;
    const same = active === state.active;
    store.set({ active, activeName: active ? nameOf(active) : null, partner: null, chosen: same ? state.chosen : new Set(), buildings: same ? state.buildings : null });
    if (feature && zoom) {
      const [left, top, right, bottom] = feature.box;
      if (!map.getBounds().contains([toLatLng(left, bottom), toLatLng(right, top)])) fit(feature.box);
    }
    if (feature) loadBuildings(active);
  }

  // --- opening ------------------------------------------------------------------------------------------

  const failed = (error) => store.set({ busy: false, problem: sentence(error) });

  async function list() {
    try {
      store.set({ plans: await api.list(), problem: "" });
    } catch (error) {
      failed(error);
    }
  }

  async function make(title) {
    try {
      const plan = await api.make(title);
      await openPlan(plan.id);
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  }

  /** The borders that the plan started from. */
  async function loadBefore(plan, mine) {
    const levels = page.state.jurisdiction?.levels ?? [];
    const edition = (page.state.jurisdiction?.editions ?? []).find(({ id }) => id === plan.base_edition);
    const features = await source.grids(levels[levels.length - 1] ?? page.state.level, edition?.effective_from ?? null).catch(() => []);
    if (mine !== opened) return;
    grids.setBefore(features);
    redrawn();
  }

  /** Read the plan anew; what is selected stays where it still exists. */
  async function read(id, mine) {
    const [shown, features] = await Promise.all([api.show(id), api.grids(id)]);
    if (mine !== opened) return false;
    grids.set(named(features));
    const { score, target, undo, redo, grids: rows, upper_grids: upper, ...plan } = shown;
    store.set({ plan, score, target, undo, redo, revision: plan.revision, editable: plan.state === "draft", editing: on() && plan.state === "draft", look: null, version: state.version + 1, rows, upper, diff: null, problem: "", busy: false });
    if (state.active) activate(state.active);
    map.fire("mouseout");
    api.warnings(id).then((warnings) => mine === opened && store.set({ warnings }), () => {});
    draw();
    return true;
  }

  async function openPlan(id) {
    const mine = (opened += 1);
    store.set({ busy: true, problem: "" });
    try {
      if (!(await read(id, mine))) return;
      store.set({ ...tidy(), view: "plan" });
      grids.mark(null);
      loadBefore(state.plan, mine);
      say(t("plan.opened", { title: state.plan.title }));
      remember();
    } catch (error) {
      if (mine === opened) failed(error);
    }
  }
  /** What belongs to a plan that was open before. */
  function tidy() {
    proposals.forget();
    return Object.fromEntries(Object.entries(fresh()).filter(([key]) => !OF_PLAN.has(key)));
  }

  function leave() {
    opened += 1;
    tools.clear();
    store.set({ ...fresh(), view: "plans", problem: "" });
    grids.set([]);
    grids.setBefore([]);
    grids.mark(null);
    draw();
    list();
    remember();
  }

  // --- steps --------------------------------------------------------------------------------------------

  const brief = ({ code, name, households, deviation, grid_kind: kind }) => ({ code, name, households, deviation, kind });

  /** Rows of a step: each touched grid before and after; null where it did not exist or has ended. */
  function rowsOf(answer, kept) {
    const rows = answer.grids.map((grid) => ({ key: grid.key, before: kept.get(grid.key) ?? null, after: brief(grid) }));
    for (const code of answer.ended) {
      const before = [...kept.values()].find((grid) => grid.code === code) ?? null;
      if (before) rows.push({ key: code, before, after: null });
    }
    return rows.sort((a, b) => Math.abs((b.after?.households ?? 0) - (b.before?.households ?? 0)) - Math.abs((a.after?.households ?? 0) - (a.before?.households ?? 0)));
  }

  function spoken(answer, rows) {
    const parts = [t(`step.${answer.kind}`)];
    for (const { before, after } of rows.slice(0, 3)) {
      if (before && after) parts.push(`${titled(after, t)} ${number(before.households)} → ${number(after.households)}`);
      else if (after) parts.push(t("step.new", { name: titled(after, t), n: number(after.households) }));
      else parts.push(t("step.ended", { name: titled(before, t) }));
    }
    return parts.join(t("comma"));
  }

  /** What a folded panel on a phone cannot show: the two grids that changed most, in a line at the tools. */
  const toldOf = (rows) =>
    rows
      .filter(({ after }) => after)
      .slice(0, 2)
      .map(({ after }) => `${titled(after, t)} ${number(after.households)}${offText(after)}`)
      .join(" · ");
  const offText = ({ deviation }) => (deviation ? ` ${deviation > 0 ? "▲" : "▼"}${Math.round(Math.abs(deviation) * 100)}%` : "");

  function take(answer, operation) {
    const kept = new Map(grids.list().map(({ properties }) => [properties.key, brief(properties)]));
    const rows = rowsOf(answer, kept);
    const touched = new Set([...answer.grids.map(({ code }) => code), ...answer.ended, ...rows.map(({ before }) => before?.code)]);
    grids.update(named(answer.features), answer.ended);
    for (const grid of answer.grids) if (!grid.cells) grids.drop(grid.key);
    const warnings = [...state.warnings.filter(({ grid }) => grid && !touched.has(grid)), ...answer.warnings];
    const marks = "undo" in answer ? { undo: answer.undo, redo: answer.redo } : guess(answer);
    const active = state.active && !grids.find(state.active) ? successor(operation) : state.active;
    store.set({
      revision: answer.revision,
      score: answer.score,
      warnings,
      ...marks,
      told: toldOf(rows),
      step: { kind: answer.kind, rows, cells: answer.cells, rebased: answer.rebased, warnings: answer.warnings, noted: NOTED.has(answer.kind) },
      version: state.version + 1,
      plan: { ...state.plan, revision: answer.revision },
      conflict: null,
      problem: "",
      busy: false,
      chosen: new Set(),
      diff: null,
      log: null,
    });
    if (active !== state.active || state.active) activate(active);
    draw();
    // The label at the pointer still says what was.
    map.fire("mouseout");
    say(spoken(answer, rows));
    // Others' steps came in between: what they changed is not in this answer.
    if (answer.rebased) read(state.plan.id, opened).catch(failed);
  }

  /** A grid that ended leaves its place to the one that took its land. */
  const successor = ({ kind, grids: list, into }) => (kind === "merge" ? (into ?? list[0]) : null);
  const guess = ({ kind, revision }) => {
    if (kind === "undo") return { undo: state.undo, redo: { seq: revision, kind } };
    return { undo: { seq: revision, kind }, redo: kind === "redo" ? state.redo : null };
  };

  /** Do one step; it is worked out on what the page shows, and others' steps since are told apart by the server. */
  function operate(operation, { base = null } = {}) {
    const mine = opened;
    return queued(mine, operation, () => api.operate(state.plan.id, base ?? state.revision, operation));
  }

  function queued(mine, operation, ask) {
    const run = async () => {
      if (mine !== opened || !state.plan) return false;
      const late = setTimeout(() => store.set({ busy: true }), 150);
      try {
        const answer = await ask();
        if (mine !== opened) return false;
        tools.clear();
        take(answer, operation);
        return true;
      } catch (error) {
        if (mine !== opened) return false;
        if (error.status === 409 && error.errors.length) await clash(error, operation);
        else refuse(error, operation);
        return false;
      } finally {
        clearTimeout(late);
        if (state.busy) store.set({ busy: false });
      }
    };
    queue = queue.then(run, run);
    return queue;
  }

  function refuse(error, { kind }) {
    tools.clear();
    const nothing = error.status === 422 && ["undo", "redo"].includes(kind);
    store.set({ problem: sentence(error), ...(nothing ? { [kind]: null } : {}) });
    say(sentence(error));
    if (error.status === 409) read(state.plan.id, opened).catch(failed);
  }

  /** Both changed the same land: the map shows theirs, my stroke stays drawn, and the planner says how to go on. */
  async function clash(error, operation) {
    showPanel(true);
    const before = state.revision;
    await read(state.plan.id, opened).catch(() => {});
    store.set({ conflict: { operation, sentence: sentence(error), errors: error.errors, since: before }, problem: "", step: null });
    say(sentence(error));
  }

  function giveIn() {
    tools.clear();
    store.set({ conflict: null });
    say(t("conflict.theirs_kept"));
  }

  const again = () => operate(state.conflict.operation);

  const undo = () => operate({ kind: "undo" });
  const redo = () => operate({ kind: "redo" });

  /** Land goes to the grid that is selected; to one of another community only where that was asked for. */
  const giving = (selection, to = state.active) => operate({ kind: state.across ? "transfer" : "assign", to, ...selection });

  function drawn(tool, stroke) {
    const { active } = state;
    if (tool === "line") operate({ kind: "line", line: stroke });
    else if (tool === "shift") operate({ kind: "move_boundary", start: stroke[0], end: stroke[1] });
    else if (!active) {
      tools.clear();
      store.set({ problem: t("tool.choose_first") });
      say(t("tool.choose_first"));
    } else if (tool === "split") operate({ kind: "split", grid: active, line: stroke });
    else giving({ lasso: stroke });
  }

  async function give(latlng) {
    const id = homeAt(canvas, latlng);
    const from = grids.at(worldX(latlng.lng), worldY(latlng.lat))?.properties.code;
    if (id === null || !from) {
      say(t("tool.no_building"));
      return;
    }
    grids.choose([id]);
    redrawn();
    try {
      const found = (await api.buildings(state.plan.id, from)).find((one) => one.id === id);
      if (found) await giving({ buildings: [found.building] });
      else store.set({ problem: t("tool.no_building") });
    } catch (error) {
      failed(error);
    }
    grids.choose(state.chosen);
    redrawn();
  }

  function click(latlng) {
    const code = grids.at(worldX(latlng.lng), worldY(latlng.lat))?.properties.code ?? null;
    const other = code && state.active && code !== state.active;
    if (state.editing && state.tool === "merge" && other) merge(code);
    else if (state.editing && state.tool === "give" && other) give(latlng);
    else {
      activate(code);
      if (code) {
        showPanel(true);
        say(t("status.grid", { name: nameOf(code) }));
      }
    }
  }

  const merge = (code) => operate({ kind: "merge", grids: [state.active, code], into: state.active });

  // --- proposals ----------------------------------------------------------------------------------------

  /** Look at a candidate as if it were taken, or stop looking. */
  function look(found) {
    if (!found && !state.look) return;
    grids.look(found ? { ...found.answer, features: named(found.answer.features) } : null);
    store.set({ look: found, editing: on() && state.editable && !found, score: found ? found.answer.score : state.kept, ...(found && !state.look ? { kept: state.score } : {}) });
    draw();
  }

  const step = (operation, ask) => queued(opened, operation, ask);
  const proposals = createProposals({ store, words, grids, api, step, look, failed, say });

  const rebase = createRebase({
    ...{ store, page, words, api, failed, nameOf },
    async done(text) {
      await read(state.plan.id, opened);
      loadBefore(state.plan, opened);
      say(text);
    },
  });

  // --- lists --------------------------------------------------------------------------------------------

  async function loadBuildings(code) {
    const { revision } = state;
    if (state.buildings?.code === code && state.buildings.revision === revision) return;
    try {
      const rows = await api.buildings(state.plan.id, code);
      if (state.active === code) store.set({ buildings: { code, revision, rows } });
    } catch {
      if (state.active === code) store.set({ buildings: { code, revision, rows: [] } });
    }
  }

  function choose(id, yes) {
    const chosen = new Set(state.chosen);
    if (yes) chosen.add(id);
    else chosen.delete(id);
    store.set({ chosen });
  }

  function giveChosen(to) {
    const rows = state.buildings.rows.filter(({ id }) => state.chosen.has(id));
    return giving({ buildings: [...new Set(rows.map(({ building }) => building))] }, to);
  }

  function see(warning) {
    if (warning.grid && grids.find(warning.grid)) activate(warning.grid);
    if (Number.isFinite(warning.lon)) map.setView([warning.lat, warning.lon], Math.max(map.getZoom(), 16), { animate: false });
    say(said(warning.message));
  }

  async function loadLog() {
    const mine = opened;
    const log = await api.log(state.plan.id, LOGGED).catch(() => null);
    if (mine === opened && log) store.set({ log });
  }

  async function loadDiff() {
    const mine = opened;
    const diff = await api.diff(state.plan.id).catch(() => null);
    if (mine === opened && diff) store.set({ diff });
  }

  /** submit, approve, reopen, publish: the plan as it is after it. */
  async function move(how, body) {
    const mine = opened;
    store.set({ busy: true, problem: "" });
    try {
      const plan = await api.move(state.plan.id, how, body);
      if (mine !== opened) return false;
      await read(state.plan.id, mine);
      say(t(`publish.said.${how}`));
      if (how === "publish") await published();
      return plan;
    } catch (error) {
      if (mine === opened) failed(error);
      return false;
    }
  }

  /** Another planner's steps come in by themselves, unless a stroke is in hand. */
  async function poll() {
    if (!open() || document.hidden || tools.busy() || state.busy || state.conflict || state.look || page.state.paper) return;
    const mine = opened;
    const seen = state.revision;
    const log = await api.log(state.plan.id, 1).catch(() => null);
    const last = log?.[0]?.seq ?? 0;
    if (mine !== opened || last <= state.revision || seen !== state.revision || tools.busy()) return;
    if (await read(state.plan.id, mine).catch(() => false)) say(t("plan.others", { n: number(last - seen) }));
  }
  window.setInterval(poll, POLL_MS);

  // --- putting it together ------------------------------------------------------------------------------

  const tools = createTools({ L, map, stage, store, words, drawn, clicked: click, homes, say, undo, redo });
  const actions = { list, make, openPlan, leave, activate, operate, undo, redo, giveIn, again, merge, choose, giveChosen, see, loadLog, loadDiff, move, dismiss: () => store.set({ problem: "" }) };
  createPlanPanel(body, { store, page, words, grids, actions, proposals, rebase });

  store.on(["active", "partner"], () => {
    grids.mark(state.active, state.partner);
    redrawn();
  });
  store.on(["chosen"], () => {
    grids.choose(state.chosen);
    redrawn();
  });
  store.on(["plan", "target"], relegend);
  store.on(["tab", "log", "diff", "view"], () => {
    if (!state.plan) return;
    if (state.tab === "auto" && !state.proposalsKnown) proposals.load();
    if (state.tab !== "auto") look(null);
    if (state.tab === "log" && !state.log) loadLog();
    if (state.tab === "publish" && !state.diff) loadDiff();
  });
  page.on(["mode"], () => {
    stage.classList.toggle("gm-redraw", on());
    if (!on()) tools.escape();
    if (!on()) look(null);
    store.set({ editing: on() && state.editable });
    relegend();
    if (on() && !state.plan) showPanel(true);
    if (on() && !state.plans) list();
    draw();
  });
  page.on(["language"], () => tools.render());

  return {
    store,
    on,
    open,
    grids,
    /** A click that Leaflet reports; the end of a stroke is none. */
    click(latlng) {
      if (open() && !tools.drawing()) click(latlng);
    },
    /** Whether a stroke is in hand. */
    busy: () => tools.busy(),
    actions,
    legend: () => (open() ? planLegend({ style, t, target: state.target, free: grids.list().some(({ properties }) => sizeOf(properties, state.target) === "free"), locked: grids.list().some(({ properties }) => properties.locked) }) : []),
    /** What stands under the name of a grid: its households, and how far they are off where that is beyond the band. */
    sizeText(grid) {
      const size = sizeOf(grid, state.target);
      const off = ["ok", "free"].includes(size) ? "" : ` ${grid.deviation > 0 ? "▲" : "▼"}${Math.round(Math.abs(grid.deviation) * 100)}%`;
      return { text: t("label.households", { n: number(grid.households) }) + off, look: size.endsWith("over") ? "gm-name-over" : size.endsWith("under") ? "gm-name-under" : null };
    },
    /** The number of the plan that is open, for the address. */
    number: () => state.plan?.id ?? null,
    escape() {
      if (tools.escape()) return true;
      if (state.look) look(null);
      else if (state.conflict) giveIn();
      else if (state.tool !== "select" && state.editing) store.set({ tool: "select" });
      else if (state.active) activate(null);
      else return false;
      return true;
    },
    key(event) {
      if (!open()) return false;
      const command = event.ctrlKey || event.metaKey;
      if (command && ["z", "Z", "y"].includes(event.key) && state.editing) {
        (event.key === "z" ? undo : redo)();
        return true;
      }
      return !command && !event.altKey && tools.key(event);
    },
  };
}
