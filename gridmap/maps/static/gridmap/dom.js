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
  swipe: "M12 4v16M8 8l-4 4 4 4M16 8l4 4-4 4",
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
