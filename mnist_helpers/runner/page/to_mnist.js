// Any picture of a digit, brought to the form of MNIST's images: what mnist_helpers.preprocessing
// does, step by step; tests hold the two together. `CONSTANTS` are those of Python. Before it come
// the functions of filters.js.

class PictureError extends Error {}
class SeveralDigitsError extends PictureError {}

// Where a line of light or a shadow makes the picture's slope: a plane with the least absolute
// deviation, by iteratively reweighted least squares.
function flattened(grey) {
  const { width, height } = grey;
  if (Math.max(width, height) < CONSTANTS.LARGE) return grey;
  const every = Math.ceil(Math.max(width, height) / 48);
  const row = (y) => -1 + (2 * y) / Math.max(height - 1, 1);
  const column = (x) => -1 + (2 * x) / Math.max(width - 1, 1);
  let factors = [0, 0, 0];
  for (let time = 0; time < 8; time++) {
    const sums = [0, 1, 2].map(() => [0, 0, 0, 0]);
    for (let y = 0; y < height; y += every)
      for (let x = 0; x < width; x += every) {
        const point = [1, row(y), column(x), grey.data[y * width + x]];
        const plane = factors[0] + factors[1] * point[1] + factors[2] * point[2];
        const weight = time ? 1 / Math.max(Math.abs(plane - point[3]), 0.01) : 1;
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 4; j++) sums[i][j] += weight * point[i] * point[j];
      }
    factors = solved(sums);
  }
  return mapped(grey, (value, i) =>
    value - row(Math.floor(i / width)) * factors[1] - column(i % width) * factors[2],
  );
}

// Three equations, each three factors and a sum, by elimination.
function solved(rows) {
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) {
      if (i === j || !rows[i][i]) continue;
      const factor = rows[j][i] / rows[i][i];
      rows[j] = rows[j].map((value, k) => value - factor * rows[i][k]);
    }
  return rows.map((row, i) => (row[i] ? row[3] / row[i] : 0));
}

// Paper is what the border, the corners and most of a picture show, if there are no dark borders.
function lightOnDark(grey) {
  const { width, height } = grey;
  const [longer, shorter] = [Math.max(width, height), Math.min(width, height)];
  const flat = flattened(grey);
  if (largest(flat.data) - smallest(flat.data) < CONSTANTS.LEAST_CONTRAST)
    throw new PictureError(CONSTANTS.BLANK);
  const threshold = otsu(flat.data);
  const bright = maskOf(flat, (i) => flat.data[i] > threshold);
  const sides = sidesOf(bright);
  const corners = [sides[0][0], sides[0][width - 1], sides[1][0], sides[1][width - 1]];
  const shares = [mean(edgeOf(bright)), mean(corners)];
  const tiny = longer < CONSTANTS.TINY;
  if (!tiny) shares.push(mean(bright.data));
  const vote = mean(shares);
  let brightPaper = vote > 0.5;
  if (!tiny && Math.abs(vote - 0.5) < CONSTANTS.UNDECIDED) {
    const more = countParts(bright) - countParts(maskOf(bright, (i) => !bright.data[i]));
    if (more) brightPaper = more > 0;
  }
  const least = shorter >= CONSTANTS.LARGE ? 2 : shorter >= CONSTANTS.TINY ? 3 : 5;
  for (const paper of [1, 0])
    if (hasBorders(maskOf(bright, (i) => bright.data[i] === paper), least))
      brightPaper = paper === 1;
  return brightPaper ? mapped(grey, (value) => 1 - value) : grey;
}

// Whether at least so many sides show no paper, and what lies within them mostly does.
function hasBorders(paper, least) {
  const full = sidesOf(paper).filter((side) => mean(side) < 0.03).length;
  if (full < least || mean(paper.data) <= 0.53) return false;
  const bands = borderBands(maskOf(paper, (i) => !paper.data[i]));
  const inside = inkedBox(maskOf(bands, (i) => !bands.data[i]));
  return mean(edgeOf(cut(paper, ...inside))) > CONSTANTS.LEAST_FREE;
}

function sidesOf(mask) {
  const turned = transposed(mask);
  return [
    mask.data.slice(0, mask.width), mask.data.slice(-mask.width),
    turned.data.slice(0, mask.height), turned.data.slice(-mask.height),
  ];
}

const edgeOf = (a) => sidesOf(a).flatMap((side) => [...side]);

