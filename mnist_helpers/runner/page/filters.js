// What to_mnist.js needs of NumPy, SciPy, scikit-image and Pillow, with their numbers: grids are
// {width, height, data}, masks hold 0 and 1.

function grid(width, height, fill = 0, Type = Float64Array) {
  return { width, height, data: new Type(width * height).fill(fill) };
}

function mapped(a, f, Type = Float64Array) {
  const data = new Type(a.data.length); // a plain loop: Type.from asks an iterator, ten times slower
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[i], i);
  return { width: a.width, height: a.height, data };
}

// A mask from a rule about each pixel's number.
function maskOf(a, rule) {
  return mapped(a, (_, i) => (rule(i) ? 1 : 0), Uint8Array);
}

function transposed(a) {
  const out = { width: a.height, height: a.width, data: a.data.slice() };
  for (let y = 0; y < a.height; y++)
    for (let x = 0; x < a.width; x++) out.data[x * a.height + y] = a.data[y * a.width + x];
  return out;
}

// A quarter turn against the clock, as np.rot90.
function rotated(a) {
  const mirrored = (i) => i - (i % a.width) + a.width - 1 - (i % a.width);
  return transposed(mapped(a, (_, i) => a.data[mirrored(i)], a.data.constructor));
}

// From a row and a column on, with zeros where it reaches beyond.
function cut(a, top, left, height, width) {
  const out = grid(width, height, 0, a.data.constructor);
  for (let y = Math.max(0, -top); y < Math.min(height, a.height - top); y++)
    for (let x = Math.max(0, -left); x < Math.min(width, a.width - left); x++)
      out.data[y * width + x] = a.data[(y + top) * a.width + x + left];
  return out;
}

function padded(a, margin) {
  return cut(a, -margin, -margin, a.height + 2 * margin, a.width + 2 * margin);
}

function total(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

function largest(values) {
  let best = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > best) best = values[i];
  return best;
}

const smallest = (values) => -largest(values.map((value) => -value));
const mean = (values) => total(values) / values.length;
const clipped = (value, low, high) => Math.min(Math.max(value, low), high);
const chosen = (a, mask, wanted = 1) => kept(a.data, (_, i) => mask.data[i] === wanted);

// Those values of a typed array that a rule keeps.
function kept(values, rule) {
  const out = new values.constructor(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (rule(values[i], i)) out[count++] = values[i];
  return out.subarray(0, count);
}

// Half goes to the even neighbour, as in Python.
function rint(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2 !== 0) : Math.round(value);
}

function percentile(values, percent) {
  const sorted = Float64Array.from(values).sort();
  const place = (percent / 100) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (place % 1) * (above - below);
}

const median = (values) => percentile(values, 50);

// The middle of the bin, of 256, that splits the values best (skimage.filters.threshold_otsu).
function otsu(values) {
  const [low, high] = [smallest(values), largest(values)];
  const counts = new Float64Array(256);
  for (let i = 0; i < values.length; i++)
    counts[Math.min(255, Math.floor(((values[i] - low) / (high - low)) * 256))]++;
  const middles = counts.map((_, bin) => low + ((bin + 0.5) / 256) * (high - low));
  const sum = total(counts.map((count, bin) => count * middles[bin]));
  let [best, threshold, below, sumBelow] = [-1, low, 0, 0];
  for (let bin = 0; bin < 255; bin++) {
    below += counts[bin];
    sumBelow += counts[bin] * middles[bin];
    const above = values.length - below;
    const variance = below * above * (sumBelow / below - (sum - sumBelow) / above) ** 2;
    if (variance > best) [best, threshold] = [variance, middles[bin]];
  }
  return threshold;
}

// Applies a function from a line of numbers to another, perhaps `times` as long, to all rows, then
// to all columns.
function separably(a, filter, times = 1) {
  let out = a;
  for (let pass = 0; pass < 2; pass++) {
    const next = grid(times * out.width, out.height);
    for (let start = 0; start < out.data.length; start += out.width)
      next.data.set(filter(out.data.subarray(start, start + out.width)), times * start);
    out = transposed(next);
  }
  return out;
}

