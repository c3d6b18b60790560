
"use strict";
// What is found, drawn over a picture; sizes go by trizoo.pictures.draw.

/** Black or white, whichever has more contrast on a colour "#rrggbb" (WCAG 2.1). */
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const share = parseInt(colour.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** Lines and letters in pixels of a picture that is drawn at this scale, large enough to be read where it is small. */
function penOf(width, height, scale, least) {
  const mean = Math.sqrt(width * height) * scale;
  return { line: Math.max(least.line, mean / 280), font: Math.max(least.font, mean / 38) };
}

/** The picture, or a grey ground where the browser can't show it. */
function drawGround(pen, picture, width, height) {
  if (picture) {
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, width, height);
  } else {
    pen.fillStyle = "#808080";
    pen.fillRect(0, 0, width, height);
  }
}

/** Boxes, or crosses at points, with names and scores, the best on top. `lit` is the detection that stands out, or null. */
function drawBoxes(pen, found, scale, size, colourOf, lit) {
  const bounds = { width: size.width, height: size.height };
  const onTop = [...found].reverse();
  if (lit) onTop.push(...onTop.splice(onTop.indexOf(lit), 1));
  for (const one of onTop) {
    const [left, top, right, bottom] = one.box.map((side) => side * scale);
    const line = one === lit ? 2 * size.line : size.line;
    pen.globalAlpha = lit && one !== lit ? 0.35 : 1;
    pen.lineWidth = line;
    pen.strokeStyle = colourOf(one.class);
    if (one.point) {
      const [x, y] = one.point.map((side) => side * scale), arm = 6 * line;
      for (const [across, down] of [[arm, 0], [0, arm]]) {
        pen.beginPath();
        pen.moveTo(x - across, y - down);
        pen.lineTo(x + across, y + down);
        pen.stroke();
      }
      continue;
    }
    pen.strokeRect(left + line / 2, top + line / 2, Math.max(1, right - left - line), Math.max(1, bottom - top - line));
  }
  const placed = [];
  useFont(pen, size.font);
  for (const one of lit ? [lit, ...found.filter((other) => other !== lit)] : found) {
    const text = `${one.class} ${one.score.toFixed(2)}`;
    const label = labelOf(pen, text, size.font);
    const place = placeLabel(one.box.map((side) => side * scale), label, placed, bounds);
    if (!place) continue;
    placed.push({ ...place, ...label });
    pen.globalAlpha = lit && one !== lit ? 0.35 : 1;
    drawLabel(pen, text, colourOf(one.class), place, label, size.font);
  }
  pen.globalAlpha = 1;
}

/** A text on a ground of its own. */
function drawLabel(pen, text, colour, place, label, font) {
  pen.fillStyle = colour;
  pen.fillRect(place.x, place.y, label.width, label.height);
  pen.fillStyle = inkOn(colour);
  pen.fillText(text, place.x + 0.35 * font, place.y + label.height / 2 + 0.05 * font);
}

/** The names of the picture's classes at its top left, one below the other. */
function drawNames(pen, classes, colourOf, font) {
  useFont(pen, font);
  classes.forEach((one, place) => {
    const text = `${one.class} ${one.probability.toFixed(2)}`, label = labelOf(pen, text, font);
    drawLabel(pen, text, colourOf(one.class), { x: 0, y: place * label.height }, label, font);
  });
}

function useFont(pen, font) {
  pen.font = `600 ${font}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
  pen.textBaseline = "middle";
}

function labelOf(pen, text, font) {
  return { width: pen.measureText(text).width + 0.7 * font, height: 1.4 * font };
}

/** Where a label goes: above its box, below, or within it, where no other one is; null where there is no room. */
function placeLabel([left, top, right, bottom], label, placed, bounds) {
  const clampX = (x) => Math.max(0, Math.min(x, bounds.width - label.width));
  const places = [
    { x: left, y: top - label.height }, { x: right - label.width, y: top - label.height },
    { x: left, y: top }, { x: left, y: bottom }, { x: right - label.width, y: bottom },
    { x: left, y: bottom - label.height }, { x: right - label.width, y: bottom - label.height },
  ];
  for (const { x, y } of places) {
    const place = { x: clampX(x), y };
    if (y < 0 || y + label.height > bounds.height) continue;
    const free = placed.every((other) => place.x >= other.x + other.width || other.x >= place.x + label.width
      || y >= other.y + other.height || other.y >= y + label.height);
    if (free) return place;
  }
  return null;
}

/** The class ids of a mask that came as a PNG in base64: {width, height, ids}; colours are the classes', in order. */
async function readMask(text, colours) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
  const { width, height } = picture;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
  const idOf = new Map(colours.map((colour, id) => [wordOf(colour), id]));
  return { width, height, ids: Uint8Array.from(pixels, (word) => idOf.get(word) ?? 255) };
}

/** A mask's colours as a canvas, nothing where its class is 0 or isn't shown. */
function colourMask(mask, colours, isShown) {
  const words = new Uint32Array(256);
  colours.forEach((colour, id) => { if (id && isShown(id)) words[id] = wordOf(colour); });
  const pixels = Uint32Array.from(mask.ids, (id) => words[id]);
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), mask.width), 0, 0);
  return canvas;
}

/** "#rrggbb" as an opaque pixel of ImageData, read as a little-endian word. */
function wordOf(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return (255 * 2 ** 24) + blue * 2 ** 16 + green * 2 ** 8 + red;
}
