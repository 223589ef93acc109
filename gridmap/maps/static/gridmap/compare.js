/** The comparison: a second canvas and second symbols for the right side, cut at the divider. */
import { createGaps } from "./gaps.js";
import { createMarks } from "./marks.js";
import { createReach } from "./reach.js";
import { createSwipe } from "./swipe.js";

/** `left(answer)` puts an answer on the map's own canvas; `beside(scene, pane)` makes a second one. */
export function createCompare({ L, map, stage, style, words, shown, left, beside, markOptions, stationsOf }) {
  let parts = null;

  const build = () => {
    const panes = Object.fromEntries(
      [["right", 205], ["marks-left", 601], ["marks-right", 602]].map(([name, order]) => {
        const pane = map.createPane(`gm-${name}`);
        pane.style.setProperty("z-index", order);
        return [name, pane];
      }),
    );
    const reach = createReach(style, shown);
    const gaps = createGaps(style, shown);
    const layer = beside({ reach, gaps }, "gm-right");
    const still = { ...markOptions, movable: false };
    const marks = ["left", "right"].map((side) => createMarks(L, map, { ...still, pane: `gm-marks-${side}` }));
    const swipe = createSwipe(map, stage, {
      left: [panes["marks-left"]],
      right: [panes.right, panes["marks-right"]],
      words,
    });
    return { reach, gaps, layer, marks, swipe };
  };

  return {
    enter(sides) {
      parts ??= build();
      const { answer } = sides[1];
      left(sides[0].answer);
      parts.reach.set(answer);
      parts.gaps.set(answer.gaps.features);
      if (!map.hasLayer(parts.layer)) parts.layer.addTo(map);
      else parts.layer.repaint();
      parts.marks.forEach((marks, i) => {
        marks.set(stationsOf(sides[i].answer).filter(({ gone }) => !gone));
        marks.show(shown("stations"));
      });
      parts.swipe.enter(sides.map(({ name }) => name));
    },
    leave() {
      if (!parts) return;
      parts.swipe.leave();
      parts.layer.remove();
      for (const marks of parts.marks) marks.show(false);
    },
  };
}
