
const state = { model: null, picture: null, name: "", answer: null, mask: null, overlay: null, hidden: new Set(), lit: null, stream: null, asked: 0 };
const view = byId("view");
const isDetector = () => ["detection", "keypoints", "recognition"].includes(state.model?.task);
const isRecognizer = () => state.model?.task === "recognition"; // things as detections, whose score is the similarity
const isLabeller = () => state.model?.task === "multilabel"; // any number of classes, those above the slider
const isClassifier = () => state.model?.task === "classification" || isLabeller();
const MOST_CLASSES = 10; // that are asked for and listed of a classifier
const colourOf = (name) => state.model.colours[state.model.classes.indexOf(name)];
const confidence = () => Number(byId("confidence").value);
const stem = () => state.name.replace(/\.[^.]*$/, "") || "picture";

/** The detections above the slider whose class is ticked. */
function shown() {
  return state.answer.detections.filter((one) => one.score >= confidence() && !state.hidden.has(one.class));
}

/** The classes of the picture that are listed, the likeliest first. */
function shownClasses() {
  const { classes } = state.answer;
  return isLabeller() ? classes.filter((one) => one.probability >= confidence()) : classes;
}

/** What is shown, in the form of the server's answer. */
function shownAnswer() {
  if (isClassifier()) return { ...state.answer, classes: shownClasses() };
  if (isDetector()) {
    const detections = shown(), counts = {};
    for (const name of state.model.classes) {
      const count = detections.filter((one) => one.class === name).length;
      if (count) counts[name] = count;
    }
    if (!isRecognizer()) return { ...state.answer, detections, counts };
    const things = state.answer.things.filter((_, place) => detections.includes(state.answer.detections[place]));
    const { detections: _, ...rest } = state.answer;
    return { ...rest, things, counts };
  }
  const { mask, ...rest } = state.answer;
  return { ...rest, areas: Object.fromEntries(Object.entries(rest.areas).filter(([name]) => !state.hidden.has(name))) };
}

/** Draws picture and results into a pen of this many pixels across. */
function paint(pen, width, height, size) {
  drawGround(pen, state.picture, width, height);
  if (!state.answer) return;
  if (isDetector()) {
    drawBoxes(pen, shown(), width / state.answer.width, { width, height, ...size }, colourOf, state.lit);
  } else if (isClassifier()) {
    drawNames(pen, isLabeller() ? shownClasses() : shownClasses().slice(0, 1), colourOf, size.font);
  } else if (state.overlay) {
    pen.globalAlpha = Number(byId("opacity").value);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(state.overlay, 0, 0, width, height);
    pen.globalAlpha = 1;
  }
}

/** Draws the canvas as large as the page has room, as sharp as the screen is. */
function redraw() {
  const source = state.picture ?? state.answer;
  if (!source) return;
  const stage = byId("stage");
  const room = { width: stage.clientWidth, height: Math.max(260, 0.74 * window.innerHeight) };
  const most = Math.max(2, 480 / source.width); // a small picture is shown larger, or its boxes would be hard to see
  const scale = Math.min(room.width / source.width, room.height / source.height, most);
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [source.width, source.height].map((side) => Math.max(1, Math.round(side * scale * ratio)));
  if (view.width !== width) view.width = width;
  if (view.height !== height) view.height = height;
  view.style.width = `${width / ratio}px`;
  view.style.height = `${height / ratio}px`;
  const pen = view.getContext("2d");
  pen.clearRect(0, 0, width, height);
  paint(pen, width, height, penOf(source.width, source.height, scale * ratio, { line: 1.5 * ratio, font: 11 * ratio }));
}

