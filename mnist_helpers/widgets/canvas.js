// What the notebooks' widgets and the exported page share: opening pictures, and a pad to draw on.
const LARGEST_UPLOAD = 1600; // pixels of the longer side; a phone's pictures have thrice as many

function newContext(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return context;
}

// Opens a file as a picture on a canvas, and makes a large one smaller.
async function openPicture(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_UPLOAD / Math.max(picture.width, picture.height));
  const size = [picture.width, picture.height].map((side) => Math.max(1, Math.round(scale * side)));
  const context = newContext(...size);
  context.drawImage(picture, 0, 0, ...size);
  return { context, scale };
}

// Makes a canvas a pad for mouse, pen and finger. The keys 0 to 9 draw examples, Backspace undoes
// and Delete clears, as the three controls do. `changed` is called when the strokes have changed,
// `drawing` while one is being drawn.
function drawingPad({ canvas, undo, clear, example }, settings) {
  const { penWidth, examples, exampleInk = "black", changed, drawing = () => {} } = settings;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const side = canvas.width;
  const pad = { strokes: [], isExample: false, stroke: null }; // the last is being drawn
  let pointer = null; // which finger draws it

  pad.draw = () => {
    pen.fillStyle = "white";
    pen.shadowBlur = 0;
    pen.fillRect(0, 0, side, side);
    pen.lineWidth = penWidth * side;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = pen.shadowColor = pad.isExample ? exampleInk : "black";
    pen.shadowBlur = side / 70;
    for (const points of pad.stroke ? [...pad.strokes, pad.stroke] : pad.strokes) {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x * side, y * side));
      if (points.length === 1) pen.lineTo(points[0][0] * side + 0.1, points[0][1] * side);
      pen.stroke();
    }
  };
  pad.change = (strokes, isExample = false) => {
    Object.assign(pad, { strokes, isExample, stroke: null });
    pad.draw();
    changed();
  };
  undo.onclick = () => pad.change(pad.strokes.slice(0, -1));
  clear.onclick = () => pad.change([]);
  const showExample = (digit) => pad.change(examples[digit], true);
  example.onchange = () => {
    if (examples[example.value]) showExample(example.value);
    example.selectedIndex = 0; // so that the same one can be chosen again
  };

  const add = (event) => {
    const box = canvas.getBoundingClientRect();
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of seen.length ? seen : [event])
      pad.stroke.push([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
    pad.draw();
    drawing();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pad.stroke) return; // a second finger does not end a stroke
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    if (pad.isExample) pad.strokes = [];
    pad.isExample = false;
    pad.stroke = [];
    add(event);
  });
  const draws = (event) => pad.stroke && event.pointerId === pointer;
  canvas.addEventListener("pointermove", (event) => draws(event) && add(event));
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => draws(event) && pad.change([...pad.strokes, pad.stroke]));
  canvas.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Backspace" || (control && event.key === "z")) undo.click();
    else if (event.key === "Delete") clear.click();
    else if (!control && examples[event.key]) showExample(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return pad;
}