// Connected parts that are no specks.
function countParts(mask) {
  const { sizes } = label(mask, EVERY_NEIGHBOUR);
  return kept(sizes.slice(1), (size) => size >= 0.01 * mask.data.length).length;
}

// Cuts a picture to the sheet of paper in it, if there is a dark desk around one.
function cutToSheet(grey) {
  const { width, height } = grey;
  if (Math.min(width, height) < CONSTANTS.LARGE) return grey;
  const white = largest(grey.data);
  // Quick to see: where both of these sides have white, no three are dark.
  const row = (y) => grey.data.subarray(y * width, (y + 1) * width);
  const whiteShare = (line) => kept(line, (value) => value === white).length / width;
  if (whiteShare(row(0)) >= 0.03 && whiteShare(row(height - 1)) >= 0.03) return grey;
  if (white - smallest(grey.data) < CONSTANTS.LEAST_CONTRAST) return grey;
  const threshold = otsu(grey.data);
  const bright = maskOf(grey, (i) => grey.data[i] > threshold);
  if (sidesOf(bright).filter((side) => mean(side) < 0.03).length < 3) return grey;
  const { parts, sizes } = label(bright, FOUR_NEIGHBOURS);
  const most = 1 + sizes.slice(1).indexOf(largest(sizes.slice(1)));
  const sheet = withHolesFilled(maskOf(grey, (i) => parts.data[i] === most));
  const area = total(sheet.data);
  const filled = sizes[most] > CONSTANTS.LEAST_BRIGHT * area && sizes[most] < area;
  if (area < CONSTANTS.LEAST_SHEET * grey.data.length || !filled) return grey;
  let box = Infinity;
  for (let angle = 0; angle < 90; angle += 5) {
    const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const reach = [Infinity, -Infinity, Infinity, -Infinity];
    sheet.data.forEach((is, i) => {
      if (!is) return;
      const [x, y] = [i % width, Math.floor(i / width)];
      const [along, across] = [x * cos + y * sin, y * cos - x * sin];
      reach[0] = Math.min(reach[0], along);
      reach[1] = Math.max(reach[1], along);
      reach[2] = Math.min(reach[2], across);
      reach[3] = Math.max(reach[3], across);
    });
    box = Math.min(box, (reach[1] - reach[0] + 1) * (reach[3] - reach[2] + 1));
  }
  if (area < CONSTANTS.LEAST_RECTANGLE * box) return grey;
  const beyond = grown(maskOf(sheet, (i) => !sheet.data[i]));
  const paper = median(kept(grey.data, (_, i) => !beyond.data[i] && parts.data[i] === most));
  const whole = mapped(grey, (value, i) => (beyond.data[i] ? paper : value));
  const inside = maskOf(beyond, (i) => !beyond.data[i]);
  return inside.data.includes(1) ? cut(whole, ...inkedBox(inside)) : grey;
}

// What cannot be reached from the edges without crossing the mask.
function withHolesFilled(mask) {
  const { parts } = label(maskOf(mask, (i) => !mask.data[i]), FOUR_NEIGHBOURS);
  const outside = new Set(edgeOf(parts));
  outside.delete(0);
  return maskOf(mask, (i) => !outside.has(parts.data[i]));
}

const grown = (mask) =>
  dilatedMask(mask, 1 + rint(Math.max(mask.width, mask.height) / 100));

function thresholdOf(values) {
  if (!values.length || largest(values) === smallest(values))
    throw new PictureError(CONSTANTS.BLANK);
  return otsu(values);
}

// The paper: near each pixel, the average of those that are no ink.
function background(light, erased) {
  const near = Math.floor(Math.max(light.width, light.height) / 2);
  const low = opened(light, near);
  const above = mapped(light, (value, i) => value - low.data[i]);
  const threshold = thresholdOf(chosen(above, erased, 0));
  const inky = grown(maskOf(above, (i) => above.data[i] > threshold || erased.data[i]));
  if (mean(inky.data) > 0.9) {
    const quarter = percentile(above.data, 25);
    return mapped(low, (value) => value + quarter);
  }
  const weights = boxAverage(mapped(inky, (value) => 1 - value), near);
  const average = boxAverage(mapped(above, (value, i) => (inky.data[i] ? 0 : value)), near);
  return mapped(low, (value, i) => value + average.data[i] / Math.max(weights.data[i], 1e-3));
}

