/**
 * Coordinates: the unit square of Web Mercator (x east, y south, 0 … 1), in which everything is drawn and hit.
 * A feature is { properties, rings | lines | x, y, box }; rings and lines are flat [x, y, x, y …] arrays.
 */

const EARTH_M = 40075016.686;

export const worldX = (lon) => (lon + 180) / 360;

export function worldY(lat) {
  const sin = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
}

export const lonOf = (x) => x * 360 - 180;
export const latOf = (y) => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
export const toLatLng = (x, y) => [latOf(y), lonOf(x)];

/** Metres on the ground of one unit of the square at a latitude. */
export const metresPerUnit = (lat) => EARTH_M * Math.cos((lat * Math.PI) / 180);

export function boxOf(lines) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      if (line[i] < box[0]) box[0] = line[i];
      if (line[i] > box[2]) box[2] = line[i];
      if (line[i + 1] < box[1]) box[1] = line[i + 1];
      if (line[i + 1] > box[3]) box[3] = line[i + 1];
    }
  }
  return box;
}

export const meets = (a, b) => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

function flat(coordinates) {
  const out = new Float64Array(coordinates.length * 2);
  coordinates.forEach(([lon, lat], i) => {
    out[2 * i] = worldX(lon);
    out[2 * i + 1] = worldY(lat);
  });
  return out;
}

/** Features of a GeoJSON FeatureCollection (points and polygons) in the unit square. */
export function featuresOf(collection) {
  const features = [];
  for (const { properties, geometry } of collection.features ?? []) {
    if (!geometry) continue;
    if (geometry.type === "Point") {
      const [lon, lat] = geometry.coordinates;
      features.push({ properties, lon, lat, x: worldX(lon), y: worldY(lat) });
    } else {
      const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
      const rings = polygons.flat().map(flat);
      features.push({ properties, rings, box: boxOf(rings) });
    }
  }
  return features;
}

/** Whether a point lies in the rings of a feature (even-odd, so holes are holes). */
export function contains(feature, x, y) {
  const box = feature.box;
  if (x < box[0] || x > box[2] || y < box[1] || y > box[3]) return false;
  let odd = false;
  for (const ring of feature.rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      if (ring[i + 1] > y !== ring[j + 1] > y) {
        const cross = ring[i] + ((y - ring[i + 1]) / (ring[j + 1] - ring[i + 1])) * (ring[j] - ring[i]);
        if (x < cross) odd = !odd;
      }
    }
  }
  return odd;
}

/** Distance in units from a point to the nearest edge of a feature. */
export function edgeDistance(feature, x, y) {
  let best = Infinity;
  for (const ring of feature.rings) {
    for (let i = 2; i < ring.length; i += 2) {
      const ax = ring[i - 2];
      const ay = ring[i - 1];
      const dx = ring[i] - ax;
      const dy = ring[i + 1] - ay;
      const length2 = dx * dx + dy * dy;
      const along = length2 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
      best = Math.min(best, Math.hypot(x - ax - along * dx, y - ay - along * dy));
    }
  }
  return best;
}

/** Area centroid of the largest ring: where a label goes when nobody said where. */
export function middleOf(feature) {
  let best = null;
  for (const ring of feature.rings) {
    const ox = ring[0];
    const oy = ring[1];
    let area = 0;
    let x = 0;
    let y = 0;
    for (let i = 2; i < ring.length; i += 2) {
      const ax = ring[i - 2] - ox;
      const ay = ring[i - 1] - oy;
      const bx = ring[i] - ox;
      const by = ring[i + 1] - oy;
      const cross = ax * by - bx * ay;
      area += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    }
    if (area !== 0 && (!best || Math.abs(area) > best.size)) {
      best = { size: Math.abs(area), x: ox + x / (3 * area), y: oy + y / (3 * area) };
    }
  }
  return best ?? { size: 0, x: feature.rings[0][0], y: feature.rings[0][1] };
}