/** Lists and draws the answer anew, after a new one or a change of what is shown. */
function refresh() {
  state.lit = null;
  const { classes, colours } = state.model;
  const answer = state.answer;
  byId("save-json").disabled = byId("save-picture").disabled = !answer;
  if (isClassifier()) {
    if (answer) {
      const listed = shownClasses();
      listProbabilities(listed, colourOf);
      byId("nothing").hidden = listed.length > 0;
      byId("nothing").textContent = "No label above this confidence.";
      byId("table").hidden = !listed.length;
      const words = listed.map((one) => `${one.class} ${percent(one.probability)}`);
      view.setAttribute("aria-label", `${state.name}: ${words.join(", ") || "no label"}`);
    }
    redraw();
    return;
  }
  const countOf = (name) => {
    if (!answer) return "";
    if (!isDetector()) return answer.areas[name] ? percent(answer.areas[name]) : "";
    return String(answer.detections.filter((one) => one.class === name && one.score >= confidence()).length);
  };
  const rows = classes.map((name, id) => ({ name, colour: colours[id], count: countOf(name), shown: !state.hidden.has(name) }));
  const there = (row) => rows.length <= 12 || !row.shown || !["", "0"].includes(row.count);
  listClasses(rows.filter(there), (name, isShown) => {
    if (isShown) state.hidden.delete(name); else state.hidden.add(name);
    refresh();
  });
  if (answer) {
    const listed = isDetector() ? shown() : Object.entries(answer.areas).filter(([name]) => !state.hidden.has(name)).sort((one, other) => other[1] - one[1]);
    if (isDetector()) {
      listDetections(listed, colourOf, (one) => { state.lit = one; redraw(); });
    } else {
      listAreas(listed, answer.width * answer.height, colourOf);
      state.overlay = state.mask && colourMask(state.mask, colours, (id) => !state.hidden.has(classes[id]));
    }
    byId("nothing").hidden = listed.length > 0;
    byId("table").hidden = !listed.length;
    byId("nothing").textContent = isRecognizer() ? "Nothing found." : isDetector() ? "Nothing above this confidence." : "No class is ticked.";
    const full = isDetector() && answer.detections.length >= state.model.thresholds.max_detections;
    byId("total").textContent = isDetector() ? `${listed.length} shown${full ? ", there may be more" : ""}` : "";
    const words = isDetector() ? Object.entries(shownAnswer().counts).map(([name, count]) => `${count} ${name}`) : listed.map(([name, share]) => `${name} ${percent(share)}`);
    view.setAttribute("aria-label", `${state.name}: ${words.join(", ") || "nothing found"}`);
  }
  redraw();
}

/** Sends an image; the server's answer, or an Error with its sentence. */
async function ask(blob, name) {
  const { limits, thresholds } = state.model;
  if (blob.size > limits.megabytes * 2 ** 20) throw new Error(`The file has ${(blob.size / 2 ** 20).toFixed(1)} MiB; the server takes ${limits.megabytes}.`);
  const form = new FormData();
  form.append("image", blob, name);
  const wish = isRecognizer() ? "" : isDetector() || isLabeller() ? `confidence=${thresholds.lowest_confidence}` : isClassifier() ? `top=${MOST_CLASSES}` : "mask=png";
  let response;
  try {
    response = await fetch(`predict?${wish}`, { method: "POST", body: form });
  } catch {
    throw new Error("The server can't be reached. Is it still running?");
  }
  const answer = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
  if (!response.ok) throw new Error(answer.error);
  if (isRecognizer()) answer.detections = answer.things.map((one) => ({ class: one.name ?? "unknown", score: one.similarity, box: one.box }));
  const mask = answer.mask ? await readMask(answer.mask, state.model.colours) : null;
  return { answer, mask };
}

/** Looks at one picture: a file, what was dropped or pasted. */
async function look(blob, name) {
  if (!state.model) return;
  stopCamera();
  const number = ++state.asked;
  showError("");
  byId("busy").hidden = false;
  byId("status").textContent = "";
  byId("speed").textContent = "";
  const started = performance.now();
  const picture = await createImageBitmap(blob).catch(() => null);
  if (number !== state.asked) return;
  put(picture, name);
  try {
    const told = await ask(blob, name);
    if (number !== state.asked) return;
    Object.assign(state, told);
    const note = picture ? "" : " This browser can't show this kind of picture, so what was found lies on grey.";
    byId("status").textContent = `${name}, ${told.answer.width} × ${told.answer.height} pixels, ${((performance.now() - started) / 1000).toFixed(2)} s.${note}`;
    reveal(true);
    refresh();
  } catch (error) {
    if (number === state.asked) showError(error.message);
  } finally {
    if (number === state.asked) byId("busy").hidden = true;
  }
}

/** Makes a picture the one that is shown, without results yet. */
function put(picture, name) {
  state.picture?.close?.();
  Object.assign(state, { picture, name, answer: null, mask: null, overlay: null });
  byId("total").textContent = "";
  byId("table").hidden = true;
  byId("nothing").hidden = false;
  byId("nothing").textContent = "Nothing yet.";
  reveal(picture !== null);
  refresh();
}