function aboveThreshold(ink, erased) {
  const values = chosen(ink, erased, 0);
  const threshold = Math.max(thresholdOf(values), 0); // what is lighter than the paper is none
  const below = kept(values, (value) => value <= threshold);
  const above = kept(values, (value) => value > threshold);
  const contrast = above.length ? mean(above) - median(below) : 0;
  const middle = mean(below);
  const deviation = Math.sqrt(mean(below.map((value) => (value - middle) ** 2)));
  if (contrast < Math.max(CONSTANTS.LEAST_CONTRAST, CONSTANTS.NOISE_FACTOR * deviation))
    throw new PictureError(CONSTANTS.BLANK);
  return maskOf(ink, (i) => ink.data[i] > threshold && !erased.data[i]);
}

function findInk(grey) {
  let light = lightOnDark(grey);
  const { width, height } = light;
  const longer = Math.max(width, height);
  if (longer < CONSTANTS.TINY) {
    const paper = percentile(edgeOf(light), 25);
    const ink = mapped(light, (value) => value - paper);
    const threshold = Math.max(CONSTANTS.LEAST_CONTRAST, 0.1 * largest(ink.data));
    return [ink, maskOf(ink, (i) => ink.data[i] > threshold)];
  }
  if (longer >= CONSTANTS.LARGE) light = gaussian(light, longer / 400);
  let erased = grid(width, height, 0, Uint8Array);
  let ink, mask;
  for (let time = 0; time < 3; time++) {
    const paper = background(light, erased);
    ink = mapped(light, (value, i) => (erased.data[i] ? 0 : value - paper.data[i]));
    mask = aboveThreshold(ink, erased);
    const frame = framePixels(mask);
    const straight = linePixels(maskOf(mask, (i) => mask.data[i] && !frame.data[i]));
    const lines = maskOf(mask, (i) => frame.data[i] || straight.data[i]);
    if (!lines.data.includes(1)) break;
    const around = grown(lines);
    const before = erased;
    erased = maskOf(mask, (i) =>
      before.data[i] || (around.data[i] && (lines.data[i] || !mask.data[i])),
    );
  }
  return [ink, mask];
}

// Top, bottom, left and right of each numbered part; bottom and right are the first outside.
function boxesOf(parts, count) {
  const { width, height } = parts;
  const boxes = Array.from({ length: count + 1 }, () => [height, 0, width, 0]);
  parts.data.forEach((number, i) => {
    const [y, x, box] = [Math.floor(i / width), i % width, boxes[number]];
    box[0] = Math.min(box[0], y);
    box[1] = Math.max(box[1], y + 1);
    box[2] = Math.min(box[2], x);
    box[3] = Math.max(box[3], x + 1);
  });
  return boxes.slice(1);
}

// What has the largest box if it stands around other ink, and all beyond it: a form's cell, three
// sides of one, or a ring around a digit.
function framePixels(mask) {
  const { parts, count } = label(mask, EVERY_NEIGHBOUR);
  if (!count) return mask;
  const boxes = boxesOf(parts, count);
  const areas = boxes.map(([top, bottom, left, right]) => (bottom - top) * (right - left));
  const largestPart = areas.indexOf(largest(areas));
  const [top, bottom, left, right] = boxes[largestPart];
  const [height, width] = [bottom - top, right - left];
  const isPart = maskOf(mask, (i) => parts.data[i] === largestPart + 1);
  const [frame, all] = [isPart, mask].map((a) => cut(a, top, left, height, width));
  let [turned, sides] = [frame, []];
  for (let turn = 0; turn < 4; turn++) {
    sides = [...sides, upperSide(turned)].map(rotated); // the fourth turn sets all upright again
    turned = rotated(turned);
  }
  const around = sides.filter((side) => side.data.includes(1)).length >= 3 ? sides : null;
  const whole = withHolesFilled(frame);
  const within = maskOf(all, (i) =>
    all.data[i] &&
    (around ? !around.some((side) => side.data[i]) : whole.data[i] && !frame.data[i]),
  );
  const inner = label(within, EVERY_NEIGHBOUR);
  const heights = boxesOf(inner.parts, inner.count).map((box) => box[1] - box[0]);
  const tall = Math.max(0, ...heights) >= CONSTANTS.LEAST_WITHIN * height;
  if (mean(frame.data) > CONSTANTS.MOST_INK || !tall)
    return grid(mask.width, mask.height, 0, Uint8Array);
  const spared = cut(within, -top, -left, mask.height, mask.width);
  return maskOf(mask, (i) => mask.data[i] && !spared.data[i]);
}

