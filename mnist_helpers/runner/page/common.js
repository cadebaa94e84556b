// What the pages share. Within the frame of another page they leave out what that one says, and are
// as tall as what they show, where the browser lets them (not where the frame is a file of its own).
const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);

document.documentElement.classList.toggle("framed", window !== top);
if (window.frameElement)
  new ResizeObserver(() => {
    window.frameElement.style.height = `${document.documentElement.offsetHeight + 2}px`;
  }).observe(document.body);

function paint(canvas, data, width, height, colour) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) picture.data.set([...colour(data[i], i), 255], 4 * i);
  context.putImageData(picture, 0, 0);
}