/** Shows the canvas, or the invitation. */
function reveal(isThere) {
  byId("stage").classList.toggle("empty", !isThere);
  byId("welcome").hidden = isThere;
  view.hidden = !isThere;
}

/** The picture at its own size with what is shown, as predict draws it, as a PNG. */
async function savePicture() {
  const { width, height } = state.answer;
  const canvas = new OffscreenCanvas(width, height);
  paint(canvas.getContext("2d"), width, height, penOf(width, height, 1, { line: 1, font: 11 }));
  try {
    save(await canvas.convertToBlob({ type: "image/png" }), `${stem()}-found.png`);
  } catch {
    showError("The picture is too large for this browser to save.");
  }
}

/** The best detection under a point of the canvas, null where there is none: of several the smallest box. */
function under(event) {
  if (!state.answer || !isDetector()) return null;
  const scale = state.answer.width / view.clientWidth;
  const [x, y] = [event.offsetX * scale, event.offsetY * scale];
  const area = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  const hit = shown().filter(({ box: [left, top, right, bottom] }) => left <= x && x <= right && top <= y && y <= bottom);
  return hit.sort((one, other) => area(one) - area(other))[0] ?? null;
}

function light(one) {
  if (one === state.lit) return;
  state.lit = one;
  const place = one ? shown().indexOf(one) : -1;
  [...byId("table").tBodies[0].rows].forEach((row, number) => row.classList.toggle("lit", number === place));
  redraw();
}

function listen() {
  byId("choose").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", () => {
    const [file] = byId("file").files;
    if (file) look(file, file.name);
    byId("file").value = "";
  });
  byId("camera").addEventListener("click", () => (state.stream ? stopCamera() : startCamera()));
  byId("confidence").addEventListener("input", () => { byId("confidence-value").textContent = confidence().toFixed(2); refresh(); });
  byId("opacity").addEventListener("input", () => { byId("opacity-value").textContent = percent(Number(byId("opacity").value)); redraw(); });
  byId("all").addEventListener("click", () => { state.hidden.clear(); refresh(); });
  byId("none").addEventListener("click", () => { state.hidden = new Set(state.model.classes); refresh(); });
  byId("save-json").addEventListener("click", () => save(new Blob([JSON.stringify(shownAnswer(), null, 1)], { type: "application/json" }), `${stem()}.json`));
  byId("save-picture").addEventListener("click", savePicture);
  view.addEventListener("mousemove", (event) => light(under(event)));
  view.addEventListener("mouseleave", () => light(null));
  for (const event of ["dragenter", "dragover"]) {
    window.addEventListener(event, (given) => { given.preventDefault(); byId("stage").classList.add("over"); });
  }
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("stage").classList.remove("over"); });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("stage").classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) look(file, file.name); else showError("That was no file; drop a picture from a folder, or paste it.");
  });
  window.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) look(file, file.name || "pasted.png"); else showError("There is no picture in the clipboard.");
  });
  new ResizeObserver(redraw).observe(byId("stage"));
}

/** Asks for the model, then lets pictures come. */
async function begin() {
  const response = await fetch("model").catch(() => null);
  if (!response?.ok) {
    showError("The server can't be reached. Is it still running?");
    return;
  }
  const model = state.model = await response.json();
  document.title = `${model.model} · TriZoo`;
  byId("model").textContent = model.model;
  const classes = model.classes.length === 1 ? "1 class" : `${model.classes.length} classes`;
  byId("about").textContent = [model.task, classes, model.input_size.join(" × "), model.weights, model.runtime, model.device].join(" · ");
  const hasSlider = isLabeller() || (isDetector() && !isRecognizer());
  byId("classes-card").hidden = isClassifier();
  byId("confidence-card").hidden = !hasSlider;
  byId("opacity-card").hidden = isDetector() || isClassifier();
  if (isRecognizer()) {
    byId("confidence").min = byId("confidence").value = -1; // whatever is found is shown
  } else if (hasSlider) {
    byId("confidence").min = model.thresholds.lowest_confidence;
    byId("confidence").value = model.thresholds.confidence;
    byId("confidence-value").textContent = confidence().toFixed(2);
  } else {
    byId("opacity-value").textContent = percent(Number(byId("opacity").value));
  }
  refresh();
}

listen();
begin();