// The upper side of a frame, if it is straight and thin; a stroke that crosses it stays.
function upperSide(frame) {
  const { width, height, data } = frame;
  const found = grid(width, height, 0, Uint8Array);
  const runs = [];
  for (let x = 0; x < width; x++) {
    let first = 0;
    while (first < height && !data[first * width + x]) first++;
    if (first > Math.max(1, CONSTANTS.NEAR * height)) continue;
    let end = first;
    while (end < height && data[end * width + x]) end++;
    runs.push({ x, first, thickness: end - first });
  }
  if (runs.length < CONSTANTS.LEAST_SIDE * width) return found;
  const usual = percentile(runs.map((run) => run.thickness), 25);
  if (usual > Math.max(2, CONSTANTS.THIN * height)) return found;
  for (const { x, first, thickness } of runs) {
    const end = first + (thickness <= 1.5 * usual + 1 ? thickness : usual);
    for (let y = first; y < end; y++) found.data[y * width + x] = data[y * width + x];
  }
  return found;
}

// Dark borders and straight lines that are no strokes of a digit.
function linePixels(whole) {
  let found = borderBands(whole);
  if (Math.max(whole.width, whole.height) < CONSTANTS.LEAST_RULED) return found;
  const mask = maskOf(whole, (i) => whole.data[i] && !found.data[i]);
  const candidates = straightLines(mask);
  if (!candidates.length) return found;
  const rest = maskOf(mask, (i) => mask.data[i] && !candidates.some((line) => line.data[i]));
  const alone = total(rest.data) < 0.1 * total(mask.data);
  if (alone && candidates.length === 1) return found; // a lone line is a 1
  const isEmptyCell = alone && candidates.length > 2;
  const pen = strokeWidth(rest);
  const lines = candidates.filter((line) => isEmptyCell || isRuled(line, rest, pen));
  return maskOf(found, (i) => found.data[i] || lines.some((line) => line.data[i]));
}

// The outermost rows and columns that are all ink.
function borderBands(mask) {
  let band = grid(mask.width, mask.height, 0, Uint8Array);
  for (let turn = 0; turn < 4; turn++) {
    const { width, height, data } = mask;
    const isFull = (y) => mean(data.subarray(y * width, (y + 1) * width)) > 0.97;
    let depth = 0;
    while (depth < height && isFull(depth)) depth++;
    const ended = depth < height / 3 ? depth * width : 0;
    const before = band;
    band = rotated(maskOf(before, (i) => before.data[i] || (i < ended && data[i])));
    mask = rotated(mask);
  }
  return band;
}

// Lines that are nearly level or upright: a Hough transform over a few slopes. What the longest take
// counts for no other.
function straightLines(mask) {
  const turned = [mask, transposed(mask)];
  const votes = [];
  turned.forEach(({ width, height, data }, upright) => {
    const [rows, columns] = [[], []];
    data.forEach((value, i) => {
      if (!value) return;
      rows.push(Math.floor(i / width));
      columns.push((i % width) - width / 2);
    });
    for (const slope of CONSTANTS.SLOPES) {
      const counts = new Int32Array(3 * width + 2 * height);
      for (let i = 0; i < rows.length; i++) counts[rint(rows[i] - slope * columns[i]) + width]++;
      counts.forEach((count, at) => {
        if (count >= CONSTANTS.LEAST_LENGTH * width)
          votes.push([count / width, upright, slope, at - width]);
      });
    }
  });
  if (!votes.length) return [];
  votes.sort((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2] || b[3] - a[3]);
  const runs = turned.map((one) => label(one, ABOVE_AND_BELOW));
  let taken = grid(mask.width, mask.height, 0, Uint8Array);
  const lines = [];
  for (const [, upright, slope, offset] of votes) {
    const { width, height, data } = turned[upright];
    const { parts, sizes } = runs[upright];
    const used = upright ? transposed(taken) : taken;
    const met = [];
    for (let x = 0; x < width; x++) {
      const y = rint(offset + slope * (x - width / 2));
      const i = y * width + x;
      if (y >= 0 && y < height && data[i] && !used.data[i]) met.push(parts.data[i]);
    }
    if (met.length < CONSTANTS.LEAST_LENGTH * width) continue;
    const thickness = median(met.map((run) => sizes[run]));
    if (thickness > Math.max(0.08 * height, 3)) continue;
    // Where it is thicker, a stroke crosses it, which stays.
    const thin = new Set(met.filter((run) => sizes[run] <= 1.5 * thickness + 1));
    const found = maskOf(turned[upright], (i) => thin.has(parts.data[i]));
    const line = upright ? transposed(found) : found;
    const before = taken;
    taken = maskOf(line, (i) => line.data[i] || before.data[i]);
    lines.push(line);
  }
  return lines;
}

