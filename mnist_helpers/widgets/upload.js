// Chooses a picture and makes it smaller before it travels: a large message ends the connection.
const MOST_BYTES = 2_000_000; // of a file that is sent as it is
const TOO_LARGE =
  "The browser cannot open this picture, and it is too large to be sent as it is (over 2 MB). " +
  "Save it as JPEG or PNG and choose it again.";

async function smaller(file) {
  let picture;
  try {
    picture = await openPicture(file);
  } catch {
    // Not a picture, or of a kind (HEIC) that this browser does not know: the kernel may.
    return file.size <= MOST_BYTES ? file : null;
  }
  if (picture.scale === 1 && file.size <= MOST_BYTES) return file;
  // WebP keeps what is transparent; where a browser cannot write it, this makes a PNG.
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/webp";
  return new Promise((done) => picture.context.canvas.toBlob(done, type, 0.92));
}

function render({ model, el }) {
  el.innerHTML = `${buttonHtml("Choose a picture", "A photo or scan of one digit")}
    <input type="file" accept="image/*" hidden>`;
  const [button, input] = ["button", "input"].map((name) => el.querySelector(name));
  button.onclick = () => input.click();
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
