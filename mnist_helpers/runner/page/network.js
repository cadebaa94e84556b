"use strict";
// A trained network, a list of layers, in plain JavaScript. Values are Float32Arrays in the order
// height, width, channels; a layer is {op, inputs, ...settings, weights: {name: Float32Array}}, as
// the exporter writes it, and `inputs` are numbers of earlier layers (0 is the image).

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  leaky_relu: (x, slope = 0.2) => (x > 0 ? x : slope * x),
  elu: (x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x)),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0),
  softsign: (x) => x / (1 + Math.abs(x)),
};

function softmax(values, channels) {
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += channels) {
    let largest = -Infinity;
    let sum = 0;
    for (let c = 0; c < channels; c++) largest = Math.max(largest, values[start + c]);
    for (let c = 0; c < channels; c++)
      sum += out[start + c] = Math.exp(values[start + c] - largest);
    for (let c = 0; c < channels; c++) out[start + c] /= sum;
  }
  return out;
}

function activate(tensor, name, option) {
  if (!name || name === "linear") return tensor;
  if (name === "softmax") {
    tensor.data = softmax(tensor.data, tensor.shape[tensor.shape.length - 1]);
    return tensor;
  }
  const f = ACTIVATIONS[name];
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = f(tensor.data[i], option);
  return tensor;
}

function empty(shape) {
  return { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

// Along both sides: how many windows there are, and how far outside the first one begins, as
// TensorFlow places them.
function windows({ shape }, { size, strides, dilation = [1, 1], padding }) {
  return [0, 1].map((axis) => {
    const [side, stride] = [shape[axis], strides[axis]];
    const reach = (size[axis] - 1) * dilation[axis] + 1;
    if (padding !== "same") return { count: Math.floor((side - reach) / stride) + 1, before: 0 };
    const count = Math.ceil(side / stride);
    const missing = Math.max((count - 1) * stride + reach - side, 0);
    return { count, before: Math.floor(missing / 2) };
  });
}

// An output for each window, all 0.
function emptyMaps(input, layer, channels) {
  return empty([...windows(input, layer).map(({ count }) => count), channels]);
}

// Calls visit(output, input, kernel) for each pair of places that a window joins, each a number
// of a place in its own grid.
function eachPair(input, layer, visit) {
  const [height, width] = input.shape;
  const [kh, kw] = layer.size;
  const [sy, sx] = layer.strides;
  const [dy, dx] = layer.dilation ?? [1, 1];
  const [down, across] = windows(input, layer);
  for (let n = 0; n < down.count * across.count; n++)
    for (let k = 0; k < kh * kw; k++) {
      const y = Math.floor(n / across.count) * sy - down.before + Math.floor(k / kw) * dy;
      const x = (n % across.count) * sx - across.before + (k % kw) * dx;
      if (y >= 0 && x >= 0 && y < height && x < width) visit(n, y * width + x, k);
    }
}

// Its own loops, not `eachPair`: the time goes here, most of all on a phone.
function convolve(input, layer) {
  const { filters, weights: { kernel, bias } } = layer;
  const [height, width, channels] = input.shape;
  const [kh, kw] = layer.size;
  const [sy, sx] = layer.strides;
  const [dy, dx] = layer.dilation;
  const [down, across] = windows(input, layer);
  const out = empty([down.count, across.count, filters]);
  const [given, sums] = [input.data, out.data];
  for (let y = 0; y < down.count; y++)
    for (let x = 0; x < across.count; x++) {
      const to = (y * across.count + x) * filters;
      if (bias) for (let f = 0; f < filters; f++) sums[to + f] = bias[f];
      for (let i = 0; i < kh; i++) {
        const row = y * sy - down.before + i * dy;
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < kw; j++) {
          const column = x * sx - across.before + j * dx;
          if (column < 0 || column >= width) continue;
          const from = (row * width + column) * channels;
          let weight = (i * kw + j) * channels * filters;
          for (let c = 0; c < channels; c++, weight += filters) {
            const value = given[from + c];
            if (value === 0) continue; // half of what a ReLU lets through
            for (let f = 0; f < filters; f++) sums[to + f] += value * kernel[weight + f];
          }
        }
      }
    }
  return out;
}

function convolveEachChannel(input, layer) {
  const { multiplier, weights: { kernel, bias } } = layer;
  const channels = input.shape[2];
  const filters = channels * multiplier;
  const out = emptyMaps(input, layer, filters);
  if (bias) out.data.forEach((_, i) => (out.data[i] = bias[i % filters]));
  eachPair(input, layer, (to, from, k) => {
    for (let f = 0; f < filters; f++)
      out.data[to * filters + f] +=
        input.data[from * channels + Math.floor(f / multiplier)] * kernel[k * filters + f];
  });
  return out;
}

function maxPool(input, layer) {
  const channels = input.shape[2];
  const out = emptyMaps(input, layer, channels);
  out.data.fill(-Infinity);
  eachPair(input, layer, (to, from) => {
    for (let c = 0; c < channels; c++) {
      const value = input.data[from * channels + c];
      if (value > out.data[to * channels + c]) out.data[to * channels + c] = value;
    }
  });
  return out;
}

function averagePool(input, layer) {
  const channels = input.shape[2];
  const out = emptyMaps(input, layer, channels);
  const sums = new Float64Array(out.data.length);
  const seen = new Float64Array(out.data.length);
  eachPair(input, layer, (to, from) => {
    for (let c = 0; c < channels; c++) {
      sums[to * channels + c] += input.data[from * channels + c];
      seen[to * channels + c]++;
    }
  });
  out.data.forEach((_, i) => (out.data[i] = sums[i] / seen[i]));
  return out;
}

function poolGlobally(input, average) {
  const channels = input.shape[2];
  const places = input.data.length / channels;
  const out = empty([channels]);
  if (!average) out.data.fill(-Infinity);
  for (let i = 0; i < input.data.length; i++) {
    const c = i % channels;
    out.data[c] = average ? out.data[c] + input.data[i] / places : Math.max(out.data[c], input.data[i]);
  }
  return out;
}

function dense(input, layer) {
  const { kernel, bias } = layer.weights;
  const depth = input.shape[input.shape.length - 1];
  const units = layer.units;
  const out = empty([...input.shape.slice(0, -1), units]);
  for (let row = 0; row < input.data.length / depth; row++)
    for (let u = 0; u < units; u++) {
      let sum = bias ? bias[u] : 0;
      for (let i = 0; i < depth; i++) sum += input.data[row * depth + i] * kernel[i * units + u];
      out.data[row * units + u] = sum;
    }
  return out;
}

// Puts an image into a larger one; where the padding is negative, into a smaller one.
function zeroPad(input, { padding: [[top, bottom], [left, right]] }) {
  const [h, w, channels] = input.shape;
  const [height, width] = [h + top + bottom, w + left + right];
  const out = empty([height, width, channels]);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [row, column] = [y + top, x + left];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      for (let c = 0; c < channels; c++)
        out.data[(row * width + column) * channels + c] = input.data[(y * w + x) * channels + c];
    }
  return out;
}

