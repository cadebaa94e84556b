// The page: pad, upload, answer, and a view into the network. `toMnist`, `run`, `unpack` come before.
const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);
const CONSTANTS = read("constants");
const NETWORK = unpack(read("network"));
const pad = $("pad");
const pen = pad.getContext("2d", { willReadFrequently: true });
let strokes = [];
let stroke = null;
let isExample = false;

function draw() {
  pen.fillStyle = "white";
  pen.shadowBlur = 0;
  pen.fillRect(0, 0, pad.width, pad.height);
  pen.lineWidth = CONSTANTS.pen_width * pad.width;
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

function grey(context, width, height) {
  const pixels = context.getImageData(0, 0, width, height).data;
  return Float64Array.from(
    { length: width * height },
    (_, i) => (0.299 * pixels[4 * i] + 0.587 * pixels[4 * i + 1] + 0.114 * pixels[4 * i + 2]) / 255,
  );
}

function percent(p) {
  return `${(100 * p).toFixed(1)} %`;
}

function words(p) {
  const order = [...p.keys()].sort((a, b) => p[b] - p[a]);
  const [first, second] = order;
  const an = first === 8 ? "an" : "a";
  if (p[first] >= CONSTANTS.certain) return `This is ${an} ${first} (${percent(p[first])}).`;
  if (p[first] >= CONSTANTS.probable)
    return `Probably ${an} ${first} (${percent(p[first])}), else ${second} (${percent(p[second])}).`;
  return `I cannot tell: ${first} (${percent(p[first])}) or ${second} (${percent(p[second])}).`;
}

function show(picture, width, height) {
  try {
    const { steps, image } = toMnist(picture, width, height, CONSTANTS);
    const values = run(NETWORK, image);
    const p = values[values.length - 1].data;
    $("answer").textContent = words(p);
    showBars(p);
    showSteps(steps);
    looked = { values, image };
    showLayer();
    $("looking").hidden = false;
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    $("answer").textContent = error.message;
    $("bars").replaceChildren();
    $("looking").hidden = true;
  }
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

function paint(canvas, data, width, height, colour) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) picture.data.set([...colour(data[i], i), 255], 4 * i);
  context.putImageData(picture, 0, 0);
}

function showSteps(steps) {
  $("steps").replaceChildren(
    ...steps.map(({ name, data, width, height, ink }) => {
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      canvas.className = "step";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `The picture ${name}.`);
      paint(canvas, data, width, height, (v) => Array(3).fill(255 * (ink ? 1 - v : v)));
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(canvas, caption);
      return figure;
    }),
  );
}

let looked = null;
const spatial = NETWORK.layers
  .map((layer, index) => [layer, index + 1])
  .filter(([layer]) => ["conv", "depthwise", "max_pool", "average_pool"].includes(layer.op) || layer.activation === "relu");

function showLayer() {
  if (!looked) return;
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
  showPlaces();
}

// Where a network ends in global pooling and one dense layer, its logit is a sum over places (class
// activation map; Zhou et al., 2016): of a maximum, all of a map's share lies where the maximum is.
function showPlaces() {
  const [pooling, last] = NETWORK.layers.slice(-2);
  const fits = last?.op === "dense" && ["global_max", "global_average"].includes(pooling?.op);
  $("deciding").hidden = !fits;
  if (!fits) return;
  const before = looked.values[pooling.inputs[0]];
  const [height, width, channels] = before.shape;
  const p = looked.values[looked.values.length - 1].data;
  const digit = p.indexOf(Math.max(...p));
  const shares = new Float32Array(height * width);
  for (let c = 0; c < channels; c++) {
    const weight = last.weights.kernel[c * last.units + digit];
    let best = 0;
    for (let i = 1; i < height * width; i++)
      if (before.data[i * channels + c] > before.data[best * channels + c]) best = i;
    if (pooling.op === "global_max") shares[best] += weight * before.data[best * channels + c];
    else
      for (let i = 0; i < height * width; i++)
        shares[i] += (weight * before.data[i * channels + c]) / (height * width);
  }
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
  if (strokes.length) show(grey(pen, pad.width, pad.height), pad.width, pad.height);
  else {
    $("answer").textContent = "Draw a digit.";
    $("bars").replaceChildren();
    $("looking").hidden = true;
  }
}

function add(event) {
  const box = pad.getBoundingClientRect();
  const seen = event.getCoalescedEvents?.() ?? [];
  for (const { clientX, clientY } of seen.length ? seen : [event])
    stroke.push([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
  draw();
}

function change(next, example = false) {
  stroke = null;
  strokes = next;
  isExample = example;
  answer();
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  pad.focus({ preventScroll: true });
  pad.setPointerCapture(event.pointerId);
  if (isExample) strokes = [];
  isExample = false;
  stroke = [];
  add(event);
});
pad.addEventListener("pointermove", (event) => stroke && add(event));
for (const end of ["pointerup", "pointercancel"])
  pad.addEventListener(end, () => stroke && change([...strokes, stroke]));
pad.addEventListener("keydown", (event) => {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Backspace" || (control && event.key === "z")) change(strokes.slice(0, -1));
  else if (event.key === "Delete") change([]);
  else if (!control && CONSTANTS.examples[event.key]) change(CONSTANTS.examples[event.key], true);
  else return;
  event.preventDefault();
});
$("undo").addEventListener("click", () => change(strokes.slice(0, -1)));
$("clear").addEventListener("click", () => change([]));
$("example").addEventListener("change", (event) => {
  if (event.target.value) change(CONSTANTS.examples[event.target.value], true);
  event.target.value = "";
});
$("layer").addEventListener("change", showLayer);
$("upload").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  change([]);
  $("answer").textContent = "Reading…";
  try {
    const bitmap = await createImageBitmap(file);
    const factor = Math.min(1, CONSTANTS.working_side / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((s) => Math.max(1, Math.round(s * factor)));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    show(grey(context, width, height), width, height);
  } catch (error) {
    $("answer").textContent = "This browser cannot open that file as a picture; try a PNG or JPEG.";
  }
});

for (const [layer, index] of spatial) {
  const option = new Option(layer.name, index);
  $("layer").add(option);
}
$("layer").selectedIndex = spatial.length - 1;
for (const [name, value] of Object.entries(read("facts"))) {
  const term = document.createElement("dt");
  term.textContent = name;
  const text = document.createElement("dd");
  text.textContent = value;
  $("card").append(term, text);
}
draw();
