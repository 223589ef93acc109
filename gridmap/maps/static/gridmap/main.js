/* global L */
/** Puts the page together around the Leaflet map that Folium made. */
import { basePainters } from "./base.js";
import { canvasLayer, kept } from "./canvas.js";
import { cellsPainters } from "./cells.js";
import { createCommunities } from "./communities.js";
import { createCoverage } from "./coverage.js";
import { contourLabels } from "./coverlabels.js";
import { coverLegendRows } from "./coverlegend.js";
import { createCoverPanel } from "./coverpanel.js";
import { h } from "./dom.js";
import { embeddedSource } from "./embedded.js";
import { createFigures } from "./figures.js";
import { boxOf, toLatLng, worldX, worldY } from "./geo.js";
import { createGrids, outlineLayer } from "./grids.js";
import { createHover } from "./hover.js";
import { readHash, writeHash } from "./hash.js";
import { createWords } from "./i18n.js";
import { createLabels } from "./labels.js";
import { baseRows, communityRows, createLegend, legendRows } from "./legend.js";
import { outcomePainter } from "./outcome.js";
import { createPanel } from "./panel.js";
import { createPaper } from "./paper.js";
import { stepsOf } from "./question.js";
import { percent } from "./share.js";
import { createStations, isMain } from "./stations.js";
import { createStore } from "./store.js";
import { Tile } from "./tile.js";
import { createToolbar } from "./toolbar.js";

const REFRESH_MS = 30000;
const PHONE = "(max-width: 700px)";

const byId = (id) => document.getElementById(id);