const sum = (values) => values.reduce((a, b) => a + b);

// Makes an operation of a function from the values in one place of several inputs to one value.
const merge = (f) => (inputs) => ({
  shape: inputs[0].shape,
  data: inputs[0].data.map((_, i) => f(inputs.map(({ data }) => data[i]))),
});

const OPERATIONS = {
  identity: ([x]) => ({ shape: x.shape, data: x.data.slice() }),
  conv: ([x], layer) => convolve(x, layer),
  depthwise: ([x], layer) => convolveEachChannel(x, layer),
  max_pool: ([x], layer) => maxPool(x, layer),
  average_pool: ([x], layer) => averagePool(x, layer),
  global_max: ([x]) => poolGlobally(x, false),
  global_average: ([x]) => poolGlobally(x, true),
  dense: ([x], layer) => dense(x, layer),
  reshape: ([x], layer) => ({ shape: layer.shape, data: x.data.slice() }),
  pad: ([x], layer) => zeroPad(x, layer),
  // Batch normalisation and rescaling: a factor and an offset for each channel.
  affine: ([x], layer) => {
    const { scale, offset } = layer.weights;
    const n = scale.length;
    return { shape: x.shape, data: x.data.map((v, i) => v * scale[i % n] + offset[i % n]) };
  },
  concatenate: (inputs) => {
    const depths = inputs.map((x) => x.shape[x.shape.length - 1]);
    const total = depths.reduce((a, b) => a + b, 0);
    const out = empty([...inputs[0].shape.slice(0, -1), total]);
    let start = 0;
    inputs.forEach((x, k) => {
      for (let i = 0; i < x.data.length; i++)
        out.data[Math.floor(i / depths[k]) * total + start + (i % depths[k])] = x.data[i];
      start += depths[k];
    });
    return out;
  },
  add: merge(sum),
  subtract: merge(([a, b]) => a - b),
  multiply: merge((values) => values.reduce((a, b) => a * b)),
  maximum: merge((values) => Math.max(...values)),
  average: merge((values) => sum(values) / values.length),
};

// Runs the network on one image and returns what each layer gives; the last is the answer.
function run(network, image) {
  const values = [{ shape: [28, 28, 1], data: Float32Array.from(image) }];
  for (const layer of network) {
    const inputs = layer.inputs.map((number) => values[number]);
    values.push(activate(OPERATIONS[layer.op](inputs, layer), layer.activation, layer.option));
  }
  return values;
}

// IEEE half precision, little-endian, in base64.
function decodeFloat16(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const halves = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const half = halves.getUint16(2 * i, true);
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    return half & 0x8000 ? -size : size;
  });
}

function unpack(network) {
  for (const { weights } of network)
    for (const [name, text] of Object.entries(weights)) weights[name] = decodeFloat16(text);
  return network;
}