// Beyond its ends a line goes back the way it came: c b a | a b c | c b a.
function reflected(i, length) {
  if (i >= 0 && i < length) return i; // mostly, and without two divisions
  const place = ((i % (2 * length)) + 2 * length) % (2 * length);
  return place < length ? place : 2 * length - 1 - place;
}

function gaussian(a, sigma) {
  const reach = Math.floor(4 * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / sigma) ** 2),
  );
  const sum = total(kernel);
  return separably(a, (line) => {
    const out = new Float64Array(line.length);
    for (let x = 0; x < line.length; x++)
      for (let i = -reach; i <= reach; i++)
        out[x] += (kernel[i + reach] / sum) * line[reflected(x + i, line.length)];
    return out;
  });
}

function boxAverage(a, size) {
  return separably(a, (line) => {
    const before = Math.floor(size / 2);
    const sums = new Float64Array(line.length + size);
    for (let i = 1; i < sums.length; i++)
      sums[i] = sums[i - 1] + line[reflected(i - 1 - before, line.length)];
    return line.map((_, x) => (sums[x + size] - sums[x]) / size);
  });
}

// The largest of a window that begins `before` pixels back: a queue of falling candidates.
function slidingMaximum(line, size, before) {
  const out = line.slice();
  const queue = new Int32Array(line.length + size);
  const at = (i) => line[i < 0 ? 0 : i < line.length ? i : line.length - 1];
  for (let i = -before, first = 0, end = 0; i < line.length + size - 1 - before; i++) {
    while (end > first && at(queue[end - 1]) <= at(i)) end--;
    queue[end++] = i;
    const x = i - size + 1 + before;
    if (x < 0) continue;
    while (queue[first] < x - before) first++;
    out[x] = at(queue[first]);
  }
  return out;
}

function opened(a, size) {
  const before = Math.floor(size / 2);
  const turned = separably(mapped(a, (v) => -v), (line) => slidingMaximum(line, size, before));
  const low = mapped(turned, (v) => -v);
  return separably(low, (line) => slidingMaximum(line, size, size - 1 - before));
}

function dilatedMask(mask, reach) {
  const wide = separably(padded(mask, reach), (line) => slidingMaximum(line, 2 * reach + 1, reach));
  return mapped(cut(wide, reach, reach, mask.height, mask.width), (v) => v, Uint8Array);
}

// The largest (sign 1) or smallest (sign -1) value in a disc around each pixel.
function extremeInDisc(a, radius, sign) {
  const near = [];
  for (let y = -radius; y <= radius; y++)
    for (let x = -radius; x <= radius; x++) if (x * x + y * y <= radius * radius) near.push([y, x]);
  return mapped(a, (_, i) => {
    const [row, column] = [Math.floor(i / a.width), i % a.width];
    let best = -Infinity;
    for (const [y, x] of near) {
      const from = reflected(row + y, a.height) * a.width + reflected(column + x, a.width);
      best = Math.max(best, sign * a.data[from]);
    }
    return sign * best;
  });
}

// Numbers connected parts from 1 on; `steps` are columns and rows to neighbours in turn.
const EVERY_NEIGHBOUR = [-1, -1, 0, -1, 1, -1, -1, 0, 1, 0, -1, 1, 0, 1, 1, 1];
const FOUR_NEIGHBOURS = [0, -1, -1, 0, 1, 0, 0, 1];
const ABOVE_AND_BELOW = [0, -1, 0, 1];
function label(mask, steps) {
  const { width, height } = mask;
  const parts = grid(width, height, 0, Int32Array);
  const waiting = new Int32Array(mask.data.length);
  let count = 0;
  for (let start = 0; start < mask.data.length; start++) {
    if (!mask.data[start] || parts.data[start]) continue;
    let left = 0;
    waiting[left++] = start;
    parts.data[start] = ++count;
    while (left) {
      const i = waiting[--left];
      for (let step = 0; step < steps.length; step += 2) {
        const column = (i % width) + steps[step];
        const row = Math.floor(i / width) + steps[step + 1];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const to = row * width + column;
        if (!mask.data[to] || parts.data[to]) continue;
        parts.data[to] = count;
        waiting[left++] = to;
      }
    }
  }
  const sizes = new Int32Array(count + 1);
  for (let i = 0; i < parts.data.length; i++) sizes[parts.data[i]]++;
  return { parts, count, sizes };
}

