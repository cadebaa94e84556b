// The page: pad, upload, answer, and a view into the network. The other scripts come before.
const MAPPED = ["conv", "depthwise", "max_pool", "average_pool"];
const NETWORK = unpack(read("network"));
const IS_DIGIT = unpack(read("is-digit"));
const small = newContext(CONSTANTS.PAD_SIDE, CONSTANTS.PAD_SIDE);
const pad = drawingPad(
  { canvas: $("pad"), undo: $("undo"), clear: $("clear"), example: $("example") },
  { penWidth: CONSTANTS.PEN_WIDTH, examples: CONSTANTS.EXAMPLES, changed: answer, drawing: follow },
);
let inputs = 0; // changes of the drawing so far, by which an upload sees that it comes too late
let watching = false;
let looked = null; // steps, image and what each layer gave, of the last answer

// The drawing, as large as Python makes it.
function drawing() {
  const side = CONSTANTS.PAD_SIDE;
  small.drawImage($("pad"), 0, 0, side, side);
  return small.getImageData(0, 0, side, side);
}

// As mnist_helpers.widgets.html has it, like the words below.
function percent(p) {
  return p >= 0.9995 && p < 1 ? "> 99.9%" : `${(100 * p).toFixed(1)}%`;
}

function words(p, score) {
  const order = [...p.keys()].sort((a, b) => p[b] - p[a]);
  const [first, second] = order;
  const an = first === 8 ? "an" : "a";
  const confidence = percent(p[first]);
  const other = `${second} (${percent(p[second])})`;
  if (score < CONSTANTS.LEAST_SCORE)
    return `This does not look like a digit; if it is one, it is ${an} ${first}.`;
  if (p[first] >= CONSTANTS.CERTAIN)
    return `This is ${an} ${first}, with ${confidence} confidence.`;
  if (p[first] >= CONSTANTS.PROBABLE)
    return `Probably ${an} ${first}, with ${confidence} confidence; second choice: ${other}.`;
  return `I cannot tell: ${first} (${confidence}) or ${other}.`;
}

function readPixels(pixels) {
  const steps = stepsToMnist(greyOf(pixels));
  const image = steps[steps.length - 1].data;
  return { steps, image, values: run(NETWORK, image) };
}

// Answers at once; what there is to look at follows when the browser has shown the answer.
function show(pixels) {
  try {
    looked = readPixels(pixels);
    const p = looked.values[looked.values.length - 1].data;
    const [score] = run(IS_DIGIT, looked.image).pop().data;
    $("answer").textContent = words(p, score);
    showBars(p);
    requestAnimationFrame(() => setTimeout(look));
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    say(error.message);
  }
}

// While one draws, the maps follow, at most once a frame and only where they are open: a slow phone
// needs its time for the pen. The words wait for the stroke's end, as they are read aloud.
function follow() {
  inputs++;
  document.body.classList.add("drawing");
  if (watching || !$("inside").open) return;
  watching = true;
  requestAnimationFrame(() => {
    watching = false;
    if (!pad.stroke) return;
    try {
      looked = readPixels(drawing());
      look();
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
    }
  });
}

function answer() {
  inputs++;
  document.body.classList.remove("drawing");
  if (pad.strokes.length) show(drawing());
  else say("Draw a digit.");
}

function say(text) {
  looked = null;
  $("answer").textContent = text;
  $("bars").replaceChildren();
  $("looking").hidden = true;
}

function look() {
  if (!looked) return;
  showSteps(looked.steps);
  showLayer();
  $("looking").hidden = false;
}

function showBars(p) {
  const best = p.indexOf(Math.max(...p));
  $("bars").replaceChildren(
    ...[...p].map((value, digit) => {
      const row = document.createElement("div");
      row.className = digit === best ? "bar best" : "bar";
      const bar = document.createElement("i");
      bar.style.width = `${Math.max(100 * value, 0.5)}%`;
      const box = document.createElement("span");
      box.append(bar);
      row.append(String(digit), box, percent(value));
      return row;
    }),
  );
}

