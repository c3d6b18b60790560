
// What is listed beside the picture. Names come from a file and from a model: they are text, never HTML.

const byId = (id) => document.getElementById(id);
const percent = (share) => (share && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share && share < 0.0995 ? 1 : 0)} %`);
const MOST_ROWS = 200;

/** An element with a class and children, text or elements. */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function swatch(colour) {
  const made = element("span", "swatch");
  made.style.backgroundColor = colour;
  return made;
}

/** The checkboxes of classes: [{name, colour, count, shown}], and what happens where one is changed. */
function listClasses(rows, onChange) {
  const list = byId("classes");
  const focused = document.activeElement?.closest?.("#classes li")?.dataset.name;
  list.replaceChildren(...rows.map(({ name, colour, count, shown }) => {
    const box = element("input");
    box.type = "checkbox";
    box.checked = shown;
    box.addEventListener("change", () => onChange(name, box.checked));
    const item = element("li", "", element("label", "", box, swatch(colour), element("span", "name", name), element("span", "count", count)));
    item.dataset.name = name;
    return item;
  }));
  if (focused !== undefined) [...list.children].find((item) => item.dataset.name === focused)?.querySelector("input").focus();
}

/** The table of detections, and what happens where one is pointed at: onLight(detection or null). */
function listDetections(found, colourOf, onLight) {
  const sides = found.some((one) => one.point) ? ["x", "y"] : ["x", "y", "w", "h"];
  byId("table").tHead.replaceChildren(element("tr", "", ...header(["Class", "Score", ...sides])));
  byId("table").tBodies[0].replaceChildren(...found.slice(0, MOST_ROWS).map((one) => {
    const [left, top, right, bottom] = one.box;
    const place = one.point?.map((side) => side.toFixed(1)) ?? [left, top, right - left, bottom - top].map((side) => side.toFixed(0));
    const numbers = [one.score.toFixed(2), ...place];
    const row = element("tr", "", element("td", "class", swatch(colourOf(one.class)), one.class), ...numbers.map((text) => element("td", "number", text)));
    row.tabIndex = 0;
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => onLight(one));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => onLight(null));
    return row;
  }));
}

/** The table of areas: [[name, share]], the largest first. */
function listAreas(areas, size, colourOf) {
  byId("table").tHead.replaceChildren(element("tr", "", ...header(["Class", "Share", "Pixels"])));
  byId("table").tBodies[0].replaceChildren(...areas.map(([name, share]) => element(
    "tr", "", element("td", "class", swatch(colourOf(name)), name), element("td", "number", percent(share)),
    element("td", "number", Math.round(share * size).toLocaleString("en"))
  )));
}

/** The table of classes: [{class, probability}], the likeliest first. */
function listProbabilities(found, colourOf) {
  byId("table").tHead.replaceChildren(element("tr", "", ...header(["Class", "Probability"])));
  byId("table").tBodies[0].replaceChildren(...found.map((one) => element(
    "tr", "", element("td", "class", swatch(colourOf(one.class)), one.class), element("td", "number", percent(one.probability))
  )));
}

function header(names) {
  return names.map((name, place) => {
    const cell = element("th", place ? "number" : "", name);
    cell.scope = "col";
    return cell;
  });
}

function showError(sentence) {
  byId("error").textContent = sentence && sentence[0].toUpperCase() + sentence.slice(1);
  byId("error").hidden = !sentence;
}

/** Has the browser save some content under a name. */
function save(content, name) {
  const link = element("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