export async function mount(map) {
  const id = map.getContainer().id;
  const config = JSON.parse(byId(`${id}_config`).textContent);
  const link = readHash(window.location.hash);
  const styles = Object.fromEntries(config.layers.map((layer) => [layer.type, layer.style]));
  const available = new Set(config.layers.map((layer) => layer.type));
  // Cells come from the server alone: a file of all of them would be many times larger.
  if (config.standalone) available.delete("cells");
  const off = new Set(config.layers.filter((layer) => !layer.show).map((layer) => layer.type));
  const hidden = new Set([...off, ...link.hidden].filter((name) => available.has(name) && !link.shown.has(name)));

  const store = createStore({
    language: link.language ?? config.language,
    level: link.level ?? null,
    at: link.at ?? null,
    selected: null,
    last: null,
    point: null,
    answer: null,
    detail: null,
    station: null,
    hidden,
    view: "loading",
    query: "",
    sort: "code",
    jurisdiction: null,
    grids: [],
    largest: 1,
    communities: [],
    stations: [],
    findings: [],
    base: {},
    zoom: map.getZoom(),
    problem: "",
    paper: false,
    byKeyboard: false,
    mode: "grids",
  });
  const { state } = store;
  const words = createWords(
    () => state.language,
    () => state.jurisdiction?.time_zone,
  );
  const { t, said, number } = words;
  const figures = createFigures(() => state.jurisdiction);
  const shown = (name) => available.has(name) && !state.hidden.has(name);
  /** Whether grid mode, and not coverage mode, shows a layer. */
  const plain = (name) => state.mode === "grids" && shown(name);
  /** Whether the ground keeps back for fills of grids. */
  const filled = (name) => state.mode !== "coverage" && shown(name);
  const say = (text) => {
    byId("gm-status").textContent = text;
  };

  const source = config.standalone
    ? embeddedSource(JSON.parse(byId(`${id}_data`).textContent), config)
    : (await import("./api.js")).apiSource(config, () => state.language);
  // A map without walking times has grid mode alone.
  if (!source.coverage) for (const name of ["coverage", "reach", "gaps"]) available.delete(name);

  // --- layers, in drawing order -----------------------------------------------------------------------

  const grids = createGrids(styles.grids ?? { palette: ["#ccc"], opacity: 0, line_width: [[0, 0]], parent_width: [[0, 0]] });
  const communities = createCommunities(styles.communities, shown);
  const base = styles.base ? basePainters(styles.base, shown, filled) : null;
  const cells = styles.cells ? cellsPainters(styles.cells, filled) : null;
  const only = (test, painter) => (context, view) => test() && painter(context, view);
  const inCoverage = () => state.mode === "coverage";
  const changes = styles.coverage ? outcomePainter(styles.coverage, grids.all, () => coverage.outcome()) : null;
  // In coverage mode the ground stays and answers come and go.
  let drawn = 0;
  const redrawing = () => state.mode === "redraw";
  const stamp = () => (state.mode === "grids" ? null : `${state.mode} ${drawn} ${[...state.hidden].join()}`);
  const still = (...parts) => kept(parts.filter(Boolean), stamp);
  /** Painters in drawing order; a scene is the reach and the gaps of one answer. */
  const paintersOf = (scene) =>
    [
      still(base?.ground, base?.landuse, cells?.open, only(() => plain("grids"), grids.fill), only(inCoverage, grids.veil)),
      redraw?.grids.fill,
      scene?.reach.fill,
      scene?.gaps.fill,
      still(base?.water, cells?.lines, base?.buildings),
      scene?.reach.buildings,
      still(
        base?.streets,
        styles.communities ? communities.veil : null,
        only(() => shown("grids") && !redrawing(), grids.lines),
        styles.communities ? communities.lines : null,
      ),
      scene?.reach.lines,
      scene?.gaps.lines,
      scene && only(inCoverage, changes),
      redraw?.grids.buildings,
      redraw?.grids.lines,
      redraw && styles.communities ? only(redrawing, communities.lines) : null,
    ].filter(Boolean);
  const load = async (coords, signal, held = null) => {
    let content = held ?? (base ? await source.tile(coords, signal) : null);
    noteBase(content);
    if (filled("cells") && coords.z >= styles.cells.from_zoom && !content?.cells) {
      // The ground does not wait for a finer layer that fails.
      const found = await source.cells(coords, signal).catch(() => null);
      if (found) (content ??= new Tile(found.extent)).cells = found;
    }
    return content;
  };
  const tiling = { minZoom: map.getMinZoom(), maxZoom: map.getMaxZoom(), className: "gm-tiles" };
  const painters = [];
  const canvas = canvasLayer(load, painters, tiling);
  /** A canvas beside the first one with another scene; tiles that the first one holds are not asked for again. */
  const beside = (scene, pane) => {
    const held = (coords, signal) => {
      const tile = canvas.contents().find(({ coords: c }) => c.x === coords.x && c.y === coords.y && c.z === coords.z);
      return tile ? Promise.resolve(tile.content) : load(coords, signal);
    };
    return canvasLayer(held, paintersOf(scene), { ...tiling, pane });
  };
  const outline = outlineLayer(L, map, styles.grids ?? {});
  const pin = L.layerGroup().addTo(map);
  const stations = createStations(L, map, { shown: plain, open: (feature) => openStation(feature.properties.code) });

  function noteBase(content) {
    if (!content) return;
    const found = { ...state.base };
    for (const key of content.paths.keys()) {
      if (key.startsWith("streets:rail")) found.rail = true;
      else found[key.split(/[:-]/u)[0]] = true;
    }
    if (Object.keys(found).length !== Object.keys(state.base).length) store.set({ base: found });
  }

  // --- what a person does -----------------------------------------------------------------------------

  let question = null;
  let wanted = link.mode ?? config.mode ?? "grids";

  const close = () => {
    question?.abort();
    store.set({ view: state.grids.length ? "list" : "empty", last: state.selected, selected: null, point: null, answer: null, station: null, problem: "" });
    say(t("status.clear"));
  };

  async function openGrid(code, { zoom = true } = {}) {
    let feature = grids.find(code);
    store.set({ selected: code, point: null, answer: null, station: null, problem: "", view: "facts" });
    showPanel(true);
    if (feature && zoom) {
      const [left, top, right, bottom] = feature.box;
      const box = L.latLngBounds([toLatLng(left, bottom), toLatLng(right, top)]);
      if (!map.getBounds().contains(box) || map.getBoundsZoom(box) - map.getZoom() > 2) {
        map.fitBounds(box, { ...padding(), maxZoom: Math.max(16, map.getZoom()) });
      }
    }
    try {
      const detail = await source.grid(code, state.at);
      if (state.selected !== code) return;
      store.set({ detail: { ...detail, code } });
      feature ??= { properties: detail.grid };
      say(t("status.grid", { name: feature.properties.name || code }));
    } catch (error) {
      if (state.selected === code) store.set({ problem: sentence(error, t("error.grid", { code })) });
    }
  }

  async function openPoint(latlng) {
    question?.abort();
    question = new AbortController();
    const { signal } = question;
    const at = grids.at(worldX(latlng.lng), worldY(latlng.lat));
    store.set({ point: latlng, answer: null, detail: null, station: null, problem: "", selected: at?.properties.code ?? null, view: "facts" });
    showPanel(true);
    reveal(latlng);
    say(t("status.locating"));
    try {
      const answer = await source.locate(latlng.lng, latlng.lat, state.at, signal);
      if (signal.aborted) return;
      const selected = state.selected ?? answer.grid?.code ?? null;
      store.set({ answer, selected });
      say(answer.grid ? t("status.grid", { name: answer.grid.name || answer.grid.code }) : t("here.outside"));
      if (selected) {
        const detail = await source.grid(selected, state.at);
        if (!signal.aborted) store.set({ detail: { ...detail, code: selected } });
      }
    } catch (error) {
      if (!signal.aborted) store.set({ problem: sentence(error, t("error.server", { text: error.message })) });
    }
  }

  function openStation(code) {
    const station = stations.find(code) ?? state.stations.find((feature) => feature.properties.code === code);
    if (!station) return;
    store.set({ station, selected: null, point: null, answer: null, view: "station" });
    showPanel(true);
    const place = [station.lat, station.lon];
    if (!map.getBounds().pad(-0.1).contains(place)) map.panTo(place, { animate: false });
    reveal(place);
    say(String(station.properties.name ?? ""));
  }

  function openFinding(finding) {
    if (!Number.isFinite(finding.lon) || !Number.isFinite(finding.lat)) return;
    pin.clearLayers();
    const place = [finding.lat, finding.lon];
    map.setView(place, Math.max(map.getZoom(), 17));
    L.circleMarker(place, { radius: 16, color: "#b3261e", weight: 3, fill: false, interactive: false }).addTo(pin);
    say(said(finding.message));
  }

  const sentence = (error, otherwise) => {
    if (error.status === 401 || error.status === 403) return t("error.login");
    return error.sentence || otherwise;
  };

  // --- coverage mode ----------------------------------------------------------------------------------

  const coverage =
    source.coverage && styles.coverage
      ? createCoverage({
          ...{ L, map, page: store, words, say, shown, beside },
          stage: byId("gm-stage"),
          source: { ...source.coverage, stations: source.stations },
          style: styles.coverage,
          question: link.question,
          sentence: (error) => sentence(error, t("error.server", { text: error.message })),
          fit: (box) => map.fitBounds([toLatLng(box[0], box[3]), toLatLng(box[2], box[1])], { ...padding(), maxZoom: 16 }),
          reveal: (place) => reveal(place),
          showPanel: (open) => showPanel(open),
          repaint: () => canvas.repaint(),
        })
      : null;
  const covering = () => Boolean(coverage?.on());

  // --- redraw mode ------------------------------------------------------------------------------------

  /** Plans live on the server: a map without one has no tools for them. */
  const redraw =
    source.plans && styles.redraw
      ? (await import("./plan.js")).createRedraw({
          ...{ L, map, canvas, source, words, say },
          stage: byId("gm-stage"),
          body: byId("gm-body"),
          page: store,
          style: styles.redraw,
          sentence: (error) => sentence(error, t("error.server", { text: error.message })),
          fit: (box) => map.fitBounds([toLatLng(box[0], box[3]), toLatLng(box[2], box[1])], { ...padding(), maxZoom: 17 }),
          showPanel: (open) => showPanel(open),
          repaint: () => canvas.repaint(),
          relabel: () => labels.refresh(),
          relegend: () => legendBox.render(),
          published: () => refresh(),
          remember: () => remember(),
        })
      : null;
  if (!redraw) available.delete("redraw");
  painters.push(...paintersOf(coverage && { reach: coverage.reach, gaps: coverage.gaps }));

  // --- the parts of the page --------------------------------------------------------------------------

  const title = () => said(config.title) || [state.jurisdiction?.name, t("map.heading")].filter(Boolean).join(state.language === "zh" ? "" : " · ");
  const sheetTitle = () => {
    if (!covering() || said(config.title)) return title();
    const { minutes } = coverage.store.state.question;
    return [state.jurisdiction?.name, t("paper.cover_heading", { minutes })].filter(Boolean).join(state.language === "zh" ? "" : " · ");
  };
  /** What the sheet says of coverage: the share within the limit. */
  const coverWords = () => {
    const { answer, question } = coverage?.store.state ?? {};
    if (!covering() || !answer) return [];
    return [t("paper.cover", { minutes: question.minutes, share: percent(answer.cover.totals.share) })];
  };
  const legend = () => (covering() ? coverLegend() : redrawing() ? redrawLegend() : gridLegend());
  const redrawLegend = () => [
    ...redraw.legend(),
    ...communityRows({ styles, shown, t, communities: state.communities.length > 0 }),
    ...baseRows({ styles, shown, t, base: state.base, water: true }),
  ];
  const coverLegend = () => [
    ...coverLegendRows({ styles, shown, words, coverage, communities: state.communities.length > 0, zoom: state.zoom }),
    ...baseRows({ styles, shown, t, base: state.base, water: true }),
  ];
  const gridLegend = () =>
    legendRows({
      styles,
      shown,
      t,
      has: {
        grids: state.grids.length > 0,
        parents: grids.hasParents(),
        estimated: state.grids.some(({ properties }) => properties.households_estimated > 0),
        communities: state.communities.length > 0,
        stations: state.stations.length > 0,
        main: state.stations.some(({ properties }) => isMain(properties)),
        others: state.stations.some(({ properties }) => !isMain(properties)),
        base: state.base,
        cells: state.zoom >= (styles.cells?.from_zoom ?? 0),
      },
    });

  const home = () => {
    const bounds = allBounds();
    if (bounds) map.fitBounds(bounds, padding());
  };
  const paper = createPaper({ map, sheet: byId("gm-sheet"), stage: byId("gm-stage"), canvas, store, words, figures, config, title: sheetTitle, whole: allBounds, also: coverWords, edition: () => edition() });
  createPanel(byId("gm-body"), {
    store,
    words,
    figures,
    colourOf: grids.colourOf,
    actions: { openGrid, openStation, openFinding, close, reload: () => start() },
  });
  createToolbar(byId("gm-toolbar"), byId("gm-zoom"), { map, store, t, available, home, setMode, print: () => paper.enter() });
  const legendBox = createLegend(byId("gm-legend"), { store, rows: legend, t });
  const labels = createLabels({
    ...{ map, L, store, communities, canvas, shown },
    grids: { all: () => (redrawing() ? redraw.grids.all() : grids.all()) },
    stations: () => (covering() ? (shown("stations") ? coverage.stationPoints() : []) : stations.all()),
    second: (grid) => (covering() ? shareOf(grid) : redrawing() ? redraw.sizeText(grid) : householdsOf(grid)),
    kept: () => (covering() ? coverage.badges() : []),
    extra: (view) => (covering() && shown("reach") && !coverage.store.state.compare ? contourLabels(coverage.reach, view, (n) => t("minutes.short", { n })) : []),
  });
  if (coverage) {
    createCoverPanel(byId("gm-body"), {
      ...{ coverage, words, offered, openGrid: openCoveredGrid },
      page: store,
      grids: (code) => grids.find(code),
      tries: Boolean(source.coverage.tries),
      steps: stepsOf(source.coverage),
    });
    coverage.store.on(["answer", "compare", "marks", "radius", "proposal", "changes", "view"], () => {
      legendBox.render();
      labels.refresh();
    });
    coverage.store.on(["question"], () => remember());
  }

  function householdsOf(grid) {
    const households = figures.of("households", grid);
    if (households === null) return null;
    return { text: (grid.households_estimated ? "≈" : "") + t("label.households", { n: number(households) }) };
  }

  /** In coverage mode a grid says what share of it is served, or what a try changes. */
  function shareOf(grid) {
    const change = coverage.outcome().get(grid.code);
    if (change) return { text: t("label.change", { n: coverage.signed(change) }), look: change > 0 ? "gm-name-gain" : "gm-name-loss" };
    const row = coverage.rowOf(grid.code);
    return row?.households ? { text: t("label.share", { share: percent(row.share) }) } : null;
  }

  /** The kinds, services and tiers of the stations that there are. */
  function offered() {
    const all = state.stations.map(({ properties }) => properties);
    const sorted = (values) => [...new Set(values.filter(Boolean))].sort((a, b) => String(a).localeCompare(String(b)));
    return {
      kinds: sorted(all.map(({ kind }) => kind)),
      services: sorted(all.flatMap(({ services }) => (Array.isArray(services) ? services : []))).slice(0, 40),
      tiers: new Set(all.map(({ tier }) => tier)).size > 1,
    };
  }

  function openCoveredGrid(code) {
    const feature = grids.find(code);
    if (!feature) return;
    store.set({ selected: code });
    const [left, top, right, bottom] = feature.box;
    map.fitBounds([toLatLng(left, bottom), toLatLng(right, top)], { ...padding(), maxZoom: 16 });
    const row = coverage.rowOf(code);
    say([feature.properties.name || code, row ? t("label.share", { share: percent(row.share) }) : ""].filter(Boolean).join(t("comma")));
  }

  createHover(map, byId("gm-stage"), {
    grids: { at: (x, y) => (redrawing() && redraw.open() ? redraw.grids.at(x, y) : grids.at(x, y)) },
    shown: (name) => shown(name) && !state.paper && !redraw?.busy(),
    text: (grid) => [grid.name || grid.code, (covering() ? shareOf(grid) : redrawing() ? redraw.sizeText(grid) : householdsOf(grid))?.text ?? ""],
  });

  const handle = h("button", { type: "button", class: "gm-handle", "aria-controls": "gm-body", click: () => showPanel(!panelOpen) }, h("i"));
  byId("gm-panel").prepend(handle);
  let panelOpen = true;
  function showPanel(open) {
    panelOpen = open;
    byId("gm-panel").classList.toggle("gm-folded", !open);
    handle.setAttribute("aria-expanded", String(open));
    handle.setAttribute("aria-label", t(open ? "panel.hide" : "panel.show"));
  }
  showPanel(!window.matchMedia(PHONE).matches);

  const drawScale = () => {
    byId("gm-scale").replaceChildren(paper.drawScale(), h("span", null, paper.scaleText()));
  };
  /** The edition that is shown: the one asked for, else the one in force. */
  const edition = () => {
    const { editions = [], edition: now = null } = state.jurisdiction ?? {};
    return (state.at && editions.find((one) => one.effective_from === state.at)) || now;
  };
  const heading = () => {
    const { name, id: number_, effective_from: from } = edition() ?? {};
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    document.title = title();
    byId("gm-title").textContent = title();
    byId("gm-subtitle").textContent = from
      ? words.since(from) ? t("edition", { name: name ?? number_, from: words.since(from) }) : String(name ?? number_)
      : state.jurisdiction ? t("edition.none") : "";
    const credits = state.jurisdiction?.attributions ?? [];
    byId("gm-credits").textContent = credits.length ? t("credits", { text: credits.map(said).join("; ") }) : "";
    map.getContainer().setAttribute("aria-label", t("map.label"));
    for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
    showPanel(panelOpen);
    drawScale();
  };

  /** On a phone the panel rises over the map: keep the place that was asked about above it. */
  function reveal(latlng) {
    if (!window.matchMedia(PHONE).matches || !panelOpen) return;
    const y = map.latLngToContainerPoint(latlng).y;
    const limit = map.getSize().y - byId("gm-panel").offsetHeight - 40;
    if (y > limit) map.panBy([0, y - limit / 2 - 30]);
  }

  /** Room that panel and buttons take from the map. */
  function padding() {
    const phone = window.matchMedia(PHONE).matches;
    return phone
      ? { paddingTopLeft: [12, 60], paddingBottomRight: [12, panelOpen ? 330 : 80] }
      : { paddingTopLeft: [24, 56], paddingBottomRight: [24, 30] };
  }

  function allBounds() {
    const box = state.jurisdiction?.bbox ?? config.bounds;
    if (box) return [[box[1], box[0]], [box[3], box[2]]];
    if (!state.grids.length) return null;
    const [left, top, right, bottom] = boxOf(state.grids.flatMap((feature) => feature.rings));
    return [toLatLng(left, bottom), toLatLng(right, top)];
  }

  const remember = () => {
    const centre = map.getCenter();
    const zoom = Math.round(map.getZoom() * 100) / 100;
    const { level, language, selected, at } = state;
    // A frame in a notebook has no address of its own.
    if (!level || state.paper || window.location.protocol === "about:") return;
    const hash = writeHash({
      zoom,
      lat: centre.lat,
      lon: centre.lng,
      level,
      language,
      selected,
      at,
      question: covering() ? coverage.store.state.question : null,
      redraw: redrawing() ? { plan: redraw.number() } : null,
      hidden: new Set([...state.hidden].filter((name) => !off.has(name))),
      shown: new Set([...off].filter(shown)),
    });
    window.history.replaceState(null, "", hash);
  };

  // --- wiring -----------------------------------------------------------------------------------------

  map.on("click", ({ latlng }) => {
    if (state.paper || !(state.grids.length || covering())) return;
    if (covering()) coverage.click(latlng);
    else if (redrawing()) redraw.click(latlng);
    else openPoint(latlng);
  });
  map.on("moveend", remember);
  map.on("zoomend", () => store.set({ zoom: map.getZoom() }));
  map.on("zoomend moveend resize", drawScale);
  store.on(["language", "jurisdiction", "paper", "at"], heading);
  store.on(["language", "level", "selected", "hidden", "at", "paper", "mode"], remember);
  store.on(["selected", "grids"], () => {
    grids.select(state.selected);
    outline(state.selected ? grids.find(state.selected) : null);
    canvas.repaint();
  });
  store.on(["hidden", "mode"], () => {
    canvas.repaint();
    if (filled("cells")) canvas.complete();
    stations.show();
  });
  store.on(["level", "at"], () => loadGrids());
  store.on(["point"], () => {
    pin.clearLayers();
    if (!state.point) return;
    const shared = { interactive: false, fill: true, fillOpacity: 1, weight: 2.5 };
    L.circleMarker(state.point, { ...shared, radius: 7, color: "#fff", fillColor: "#b3261e" }).addTo(pin);
  });

  document.addEventListener("keydown", (event) => {
    state.byKeyboard = true;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (redrawing() && (!typing || event.target.type === "checkbox") && redraw.key(event)) event.preventDefault();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey) && covering() && !typing) {
      event.preventDefault();
      coverage.actions.undo();
    } else if (event.key === "p" && (event.ctrlKey || event.metaKey) && !state.paper) {
      event.preventDefault();
      paper.enter();
    } else if (event.key === "Escape") {
      if (state.paper) paper.leave();
      else if (typing && state.query) {
        event.target.value = "";
        store.set({ query: "" });
      } else if ((covering() && coverage.escape()) || (redrawing() && redraw.escape())) event.preventDefault();
      else if (["facts", "station"].includes(state.view)) close();
      else if (state.view === "list" && window.matchMedia(PHONE).matches) showPanel(false);
    } else if (typing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (coverage && ["c", "g"].includes(event.key)) setMode(event.key === "c" ? "coverage" : "grids");
    else if (redraw && event.key === "r") setMode("redraw");
    else if (covering() && ["[", "]"].includes(event.key)) {
      const { minutes } = coverage.store.state.question;
      const longer = event.key === "]";
      const steps = stepsOf(source.coverage);
      const next = longer ? steps.find((step) => step > minutes) : steps.findLast((step) => step < minutes);
      if (next) coverage.actions.ask({ minutes: next });
    } else if (event.key === "/" && !covering()) {
      event.preventDefault();
      if (["facts", "station"].includes(state.view)) close();
      showPanel(true);
      byId("gm-search")?.focus();
    } else if (event.key === "Enter" && event.target === map.getContainer()) {
      event.preventDefault();
      if (covering()) coverage.click(map.getCenter());
      else if (redrawing()) redraw.click(map.getCenter());
      else openPoint(map.getCenter());
    } else if (state.jurisdiction?.levels?.includes(Number(event.key))) store.set({ level: Number(event.key), selected: null, view: "list" });
  });
  document.addEventListener("pointerdown", () => {
    state.byKeyboard = false;
  });
  window.addEventListener("hashchange", () => {
    const { view, level, language, selected, mode = "grids", question, plan } = readHash(window.location.hash);
    if (coverage && mode === "coverage") coverage.actions.ask(question);
    setMode(mode);
    if (view) map.setView([view.lat, view.lon], view.zoom);
    store.set({ ...(level ? { level } : {}), ...(language ? { language } : {}) });
    if (redrawing() && plan && plan !== redraw.number()) redraw.actions.openPlan(plan);
    if (selected && selected !== state.selected && state.mode === "grids") openGrid(selected, { zoom: !view });
  });

  /** A file of coverage alone is a map, too; on a server grids come first. */
  const mayCover = () => Boolean(coverage && (state.grids.length || config.standalone));
  const may = (mode) => ({ coverage: mayCover, redraw: () => Boolean(redraw && state.grids.length) })[mode]?.() ?? true;

  /** The mode that is wanted; before the grids are there it can only be wished for. */
  function setMode(mode) {
    wanted = mode;
    if (mode === state.mode || !may(mode)) return;
    store.set({ mode, selected: null, point: null, answer: null, view: state.grids.length ? "list" : state.view });
    say(t(`mode.${mode}`));
  }

  // --- data -------------------------------------------------------------------------------------------

  async function loadGrids() {
    const { level, at } = state;
    const [features, areas] = await Promise.all([source.grids(level, at), source.communities()]);
    if (state.level !== level || state.at !== at) return;
    grids.set(features);
    communities.set(areas);
    drawn += 1;
    const largest = features.reduce((most, f) => Math.max(most, f.properties.households ?? 0), 1);
    const waiting = ["loading", "error", "empty"].includes(state.view);
    store.set({
      grids: features,
      communities: areas,
      largest,
      ...(features.length ? (waiting ? { view: "list" } : {}) : { view: "empty" }),
    });
    canvas.repaint();
    labels.refresh();
    if (!waiting && features.length) {
      const name = [1, 2, 3].includes(level) ? t(`level.${level}`) : t("level.n", { n: level });
      say(t("status.level", { level: name, n: number(features.length) }));
    }
  }

  async function start() {
    try {
      const jurisdiction = await source.jurisdiction();
      const levels = jurisdiction.levels ?? [];
      const level = levels.includes(state.level) ? state.level : (levels[levels.length - 1] ?? 3);
      state.level = level;
      store.set({ jurisdiction, problem: "" });
      if (link.view) map.setView([link.view.lat, link.view.lon], link.view.zoom, { animate: false });
      else if (allBounds()) map.fitBounds(allBounds(), { ...padding(), animate: false });
      if (!map.hasLayer(canvas)) canvas.addTo(map);
      const [features] = await Promise.all([source.stations(), loadGrids()]);
      stations.set(features);
      store.set({ stations: features });
      coverage?.setStations(features);
      setMode(wanted);
      if (redrawing() && link.plan) redraw.actions.openPlan(link.plan);
      if (!link.view && !allBounds()) home();
      source.check().then((findings) => store.set({ findings: findings ?? [] }), () => {});
      if (link.selected && state.mode === "grids") openGrid(link.selected, { zoom: !link.view });
    } catch (error) {
      if (error.status === 404) store.set({ jurisdiction: {}, view: "empty", problem: "" });
      else store.set({ problem: sentence(error, t("error.server", { text: error.message })), view: "error" });
    }
  }

  async function refresh() {
    if (document.hidden || !state.jurisdiction || state.paper) return;
    const found = await source.jurisdiction().catch(() => null);
    if (!found || found.version === state.jurisdiction.version) return;
    store.set({ jurisdiction: found });
    await loadGrids();
    const features = await source.stations();
    stations.set(features);
    store.set({ stations: features, findings: await source.check() });
    await coverage?.refresh(features);
    canvas.redraw();
    say(t("status.updated"));
  }
  if (!config.standalone) window.setInterval(refresh, REFRESH_MS);

  // What waits for a picture looks for this mark; with a link to the sheet it is set when the sheet is drawn.
  let entered = false;
  canvas.on("loading", () => delete document.documentElement.dataset.ready);
  canvas.on("load", () => {
    if (link.paper && !entered) return;
    document.documentElement.dataset.ready = "true";
  });
  heading();
  await start();
  entered = true;
  if (link.paper) paper.enter();
}
