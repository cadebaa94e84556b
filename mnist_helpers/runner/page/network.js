"use strict";
// A trained network in plain JavaScript. Values are Float32Arrays in the order height, width,
// channels; a layer is {op, inputs, ...settings, weights: {name: Float32Array}}, as the exporter
// writes it, and `inputs` are numbers of earlier layers (0 is the image).

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

// Where windows of a size begin along one side, as TensorFlow places them.
function windows(side, size, stride, dilation, padding) {
  const reach = (size - 1) * dilation + 1;
  const count =
    padding === "same" ? Math.ceil(side / stride) : Math.floor((side - reach) / stride) + 1;
  const missing = padding === "same" ? Math.max((count - 1) * stride + reach - side, 0) : 0;
  return { count, before: Math.floor(missing / 2) };
}

function empty(shape) {
  return { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

function convolve(input, layer) {
  const [height, width, channels] = input.shape;
  const { kernel, bias } = layer.weights;
  const [kh, kw] = layer.size;
  const [sy, sx] = layer.strides;
  const [dy, dx] = layer.dilation;
  const filters = layer.filters;
  const down = windows(height, kh, sy, dy, layer.padding);
  const across = windows(width, kw, sx, dx, layer.padding);
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
  const [height, width, channels] = input.shape;
  const { kernel, bias } = layer.weights;
  const [kh, kw] = layer.size;
  const [sy, sx] = layer.strides;
  const [dy, dx] = layer.dilation;
  const times = layer.multiplier;
  const down = windows(height, kh, sy, dy, layer.padding);
  const across = windows(width, kw, sx, dx, layer.padding);
  const filters = channels * times;
  const out = empty([down.count, across.count, filters]);
  for (let y = 0; y < down.count; y++)
    for (let x = 0; x < across.count; x++) {
      const to = (y * across.count + x) * filters;
      if (bias) for (let f = 0; f < filters; f++) out.data[to + f] = bias[f];
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++) {
          const row = y * sy - down.before + i * dy;
          const column = x * sx - across.before + j * dx;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const from = (row * width + column) * channels;
          const weight = (i * kw + j) * filters;
          for (let c = 0; c < channels; c++)
            for (let m = 0; m < times; m++)
              out.data[to + c * times + m] += input.data[from + c] * kernel[weight + c * times + m];
        }
    }
  return out;
}

function pool(input, layer, average) {
  const [height, width, channels] = input.shape;
  const down = windows(height, layer.size[0], layer.strides[0], 1, layer.padding);
  const across = windows(width, layer.size[1], layer.strides[1], 1, layer.padding);
  const out = empty([down.count, across.count, channels]);
  for (let y = 0; y < down.count; y++)
    for (let x = 0; x < across.count; x++)
      for (let c = 0; c < channels; c++) {
        let best = average ? 0 : -Infinity;
        let seen = 0;
        for (let i = 0; i < layer.size[0]; i++)
          for (let j = 0; j < layer.size[1]; j++) {
            const row = y * layer.strides[0] - down.before + i;
            const column = x * layer.strides[1] - across.before + j;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const value = input.data[(row * width + column) * channels + c];
            best = average ? best + value : Math.max(best, value);
            seen++;
          }
        out.data[(y * across.count + x) * channels + c] = average ? best / seen : best;
      }
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

// Puts an image into a larger one or takes a part of it: offsets may be negative.
function place(input, top, left, height, width) {
  const [h, w, channels] = input.shape;
  const out = empty([height, width, channels]);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const row = y + top;
      const column = x + left;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      for (let c = 0; c < channels; c++)
        out.data[(row * width + column) * channels + c] = input.data[(y * w + x) * channels + c];
    }
  return out;
}

const MERGES = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  maximum: (a, b) => Math.max(a, b), // reduce gives Math.max more than two
};

const OPERATIONS = {
  identity: ([x]) => ({ shape: x.shape, data: x.data.slice() }),
  conv: ([x], layer) => convolve(x, layer),
  depthwise: ([x], layer) => convolveEachChannel(x, layer),
  max_pool: ([x], layer) => pool(x, layer, false),
  average_pool: ([x], layer) => pool(x, layer, true),
  global_max: ([x]) => poolGlobally(x, false),
  global_average: ([x]) => poolGlobally(x, true),
  dense: ([x], layer) => dense(x, layer),
  reshape: ([x], layer) => ({ shape: layer.shape, data: x.data.slice() }),
  pad: ([x], { padding: [[t, b], [l, r]] }) =>
    place(x, t, l, x.shape[0] + t + b, x.shape[1] + l + r),
  crop: ([x], { cropping: [[t, b], [l, r]] }) =>
    place(x, -t, -l, x.shape[0] - t - b, x.shape[1] - l - r),
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
  average: (inputs) => ({
    shape: inputs[0].shape,
    data: inputs[0].data.map((_, i) => inputs.reduce((s, x) => s + x.data[i], 0) / inputs.length),
  }),
};
for (const [name, merge] of Object.entries(MERGES))
  OPERATIONS[name] = (inputs) => ({
    shape: inputs[0].shape,
    data: inputs[0].data.map((_, i) => inputs.map((x) => x.data[i]).reduce(merge)),
  });

// Runs the network on one image and returns what each layer gives; the last is the answer.
function run(network, image) {
  const values = [{ shape: [28, 28, 1], data: Float32Array.from(image) }];
  for (const layer of network.layers) {
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
  const all = decodeFloat16(network.weights);
  for (const layer of network.layers)
    for (const [name, [start, length]] of Object.entries(layer.weights ?? {}))
      layer.weights[name] = all.subarray(start, start + length);
  return network;
}