// Places where a column, or a row, of a mask holds ink.
function inkedLines(mask, alongRows) {
  const inked = new Uint8Array(alongRows ? mask.height : mask.width);
  for (let i = 0; i < mask.data.length; i++)
    if (mask.data[i]) inked[alongRows ? Math.floor(i / mask.width) : i % mask.width] = 1;
  return [...inked.keys()].filter((place) => inked[place]);
}

const extentOf = (places) => places[places.length - 1] - places[0];

// The first inked row and column, and the height and width from there to the last, as `cut` has them.
function inkedBox(mask) {
  const [rows, columns] = [inkedLines(mask, true), inkedLines(mask, false)];
  return [rows[0], columns[0], extentOf(rows) + 1, extentOf(columns) + 1];
}

// It is straight and runs from edge to edge. But one as thick as the pen is a stroke where the rest
// touches the other two edges.
function isRuled(line, rest, pen) {
  if (extentOf(inkedLines(line, true)) > extentOf(inkedLines(line, false)))
    [line, rest] = [transposed(line), transposed(rest)];
  const lengths = new Int32Array(line.width);
  const sums = new Float64Array(line.width);
  line.data.forEach((value, i) => {
    lengths[i % line.width] += value;
    sums[i % line.width] += value * Math.floor(i / line.width);
  });
  const columns = inkedLines(line, false);
  const thickness = median(columns.map((x) => lengths[x]));
  if (columns.length > 2) {
    const middles = columns.map((x) => sums[x] / lengths[x]);
    const [first, second, third] = inThirds(middles).map(mean);
    const sag = Math.abs(second - (first + third) / 2);
    if (sag > CONSTANTS.SAG + CONSTANTS.SAG_OF_PEN * thickness) return false;
  }
  const ends = [largest(lengths.slice(0, 2)), largest(lengths.slice(-2))];
  if (Math.min(...ends) < Math.max(0.7 * thickness, 1)) return false;
  const touches = (start) => rest.data.slice(...start).includes(1);
  return thickness < 0.7 * pen || !(touches([0, 2 * rest.width]) && touches([-2 * rest.width]));
}

// Parts as equal as they can be, the longer ones first.
function inThirds(values) {
  const [least, over] = [Math.floor(values.length / 3), values.length % 3];
  const ends = [0, 1, 2, 3].map((n) => n * least + Math.min(n, over));
  return [0, 1, 2].map((n) => values.slice(ends[n], ends[n + 1]));
}

// The heaviest part near the middle and what belongs to it.
function selectDigit(mask, ink) {
  const { width, height } = mask;
  const { parts, count } = label(mask, EVERY_NEIGHBOUR);
  if (!count) throw new PictureError(CONSTANTS.BLANK);
  const found = boxesOf(parts, count).map((box, i) => ({ number: i + 1, weight: 0, box }));
  parts.data.forEach((number, i) => {
    if (number) found[number - 1].weight += ink.data[i];
  });
  for (const part of found) {
    const [top, bottom, left, right] = part.box;
    part.cutOff = !top || bottom === height || !left || right === width;
    const offCentre = Math.max(
      Math.abs((top + bottom) / 2 / height - 0.5), Math.abs((left + right) / 2 / width - 0.5));
    part.rank = part.weight * (part.cutOff ? 0.5 : 1) * (1.1 - 2 * offCentre);
  }
  const main = found.reduce((a, b) => (b.rank > a.rank ? b : a));
  const among = (rule) => {
    const numbers = new Set(found.filter(rule).map((part) => part.number));
    return maskOf(mask, (i) => numbers.has(parts.data[i]));
  };
  if (Math.max(width, height) < CONSTANTS.TINY)
    return among((part) => part.weight >= CONSTANTS.LEAST_PART * main.weight);
  for (const part of found) part.share = part.cutOff ? 0 : part.weight / main.weight;
  const extent = Math.max(main.box[1] - main.box[0], main.box[3] - main.box[2]);
  const digit = withoutPores(among((part) => part === main), extent);
  const heavy = among((part) => part.share >= CONSTANTS.HEAVY);
  checkDigit(digit, extent, maskOf(mask, (i) => digit.data[i] || heavy.data[i]), mask);
  checkSingle(main, found.filter((part) => part !== main && part.share >= 0.4));
  const further = among((part) => part !== main && belongsTo(main, extent, part));
  return maskOf(mask, (i) => digit.data[i] || further.data[i]);
}

