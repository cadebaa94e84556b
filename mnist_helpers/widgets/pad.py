"""A pad to draw digits on, with mouse, pen, finger or by example, and what the network reads."""

import anywidget
import ipywidgets
import numpy as np
import traitlets
from IPython.display import HTML
from PIL import Image, ImageDraw, ImageFilter

from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.widgets.error_handling import handle_errors, message_line
from mnist_helpers.widgets.html import captioned, image_html, reading_html, side_by_side

PAD_SIDE = 140  # pixels of the drawing that Python makes; the canvas shows it at twice the size
PEN_WIDTH = 0.085  # of the pad's side

# Corners of plain digits, as fractions of the pad's side; one list for each stroke.
EXAMPLES = {
    0: [[(0.5, 0.2), (0.36, 0.28), (0.31, 0.5), (0.36, 0.72), (0.5, 0.8), (0.64, 0.72),
         (0.69, 0.5), (0.64, 0.28), (0.5, 0.2)]],
    1: [[(0.55, 0.2), (0.5, 0.5), (0.45, 0.8)]],
    2: [[(0.33, 0.32), (0.42, 0.21), (0.58, 0.21), (0.66, 0.33), (0.6, 0.48), (0.45, 0.63),
         (0.32, 0.78), (0.5, 0.77), (0.7, 0.78)]],
    3: [[(0.34, 0.25), (0.5, 0.2), (0.64, 0.28), (0.62, 0.42), (0.47, 0.48), (0.64, 0.55),
         (0.67, 0.7), (0.52, 0.8), (0.33, 0.75)]],
    4: [[(0.42, 0.2), (0.36, 0.38), (0.31, 0.54), (0.5, 0.55), (0.7, 0.53)],
        [(0.63, 0.22), (0.6, 0.5), (0.57, 0.82)]],
    5: [[(0.67, 0.21), (0.4, 0.22), (0.37, 0.46), (0.53, 0.43), (0.66, 0.52), (0.66, 0.69),
         (0.52, 0.8), (0.33, 0.75)]],
    6: [[(0.6, 0.19), (0.44, 0.33), (0.36, 0.55), (0.38, 0.73), (0.5, 0.8), (0.63, 0.74),
         (0.64, 0.6), (0.53, 0.52), (0.39, 0.62)]],
    7: [[(0.31, 0.23), (0.5, 0.23), (0.69, 0.22), (0.58, 0.45), (0.48, 0.8)]],
    8: [[(0.63, 0.28), (0.5, 0.2), (0.38, 0.28), (0.4, 0.4), (0.6, 0.57), (0.64, 0.7), (0.5, 0.8),
         (0.37, 0.7), (0.4, 0.57), (0.6, 0.42), (0.63, 0.28)]],
    9: [[(0.64, 0.34), (0.53, 0.21), (0.4, 0.25), (0.36, 0.38), (0.46, 0.48), (0.6, 0.44),
         (0.64, 0.34), (0.62, 0.56), (0.57, 0.8)]],
}  # fmt: skip

CANVAS = """
function render({ model, el }) {
  const side = 280;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.className = "mnist-canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("label"));
  // JupyterLab's own keys (a digit turns the cell into a heading) stay out while the pad has focus.
  canvas.dataset.lmSuppressShortcuts = "true";
  canvas.style.cssText =
    "background: white; border: 1px solid #888; touch-action: none; cursor: crosshair";
  el.appendChild(canvas);
  const pen = canvas.getContext("2d");
  let stroke = null;

  const strokes = () => [...model.get("strokes"), ...(stroke ? [stroke] : [])];
  const draw = () => {
    pen.clearRect(0, 0, side, side);
    pen.lineWidth = model.get("pen_width") * side;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = pen.shadowColor = "black";
    pen.shadowBlur = 4;
    for (const points of strokes()) {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x * side, y * side));
      if (points.length === 1) pen.lineTo(points[0][0] * side + 0.1, points[0][1] * side);
      pen.stroke();
    }
  };
  const add = (event) => {
    const box = canvas.getBoundingClientRect();
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of seen.length ? seen : [event])
      stroke.push([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
    draw();
  };
  const send = (changed) => {
    stroke = null;
    model.set("strokes", changed);
    model.save_changes();
    draw();
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    stroke = [];
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => stroke && add(event));
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => stroke && send(strokes()));
  canvas.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Backspace" || (control && event.key === "z")) send(strokes().slice(0, -1));
    else if (event.key === "Delete") send([]);
    else if (model.get("examples")[event.key]) send(model.get("examples")[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:strokes", draw);
  draw();
}
export default { render };
"""