function showSteps(steps) {
  $("steps").replaceChildren(
    ...steps.map(({ name, data, width, height }) => {
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      canvas.className = "step";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `The picture ${name}.`);
      paint(canvas, data, width, height, (v) => Array(3).fill(255 * v));
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(canvas, caption);
      return figure;
    }),
  );
}

function showLayer() {
  if (!looked || !spatial.length || !$("inside").open) return;
  const index = Number($("layer").value);
  const { shape, data } = looked.values[index];
  const [height, width, channels] = shape;
  const columns = 2 ** Math.ceil(Math.log2(channels) / 2);
  const rows = Math.ceil(channels / columns);
  const low = data.reduce((a, b) => Math.min(a, b));
  const high = data.reduce((a, b) => Math.max(a, b));
  const [w, h] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
  const picture = new Float32Array(w * h).fill(NaN);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        picture[((Math.floor(c / columns) * (height + 1)) + y) * w + (c % columns) * (width + 1) + x] =
          (data[(y * width + x) * channels + c] - low) / Math.max(high - low, 1e-9);
  paint($("maps"), picture, w, h, (v) => (isNaN(v) ? [128, 128, 128] : [255 * v ** 2, 255 * v ** 0.8, 80 + 120 * v * (1 - v)]));
  $("maps-caption").textContent = `${NETWORK[index - 1].name}: ${channels} maps of ${height} × ${width}, the lighter the stronger`;
  showPlaces(index);
}

// The places that decided, over the digit.
function showPlaces(layer) {
  const found = placesThatDecided(NETWORK, looked.values, layer);
  $("deciding").hidden = !found;
  if (!found) return;
  const { shape: [height, width], data: shares } = found;
  const largest = Math.max(...shares.map(Math.abs), 1e-9);
  const side = 112;
  paint($("places"), { length: side * side }, side, side, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    const strength = shares[Math.floor((y * height) / side) * width + Math.floor((x * width) / side)] / largest;
    const paper = 255 * (1 - 0.8 * looked.image[Math.floor(y / 4) * 28 + Math.floor(x / 4)]);
    const colour = strength > 0 ? [213, 94, 0] : [0, 114, 178];
    const weight = 0.75 * Math.abs(strength);
    return colour.map((value) => paper * (1 - weight) + value * weight);
  });
}

$("layer").addEventListener("change", showLayer);
$("inside").addEventListener("toggle", showLayer);
async function upload(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  pad.change([]);
  const number = inputs;
  $("answer").textContent = "Reading…";
  try {
    const { context } = await openPicture(file);
    if (number === inputs) show(context.getImageData(0, 0, context.canvas.width, context.canvas.height));
  } catch {
    if (number !== inputs) return;
    $("answer").textContent = "This browser cannot open that file as a picture; try a PNG or JPEG.";
  }
}
for (const id of ["upload", "camera"]) $(id).addEventListener("change", upload);

// The layers whose values are maps, with their numbers.
const blank = run(NETWORK, new Float32Array(CONSTANTS.SIDE ** 2));
const spatial = NETWORK
  .map((layer, index) => [layer, index + 1])
  .filter(([layer, index]) => blank[index].shape.length === 3 && (MAPPED.includes(layer.op) || layer.activation))
  .map(([layer, index]) => [layer.name, index]);
for (const [name, index] of spatial) $("layer").add(new Option(name, index));
$("layer").selectedIndex = Math.min(1, spatial.length - 1);
pad.change([]);
// Compiled before the first stroke ends: a drawing of the page's own, read and forgotten.
setTimeout(() => {
  if (pad.strokes.length || pad.stroke) return;
  pad.strokes = CONSTANTS.EXAMPLES[8];
  pad.draw();
  const pixels = drawing();
  pad.strokes = [];
  pad.draw();
  for (let i = 0; i < 3; i++) run(NETWORK, stepsToMnist(greyOf(pixels)).pop().data);
}, 100);