// Distances of ones to the nearest zero; outside there are zeros.
function insideDistances(mask) {
  const a = padded(mask, 1);
  const down = new Float64Array(a.data.length);
  for (let i = a.width; i < down.length; i++) down[i] = a.data[i] ? down[i - a.width] + 1 : 0;
  for (let i = down.length - a.width - 1; i >= 0; i--)
    down[i] = Math.min(down[i], down[i + a.width] + 1);
  const distances = [];
  for (let i = 0; i < down.length; i++) {
    let best = down[i] ** 2;
    if (!best) continue;
    for (let x = 1; x * x < best; x++)
      best = Math.min(best, x * x + down[i - x] ** 2, x * x + down[i + x] ** 2);
    distances.push(Math.sqrt(best));
  }
  return distances;
}

// Strokes in pixels: distances to the edge of a strip average a quarter of its width.
function strokeWidth(mask) {
  const distances = insideDistances(mask);
  return distances.length ? 4 * mean(distances) : 0;
}

// Pillow's resizing: a filter as wide as the shrinking, with weights that sum to 1.
const BOX_FILTER = { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const CUBIC_FILTER = {
  reach: 2,
  weight(x) {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  },
};
function resized(a, width, height, { reach, weight }) {
  let out = a;
  for (const length of [width, height]) {
    const scale = out.width / length;
    const wide = Math.max(scale, 1);
    const next = grid(length, out.height);
    for (let x = 0; x < length; x++) {
      const middle = (x + 0.5) * scale;
      const first = Math.max(0, Math.floor(middle - reach * wide + 0.5));
      const end = Math.min(out.width, Math.floor(middle + reach * wide + 0.5));
      const weights = [];
      for (let i = first; i < end; i++) weights.push(weight((i - middle + 0.5) / wide));
      const sum = total(weights);
      for (let y = 0; y < out.height; y++) {
        let value = 0;
        for (let i = first; i < end; i++)
          value += (weights[i - first] / sum) * out.data[y * out.width + i];
        next.data[y * length + x] = value;
      }
    }
    out = transposed(next);
  }
  return out;
}

// A cubic spline through the pixels, zeros around them, read at so many times as many places
// (scipy.ndimage.zoom, order 3, grid mode; the coefficients by Unser, 1999).
function splineZoom(a, times) {
  const margin = 12; // by then, the pole to this power is nothing
  const pole = Math.sqrt(3) - 2;
  return separably(a, (line) => {
    const c = new Float64Array(line.length + 2 * margin);
    c.set(line, margin);
    for (let i = 1; i < c.length; i++) c[i] += pole * c[i - 1];
    c[c.length - 1] = 0;
    for (let i = c.length - 2; i >= 0; i--) c[i] = pole * (c[i + 1] - c[i]);
    return Float64Array.from({ length: line.length * times }, (_, to) => {
      const place = (to + 0.5) / times - 0.5 + margin;
      let value = 0;
      for (let i = Math.floor(place) - 1; i <= Math.floor(place) + 2; i++) {
        const d = Math.abs(place - i);
        value += 6 * c[i] * (d < 1 ? 2 / 3 - d * d * (1 - d / 2) : Math.max(0, 2 - d) ** 3 / 6);
      }
      return value;
    });
  }, times);
}
