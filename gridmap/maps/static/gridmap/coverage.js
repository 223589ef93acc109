/** Coverage mode: what is asked, what is shown for it, and what a person tries. */
import { createAnswers } from "./answers.js";
import { createCompare } from "./compare.js";
import { createBadges, createGaps } from "./gaps.js";
import { createGates } from "./gates.js";
import { worldX, worldY } from "./geo.js";
import { createMarks } from "./marks.js";
import { queryOf, stepsOf, usual } from "./question.js";
import { createReach } from "./reach.js";
import { createScenarios } from "./scenarios.js";
import { differences, percent } from "./share.js";
import { createPins, createSiting } from "./siting.js";
import { createStationEdit } from "./stationedit.js";
import { isMain } from "./stations.js";
import { createStore } from "./store.js";
import { createStreetEdits } from "./streetedits.js";
import { createToolNote } from "./toolnote.js";
import { createWalk } from "./walk.js";
import { createWhatIf, nextNumber } from "./whatif.js";

const AWAY_MS = 120;
/** A try is often followed by the next one: only then is more asked about it. */
const SETTLED_MS = 500;
/** How often, and after which pauses, new data are waited for. */
const [SETTLING, SETTLING_MS] = [16, 250];

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
    estates: [],
    gate: null,
    edit: null,
    streets: 0,
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

  const gates = createGates({ L, map, style, words, open: (id) => openGate(id) });
  const streets = source.tries
    ? createStreetEdits({
        ...{ L, map, source, style, words },
        active: () => (["close_street", "link"].includes(state.placing?.op) ? state.placing.op : null),
        changes: () => state.changes,
        drop: (i) => whatif.drop(i),
        told: () => store.set({ streets: state.streets + 1 }),
      })
    : null;

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
    streets?.draw();
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
    const far = (minutes) => Math.abs(minutes - state.question.minutes);
    // The positions beside the present one first: there the slider goes next.
    for (const minutes of [...stepsOf(source)].sort((a, b) => far(a) - far(b))) {
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
    gates.choose(null);
    store.set({ view: "numbers", gap: null, place: null, station: null, placing: null, gate: null, edit: null });
    repaint();
  }

  function openGap(id, { zoom = true } = {}) {
    const gap = gaps.find(id);
    if (!gap || unsaved()) return;
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
    if (unsaved()) return;
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
    if (!station || unsaved()) return;
    if (!quiet) back();
    store.set({ view: "station", edit: null, station: { code, row: station, facts: null, error: null, problem: "" } });
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

  /** Wait for a click on the map, or Enter with the map's middle; the tool that is in hand is put away. */
  function place(what) {
    if (what && state.placing?.op === what.op && what.op !== "move") {
      store.set({ placing: null });
      return;
    }
    store.set({ placing: what, problem: "" });
    showPanel(false);
    map.getContainer().focus();
    say(t("placing.said"));
  }

  function click(latlng) {
    const { placing, view } = state;
    if (view === "gate") putGate(latlng);
    else if (!placing) openPlace(latlng);
    else if (placing.op === "move") {
      store.set({ placing: null });
      move(placing.station, latlng.lat, latlng.lng);
    } else if (placing.op === "add") add(latlng.lat, latlng.lng);
    else pointStreet(latlng, placing.op);
  }

  /** A click with one of the street tools: close or open a piece, begin or end a way. */
  async function pointStreet(latlng, tool) {
    try {
      const found = await streets.look(latlng);
      if (state.placing?.op !== tool) return;
      if (!found) {
        store.set({ problem: t(tool === "link" ? "streets.no_end" : "streets.none") });
        return;
      }
      store.set({ problem: "" });
      if (tool === "close_street") {
        const at = streets.closedAt(found);
        if (at >= 0) whatif.drop(at);
        else whatif.shut(found.street.id, found.lon, found.lat);
        streets.rest();
        return;
      }
      const from = streets.from();
      if (!from) {
        streets.begin(found);
        store.set({ placing: { op: "link", begun: true } });
        say(t("placing.link_end"));
        return;
      }
      if (streets.metres(from, [found.lat, found.lon]) < 3) {
        store.set({ problem: t("streets.too_short") });
        return;
      }
      streets.rest();
      store.set({ placing: { op: "link" } });
      whatif.link([[from[1], from[0]], [found.lon, found.lat]]);
    } catch (error) {
      store.set({ problem: sentence(error) });
    }
  }

  function setHours(code, text) {
    store.set({ tab: "tries" });
    back();
    whatif.hours(code, text);
  }

  // --- real changes: gates and facts of stations -------------------------------------------------------

  /** Estates whose gate is assumed; they are no part of an answer and wait for nobody. */
  async function listEstates() {
    if (!source.tries) return;
    const found = await source.estates().catch(() => null);
    if (!found) return;
    store.set({ estates: found });
    gates.set(found);
  }

  function openEstates() {
    back();
    store.set({ view: "estates" });
    showPanel(true);
  }

  function openGate(id) {
    const feature = gates.find(id);
    if (!feature) return;
    back();
    gates.choose(id);
    store.set({ view: "gate", gate: { ...feature.properties, put: null, problem: "", saving: false } });
    showPanel(true);
    fit(feature.box);
    say(t("gates.said", { name: feature.properties.name }));
  }

  function putGate(latlng) {
    const put = gates.put(latlng);
    store.set({ gate: { ...state.gate, put: put ?? state.gate.put, problem: put ? "" : t("gates.too_far") } });
    if (put) say(t("gates.put"));
  }

  async function saveGate() {
    const { id, name, put } = state.gate;
    store.set({ gate: { ...state.gate, saving: true, problem: "" } });
    const settled = settling();
    try {
      await source.addGate(id, put[1], put[0]);
    } catch (error) {
      store.set({ gate: { ...state.gate, saving: false, problem: sentence(error) } });
      return;
    }
    say(t("gates.saved", { name }));
    await settled();
    openEstates();
  }

  /** Call it before a real change, and what it returns after that: it waits until the server answers from the new data. */
  function settling() {
    const before = state.answer?.cover.version;
    return async () => {
      for (let i = 0; i < SETTLING && before !== undefined; i += 1) {
        const { version } = await source.coverage(queryOf(state.question)).catch(() => ({ version: before }));
        if (version !== before) break;
        await new Promise((go) => setTimeout(go, SETTLING_MS));
      }
      await refresh();
    };
  }

  const editing = createStationEdit({ ...{ store, source, sentence, say, words, settling }, opened: back, reopen: (code) => openStation(code, { quiet: true }) });
  /** What is typed into a form is not lost by a click beside it. */
  const unsaved = () => {
    if (!editing.dirty()) return false;
    say(t("edit.unsaved"));
    editing.warn();
    return true;
  };

  async function editStation(code) {
    try {
      await editing.open(code);
      showPanel(true);
    } catch (error) {
      if (state.station) store.set({ station: { ...state.station, problem: sentence(error) } });
    }
  }

  // --- scenarios ---------------------------------------------------------------------------------------

  const scenarios = createScenarios({ store, source, whatif, words, say, sentence, settling });
  const { titleOf } = scenarios;

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
      const [today, ...sides] = await Promise.all([side("today"), side(left), side(right)]);
      back();
      store.set({ compare: { left, right, sides, today: [left, right].includes("today") ? null : today, difference: differences(sides[0].answer.cover, sides[1].answer.cover) }, problem: "" });
      for (const layer of [badges, pins, marks, ...(streets ? [streets] : [])]) layer.show(false);
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
    streets?.show(on());
    gates.show(on() && (["estates", "gate"].includes(state.view)));
    if (on()) circles.addTo(map);
    else circles.remove();
  }

  /** The data have changed: what was answered is asked again. */
  async function refresh(list) {
    answers.clear();
    listed = list ?? (await source.stations());
    await load();
    await listEstates();
  }

  page.on(["mode"], () => {
    if (!on()) {
      stopCompare();
      back();
    }
    enterLayers();
    draw();
    if (on()) {
      load().then(() => state.estates.length || listEstates());
      if (!state.scenarios) scenarios.list();
    }
  });
  page.on(["level"], load);
  page.on(["hidden"], () => {
    if (!on() || state.compare) return;
    enterLayers();
    badges.draw();
  });
  const note = createToolNote(stage, { store, words, signed });
  page.on(["language"], () => {
    note.render();
    if (on()) draw();
    marks.redraw();
  });
  page.on(["paper"], () => page.state.paper && stopCompare());
  store.on(["view"], () => gates.show(on() && ["estates", "gate"].includes(state.view)));
  store.on(["changes"], () => streets?.draw());
  store.on(["marks"], () => marks.redraw());
  store.on(["radius"], drawCircles);
  store.on(["proposal"], () => pins.set(state.proposal?.sites));
  store.on(["placing", "view"], () => {
    stage.classList.toggle("gm-placing", Boolean(state.placing) || state.view === "gate");
    if (!state.placing) streets?.rest();
  });

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
      if (state.placing?.begun) {
        streets.rest();
        store.set({ placing: { op: "link" } });
      } else if (state.placing) store.set({ placing: null });
      else if (unsaved()) return true;
      else if (state.compare) stopCompare();
      else if (state.view !== "numbers") back();
      else return false;
      return true;
    },
    /** Boxes of the badges in px of the map's container: names keep clear of them. */
    badges: () => [...badges.boxes(), ...gates.boxes(), ...(streets?.boxes() ?? [])],
    /** Stations as points for the names on the map. */
    stationPoints: () => stationsOf(state.answer).map((one) => ({ properties: one, x: worldX(one.lon), y: worldY(one.lat) })),
    /** The name of a station by its code, also of one that is only tried. */
    streetName: (change) => streets?.nameOf(change) ?? "",
    hours: (text, signal) => source.hours(text, signal),
    estateAt: (latlng) => gates.at(latlng),
    sentence,
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
      leave: () => unsaved() || back(),
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
      setHours,
      openEstates,
      openGate,
      saveGate,
      editStation,
      saveEdit: editing.save,
      goOn: editing.goOn,
      save: scenarios.save,
      openScenario: scenarios.open,
      deleteScenario: scenarios.remove,
      leaveScenario: scenarios.leave,
      apply: scenarios.apply,
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
