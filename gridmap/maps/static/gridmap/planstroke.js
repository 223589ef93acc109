/** What a hand draws, as points in px: thinned, closed, crossing ends cut. Pure. */

const NEAR_PX = 2.5;
/** A hand that closes a loop runs past its beginning: how much of either end may be cut. */
const END_SHARE = 0.4;

const side = ([ax, ay], [bx, by], [cx, cy]) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);

/** Where two segments cross, or null. */
export function crossing(a, b, c, d) {
  const [p, q] = [side(c, d, a), side(c, d, b)];
  const [r, s] = [side(a, b, c), side(a, b, d)];
  if (p * q >= 0 || r * s >= 0) return null;
  const part = p / (p - q);
  return [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
}

/** Whether a point is far enough from the one before to be kept. */
export const worth = (points, [x, y]) => {
  const last = points[points.length - 1];
  return !last || Math.hypot(x - last[0], y - last[1]) >= NEAR_PX;
};

export function lengthOf(points) {
  let sum = 0;
  for (let i = 1; i < points.length; i += 1) sum += Math.hypot(points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]);
  return sum;
}

/** The ring that a free-hand stroke means: where its two ends cross, what hangs over is cut off. */
export function ringOf(points) {
  const n = points.length;
  const first = Math.floor(n * END_SHARE);
  for (let i = 0; i < first; i += 1) {
    for (let j = n - 2; j > Math.max(i + 1, n - 1 - first); j -= 1) {
      const at = crossing(points[i], points[i + 1], points[j], points[j + 1]);
      if (at) return [at, ...points.slice(i + 1, j + 1)];
    }
  }
  return points;
}

export function inside(ring, x, y) {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [ax, ay] = ring[i];
    const [bx, by] = ring[j];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) odd = !odd;
  }
  return odd;
}
