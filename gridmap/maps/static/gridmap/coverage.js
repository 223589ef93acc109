/** Coverage mode: what is asked, what is shown for it, and what a person tries. */
import { createAnswers } from "./answers.js";
import { createCompare } from "./compare.js";
import { createBadges, createGaps } from "./gaps.js";
import { worldX, worldY } from "./geo.js";
import { createMarks } from "./marks.js";
import { queryOf, stepsOf, usual } from "./question.js";
import { createReach } from "./reach.js";
import { differences, percent } from "./share.js";
import { createPins, createSiting } from "./siting.js";
import { isMain } from "./stations.js";
import { createStore } from "./store.js";
import { createWalk } from "./walk.js";
import { createWhatIf, nextNumber } from "./whatif.js";

const AWAY_MS = 120;
/** A try is often followed by the next one: only then is more asked about it. */
const SETTLED_MS = 1500;

/** `repaint()` draws the map's tiles again; `beside(scene, pane)` makes a second canvas that shows another answer. */
export function createCoverage({ L, map, stage, source, page, words, style, question, shown, say, sentence, fit, reveal, showPanel, repaint, beside }) {
  const { t, term, number } = words;
  const store = createStore({
    question: source.steps ? embedded(question) : (question ?? usual()),
    changes: [],
    scenario: null,
    scenarios: null,
    answer: null,
    today: null,
    tried: [],
    difference: new Map(),
    busy: false,
    problem: "",
    tab: "gaps",
    view: "numbers",
    gap: null,
    place: null,
    station: null,
    marks: "kind",
    radius: null,
    placing: null,
    form: null,
    proposal: null,
    job: null,
    thinking: false,
    sitingProblem: "",
    compare: null,
  });
  const { state } = store;
  /** A map without a server answers the one question that it holds, for some minutes. */
  function embedded(asked) {
    const minutes = source.steps.includes(asked?.minutes) ? asked.minutes : source.minutes;
    return { ...usual(), minutes };
  }
  const on = () => page.state.mode === "coverage";
  const visible = (name) => on() && shown(name);
  /** Figures are wanted for the grids that are shown. */
  const by = () => {
    const levels = page.state.jurisdiction?.levels ?? [];
    return !levels.length || page.state.level === Math.max(...levels) ? "grid" : `level${page.state.level}`;
  };
  const answers = createAnswers(source, by);
  const reach = createReach(style, visible);
  const gaps = createGaps(style, visible);
  const walk = createWalk(L, map, style);
  const circles = L.layerGroup();
  let asked = 0;
  let listed = [];

  // --- stations: those of the answer, as they would be --------------------------------------------------

  const facts = (code) => listed.find(({ properties }) => properties.code === code);
  /** Stations of an answer for the map; those that are closed in it stay to be seen. */
  function stationsOf(answer) {
    return (answer?.cover.stations ?? []).map((row) => {
      const before = facts(row.code);
      const shifted = before && (Math.abs(before.lon - row.lon) > 1e-6 || Math.abs(before.lat - row.lat) > 1e-6);
      return { ...row, was: shifted ? [before.lat, before.lon] : null, isNew: row.change === "added", gone: row.change === "closed" };
    });
  }
  const stateOf = (station) => {
    if (station.isNew) return "new";
    return station.gone || station.active === false ? "closed" : "";
  };
  const look = (station) => ({
    kind: station.kind,
    main: isMain(station),
    state: stateOf(station),
    ...(state.marks === "score" && !station.isNew ? { score: station.score ?? null } : {}),
  });
  const label = (station) =>
    [
      station.name ?? station.code,
      term("station.kind", station.kind),
      station.gone ? t("cover.closed") : station.active === false ? t("cover.inactive") : t("cover.serves", { n: number(station.households) }),
      source.tries ? t("cover.move_keys") : "",
    ]
      .filter(Boolean)
      .join(t("comma"));

  // --- layers ------------------------------------------------------------------------------------------

  const markOptions = { open: (code) => openStation(code), say, label, look, words, movable: Boolean(source.tries), move: (code, lat, lon) => move(code, lat, lon) };
  const marks = createMarks(L, map, markOptions);
  const badges = createBadges(L, map, {
    gaps,
    shown: visible,
    open: (id) => openGap(id),
    stations: () => (shown("stations") ? stationsOf(state.answer).map(({ lat, lon }) => [lat, lon]) : []),
    text: ({ households }) => t("label.households", { n: number(households) }),
  });
  const siteLabel = (site) => t("siting.pin", { rank: site.rank, name: site.name ?? site.code, n: number(site.gains) });
  const pins = createPins(L, map, { open: (site) => openSite(site), label: siteLabel });

  function drawCircles() {
    circles.clearLayers();
    if (!on() || !state.radius) return;
    for (const { lat, lon, active } of state.answer?.cover.stations ?? []) {
      if (active === false) continue;
      L.circle([lat, lon], { radius: state.radius, interactive: false, fill: false, color: style.circle, weight: 1.6, dashArray: "7 5" }).addTo(circles);
    }
  }

  function draw() {
    if (state.compare) return;
    marks.set(on() ? stationsOf(state.answer) : []);
    badges.draw();
    drawCircles();
    repaint();
  }

  // --- asking ------------------------------------------------------------------------------------------

  function spoken(answer) {
    const { totals } = answer.cover;
    const words_ = [t("cover.said", { minutes: state.question.minutes, share: percent(totals.share) })];
    if (state.changes.length && state.today) {
      const change = totals.households_covered - state.today.totals.households_covered;
      words_.push(t("whatif.said", { change: signed(change) }));
    }
    return words_.join(t("comma"));
  }
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "±") + number(Math.abs(value));

  function show(answer, today) {
    reach.set(answer);
    gaps.set(answer.gaps.features);
    store.set({ answer, today, tried: state.changes, difference: state.changes.length ? differences(today, answer.cover) : new Map(), busy: false, problem: "" });
    draw();
    say(spoken(answer));
    if (state.view === "gap") {
      const still = gaps.find(state.gap?.id);
      if (still) store.set({ gap: still.properties });
    }
    prefetch(asked);
  }

  async function load() {
    if (!on()) return;
    const mine = (asked += 1);
    const { question: q, changes } = state;
    const now = answers.ready(q, changes);
    const before = changes.length ? answers.ready(q, []) : now;
    if (now && before) {
      show(now, before.cover);
      return;
    }
    // What is shown stays until the next answer is whole: nothing flickers.
    const late = setTimeout(() => mine === asked && store.set({ busy: true }), AWAY_MS);
    try {
      const [found, today] = await Promise.all([answers.load(q, changes), changes.length ? answers.load(q, []) : null]);
      if (mine === asked) show(found, (today ?? found).cover);
    } catch (error) {
      if (mine === asked) store.set({ busy: false, problem: sentence(error) });
    } finally {
      clearTimeout(late);
    }
  }

  /** Ask for the other positions of the slider while nobody waits. */
  async function prefetch(mine) {
    if (state.changes.length) await new Promise((go) => setTimeout(go, SETTLED_MS));
    for (const minutes of stepsOf(source)) {
      if (mine !== asked || !on()) return;
      const next = { ...state.question, minutes };
      if (!answers.ready(next, state.changes)) await answers.load(next, state.changes).catch(() => {});
    }
  }

  function ask(patch) {
    const next = { ...state.question, ...patch };
    store.set({ question: source.steps ? embedded(next) : next });
    if (state.compare) {
      startCompare(state.compare.left, state.compare.right);
      return;
    }
    if (state.view === "station") openStation(state.station.code, { quiet: true });
    if (state.view === "place") openPlace(state.place.latlng, { quiet: true });
    load();
  }

  // --- looking -----------------------------------------------------------------------------------------

  let question_ = null;

  function back() {
    question_?.abort();
    gaps.choose(null);
    reach.lift(null);
    walk.clear();
    store.set({ view: "numbers", gap: null, place: null, station: null, placing: null });
    repaint();
  }

  function openGap(id, { zoom = true } = {}) {
    const gap = gaps.find(id);
    if (!gap) return;
    back();
    gaps.choose(id);
    store.set({ view: "gap", gap: gap.properties });
    showPanel(true);
    if (zoom) fit(gap.box);
    repaint();
    const { rank, households } = gap.properties;
    say(t("gap.said", { rank, n: number(households) }));
  }

  async function openPlace(latlng, { quiet = false } = {}) {
    if (!quiet) back();
    question_?.abort();
    question_ = new AbortController();
    const { signal } = question_;
    const gap = gaps.at(worldX(latlng.lng), worldY(latlng.lat));
    gaps.choose(gap?.properties.id ?? null);
    store.set({ view: "place", gap: gap?.properties ?? null, place: { latlng, route: null, problem: "" } });
    walk.show(latlng, null, "");
    repaint();
    if (!quiet) {
      showPanel(true);
      reveal(latlng);
    }
    try {
      const route = await source.route(queryOf(state.question), state.changes, latlng.lng, latlng.lat, signal);
      if (signal.aborted) return;
      store.set({ place: { latlng, route, problem: "" } });
      const time = Number.isFinite(route.seconds) ? minutesText(route.seconds) : t(route.unknown ? "route.unknown" : "route.none");
      walk.show(latlng, route.path, route.unknown ? "" : time);
      say([time, route.station?.name].filter(Boolean).join(t("comma")));
    } catch (error) {
      if (!signal.aborted) store.set({ place: { latlng, route: null, problem: sentence(error) } });
    }
  }

  const minutesText = (seconds) =>
    seconds < 60 ? t("seconds", { n: Math.round(seconds) }) : t("minutes", { n: Math.floor(seconds / 60), s: String(Math.floor(seconds % 60)).padStart(2, "0") });

  async function openStation(code, { quiet = false } = {}) {
    const station = stationsOf(state.answer).find((one) => one.code === code);
    if (!station) return;
    if (!quiet) back();
    store.set({ view: "station", station: { code, row: station, facts: null, error: null, problem: "" } });
    showPanel(true);
    const place = [station.lat, station.lon];
    if (!quiet) {
      if (!map.getBounds().pad(-0.05).contains(place)) map.panTo(place, { animate: false });
      reveal(place);
      say(label(station));
    }
    // A station that is only tried has no facts, and its area is part of the whole.
    if (!facts(code)) return;
    const told = (patch) => state.station?.code === code && store.set({ station: { ...state.station, ...patch } });
    const failed = (error) => told({ problem: sentence(error) });
    const known = source.station(code).then((found) => told({ facts: found }), failed);
    const drawn = state.changes.length ? null : source.stationArea(code, queryOf(state.question)).then((area) => {
      if (!area || state.station?.code !== code) return;
      reach.lift(area);
      told({ error: area.properties.error ?? null });
      repaint();
    }, failed);
    await Promise.all([known, drawn]);
  }

  function openSite(site) {
    map.setView([site.lat, site.lon], Math.max(map.getZoom(), 16));
    store.set({ tab: "siting", view: "numbers" });
    showPanel(true);
    say(siteLabel(site));
  }

  // --- trying ------------------------------------------------------------------------------------------

  const whatif = createWhatIf((changes) => {
    const { view, station } = state;
    store.set({ changes });
    if (["place", "gap"].includes(view)) back();
    if (view === "station" && changes.some((change) => change.op === "close" && change.station === station.code)) back();
    load();
  });

  function move(code, lat, lon) {
    if (!source.tries) return;
    if (state.view === "station") back();
    store.set({ tab: "tries", view: "numbers" });
    whatif.move(code, lon, lat);
  }

  function add(lat, lon, name) {
    const n = nextNumber(state.changes);
    store.set({ tab: "tries", placing: null });
    back();
    whatif.add({ code: `NEW-${n}`, name: name || t("whatif.new", { n }), kind: "grid_station", lon, lat });
  }

  function closeStation(code) {
    store.set({ tab: "tries" });
    back();
    whatif.close(code);
  }

  /** Wait for a click on the map, or Enter with the map's middle. */
  function place(what) {
    store.set({ placing: what });
    map.getContainer().focus();
    say(t("placing.said"));
  }

  function click(latlng) {
    const { placing } = state;
    if (!placing) openPlace(latlng);
    else if (placing.op === "move") {
      store.set({ placing: null });
      move(placing.station, latlng.lat, latlng.lng);
    } else add(latlng.lat, latlng.lng);
  }

  // --- scenarios ---------------------------------------------------------------------------------------

  async function scenarios(act) {
    try {
      const result = await act();
      store.set({ scenarios: await source.scenarios(), problem: "" });
      return result;
    } catch (error) {
      store.set({ problem: sentence(error) });
      return undefined;
    }
  }

  /** Without an act of the planner: a refusal that stands there is about something else and stays. */
  async function listScenarios() {
    if (!source.tries) return;
    try {
      store.set({ scenarios: await source.scenarios() });
    } catch (error) {
      store.set({ problem: sentence(error) });
    }
  }

  const titleOf = (scenario) => scenario.title ?? scenario.name ?? String(scenario.id);

  async function save(title, anew) {
    const kept = anew ? null : state.scenario;
    const saved = await scenarios(() => source.saveScenario(kept, { title, changes: state.changes }));
    if (!saved) return false;
    store.set({ scenario: saved });
    say(t("scenario.saved", { name: title }));
    return true;
  }

  async function openScenario(id) {
    const found = await scenarios(() => source.scenario(id));
    if (!found) return;
    store.set({ scenario: found, tab: "tries" });
    whatif.open(found.changes ?? []);
  }

  async function deleteScenario(id) {
    const done = await scenarios(async () => {
      await source.deleteScenario(await source.scenario(id));
      return true;
    });
    if (done && state.scenario?.id === id) store.set({ scenario: null });
    if (done) say(t("scenario.deleted"));
  }

  /** The changes become real: only this asks the server to change anything but scenarios. */
  async function apply() {
    const done = await scenarios(async () => {
      const fresh = await source.scenario(state.scenario.id);
      await source.applyScenario(fresh);
      return true;
    });
    if (!done) return false;
    store.set({ scenario: null });
    whatif.open([]);
    await refresh();
    say(t("scenario.applied"));
    return true;
  }

  function leaveScenario() {
    store.set({ scenario: null });
    whatif.open([]);
  }

  // --- comparing ---------------------------------------------------------------------------------------

  const compare = createCompare({
    ...{ L, map, stage, style, words, beside, markOptions, stationsOf },
    shown: visible,
    left(answer) {
      reach.set(answer);
      gaps.set(answer.gaps.features);
      repaint();
    },
  });
  /** An answer for one side: today, what is tried now, or a saved scenario. */
  async function side(which) {
    if (which === "today") return { name: t("compare.today"), answer: await answers.load(state.question, []) };
    if (which === "tries") return { name: t("compare.tries"), answer: await answers.load(state.question, state.changes) };
    const found = await source.scenario(which);
    return { name: titleOf(found), answer: await answers.load(state.question, found.changes ?? []) };
  }

  async function startCompare(left, right) {
    try {
      const sides = await Promise.all([side(left), side(right)]);
      back();
      store.set({ compare: { left, right, sides, difference: differences(sides[0].answer.cover, sides[1].answer.cover) }, problem: "" });
      for (const layer of [badges, pins, marks]) layer.show(false);
      compare.enter(sides);
    } catch (error) {
      store.set({ problem: sentence(error) });
    }
  }

  function stopCompare() {
    if (!state.compare) return;
    compare.leave();
    store.set({ compare: null });
    enterLayers();
    if (state.answer) show(state.answer, state.today);
  }

  // --- siting ------------------------------------------------------------------------------------------

  const siting = createSiting({ source, store, query: () => ({ ...queryOf(state.question), ...(state.changes.length ? { changes: state.changes } : {}) }), sentence });

  function trySites() {
    const first = nextNumber(state.changes);
    const sites = (state.proposal?.sites ?? []).map((site, i) => ({
      code: `NEW-${first + i}`,
      name: site.name || t("whatif.new", { n: first + i }),
      kind: "grid_station",
      lon: site.lon,
      lat: site.lat,
    }));
    siting.clear();
    store.set({ tab: "tries" });
    whatif.addAll(sites);
  }

  // --- coming and going --------------------------------------------------------------------------------

  function enterLayers() {
    marks.show(on() && shown("stations"));
    badges.show(on());
    pins.show(on());
    if (on()) circles.addTo(map);
    else circles.remove();
  }

  /** The data have changed: what was answered is asked again. */
  async function refresh(list) {
    answers.clear();
    listed = list ?? (await source.stations());
    await load();
  }

  page.on(["mode"], () => {
    if (!on()) {
      stopCompare();
      back();
    }
    enterLayers();
    draw();
    if (on()) {
      load();
      if (!state.scenarios) listScenarios();
    }
  });
  page.on(["level"], load);
  page.on(["hidden"], () => {
    if (!on() || state.compare) return;
    enterLayers();
    badges.draw();
  });
  page.on(["language"], () => {
    if (on()) draw();
    marks.redraw();
  });
  page.on(["paper"], () => page.state.paper && stopCompare());
  store.on(["marks"], () => marks.redraw());
  store.on(["radius"], drawCircles);
  store.on(["proposal"], () => pins.set(state.proposal?.sites));
  store.on(["placing"], () => stage.classList.toggle("gm-placing", Boolean(state.placing)));

  return {
    store,
    on,
    reach,
    gaps,
    stationsOf: () => stationsOf(state.answer),
    outcome: () => (state.compare ? state.compare.difference : state.difference),
    rowOf: (code) => state.answer?.cover.rows?.find((row) => row.code === code) ?? null,
    click,
    back,
    /** Take back the innermost thing that is open; false if there is none. */
    escape() {
      if (state.placing) store.set({ placing: null });
      else if (state.compare) stopCompare();
      else if (state.view !== "numbers") back();
      else return false;
      return true;
    },
    /** Boxes of the badges in px of the map's container: names keep clear of them. */
    badges: () => badges.boxes(),
    /** Stations as points for the names on the map. */
    stationPoints: () => stationsOf(state.answer).map((one) => ({ properties: one, x: worldX(one.lon), y: worldY(one.lat) })),
    /** The name of a station by its code, also of one that is only tried. */
    nameOf: (code) => facts(code)?.properties.name ?? stationsOf(state.answer).find((one) => one.code === code)?.name ?? null,
    setStations(list) {
      listed = list;
      draw();
    },
    refresh,
    minutesText,
    signed,
    siteLabel,
    titleOf,
    actions: {
      ask,
      back,
      openGap,
      openPlace,
      openStation,
      openSite,
      move,
      add,
      closeStation,
      place,
      undo: () => whatif.undo(),
      canUndo: () => whatif.canUndo(),
      drop: (i) => whatif.drop(i),
      clearTries: () => whatif.clear(),
      save,
      openScenario,
      deleteScenario,
      leaveScenario,
      apply,
      listScenarios,
      startCompare,
      stopCompare,
      propose: (form) => siting.propose(form),
      cancelJob: () => siting.cancel(),
      clearSiting: () => siting.clear(),
      trySites,
      reload: load,
    },
  };
}
