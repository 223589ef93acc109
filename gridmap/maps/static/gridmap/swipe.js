/** Two answers on one map: the left one under the right one, with a divider between them that mouse and keys move. */
import { h } from "./dom.js";

const STEP = 0.02;

/**
 * `panes` are the panes of the two sides: what lies in "left" is seen left of the divider, what lies in "right"
 * right of it.
 */
export function createSwipe(map, stage, { left, right, words }) {
  const { t } = words;
  let share = 0.5;
  let open = false;
  let names = ["", ""];
  const sides = [h("span", { class: "gm-swipe-name" }), h("span", { class: "gm-swipe-name gm-swipe-right" })];
  const handle = h("span", { class: "gm-swipe-handle", "aria-hidden": "true" }, "⇔");
  const bar = h(
    "div",
    { class: "gm-swipe", role: "slider", tabindex: "0", "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100" },
    handle,
    ...sides,
  );

  const clip = () => {
    if (!open) return;
    const size = map.getSize();
    const from = map.containerPointToLayerPoint([0, 0]);
    const to = map.containerPointToLayerPoint(size);
    const x = from.x + size.x * share;
    // Panes have no size of their own: they are cut in the coordinates of their contents.
    const cut = (a, b) => `polygon(${a}px ${from.y}px, ${b}px ${from.y}px, ${b}px ${to.y}px, ${a}px ${to.y}px)`;
    for (const pane of left) pane.style.setProperty("clip-path", cut(from.x, x));
    for (const pane of right) pane.style.setProperty("clip-path", cut(x, to.x));
    bar.style.setProperty("left", `${size.x * share}px`);
    bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  };

  const place = (next) => {
    share = Math.min(1, Math.max(0, next));
    clip();
  };

  const drag = (event) => {
    const box = stage.getBoundingClientRect();
    place((event.clientX - box.left) / box.width);
  };
  bar.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    bar.setPointerCapture(event.pointerId);
    bar.addEventListener("pointermove", drag);
    bar.focus();
  });
  const drop = () => bar.removeEventListener("pointermove", drag);
  bar.addEventListener("pointerup", drop);
  bar.addEventListener("pointercancel", drop);
  bar.addEventListener("keydown", (event) => {
    const wide = event.shiftKey ? 5 : 1;
    const next = { ArrowLeft: share - STEP * wide, ArrowRight: share + STEP * wide, Home: 0, End: 1 }[event.key];
    if (next === undefined) return;
    place(next);
    event.preventDefault();
    event.stopPropagation();
  });

  const label = () => {
    bar.setAttribute("aria-label", t("compare.slider", { left: names[0], right: names[1] }));
    sides.forEach((side, i) => side.replaceChildren(names[i]));
  };
  map.on("move zoom zoomend viewreset resize", clip);
  return {
    enter(titles) {
      names = titles;
      if (!open) share = 0.5;
      open = true;
      if (!bar.isConnected) stage.append(bar);
      label();
      clip();
    },
    leave() {
      open = false;
      bar.remove();
      for (const pane of [...left, ...right]) pane.style.removeProperty("clip-path");
    },
    isOpen: () => open,
  };
}
