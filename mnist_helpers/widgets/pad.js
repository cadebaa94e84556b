// A canvas to draw on. The strokes live here, so none is lost while the kernel is busy.
const SIDE = 280;

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.className = "mnist-canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("label"));
  // JupyterLab's own keys (a digit turns the cell into a heading) stay out while the pad has focus.
  canvas.dataset.lmSuppressShortcuts = "true";
  canvas.style.cssText =
    "background: white; border: 1px solid #888; touch-action: none; cursor: crosshair";
  const buttons = document.createElement("div");
  buttons.style.cssText = "display: flex; gap: 6px; margin-top: 4px";
  const left = document.createElement("div");
  left.append(canvas, buttons);
  const right = document.createElement("div");
  right.style.minWidth = "320px";
  el.style.cssText = "display: flex; flex-wrap: wrap; gap: 0 16px";
  el.append(left, right);
  const { ask } = conversation(model, right);
  const pen = canvas.getContext("2d");
  let stroke = null;
  let pointer = null;

  const strokes = () => model.get("question").strokes;
  const draw = () => {
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.lineWidth = model.get("pen_width") * SIDE;
    pen.lineCap = pen.lineJoin = "round";
    const example = model.get("question").example && !stroke;
    pen.strokeStyle = pen.shadowColor = example ? "#555" : "black";
    pen.shadowBlur = 4;
    const earlier = model.get("question").example && stroke ? [] : strokes();
    for (const points of [...earlier, ...(stroke ? [stroke] : [])]) {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x * SIDE, y * SIDE));
      if (points.length === 1) pen.lineTo(points[0][0] * SIDE + 0.1, points[0][1] * SIDE);
      pen.stroke();
    }
  };
  const send = (changed, example = false) => {
    ask({ strokes: changed, example });
    draw();
  };
  const clear = () => send([]);
  const undo = () => send(strokes().slice(0, -1));
  const showExample = (digit) => send(model.get("examples")[digit], true);

  const add = (event) => {
    const box = canvas.getBoundingClientRect();
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of seen.length ? seen : [event])
      stroke.push([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
    draw();
  };
  const finish = (event) => {
    if (!stroke || event.pointerId !== pointer) return;
    const finished = stroke;
    stroke = null;
    send(model.get("question").example ? [finished] : [...strokes(), finished]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || stroke) return; // a second finger does not cut the stroke off
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    stroke = [];
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (stroke && event.pointerId === pointer) add(event);
  });
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Backspace" || (control && event.key === "z")) undo();
    else if (event.key === "Delete") clear();
    else if (!control && model.get("examples")[event.key]) showExample(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const clearButton = makeButton("Clear", "Remove all strokes (Delete)");
  const undoButton = makeButton("Undo", "Remove the last stroke (Backspace)");
  clearButton.onclick = clear;
  undoButton.onclick = undo;
  const example = document.createElement("select");
  example.setAttribute("aria-label", "Draw an example digit");
  const digits = Object.keys(model.get("examples"));
  for (const text of ["example", ...digits]) example.add(new Option(text));
  example.onchange = () => {
    if (example.value !== "example") showExample(example.value);
    example.value = "example"; // so that the same one can be chosen again
  };
  buttons.append(clearButton, undoButton, example);
  model.on("change:question", draw);
  draw();
}
export default { render };
