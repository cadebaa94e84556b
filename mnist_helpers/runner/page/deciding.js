// Which places of a layer's maps decided the answer.

// The slopes of the activations, from what they give.
const SLOPES = {
  linear: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  relu6: (y) => (y > 0 && y < 6 ? 1 : 0),
  leaky_relu: (y, slope = 0.2) => (y > 0 ? 1 : slope),
  elu: (y, alpha = 1) => (y > 0 ? 1 : y + alpha),
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
};

// From an operation's input, settings, output and the slopes of its output to those of its input.
const BACKWARD = {
  identity: (x, layer, y, slopes) => slopes,
  add: (x, layer, y, slopes) => slopes,
  reshape: (x, layer, y, slopes) => slopes,
  affine: (x, { weights: { scale } }, y, slopes) => slopes.map((s, i) => s * scale[i % scale.length]),
  dense: (x, { units, weights: { kernel } }, y, slopes) => {
    const depth = kernel.length / units;
    const of = (i) => slopes.subarray(Math.floor(i / depth) * units).subarray(0, units);
    return x.data.map((_, i) => of(i).reduce((sum, s, u) => sum + s * kernel[(i % depth) * units + u], 0));
  },
  conv: (x, layer, y, slopes) => {
    const [channels, filters, kernel] = [x.shape[2], layer.filters, layer.weights.kernel];
    const out = new Float32Array(x.data.length);
    const used = Array.from({ length: y.data.length / filters }, (_, n) =>
      slopes.subarray(n * filters, (n + 1) * filters).some((s) => s));
    eachPair(x, layer, (n, from, k) => {
      if (!used[n]) return; // most, behind a global maximum
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        const weight = (k * channels + c) * filters;
        for (let f = 0; f < filters; f++) sum += slopes[n * filters + f] * kernel[weight + f];
        out[from * channels + c] += sum;
      }
    });
    return out;
  },
  max_pool: (x, layer, y, slopes) => {
    const channels = x.shape[2];
    const out = new Float32Array(x.data.length);
    const given = new Uint8Array(y.data.length); // of equal largest values, the first gets all
    eachPair(x, layer, (n, from) => {
      for (let c = 0; c < channels; c++) {
        const [to, at] = [n * channels + c, from * channels + c];
        if (given[to] || x.data[at] !== y.data[to]) continue;
        out[at] += slopes[to];
        given[to] = 1;
      }
    });
    return out;
  },
  average_pool: (x, layer, y, slopes) => {
    const channels = x.shape[2];
    const out = new Float32Array(x.data.length);
    const seen = new Float32Array(y.data.length / channels);
    eachPair(x, layer, (n) => seen[n]++);
    eachPair(x, layer, (n, from) => {
      for (let c = 0; c < channels; c++) out[from * channels + c] += slopes[n * channels + c] / seen[n];
    });
    return out;
  },
  global_max: (x, layer, y, slopes) => {
    const equal = y.data.map((best, c) => x.data.filter((v, i) => i % y.data.length === c && v === best).length);
    return x.data.map((v, i) => {
      const c = i % y.data.length;
      return v === y.data[c] ? slopes[c] / equal[c] : 0;
    });
  },
  global_average: (x, layer, y, slopes) =>
    x.data.map((_, i) => (slopes[i % slopes.length] * slopes.length) / x.data.length),
};

// What each place of a layer's maps adds to the answer's logit: gradient times value, summed over
// the maps (HiResCAM; Draelos and Carin, 2020); behind a global pooling and one dense layer, the
// class activation map. Null where there is an operation whose slopes are not known here.
function placesThatDecided(network, values, number) {
  let end = values.length - 1;
  const p = values[end].data;
  const slopes = { [end]: p.map((_, i) => Number(i === p.indexOf(Math.max(...p)))) };
  for (; end > number; end--) {
    const { op, inputs, activation = "linear", option } = network[end - 1];
    const y = values[end];
    if (!slopes[end]) continue; // the answer does not depend on it
    const last = !network.slice(end).some(({ op, activation }) => op !== "identity" || activation);
    const slope = activation === "softmax" && last ? SLOPES.linear : SLOPES[activation];
    if (!slope || !BACKWARD[op]) return null;
    const after = slopes[end].map((s, i) => s && s * slope(y.data[i], option));
    for (const input of inputs) {
      const x = values[input];
      const before = BACKWARD[op](x, network[end - 1], y, after);
      slopes[input] = slopes[input]?.map((s, i) => s + before[i]) ?? before;
    }
  }
  if (!slopes[number]) return null;
  const { shape: [height, width, channels], data } = values[number];
  const shares = new Float32Array(height * width);
  data.forEach((value, i) => (shares[Math.floor(i / channels)] += value * slopes[number][i]));
  return { shape: [height, width], data: shares };
}
