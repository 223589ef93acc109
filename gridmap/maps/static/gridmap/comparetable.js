/** Two answers beside today, grid by grid, the largest difference first. */
import { h } from "./dom.js";
import { percent } from "./share.js";

const MOST = 400;

/** Rows that differ between any of the answers: { code, name, counts, change } by |change|, then by code. */
export function comparedRows(answers) {
  const tables = answers.map(({ cover }) => new Map(cover.rows.map((row) => [row.code, row])));
  const codes = new Set(tables.flatMap((table) => [...table.keys()]));
  const rows = [];
  for (const code of codes) {
    const counts = tables.map((table) => table.get(code)?.households_covered ?? 0);
    if (counts.every((count) => count === counts[0])) continue;
    const named = tables.map((table) => table.get(code)).find(Boolean);
    rows.push({ code, name: named.name || code, households: named.households ?? 0, counts, change: counts[counts.length - 1] - counts[counts.length - 2] });
  }
  const spread = ({ counts }) => Math.max(...counts) - Math.min(...counts);
  return rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || spread(b) - spread(a) || String(a.code).localeCompare(String(b.code)));
}

/** `sides` are { name, answer }, the left one and the right one; `today` stands before them where neither is today. */
export function compareTable({ sides, today, words, signed, openGrid }) {
  const { t, number } = words;
  const columns = today ? [today, ...sides] : sides;
  const rows = comparedRows(columns.map(({ answer }) => answer));
  const widest = Math.max(1, ...rows.map(({ change }) => Math.abs(change)));
  const totals = columns.map(({ answer }) => answer.cover.totals);
  const last = totals.length - 1;
  const change = (value) =>
    h(
      "td",
      { class: "gm-change" },
      h("span", { class: value > 0 ? "gm-gain" : value < 0 ? "gm-loss" : "gm-quiet-inline" }, signed(value)),
    );
  const bar = (value) =>
    value &&
    h("span", { class: value > 0 ? "gm-change-bar gm-more-bar" : "gm-change-bar gm-less-bar", "aria-hidden": "true", style: { width: `${(100 * Math.abs(value)) / widest}%` } });
  return h(
    "table",
    { class: "gm-effect gm-compare-table", id: "gm-compare-table" },
    h("caption", null, t("compare.caption", { n: number(rows.length) })),
    h(
      "thead",
      null,
      h("tr", null, h("th", { scope: "col" }, t("tab.list")), ...columns.map(({ name }) => h("th", { scope: "col", title: name }, h("span", null, name))), h("th", { scope: "col", "aria-sort": "descending" }, t("compare.difference"))),
    ),
    h(
      "tbody",
      null,
      h("tr", { class: "gm-sum" }, h("th", { scope: "row" }, t("compare.all")), ...totals.map((one) => h("td", null, number(one.households_covered))), change(totals[last].households_covered - totals[last - 1].households_covered)),
      h("tr", { class: "gm-sum-share" }, h("th", { scope: "row" }, t("compare.share")), ...totals.map((one) => h("td", null, percent(one.share))), h("td")),
      ...rows.slice(0, MOST).map((row) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, h("button", { type: "button", class: "gm-link gm-plain-link", "data-key": `compare-${row.code}`, click: () => openGrid(row.code) }, row.name), bar(row.change) || null),
          ...row.counts.map((count) => h("td", null, number(count))),
          change(row.change),
        ),
      ),
    ),
  );
}
