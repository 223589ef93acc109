/** The panel of coverage mode: question, numbers, and one of its lists; or what was clicked. */
import { createControls } from "./covercontrols.js";
import { createCoverDetails } from "./coverdetails.js";
import { createCoverLists } from "./coverlists.js";
import { createNumbers } from "./covernumbers.js";
import { h, icon } from "./dom.js";
import { createEstates } from "./estatespanel.js";
import { createSitingPanel } from "./sitingpanel.js";
import { createStationForm } from "./stationform.js";
import { createTries } from "./tries.js";

/** `offered()` says which kinds, services and tiers there are to choose from; `tries`: a server answers what-if; `steps`: the slider's. */
export function createCoverPanel(body, { coverage, page, words, grids, offered, tries, steps, openGrid }) {
  const { store, actions } = coverage;
  const { state } = store;
  const { t } = words;
  const shared = { store, words, coverage, actions, openGrid };
  const controls = createControls({ store, words, ask: actions.ask, offered, steps, free: tries });
  const numbers = createNumbers({ store, words, signed: coverage.signed, actions });
  const lists = createCoverLists(shared);
  const details = createCoverDetails({ ...shared, grids, nearest: lists.nearest, tries, language: () => page.state.language });
  const trial = createTries(shared);
  const siting = createSitingPanel(shared);
  const editor = createStationForm({ store, words, actions, offered, check: coverage.hours, sentence: coverage.sentence, language: () => page.state.language });
  const views = { ...details, edit: editor, ...createEstates({ store, words, actions }) };
  const tabs = ["gaps", "grids", "stations", ...(tries ? ["siting", "tries"] : [])];
  const scroll = h("div", { class: "gm-scroll gm-cover", id: "gm-list", tabindex: "-1" });
  let built = "";
  let shownView = "";
  let left = null;

  const tabBar = () =>
    h(
      "div",
      { class: "gm-tabs gm-cover-tabs", role: "group", "aria-label": t("cover.tabs") },
      ...tabs.map((name) =>
        h(
          "button",
          { type: "button", "data-key": `tab-${name}`, "aria-pressed": String(state.tab === name), click: () => store.set({ tab: name }) },
          t(`cover.tab.${name}`),
          name === "tries" && state.changes.length ? h("b", { class: "gm-badge gm-badge-blue" }, String(state.changes.length)) : null,
        ),
      ),
    );

  const back = () => h("button", { type: "button", class: "gm-back", "data-key": "back", click: () => actions.leave() }, icon("back"), t("cover.back"));

  const content = () => {
    if (state.compare) return trial.comparison();
    if (state.view !== "numbers") return [back(), ...views[state.view]()];
    const list = { gaps: lists.gaps, grids: lists.grids, stations: lists.stations, siting, tries: trial.view }[state.tab];
    return [...numbers(), state.answer ? tabBar() : null, ...(state.answer ? list() : [])];
  };

  const render = () => {
    if (page.state.mode !== "coverage") {
      built = "";
      return;
    }
    if (built !== page.state.language || scroll.parentNode !== body) {
      built = page.state.language;
      controls.build();
      body.replaceChildren(controls.root, scroll);
    }
    const focused = scroll.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.dataset.key;
    const wide = scroll.querySelector(".gm-circle")?.open;
    const from = shownView;
    shownView = state.compare ? "compare" : state.view;
    const top = scroll.scrollTop;
    scroll.replaceChildren(...content().flat().filter(Boolean));
    if (wide && scroll.querySelector(".gm-circle")) scroll.querySelector(".gm-circle").open = true;
    scroll.scrollTop = from === shownView ? top : 0;
    const again = key && scroll.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again) {
      again.focus();
      if (again.type === "text") again.setSelectionRange(again.value.length, again.value.length);
    } else if (from && from !== shownView && (focused || page.state.byKeyboard)) {
      // Whoever came by key finds the way back under the key; on the way back, the row that was left.
      const was = shownView === "numbers" && left && scroll.querySelector(`[data-key="${CSS.escape(left)}"]`);
      (was || scroll.querySelector(".gm-back, h2"))?.focus();
    }
    if (shownView !== "numbers" && key && key !== "back") left = key;
  };

  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
    const stops = [...scroll.querySelectorAll(".gm-cover-row, .gm-cover-tabs button[aria-pressed=true], .gm-scenarios .gm-link, .gm-choices button")];
    const next = stops[stops.indexOf(event.target) + step];
    if (!stops.includes(event.target) || !next) return;
    next.focus();
    event.preventDefault();
  });

  store.on(
    ["answer", "today", "difference", "busy", "problem", "tab", "view", "gap", "place", "station", "marks", "radius", "placing", "changes", "scenario", "scenarios", "compare", "form", "proposal", "job", "thinking", "sitingProblem", "estates", "gate", "edit", "streets"],
    render,
  );
  page.on(["mode", "language", "grids", "stations"], () => {
    render();
    if (page.state.mode === "coverage") controls.update();
  });
  return { render };
}
