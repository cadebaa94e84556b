// Asks the kernel and shows its replies in `el`; says so when the kernel has no time for us.
const BUSY = "The notebook is busy; the answer will come when the running cell has finished.";

function conversation(model, el, meanwhile = "") {
  const status = document.createElement("p");
  status.className = "mnist-status";
  status.setAttribute("role", "status");
  status.style.cssText = "margin: 4px 0; min-height: 1.4em";
  const reply = document.createElement("div");
  reply.className = "mnist-reply";
  el.append(status, reply);
  let timer;

  const say = (text) => {
    clearTimeout(timer);
    status.textContent = text;
  };
  const hide = () => (reply.style.visibility = "hidden"); // it keeps its place on the page
  const show = () => {
    const { number, html } = model.get("reply");
    if (number !== model.get("question").number) return; // to an earlier question
    say("");
    reply.innerHTML = html;
    reply.style.visibility = "visible";
  };
  const ask = (question) => {
    say(meanwhile);
    hide();
    timer = setTimeout(() => say(BUSY), 500);
    model.set("question", { ...question, number: model.get("question").number + 1 });
    model.save_changes();
  };
  model.on("change:reply", show);
  show();
  return { ask, say, hide };
}

function buttonHtml(text, title) {
  return `<button class="jupyter-button widget-button" title="${title}"
    style="width: auto; margin: 0">${text}</button>`;
}
