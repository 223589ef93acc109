/** Lists of coverage mode: gaps by rank, grids by households out of reach, stations by what they serve. */
import { h } from "./dom.js";
import { percent } from "./share.js";
import { isMain } from "./stations.js";
import { symbol } from "./symbols.js";

const MOST_ROWS = 300;

export function createCoverLists({ store, words, coverage, actions, openGrid }) {
  const { t, term, number } = words;
  const { state } = store;
  const households = (n) => t("label.households", { n: number(n) });
  const metres = (n) => t("metres", { n: number(Math.round(n)) });

  const row = (key, current, act, ...children) =>
    h(
      "li",
      null,
      h("button", { type: "button", class: "gm-cover-row", "data-key": key, "aria-current": current ? "true" : null, click: act }, ...children),
    );

  const cut = (rows, make) => [
    h("ul", { class: "gm-list" }, ...rows.slice(0, MOST_ROWS).map(make)),
    rows.length > MOST_ROWS ? h("p", { class: "gm-quiet" }, t("search.more", { n: number(rows.length - MOST_ROWS) })) : null,
  ];

  const nearest = (near) => {
    if (!near) return t("gap.nothing_near");
    const way = Number.isFinite(near.walk_m) ? metres(near.walk_m) : Number.isFinite(near.seconds) ? coverage.minutesText(near.seconds) : "";
    return t("gap.nearest", { name: near.name ?? near.code, way });
  };

  const gaps = () => {
    const list = coverage.gaps.all().map(({ properties }) => properties);
    if (!list.length) return [h("p", { class: "gm-quiet" }, t("gap.none"))];
    return cut(list, (gap) =>
      row(
        gap.id,
        state.gap?.id === gap.id,
        () => actions.openGap(gap.id),
        h("span", { class: "gm-rank" }, String(gap.rank)),
        h(
          "span",
          { class: "gm-row-name" },
          h("b", null, households(gap.households)),
          " ",
          h("span", { class: "gm-quiet-inline" }, [gap.people ? t("gap.people", { n: number(gap.people) }) : "", t("gap.buildings", { n: number(gap.buildings) })].filter(Boolean).join(t("comma"))),
          h("small", null, nearest(gap.nearest)),
        ),
      ),
    );
  };

  const grids = () => {
    const rows = [...(state.answer?.cover.rows ?? [])];
    const out = ({ households: all, households_covered: covered }) => (all ?? 0) - (covered ?? 0);
    const changed = coverage.outcome();
    rows.sort((a, b) => Math.abs(changed.get(b.code) ?? 0) - Math.abs(changed.get(a.code) ?? 0) || out(b) - out(a) || String(a.code).localeCompare(String(b.code)));
    return cut(rows, (grid) => {
      const change = changed.get(grid.code);
      const nobody = !grid.households;
      return row(
        grid.code,
        false,
        () => openGrid(grid.code),
        h(
          "span",
          { class: "gm-row-name" },
          grid.name || grid.code,
          h("small", null, nobody ? t("grid.nobody") : out(grid) ? t("grid.out", { n: number(out(grid)) }) : t("grid.all_in")),
        ),
        change ? h("span", { class: change > 0 ? "gm-gain" : "gm-loss" }, coverage.signed(change)) : null,
        nobody
          ? null
          : h(
              "span",
              { class: "gm-row-share" },
              percent(grid.share),
              h("span", { class: "gm-cover-bar gm-cover-bar-small", "aria-hidden": "true" }, h("span", { style: { width: `${100 * grid.share}%` } })),
            ),
      );
    });
  };

  const stations = () => {
    const list = coverage.stationsOf().sort((a, b) => (b.households ?? 0) - (a.households ?? 0));
    if (!list.length) return [h("p", { class: "gm-quiet" }, t("station.none"))];
    const scores = list.some(({ score }) => Number.isFinite(score));
    const look = h(
      "div",
      { class: "gm-switch", role: "group", "aria-label": t("marks") },
      ...["kind", "score"].map((name) =>
        h("button", { type: "button", "data-key": `marks-${name}`, "aria-pressed": String(state.marks === name), click: () => store.set({ marks: name }) }, t(`marks.${name}`)),
      ),
    );
    return [
      scores ? look : null,
      ...cut(list, (station) => {
        const off = station.gone || station.active === false;
        const how = { kind: station.kind, main: isMain(station), state: station.isNew ? "new" : off ? "closed" : "" };
        if (state.marks === "score" && scores && !station.isNew) how.score = station.score ?? null;
        return row(
          station.code,
          state.station?.code === station.code,
          () => actions.openStation(station.code),
          symbol(how, 18),
          h(
            "span",
            { class: "gm-row-name" },
            station.name || station.code,
            h("small", null, [term("station.kind", station.kind), station.gone ? t("cover.closed") : station.active === false ? t("cover.inactive") : station.attached === false ? t("station.unattached") : ""].filter(Boolean).join(t("comma"))),
          ),
          off ? null : h("span", { class: "gm-row-count" }, households(station.households), h("small", null, t("station.alone", { n: number(station.exclusive_households) }))),
        );
      }),
    ];
  };

  return { gaps, grids, stations, nearest };
}
