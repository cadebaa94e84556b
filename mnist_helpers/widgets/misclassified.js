// A confusion matrix whose cells are buttons.
function render({ model, el }) {
  const { counts, otherCounts, name, otherName, darkest, names } = model.get("matrix");
  const table = document.createElement("table");
  table.className = "mnist-matrix";
  table.style.cssText = "border-collapse: collapse; font-size: small; width: auto";
  table.createCaption().textContent = "rows: the true digit; columns: the prediction";
  const head = (line, scope, text) => {
    const cell = document.createElement("th");
    Object.assign(cell, { scope, textContent: text });
    if (scope === "col" && text.length > 2) cell.style.writingMode = "vertical-rl";
    line.append(cell);
  };
  const first = table.createTHead().insertRow();
  for (const text of ["", ...names]) head(first, "col", text);
  const body = table.createTBody();
  const buttons = [];
  const note = document.createElement("p");
  if (otherName) note.textContent = `Dashed: ${otherName} has another number there.`;
  el.append(table, note);
  const { ask } = conversation(model, el);

  const mark = () => {
    const { digit, prediction } = model.get("question");
    for (const [row, column, button] of buttons) {
      const here = row === digit && column === prediction;
      button.setAttribute("aria-pressed", here);
      button.style.outline = here ? "3px solid #E69F00" : "";
    }
  };
  const cell = (row, column, count, other) => {
    const differs = other !== count;
    const share = row === column ? 0 : Math.min(count / darkest, 1);
    const button = document.createElement("button");
    button.textContent = count || (differs ? "0" : "");
    button.disabled = count === 0 && other === 0;
    button.title = `${names[row]} read as ${names[column]} by ${name}: ${count}`;
    if (differs) button.title += `; by ${otherName}: ${other}`;
    button.setAttribute("aria-label", button.title);
    button.style.cssText = `width: 44px; height: 26px; padding: 0; color: inherit;
      cursor: ${button.disabled ? "default" : "pointer"};
      background: rgba(213, 94, 0, ${0.7 * share});
      border: ${differs ? "2px dashed #56B4E9" : "1px solid #8884"}`;
    button.onclick = () => {
      ask({ digit: row, prediction: column });
      mark();
    };
    buttons.push([row, column, button]);
    return button;
  };
  counts.forEach((numbers, row) => {
    const line = body.insertRow();
    head(line, "row", names[row]);
    numbers.forEach((count, column) => {
      line.insertCell().append(cell(row, column, count, otherCounts[row][column]));
    });
  });
  model.on("change:question", mark);
  mark();
}
export default { render };