// Whether a part belongs to the main one: it is near it for its weight, and underlines nothing.
function belongsTo(main, extent, { share, box: [t, b, l, r] }) {
  const [top, bottom, left, right] = main.box;
  const gap = Math.max(t - bottom, top - b, l - right, left - r);
  const widest = CONSTANTS.WIDEST_GAPS[share >= CONSTANTS.HEAVY ? 1 : 0] * extent;
  const flat = b - t < CONSTANTS.FLAT * (r - l);
  const underline = t > (top + bottom) / 2 && flat && r - l > 0.5 * (right - left);
  return share >= CONSTANTS.LEAST_PART && gap <= widest && !underline;
}

// Fills holes smaller than a pixel of MNIST's form, as pencils and chalk leave them. A texture has
// such holes, too, and goes on to the picture's edges: it stays as it is.
function withoutPores(digit, extent) {
  if (mean(edgeOf(digit)) > CONSTANTS.AT_EDGES) return digit;
  const { parts, sizes } = label(maskOf(digit, (i) => !digit.data[i]), FOUR_NEIGHBOURS);
  const most = (extent / CONSTANTS.BOX) ** 2;
  return maskOf(digit, (i) => digit.data[i] || sizes[parts.data[i]] < most);
}

// An error for what is a texture or a spot and no strokes.
function checkDigit(digit, extent, strokes, mask) {
  const holes = label(maskOf(digit, (i) => !digit.data[i]), FOUR_NEIGHBOURS).count;
  const texture = total(strokes.data) < 0.3 * total(mask.data) || holes > 12;
  if (texture || strokeWidth(digit) > 0.5 * extent) throw new PictureError(CONSTANTS.NO_DIGIT);
}

// An error if other parts stand beside the digit and are about as tall.
function checkSingle(main, others) {
  const [top, bottom, left, right] = main.box;
  const beside = others.filter(({ box: [t, b, l, r] }) => {
    const shared = Math.min(r, right) - Math.max(l, left);
    return shared <= 0.2 * Math.min(r - l, right - left) && b - t >= 0.6 * (bottom - top);
  });
  if (beside.length)
    throw new SeveralDigitsError(
      `The picture seems to hold ${1 + beside.length} digits; cut it so that one is left.`,
    );
}

// The digit, and the mask it was found in; where that is a texture, in its darker part.
function digitAmong(mask, ink) {
  try {
    return [selectDigit(mask, ink), mask];
  } catch (error) {
    if (!(error instanceof PictureError) || error instanceof SeveralDigitsError) throw error;
    try {
      const threshold = thresholdOf(chosen(ink, mask));
      const darker = maskOf(mask, (i) => mask.data[i] && ink.data[i] > threshold);
      return [selectDigit(darker, ink), darker];
    } catch (second) {
      throw second instanceof PictureError ? error : second;
    }
  }
}

// How much of one digit's ink each pixel holds.
function separateInk(grey) {
  const [ink, found] = findInk(grey);
  const [digit, mask] = digitAmong(found, ink);
  const full = percentile(chosen(ink, digit), 90);
  const around = grown(digit);
  return mapped(ink, (value, i) =>
    around.data[i] && (digit.data[i] || !mask.data[i]) ? clipped(value / full, 0, 1) : 0,
  );
}

// From the first to the last inked row and column, and a margin around.
function inkedPart(ink, margin = 0) {
  const inked = maskOf(ink, (i) => ink.data[i] > CONSTANTS.INKED);
  const [top, left, height, width] = inkedBox(inked);
  return cut(ink, top - margin, left - margin, height + 2 * margin, width + 2 * margin);
}

