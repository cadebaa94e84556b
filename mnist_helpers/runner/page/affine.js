"use strict";
// Rotation, shift and zoom as one bilinear resampling, as mnist_helpers.training computes them.

// Where the point at (x, y), right of and below the centre, came from: `inverse` of
// training/transforms.py.
const INVERSES = {
  rotation_degrees: (x, y, angle) => [
    Math.cos(angle) * x - Math.sin(angle) * y,
    Math.sin(angle) * x + Math.cos(angle) * y,
  ],
  zoom_fraction: (x, y, amount) => [x / (1 + amount), y / (1 + amount)],
};

// Transforms a square image. `amounts` are what the inverses take, by name and in Python's order,
// and of the shift how many pixels to the right and down. What comes in from outside is 0.
function transformImage(image, amounts) {
  const side = Math.sqrt(image.length);
  const centre = (side - 1) / 2;
  let [right, down] = [[1, 0], [0, 1]]; // where one step came from
  for (const [name, amount] of Object.entries(amounts))
    if (name !== "shift_fraction")
      [right, down] = [right, down].map(([x, y]) => INVERSES[name](x, y, amount));
  const [shiftX, shiftY] = amounts.shift_fraction;
  const at = (x, y) => (x >= 0 && y >= 0 && x < side && y < side ? image[y * side + x] : 0);
  return Float32Array.from(image, (_, i) => {
    const [u, v] = [(i % side) - centre - shiftX, Math.floor(i / side) - centre - shiftY];
    const [x, y] = [0, 1].map((axis) => centre + right[axis] * u + down[axis] * v);
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const row = (line) => (left + 1 - x) * at(left, line) + (x - left) * at(left + 1, line);
    return (top + 1 - y) * row(top) + (y - top) * row(top + 1);
  });
}
