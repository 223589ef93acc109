/** What was clicked in coverage mode: a gap, a place, a station, or the list of what is not attached. */
import { h, icon } from "./dom.js";
import { hoursField } from "./hoursfield.js";
import { OPENINGS } from "./question.js";
import { isMain } from "./stations.js";
import { symbol } from "./symbols.js";

export const CHECKS = ["code", "sign", "facilities", "mechanism", "team", "activities", "services", "guarantee"];

/** The eight checks of a station as yes, no or unknown, whichever way the answer writes them; and how many are met. */
export function checksOf(facts) {
  const given = facts?.checks ?? facts?.eight_checks ?? {};
  const named = Array.isArray(given) ? Object.fromEntries(given.map((one) => [one.name ?? one.check ?? one.key, one.met ?? one.value ?? one.ok])) : given;
  const checks = CHECKS.map((name) => [name, named[name] ?? facts?.[`check_${name}`] ?? null]);
  return { checks, known: checks.some(([, met]) => met !== null), score: facts?.score ?? checks.filter(([, met]) => met === true).length };
}

export function createCoverDetails({ store, words, coverage, actions, openGrid, grids, nearest, tries, language }) {
  const { t, term, said, number } = words;
  const { state } = store;
  const households = (n) => t("label.households", { n: number(n) });
  const metres = (n) => t("metres", { n: number(Math.round(n)) });
  const fact = (name, value, note) => h("div", null, h("dt", null, name), h("dd", null, value, note && h("small", null, note)));
  const card = (title, ...children) => h("section", { class: "gm-card" }, title && h("h3", null, title), ...children);
  const warning = (text) => h("p", { class: "gm-warning" }, icon("warn"), text);
  const button = (words_, act, name = "plus", plain = false) =>
    h("button", { type: "button", class: plain ? "gm-button gm-plain" : "gm-button", click: act }, icon(name), words_);

  const gapCard = (gap, trial) =>
    h(
      "section",
      { class: "gm-card" },
      h("h2", { tabindex: "-1" }, h("span", { class: "gm-rank" }, String(gap.rank)), t("gap.title")),
      h(
        "dl",
        { class: "gm-facts" },
        fact(t("households"), number(gap.households)),
        fact(t("people"), Number.isFinite(gap.people) ? number(gap.people) : "—"),
        fact(t("buildings"), number(gap.buildings)),
        gap.nearest ? fact(t("gap.way"), Number.isFinite(gap.nearest.walk_m) ? metres(gap.nearest.walk_m) : "—", Number.isFinite(gap.nearest.seconds) ? coverage.minutesText(gap.nearest.seconds) : null) : null,
      ),
      h("p", { class: "gm-note" }, nearest(gap.nearest)),
      gap.nearest && Number.isFinite(gap.nearest.straight_m) ? h("p", { class: "gm-note" }, t("route.straight", { n: metres(gap.nearest.straight_m) })) : null,
      gap.grids?.length
        ? h(
            "div",
            { class: "gm-chips" },
            h("span", null, t("gap.grids")),
            ...gap.grids.slice(0, 12).map((code) => h("button", { type: "button", class: "gm-chip", click: () => openGrid(code) }, grids(code)?.properties.name || code)),
          )
        : null,
      trial ? h("p", { class: "gm-actions" }, button(t("whatif.here"), () => actions.add(gap.lat, gap.lon))) : null,
    );

  const gap = () => [gapCard(state.gap, tries)];

  const place = () => {
    const { latlng, route, problem } = state.place;
    const lines = [];
    if (problem) lines.push(warning(problem));
    else if (!route) lines.push(h("p", { class: "gm-quiet" }, t("status.locating")));
    else if (!Number.isFinite(route.seconds)) lines.push(warning(said(route.message) || t(route.unknown ? "route.unknown" : "route.none")));
    else {
      const inside = route.seconds <= state.question.minutes * 60;
      const minutes = state.question.minutes;
      lines.push(
        h("p", { class: "gm-time" }, h("strong", null, coverage.minutesText(route.seconds)), h("span", { class: inside ? "gm-in" : "gm-out" }, t(inside ? "route.in" : "route.out", { minutes }))),
        h(
          "dl",
          { class: "gm-facts" },
          fact(t("route.walk"), Number.isFinite(route.walk_m) ? metres(route.walk_m) : "—", Number.isFinite(route.straight_m) ? t("route.straight", { n: metres(route.straight_m) }) : null),
          route.station
            ? fact(t("route.station"), h("button", { type: "button", class: "gm-link", click: () => actions.openStation(route.station.code) }, route.station.name || route.station.code), term("station.kind", route.station.kind))
            : null,
        ),
      );
      const via = String(route.via ?? "").toLowerCase();
      if (via.startsWith("gate")) lines.push(h("p", { class: "gm-note" }, t(via === "gate" ? "route.gate" : "route.gate_assumed")));
      const estate = via === "gate_assumed" && tries ? coverage.estateAt(latlng) : null;
      if (estate) lines.push(h("p", null, h("button", { type: "button", class: "gm-link", "data-key": "put-gate", click: () => actions.openGate(estate.properties.id) }, t("gates.open", { name: estate.properties.name }))));
    }
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, t(route?.building ? "route.from_building" : "route.from_here")),
        route?.building?.label ? h("p", { class: "gm-note" }, String(route.building.label)) : null,
        h("p", { class: "gm-code" }, t("here.point", { lon: latlng.lng.toFixed(6), lat: latlng.lat.toFixed(6) })),
        ...lines,
        tries ? h("p", { class: "gm-actions" }, button(t("whatif.here"), () => actions.add(latlng.lat, latlng.lng))) : null,
      ),
      state.gap ? gapCard(state.gap, false) : null,
    ];
  };

  const eight = (facts) => {
    const { checks, known, score } = checksOf(facts);
    if (!known) return null;
    return card(
      t("checks.title"),
      h("p", { class: "gm-score" }, h("strong", null, `${score}/8`), h("span", { class: "gm-score-bar", "aria-hidden": "true" }, ...checks.map(([, met]) => h("i", { class: met ? "gm-met" : null })))),
      h(
        "ul",
        { class: "gm-checks" },
        ...checks.map(([name, met]) =>
          h("li", { class: met ? "gm-met" : met === false ? "gm-unmet" : null }, h("span", { "aria-hidden": "true" }, met ? "✓" : met === false ? "✗" : "?"), t(`checks.${name}`), h("span", { class: "gm-hidden" }, t(met ? "checks.yes" : met === false ? "checks.no" : "checks.unknown"))),
        ),
      ),
    );
  };

  const tags = (title, list) => (list?.length ? card(title, h("ul", { class: "gm-tags" }, ...list.map((name) => h("li", null, String(name))))) : null);

  /** Other hours, only tried: the field stays while the page around it is drawn again. */
  let trial = null;
  const tryHours = (code, now) => {
    if (trial?.code !== code || trial.language !== language()) return null;
    const field = (trial.field ??= hoursField({ value: now ?? "", key: "try-hours", label: t("hours.try_label"), words, check: coverage.hours, sentence: coverage.sentence, language, input: () => {} }));
    const submit = async (event) => {
      event.preventDefault();
      if (!(await field.look())) {
        field.parts[0].focus();
        return;
      }
      trial = null;
      actions.setHours(code, field.text());
    };
    return h(
      "form",
      { class: "gm-try-hours", submit },
      h("span", { class: "gm-form-label" }, t("hours.try_label")),
      ...field.parts,
      state.question.open ? null : h("p", { class: "gm-note" }, t("hours.counts")),
      h(
        "p",
        { class: "gm-chips" },
        ...OPENINGS.map((when) =>
          h("button", { type: "button", class: "gm-chip", "data-key": `open-${when}`, "aria-pressed": String(state.question.open === when), click: () => actions.ask({ open: state.question.open === when ? null : when }) }, t(`ask.open.${when}`)),
        ),
      ),
      h("p", { class: "gm-actions" }, h("button", { type: "submit", class: "gm-button", "data-key": "try-hours-go" }, icon("check"), t("hours.try_go")), button(t("cancel"), () => ((trial = null), store.set({ station: { ...state.station } })), "close", true)),
    );
  };

  const station = () => {
    const { code, row, facts, error, problem } = state.station;
    const off = row.gone || row.active === false;
    const how = { kind: row.kind, main: isMain(row), state: row.isNew ? "new" : off ? "closed" : "" };
    // What is tried counts before what is known of the real station.
    const hours = row.opening_hours ?? (state.changes.some((one) => one.op === "hours" && one.station === code) ? null : facts?.opening_hours);
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, symbol(how, 22), row.name || code),
        h("p", { class: "gm-code" }, [code, term("station.kind", row.kind)].join(" · ")),
        row.isNew ? h("p", { class: "gm-note" }, t("whatif.is_new")) : null,
        off ? warning(t(row.gone ? "cover.closed" : "cover.inactive")) : null,
        row.attached === false ? warning(t("station.unattached")) : null,
        off
          ? null
          : h(
              "dl",
              { class: "gm-facts" },
              fact(t("station.serves"), number(row.households), t("station.alone", { n: number(row.exclusive_households) })),
              fact(t("people"), number(row.people)),
              fact(t("buildings"), number(row.buildings)),
              fact(t("station.load"), households(row.load), t("station.load_about")),
            ),
        error && Number.isFinite(error.share) ? h("p", { class: "gm-note" }, t("area.error", { n: (error.share * 100).toFixed(2) })) : null,
        problem ? warning(problem) : null,
        tries
          ? h(
              "p",
              { class: "gm-actions" },
              row.gone ? null : button(t("whatif.move"), () => actions.place({ op: "move", station: code }), "move", true),
              row.gone ? null : button(t("whatif.hours"), () => ((trial = { code, language: language() }), store.set({ station: { ...state.station } })), "clock", true),
              row.gone ? null : button(t(row.isNew ? "whatif.take_back" : "whatif.close"), () => actions.closeStation(code), "close", true),
            )
          : null,
        tries ? tryHours(code, hours) : null,
      ),
      h(
        "section",
        { class: "gm-card" },
        h(
          "dl",
          { class: "gm-facts gm-facts-wide" },
          hours ? fact(t("station.hours"), hours) : fact(t("station.hours"), t("station.hours_unknown")),
          facts?.tenure ? fact(t("station.tenure"), term("tenure", facts.tenure)) : null,
          facts?.address ? fact(t("station.address"), facts.address) : null,
        ),
        tries && facts ? h("p", { class: "gm-actions" }, h("button", { type: "button", class: "gm-button gm-plain", "data-key": "edit", click: () => actions.editStation(code) }, icon("edit"), t("edit.open"))) : null,
      ),
      eight(facts),
      tags(t("station.services"), facts?.services ?? row.services),
      tags(t("station.rooms"), facts?.rooms),
    ];
  };

  const unattached = () => {
    const listed = state.answer?.gaps.unattached;
    const items = Array.isArray(listed) ? listed : (listed?.items ?? listed?.features?.map(({ properties }) => properties) ?? []);
    return [
      h(
        "section",
        { class: "gm-card" },
        h("h2", { tabindex: "-1" }, t("unattached.title")),
        h("p", { class: "gm-note" }, t("unattached.about")),
        h(
          "ul",
          { class: "gm-rows gm-choices" },
          ...items.map((item) =>
            h(
              "li",
              null,
              h(
                "button",
                { type: "button", click: () => Number.isFinite(item.lat) && actions.openPlace({ lat: item.lat, lng: item.lon }) },
                h("span", null, String(item.label ?? item.name ?? item.building ?? item.id ?? "")),
                h("span", { class: "gm-quiet" }, [Number.isFinite(item.households) ? households(item.households) : "", Number.isFinite(item.nearest_m) ? metres(item.nearest_m) : ""].filter(Boolean).join(t("comma"))),
              ),
            ),
          ),
        ),
      ),
    ];
  };

  return { gap, place, station, unattached };
}
