/** Bars of households against the band: the band as a field, the standard as a line, before as a ring, now as a bar. */
import { h } from "./dom.js";
import { sizeOf } from "./plangrids.js";

/** Half of the bar is the standard: twice of it fills the whole. */
const part = (households, target) => Math.max(0, Math.min(100, (50 * households) / target));

/** `before` is left out where nothing has changed. Only for the eye: the figures stand beside it. */
export function bandBar(grid, target, before = null) {
  const { households, tolerance } = target;
  if (!grid || !households) return h("span", { class: "gm-band gm-band-none", "aria-hidden": "true" });
  const banded = grid.deviation !== null && grid.deviation !== undefined;
  return h(
    "span",
    { class: `gm-band gm-band-${sizeOf(grid, target)}`, "aria-hidden": "true" },
    banded ? h("i", { class: "gm-band-field", style: { left: `${50 * (1 - tolerance)}%`, width: `${100 * tolerance}%` } }) : null,
    h("b", { style: { width: `${part(grid.households, households)}%` } }),
    banded ? h("i", { class: "gm-band-line" }) : null,
    before ? h("i", { class: "gm-band-before", style: { left: `${part(before.households, households)}%` } }) : null,
  );
}

/** The name of a grid; a new one has none yet and goes by the end of its code. */
export const titled = ({ name, code }, t) => (name && name !== code ? name : t("plan.unnamed", { n: String(code).slice(-3) }));

/** The deviation in words: ▲12%, ▼5%, or nothing where there is no band. */
export function offBy(grid, target) {
  const { deviation } = grid ?? {};
  if (deviation === null || deviation === undefined) return null;
  const n = Math.round(Math.abs(deviation) * 100);
  const text = n === 0 ? "0%" : `${deviation > 0 ? "▲" : "▼"}${n}%`;
  const size = sizeOf(grid, target);
  return h("small", { class: size.endsWith("over") ? "gm-over" : size.endsWith("under") ? "gm-under" : "gm-within" }, text);
}
