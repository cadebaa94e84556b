// The page: pad, upload, answer, and a view into the network. The other scripts come before.
const MAPPED = ["conv", "depthwise", "max_pool", "average_pool"];
const NETWORK = unpack(read("network"));
const IS_DIGIT = unpack(read("is-digit"));
const pad = $("pad");
const pen = pad.getContext("2d", { willReadFrequently: true });
const small = newContext(CONSTANTS.PAD_SIDE, CONSTANTS.PAD_SIDE);
const LARGEST_UPLOAD = 1600; // pixels; a phone's pictures have thrice as many
let strokes = [];
let stroke = null;
let pointer = null; // which finger draws it
let inputs = 0; // drawings and uploads so far: of two, the later one is answered
let isExample = false;
let watching = false;
let looked = null; // steps, image and what each layer gave, of the last answer

function draw() {
  pen.fillStyle = "white";
  pen.shadowBlur = 0;
  pen.fillRect(0, 0, pad.width, pad.height);
  pen.lineWidth = CONSTANTS.PEN_WIDTH * pad.width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = pen.shadowColor = "black";
  pen.shadowBlur = pad.width / 70;
  for (const points of stroke ? [...strokes, stroke] : strokes) {
    pen.beginPath();
    points.forEach(([x, y]) => pen.lineTo(x * pad.width, y * pad.height));
    if (points.length === 1) pen.lineTo(points[0][0] * pad.width + 0.1, points[0][1] * pad.height);
    pen.stroke();
  }
}

// The drawing, as large as Python makes it.
function drawing() {
  const side = CONSTANTS.PAD_SIDE;
  small.drawImage(pad, 0, 0, side, side);
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
function watch() {
  if (watching || !$("inside").open) return;
  watching = true;
  requestAnimationFrame(() => {
    watching = false;
    if (!stroke) return;
    try {
      looked = readPixels(drawing());
      look();
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
    }
  });
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
  let low = Infinity;
  let high = -Infinity;
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const [w, h] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
  const picture = new Float32Array(w * h).fill(NaN);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        picture[((Math.floor(c / columns) * (height + 1)) + y) * w + (c % columns) * (width + 1) + x] =
          (data[(y * width + x) * channels + c] - low) / Math.max(high - low, 1e-9);
  paint($("maps"), picture, w, h, (v) => (isNaN(v) ? [128, 128, 128] : [255 * v ** 2, 255 * v ** 0.8, 80 + 120 * v * (1 - v)]));
  $("maps-caption").textContent = `${NETWORK.layers[index - 1].name}: ${channels} maps of ${height} × ${width}, the lighter the stronger`;
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

function answer() {
  draw();
  if (strokes.length) show(drawing());
  else say("Draw a digit.");
}

function add(event) {
  const box = pad.getBoundingClientRect();
  const seen = event.getCoalescedEvents?.() ?? [];
  for (const { clientX, clientY } of seen.length ? seen : [event])
    stroke.push([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
  draw();
  watch();
}

function change(next, example = false) {
  inputs++;
  stroke = null;
  document.body.classList.remove("drawing");
  strokes = next;
  isExample = example;
  answer();
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || stroke) return; // a second finger, or the palm, does not end a stroke
  event.preventDefault();
  pad.focus({ preventScroll: true });
  pad.setPointerCapture(event.pointerId);
  pointer = event.pointerId;
  inputs++;
  if (isExample) strokes = [];
  isExample = false;
  stroke = [];
  document.body.classList.add("drawing");
  add(event);
});
const draws = (event) => stroke && event.pointerId === pointer;
pad.addEventListener("pointermove", (event) => draws(event) && add(event));
for (const end of ["pointerup", "pointercancel"])
  pad.addEventListener(end, (event) => draws(event) && change([...strokes, stroke]));
pad.addEventListener("keydown", (event) => {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Backspace" || (control && event.key === "z")) change(strokes.slice(0, -1));
  else if (event.key === "Delete") change([]);
  else if (!control && CONSTANTS.EXAMPLES[event.key])
    change(CONSTANTS.EXAMPLES[event.key], true);
  else return;
  event.preventDefault();
});
$("undo").addEventListener("click", () => change(strokes.slice(0, -1)));
$("clear").addEventListener("click", () => change([]));
$("example").addEventListener("change", (event) => {
  if (event.target.value) change(CONSTANTS.EXAMPLES[event.target.value], true);
  event.target.value = "";
});
$("layer").addEventListener("change", showLayer);
$("inside").addEventListener("toggle", showLayer);
async function openPicture(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  change([]);
  const number = inputs;
  $("answer").textContent = "Reading…";
  try {
    const bitmap = await createImageBitmap(file);
    if (number !== inputs) return;
    const factor = Math.min(1, LARGEST_UPLOAD / Math.max(bitmap.width, bitmap.height));
    const size = [bitmap.width, bitmap.height].map((s) => Math.max(1, Math.round(s * factor)));
    const context = newContext(...size);
    context.drawImage(bitmap, 0, 0, ...size);
    show(context.getImageData(0, 0, ...size));
  } catch {
    if (number !== inputs) return;
    $("answer").textContent = "This browser cannot open that file as a picture; try a PNG or JPEG.";
  }
}
for (const id of ["upload", "camera"]) $(id).addEventListener("change", openPicture);

// The layers whose values are maps, with their numbers.
const blank = run(NETWORK, new Float32Array(CONSTANTS.SIDE ** 2));
const spatial = NETWORK.layers
  .map((layer, index) => [layer, index + 1])
  .filter(([layer, index]) => blank[index].shape.length === 3 && (MAPPED.includes(layer.op) || layer.activation))
  .map(([layer, index]) => [layer.name, index]);
for (const [name, index] of spatial) $("layer").add(new Option(name, index));
$("layer").selectedIndex = Math.min(1, spatial.length - 1);
for (const [name, value] of Object.entries(read("facts"))) {
  const term = document.createElement("dt");
  term.textContent = name;
  const text = document.createElement("dd");
  text.textContent = value;
  $("card").append(term, text);
}
say("Draw a digit.");
draw();
// Compiled before the first stroke ends: a drawing of the page's own, read and forgotten.
setTimeout(() => {
  if (strokes.length || stroke) return;
  strokes = CONSTANTS.EXAMPLES[8];
  draw();
  const pixels = drawing();
  strokes = [];
  draw();
  for (let i = 0; i < 3; i++) run(NETWORK, stepsToMnist(greyOf(pixels)).pop().data);
}, 100);
