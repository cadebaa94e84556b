// Chooses a picture and makes it smaller before it travels: a large message ends the connection.
const MOST_PIXELS = 1600; // of the longer side
const MOST_BYTES = 2_000_000; // of a file that is sent as it is
const TOO_LARGE =
  "The browser cannot open this picture, and it is too large to be sent as it is (over 2 MB). " +
  "Save it as JPEG or PNG and choose it again.";

async function smaller(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    // Not a picture, or of a kind (HEIC) that this browser does not know: the kernel may.
    return file.size <= MOST_BYTES ? file : null;
  }
  const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size <= MOST_BYTES) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * picture.width));
  canvas.height = Math.max(1, Math.round(scale * picture.height));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  // WebP keeps what is transparent; where a browser cannot write it, this makes a PNG.
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/webp";
  return new Promise((done) => canvas.toBlob(done, type, 0.92));
}

function render({ model, el }) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/*";
  input.hidden = true;
  const button = makeButton("Choose a picture", "A photo or scan of one digit");
  button.onclick = () => input.click();
  el.append(button, input);
  const { ask, say, hide } = conversation(model, el, "reading…");
  let chosen = 0;
  input.onchange = async () => {
    const [file] = input.files;
    if (!file) return;
    const number = ++chosen;
    input.value = ""; // so that the same file can be chosen again
    hide();
    say("reading…");
    const content = await smaller(file).then((blob) => blob?.arrayBuffer());
    if (number !== chosen) return; // another one has been chosen meanwhile
    if (content) ask({ content: new DataView(content) });
    else say(TOO_LARGE);
  };
}
export default { render };