function cutOut(ink) {
  const digit = inkedPart(ink, 1);
  const [height, width] = [digit.height - 2, digit.width - 2];
  if (Math.max(height, width) < CONSTANTS.SMALLEST_SIDE)
    throw new PictureError(
      `All that stands out is a spot of ${width} × ${height} pixels, too small for a digit.`,
    );
  if (Math.max(height, width) >= CONSTANTS.BOX) return [inkedPart(ink), false];
  const smooth = mapped(splineZoom(digit, CONSTANTS.FINER), (value) => clipped(value, 0, 1));
  return [inkedPart(smooth), true];
}

function fitted(values, longer) {
  const side = (length) =>
    Math.max(1, rint((length * longer) / Math.max(values.width, values.height)));
  const out = resized(values, side(values.width), side(values.height), CUBIC_FILTER);
  return mapped(out, (value) => clipped(value, 0, 1));
}

// Brings the longer side to 20 pixels, and strokes to a width that MNIST's have.
function fit(digit) {
  const fine = fitted(digit, 4 * CONSTANTS.BOX);
  const width = strokeWidth(maskOf(fine, (i) => fine.data[i] >= 0.5)) / 4;
  if (!width) throw new PictureError(CONSTANTS.FAINT);
  const change = ((clipped(width, ...CONSTANTS.STROKE_WIDTHS) - width) / 2) * 4;
  const radius = rint(Math.abs(change));
  if (!radius) return fitted(digit, CONSTANTS.BOX);
  return fitted(extremeInDisc(padded(fine, radius), radius, Math.sign(change)), CONSTANTS.BOX);
}

function centred(digit) {
  const { width, height, data } = digit;
  const mass = total(data);
  // A symmetric digit's centre lies between two pixels, and not by a last bit beside.
  const middle = (place) => rint((1e6 * total(data.map((value, i) => value * place(i)))) / mass) / 1e6;
  const shift = (at, length) =>
    clipped(rint(CONSTANTS.SIDE / 2 - at), 0, CONSTANTS.SIDE - length);
  const top = shift(middle((i) => Math.floor(i / width)), height);
  const left = shift(middle((i) => i % width), width);
  return cut(digit, -top, -left, CONSTANTS.SIDE, CONSTANTS.SIDE);
}

// Takes a grid of grey values in [0, 1]; returns what each step made, the last for the network.
function stepsToMnist(grey) {
  const longer = Math.max(grey.width, grey.height);
  if (longer < CONSTANTS.SMALLEST_SIDE || Math.min(grey.width, grey.height) < 2) {
    const reduced = longer === CONSTANTS.WORKING_SIDE ? ` once its longer side is ${longer}` : "";
    throw new PictureError(
      `The picture has ${grey.width} × ${grey.height} pixels${reduced}; a digit needs at least ` +
        `${CONSTANTS.SMALLEST_SIDE} one way and 2 the other.`,
    );
  }
  const ink = separateInk(cutToSheet(grey));
  const [digit, coarse] = cutOut(ink);
  const image = centred(coarse ? fitted(digit, CONSTANTS.BOX) : fit(digit));
  return [
    { name: "in grey", ...grey },
    { name: "ink without background", ...ink },
    { name: "cut out", ...digit },
    { name: "28 × 28, centred by mass", ...image },
  ];
}

// Pixels as a canvas has them, red, green, blue and alpha in bytes, to grey values no larger than
// Python works on. Transparent parts become white under dark ink and black under light ink.
function greyOf({ width, height, data }) {
  const factor = Math.min(1, CONSTANTS.WORKING_SIDE / Math.max(width, height));
  const size = [width, height].map((side) => Math.max(1, rint(side * factor)));
  const shrunk = (a) => (factor < 1 ? resized(a, ...size, BOX_FILTER) : a);
  const [r, g, b] = CONSTANTS.GREY_WEIGHTS;
  const solid = grid(width, height);
  const alpha = shrunk(mapped(solid, (_, i) => data[4 * i + 3] / 255));
  const light = shrunk(
    mapped(solid, (_, i) => {
      const grey = r * data[4 * i] + g * data[4 * i + 1] + b * data[4 * i + 2];
      return ((grey / 255) * data[4 * i + 3]) / 255;
    }),
  );
  if (smallest(alpha.data) === 1) return mapped(light, (value) => clipped(value, 0, 1));
  const paper = total(light.data) / Math.max(total(alpha.data), 1e-6) > 0.5 ? 0 : 1;
  return mapped(light, (value, i) => clipped(value + (1 - alpha.data[i]) * paper, 0, 1));
}
