/** What coverage mode writes on the map: minutes on the contours. */

/** Px along a contour between two of its labels. */
const EVERY = 520;
const FIRST = 140;

/** Places on the contours of a reach for their minutes; the caller keeps those that are free. */
export function contourLabels(reach, { at, visible }, words) {
  const found = [];
  for (const { minutes, feature } of reach.areas()) {
    for (const ring of feature.rings) {
      let run = EVERY - FIRST;
      let [px, py] = at(ring[0], ring[1]);
      for (let i = 2; i < ring.length; i += 2) {
        const [x, y] = at(ring[i], ring[i + 1]);
        if (visible([x, y])) {
          run += Math.hypot(x - px, y - py);
          if (run >= EVERY) {
            found.push({ text: words(minutes), x, y, size: 11, look: "gm-name-contour" });
            run = 0;
          }
        }
        [px, py] = [x, y];
      }
    }
  }
  return found;
}
