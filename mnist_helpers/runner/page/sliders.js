// Sliders over the augmentation, as in notebook 03. The other scripts come before.
const { digits, transforms, seed: FIRST_SEED } = read("settings");
const GAP = 4;
const DRAWS = 3;
const narrow = matchMedia("(max-width: 30rem)");
const images = digits.map((text) => Float32Array.from(atob(text), (c) => c.charCodeAt(0) / 255));
const SIDE = Math.sqrt(images[0].length);
let seed = FIRST_SEED;

// Mulberry32: small, and the same seed gives the same draw. Not that of TensorFlow.
function uniform(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

// Amounts for one image: each uniform, up to what its slider shows.
function drawAmounts(random) {
  const amounts = {};
  for (const { name, scale } of transforms) {
    const most = $(name).valueAsNumber;
    if (name === "shift_fraction") amounts[name] = [random(), random()].map((d) => d * most * SIDE);
    else amounts[name] = random() * most * scale;
  }
  return amounts;
}

function written({ name, percent }) {
  const value = $(name).valueAsNumber;
  return percent ? `${Math.round(100 * value)}%` : `${value}°`;
}

function redraw() {
  const random = uniform(seed);
  const draws = Array.from({ length: DRAWS }, () =>
    images.map((image) => transformImage(image, drawAmounts(random))),
  );
  const columns = narrow.matches ? 6 : images.length;
  const [step, shown] = [SIDE + GAP, images.slice(0, columns)];
  const [width, height] = [shown.length * step - GAP, (DRAWS + 1) * step - GAP];
  const ink = new Float32Array(width * height);
  [images, ...draws].forEach((row, r) =>
    shown.forEach((_, column) =>
      row[column].forEach((value, i) => {
        const [y, x] = [Math.floor(i / SIDE), i % SIDE];
        ink[(r * step + y) * width + column * step + x] = value;
      }),
    ),
  );
  paint($("picture"), ink, width, height, (value) => Array(3).fill(255 * (1 - value)));
  $("picture").style.width = `${2 * width}px`;
  const parts = transforms.map((transform) => {
    $(`${transform.name}_shown`).value = written(transform);
    return `${transform.title} ${written(transform)}`;
  });
  const text = `${parts.join(", ")} at most`;
  $("picture").setAttribute("aria-label", `Digits as they are, and three rows of them at random: ${text}.`);
}

function reset() {
  seed = FIRST_SEED;
  for (const { name, value } of transforms) $(name).value = value;
  redraw();
}

for (const { name } of transforms) $(name).addEventListener("input", redraw);
$("resample").addEventListener("click", () => {
  seed += 1;
  redraw();
});
$("reset").addEventListener("click", reset);
narrow.addEventListener("change", redraw);
reset();
