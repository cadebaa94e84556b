// A canvas to draw on. The strokes live here, so none is lost while the kernel is busy.
const LABEL =
  "Drawing pad. Draw a digit, or press a key from 0 to 9 for an example, Backspace to undo, " +
  "Delete to clear. The prediction is read out beside it.";

function render({ model, el }) {
  el.style.cssText = "display: flex; flex-wrap: wrap; gap: 0 16px";
  // JupyterLab's own keys (a digit turns the cell into a heading) stay out while the pad has focus.
  el.innerHTML = `
    <div>
      <canvas class="mnist-canvas" width="280" height="280" tabindex="0" role="img"
        aria-label="${LABEL}" data-lm-suppress-shortcuts="true"
        style="background: white; border: 1px solid #888; touch-action: none; cursor: crosshair">
      </canvas>
      <div style="display: flex; gap: 6px; margin-top: 4px">
        ${buttonHtml("Clear", "Remove all strokes (Delete)")}
        ${buttonHtml("Undo", "Remove the last stroke (Backspace)")}
        <select aria-label="Draw an example digit"><option>example</option></select>
      </div>
    </div>
    <div style="min-width: 320px"></div>`;
  const [canvas, example] = ["canvas", "select"].map((name) => el.querySelector(name));
  const [clear, undo] = el.querySelectorAll("button");
  const examples = model.get("examples");
  for (const digit of Object.keys(examples)) example.add(new Option(digit));
  const { ask } = conversation(model, el.lastElementChild);
  const pad = drawingPad({ canvas, undo, clear, example }, {
    penWidth: model.get("pen_width"),
    examples,
    exampleInk: "#555",
    changed: () => ask({ strokes: pad.strokes, example: pad.isExample }),
  });
  const show = () => {
    const { strokes, example: isExample } = model.get("question");
    Object.assign(pad, { strokes, isExample });
    pad.draw();
  };
  model.on("change:question", show);
  show();
}
export default { render };