def draw_strokes(strokes) -> np.ndarray:
    """Draws strokes with a thick soft pen.

    Args:
        strokes: Lists of (x, y), fractions of the pad's side from the upper left corner.

    Returns:
        uint8 array of shape (140, 140), black on white.
    """
    fine = 2 * PAD_SIDE
    picture = Image.new("L", (fine, fine), 255)
    pen = ImageDraw.Draw(picture)
    radius = PEN_WIDTH * fine / 2
    for stroke in strokes:
        points = [(x * fine, y * fine) for x, y in stroke]
        pen.line(points, fill=0, width=round(2 * radius))
        for x, y in points:  # Pillow's joints and ends are flat
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=0)
    picture = picture.filter(ImageFilter.GaussianBlur(2))
    return np.asarray(picture.resize((PAD_SIDE, PAD_SIDE), Image.Resampling.BOX))


class Canvas(anywidget.AnyWidget):
    """The drawing surface in the browser; it sends its strokes after each one."""

    _esm = CANVAS
    strokes: traitlets.List = traitlets.List().tag(sync=True)
    pen_width = traitlets.Float(PEN_WIDTH).tag(sync=True)
    examples = traitlets.Dict({str(d): strokes for d, strokes in EXAMPLES.items()}).tag(sync=True)
    label = traitlets.Unicode(
        "Drawing pad. Draw a digit, or press a key from 0 to 9 for an example, Backspace to undo, "
        "Delete to clear. The answer is read out below."
    ).tag(sync=True)


class DigitPad(ipywidgets.HBox):
    """A pad with buttons to clear and undo, example digits, and the network's answer.

    Args:
        predict: Such as an `evaluation.inference.Predictor`.
        example: Digit that is drawn at first.

    Attributes:
        still: The example and its answer, to show where there is no kernel.
    """

    def __init__(self, predict, example: int = 7) -> None:
        self.predict = predict
        self.canvas = Canvas(strokes=EXAMPLES[example])
        self.clear = ipywidgets.Button(description="Clear", tooltip="Start anew")
        self.undo = ipywidgets.Button(description="Undo", tooltip="Take the last stroke back")
        self.example = ipywidgets.Dropdown(
            options=[("example", ""), *((str(d), d) for d in EXAMPLES)],
            tooltip="Draw an example digit",
        )
        for control in (self.clear, self.undo, self.example):
            control.layout.width = "92px"
        self.message = message_line()
        self.answer = ipywidgets.HTML()
        self._connect()
        drawing = image_html(
            draw_strokes(EXAMPLES[example]), f"A {example}, drawn as with a pen.", PAD_SIDE
        )
        self.still = HTML(side_by_side(captioned(drawing, "drawn"), self.answer.value))
        buttons = ipywidgets.HBox([self.clear, self.undo, self.example])
        super().__init__(
            [
                ipywidgets.VBox([self.canvas, buttons]),
                ipywidgets.VBox([self.message, self.answer], layout={"min_width": "360px"}),
            ],
            layout={"flex_flow": "row wrap", "grid_gap": "0 16px"},
        )
        self.add_class("mnist-pad")

    def _connect(self) -> None:
        read = handle_errors(self.message)(self._read)
        read()
        self.canvas.observe(read, "strokes")
        # These only change the strokes, and what follows from that is handle_errors.
        self.clear.on_click(lambda _: self._draw([]))
        self.undo.on_click(lambda _: self._draw(self.canvas.strokes[:-1]))
        self.example.observe(self._draw_example, "value")

    def _draw(self, strokes) -> None:
        self.canvas.strokes = strokes

    def _draw_example(self, change) -> None:
        if change["new"] != "":
            self._draw(EXAMPLES[change["new"]])
            self.example.value = ""  # so that the same one can be chosen again

    def _read(self, _=None) -> None:
        self.answer.value = ""
        if not self.canvas.strokes:
            self.message.value = "Draw a digit."
            return
        seen = to_mnist(draw_strokes(self.canvas.strokes))
        self.answer.value = reading_html(seen, self.predict(seen[None])[0])
