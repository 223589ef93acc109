/* global L */
/**
 * The one canvas that areas and lines are drawn on, in tiles: base map and grids share it, so that fills lie
 * under water and streets. Each painter gets (context, view) and draws in CSS pixels of the tile.
 */

const SIZE = 256;

const CanvasLayer = L.GridLayer.extend({
  options: { updateWhenZooming: false, keepBuffer: 2, pane: "tilePane", ratio: 0 },

  initialize(load, painters, options) {
    this.load = load;
    this.painters = painters;
    L.GridLayer.prototype.initialize.call(this, options);
    this.on("tileunload", ({ tile }) => tile.gridmap.abort.abort());
  },

  createTile(coords, done) {
    const canvas = document.createElement("canvas");
    const ratio = this.options.ratio || Math.min(3, window.devicePixelRatio || 1);
    canvas.width = canvas.height = Math.round(SIZE * ratio);
    const abort = new AbortController();
    canvas.gridmap = { coords, abort, content: null };
    this.load(coords, abort.signal).then(
      (content) => {
        // After a redraw a tile of the same place may be waiting: this one has no say any more.
        if (abort.signal.aborted) return;
        canvas.gridmap.content = content;
        this.paint(canvas);
        done(null, canvas);
      },
      (error) => {
        if (abort.signal.aborted) return;
        this.paint(canvas);
        done(error, canvas);
      },
    );
    return canvas;
  },

  paint(canvas) {
    const { coords, content } = canvas.gridmap;
    const context = canvas.getContext("2d");
    const scale = SIZE * 2 ** coords.z;
    const x0 = coords.x * SIZE;
    const y0 = coords.y * SIZE;
    // Lines and casings of what lies just outside reach into the tile.
    const margin = 12 / scale;
    const view = {
      zoom: coords.z,
      size: SIZE,
      scale,
      x0,
      y0,
      content,
      ratio: canvas.width / SIZE,
      kept: (canvas.gridmap.kept ??= new Map()),
      box: [
        x0 / scale - margin,
        y0 / scale - margin,
        (x0 + SIZE) / scale + margin,
        (y0 + SIZE) / scale + margin,
      ],
    };
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, SIZE, SIZE);
    for (const painter of this.painters) {
      context.save();
      painter(context, view);
      context.restore();
    }
  },

  /** Leaflet's redraw would ask for tiles of a fractional zoom. */
  _clampZoom(zoom) {
    return Math.round(L.GridLayer.prototype._clampZoom.call(this, zoom));
  },

  /** Draw every tile again from what it holds: after a change of level, layer or selection. */
  repaint() {
    for (const { el } of Object.values(this._tiles ?? {})) if (el.gridmap) this.paint(el);
  },

  /** Ask again for what the tiles lack, and draw them in place: after a layer of its own data was switched on. */
  complete() {
    for (const { el } of Object.values(this._tiles ?? {})) {
      const { coords, abort, content } = el.gridmap ?? {};
      // A tile that still waits takes the layer along.
      if (!content) continue;
      this.load(coords, abort.signal, content).then(
        () => {
          if (abort.signal.aborted) return;
          el.gridmap.kept?.clear();
          this.paint(el);
        },
        () => {},
      );
    }
  },

  /** The contents of the tiles of the present zoom, with where they lie. */
  contents() {
    return Object.values(this._tiles ?? {})
      .filter(({ current, el }) => current && el.gridmap?.content)
      .map(({ el }) => el.gridmap);
  },
});

export function canvasLayer(load, painters, options) {
  return new CanvasLayer(load, painters, options);
}

/**
 * Painters whose picture stays while others change: it is kept for each tile until `stamp()` is another one. Where
 * that is null nothing is kept.
 */
export function kept(painters, stamp) {
  const id = Symbol("picture");
  const paint = (context, view) => {
    for (const painter of painters) {
      context.save();
      painter(context, view);
      context.restore();
    }
  };
  return (context, view) => {
    const now = stamp();
    if (now === null) {
      paint(context, view);
      return;
    }
    let picture = view.kept.get(id);
    // A tile that was drawn before its content came is drawn anew.
    if (picture?.now !== now || picture.content !== view.content) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = view.size * view.ratio;
      const inner = canvas.getContext("2d");
      inner.scale(view.ratio, view.ratio);
      paint(inner, view);
      view.kept.set(id, (picture = { now, canvas, content: view.content }));
    }
    context.drawImage(picture.canvas, 0, 0, view.size, view.size);
  };
}

/** Value at a zoom between stops [[zoom, value], …]. */
export function between(stops, zoom) {
  if (zoom <= stops[0][0]) return stops[0][1];
  for (let i = 1; i < stops.length; i += 1) {
    const [z1, v1] = stops[i];
    if (zoom <= z1) {
      const [z0, v0] = stops[i - 1];
      return v0 + ((v1 - v0) * (zoom - z0)) / (z1 - z0);
    }
  }
  return stops[stops.length - 1][1];
}

/** Add flat coordinates of the unit square to a path in pixels of the view. */
export function trace(path, points, view) {
  const { scale, x0, y0 } = view;
  path.moveTo(points[0] * scale - x0, points[1] * scale - y0);
  for (let i = 2; i < points.length; i += 2) path.lineTo(points[i] * scale - x0, points[i + 1] * scale - y0);
}

/**
 * Fill or stroke a whole feature: its outline is made once for a zoom and only shifted from tile to tile.
 * `ink(path)` is called with the outline in place.
 */
export function outlined(context, feature, view, ink) {
  let drawn = feature.drawn;
  if (drawn?.scale !== view.scale) {
    // Outlines are kept in single precision: they begin at the feature, not at the edge of the world.
    const place = { scale: view.scale, x0: feature.box[0] * view.scale, y0: feature.box[1] * view.scale };
    drawn = { ...place, path: new Path2D() };
    for (const ring of feature.rings) trace(drawn.path, ring, place);
    feature.drawn = drawn;
  }
  const [dx, dy] = [drawn.x0 - view.x0, drawn.y0 - view.y0];
  context.translate(dx, dy);
  ink(drawn.path);
  context.translate(-dx, -dy);
}
