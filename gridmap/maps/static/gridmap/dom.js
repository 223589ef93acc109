/** Elements from words: text goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "style") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: attributes by name, listeners as functions, strings as text. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  whole: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  layers: "M12 4 3 9l9 5 9-5zM3 14l9 5 9-5",
  print: "M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z",
  back: "M14 6l-6 6 6 6",
  close: "M6 6l12 12M18 6 6 18",
  search: "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.5 15.5 20 20",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4 2.8 20h18.4zM12 10v4.5M12 17v.6",
  legend: "M4 6h4v4H4zM4 14h4v4H4zM11 8h9M11 16h9",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  undo: "M9 6 4 11l5 5M4 11h9a6 6 0 0 1 6 6v1",
  move: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  clock: "M12 12m-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0-17 0zM12 7v5.4l3.6 2",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  closed: "M12 12m-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0-17 0zM7.5 12h9",
  link: "M5 19m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0zM19 5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0zM6.5 17.5l11-11",
  swipe: "M12 4v16M8 8l-4 4 4 4M16 8l4 4-4 4",
  redo: "M15 6l5 5-5 5M20 11h-9a6 6 0 0 0-6 6v1",
  select: "M6 3.5 18.5 13l-5.6.8-2.6 5.4z",
  lasso: "M6.5 16.5C4 15 3 13 3 11c0-4 4-7 9-7s9 3 9 7-4 7-9 7c-1 0-2-.1-3-.3M6.5 14.6a1.9 1.9 0 1 1 0 3.8 1.9 1.9 0 0 1 0-3.8zM6.5 18.4c0 1.3-.4 2-1.5 2.6",
  box: "M4 7V4h3M10.5 4h3M17 4h3v3M20 10.5v3M20 17v3h-3M13.5 20h-3M7 20H4v-3M4 13.5v-3",
  give: "M4 20V8l6-4v16M10 20v-9h4M4 20h8M15 16h6M18 13l3 3-3 3",
  line: "M3.5 17c3-6 6 1 9-4s4-7 8-7",
  shift: "M12 3.5v17M8.5 8.5 4.5 12l4 3.5M15.5 8.5l4 3.5-4 3.5M4.5 12h4M15.5 12h4",
  split: "M4 4h16v16H4zM13.5 4c-3 4 2 7-2.5 10-1.6 1.4-1 4-.5 6",
  merge: "M4 4h16v16H4zM9 8.5 12 12l-3 3.5M15 8.5 12 12l3 3.5",
  lock: "M6.5 11h11v8.5h-11zM9 11V8a3 3 0 0 1 6 0v3",
  publish: "M12 19.5V5.5M6.5 10.5 12 5l5.5 5.5M4.5 19.5h15",
  auto: "M12 3.5l1.8 4.7 4.7 1.8-4.7 1.8L12 16.5l-1.8-4.7L5.5 10l4.7-1.8zM18.5 15l.9 2.1 2.1.9-2.1.9-.9 2.1-.9-2.1-2.1-.9 2.1-.9z",
  eye: "M2.5 12c2.5-4.5 6-6.5 9.5-6.5s7 2 9.5 6.5c-2.5 4.5-6 6.5-9.5 6.5S5 16.5 2.5 12zM12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
  redraw: "M4 20l1-4.2L16.2 4.6l3.2 3.2L8.2 19zM13.5 7.3l3.2 3.2M13 20h7",
  grids: "M4 4h7v9H4zM11 4h9v6h-9zM4 13h7v7H4zM11 10h9v10h-9z",
  coverage: "M12 12m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0zM12 12m-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0zM12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0z",
};

/** A line icon of 20 px. */
export function icon(name) {
  return s(
    "svg",
    { viewBox: "0 0 24 24", width: 20, height: 20, class: "gm-icon", "aria-hidden": "true" },
    s("path", { d: ICONS[name] }),
  );
}
