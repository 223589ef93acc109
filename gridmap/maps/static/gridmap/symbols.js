/** Symbols of stations: a drop with a sign for the kind, or with its score; filled: main network, outlined: others. */
import { s } from "./dom.js";

const DROP = "M15 38C12 31 3 25 3 15a12 12 0 1 1 24 0c0 10-9 16-12 23z";

/** Signs in a box of 30, their middle at 15, 15; lines unless they are said to be full. */
const SIGNS = {
  center: { d: "M15 7.6l2.2 4.8 5.2.6-3.9 3.5 1.1 5.2-4.6-2.6-4.6 2.6 1.1-5.2-3.9-3.5 5.2-.6z", full: true },
  hub: { d: "M8.5 21.5h13M10 21v-8M15 21v-8M20 21v-8M8.5 13 15 8.2l6.5 4.8z" },
  service_point: { d: "M15 15m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z", full: true },
  courier_stop: { d: "M9.5 11h8.6v5.2a3 3 0 0 1-3 3h-2.6a3 3 0 0 1-3-3zM18.1 12.2h1.6a1.9 1.9 0 0 1 0 3.8h-1.6M9 21.6h10" },
  shop: { d: "M9.8 12.6h10.4l.9 8.6H8.9zM12.4 12.4a2.6 2.6 0 0 1 5.2 0" },
  hearing_center: { d: "M15 8v13M11.4 21.4h7.2M9 10.4h12M9 10.4l-2.3 5h4.6zM21 10.4l-2.3 5h4.6z" },
  mediation_room: { d: "M12.4 15m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0zM17.6 15m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z" },
  deliberation_point: { d: "M8.6 9.4h12.8v8.4h-7l-3.2 3.2v-3.2H8.6z" },
};

const text = (words, size = 13.5) => s("text", { x: 15, y: 15 + size * 0.385, "text-anchor": "middle", "font-size": size }, words);

function sign(kind) {
  const known = SIGNS[kind];
  // Kinds without a sign of their own are just stations.
  return known ? s("path", { d: known.d, class: known.full ? "gm-sign gm-sign-full" : "gm-sign" }) : text("站");
}

/**
 * The picture of a station. `score` puts the number of eight checks that are met in place of the sign; `state` is
 * "closed" for one that does not count now, "new" for one that is only tried.
 */
export function symbol({ kind, main, score, state }, size = 30) {
  const classes = ["gm-mark", main && "gm-mark-main", state && `gm-mark-${state}`];
  if (score !== undefined) classes.push(`gm-score-${score === null ? "none" : Math.floor(score / 2)}`);
  const inside = score === undefined ? sign(kind) : text(score === null ? "?" : String(score), 15);
  return s(
    "svg",
    { viewBox: "0 0 30 40", width: size, height: (size * 4) / 3, class: classes.filter(Boolean).join(" "), "aria-hidden": "true" },
    s("path", { d: DROP, class: "gm-mark-body" }),
    inside,
    state === "closed" ? s("path", { d: "M6.5 23.5 23.5 6.5", class: "gm-mark-cross" }) : null,
    state === "new" ? s("path", { d: "M25 2.6v6M22 5.6h6", class: "gm-mark-plus" }) : null,
  );
}
