// How it looks. Runs again with each rerun of the page; what is sent does not notice.

const uploaders = new Map();
const ICONS = {
  done: "M5 12.5l4.5 4.5L19 7.5",
  failed: "M12 8v4.5m0 3v.2M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18",
  sending: "M12 18V7m0 0-4 4m4-4 4 4",
  remove: "M7 7l10 10M17 7L7 17",
};

export default function draw({ parentElement: root, data, setTriggerValue }) {
  if (!uploaders.has(data.name)) uploaders.set(data.name, new Sending(data.name));
  const sending = uploaders.get(data.name);
  const at = (name) => root.querySelector(`.${name}`);
  const input = root.querySelector("input");

  if (sending.round !== null && sending.round !== data.round) sending.reset();
  sending.round = data.round;
  sending.lost(data.gone);

  let last = data.taken;
  sending.told = () => {
    const token = sending.token;
    if (token === last) return;
    last = token;
    setTriggerValue("files", { token, ids: sending.ids });
  };
  sending.drawn = () => drawAll(root, sending, data.one);
  at("needs").textContent = data.needs;
  at("browse").textContent = data.one ? "Browse" : "Browse files";
  input.accept = data.accept;
  input.multiple = !data.one;
  at("folder").hidden = data.one || !("webkitdirectory" in input);

  const take = (named) => {
    const wanted = data.one ? named.slice(-1) : named;
    at("note").textContent = sending.add(wanted, data.most) ? "" : "There is no file in it.";
  };
  const choose = (folder) => {
    input.webkitdirectory = folder;
    input.click();
  };
  at("browse").onclick = () => choose(false);
  at("folder").onclick = () => choose(true);
  at("clear").onclick = () => setTriggerValue("forgotten", true);
  input.oncancel = () => {
    input.webkitdirectory = false;
  };
  input.onchange = () => {
    take([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
    input.value = "";
    input.webkitdirectory = false;
  };
  if (input.files.length) input.onchange(); // chosen before this script was there
  dropsOn(at("drop"), take);
  window.onbeforeunload = () => ([...uploaders.values()].some((each) => each.active) ? true : undefined);

  sending.drawn();
  sending.told();
  at("uploader").classList.add("ready");
  return () => {
    sending.drawn = () => {};
    sending.told = () => {};
  };
}

function dropsOn(zone, take) {
  let depth = 0;
  const over = (more) => {
    depth = Math.max(0, depth + more);
    zone.classList.toggle("over", depth > 0);
  };
  zone.ondragenter = (event) => {
    event.preventDefault();
    over(1);
  };
  zone.ondragover = (event) => event.preventDefault();
  zone.ondragleave = () => over(-1);
  zone.ondrop = async (event) => {
    event.preventDefault();
    over(-depth);
    take(await dropContents(event.dataTransfer));
  };
}

function drawAll(root, sending, one) {
  const list = root.querySelector(".rows");
  const elements = new Set(sending.rows.map((row) => (row.element ||= newRow(row, sending))));
  for (const old of [...list.children]) if (!elements.has(old)) old.remove();
  [...elements].forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] || null);
  });
  sending.rows.forEach(drawRow);
  root.querySelector(".uploader").classList.toggle("filled", sending.rows.length > 0);
  const many = sending.rows.length ? "Add more files" : "Drop your files here";
  root.querySelector(".title").textContent = one ? "Drop a file here" : many;
  root.querySelector(".clear").hidden = !sending.token;
  say(root.querySelector(".said"), summary(sending));
}

function newRow(row, sending) {
  const element = document.createElement("li");
  element.innerHTML = `
    <span class="state">${icon("sending")}</span>
    <span class="name"></span><span class="told"></span>
    <button type="button" class="again" hidden>Try again</button>
    <button type="button" class="without" hidden>Go on without</button>
    <button type="button" class="remove">${icon("remove")}</button>
    <progress max="1" value="0"></progress>
    <span class="wrong" role="alert"></span>`;
  const at = (name) => element.querySelector(`.${name}`);
  const name = named(row);
  at("name").textContent = name;
  at("name").title = name;
  element.querySelector("progress").setAttribute("aria-label", name);
  at("again").setAttribute("aria-label", `Try ${name} again`);
  at("again").onclick = () => sending.retry(row);
  at("without").onclick = () => sending.leaveOut(row);
  at("remove").onclick = () => {
    element.getRootNode().querySelector(".browse").focus();
    sending.remove(row);
  };
  return element;
}

function drawRow(row) {
  const at = (name) => row.element.querySelector(`.${name}`);
  const count = (state) => row.items.filter((item) => item.state === state).length;
  const failed = count("failed");
  const open = count("waiting") + count("sending");
  const state = open ? "sending" : failed ? "failed" : "done";
  const sent = sentOf(row);
  const total = row.items.reduce((sum, item) => sum + item.size, 0);
  if (row.element.dataset.state !== state) {
    row.element.dataset.state = state;
    at("state").innerHTML = icon(state);
    at("remove").setAttribute("aria-label", `${open ? "Cancel" : "Remove"} ${named(row)}`);
    at("remove").title = open ? "Cancel" : "Remove";
  }
  const bar = row.element.querySelector("progress");
  bar.hidden = !open;
  bar.value = total ? sent / total : 0;
  const many = row.items.length > 1;
  const files = many ? `${row.items.length.toLocaleString("en")} files · ` : "";
  const done = many && open ? `${count("done").toLocaleString("en")} of ${files}` : files;
  say(at("told"), open ? `${done}${size(sent)} of ${size(total)}${left(row, sent, total)}` : `${files}${size(total)}`);
  at("again").hidden = open || !failed;
  at("without").hidden = open || !failed || failed === row.items.length;
  const first = row.items.find((item) => item.state === "failed");
  const where = first && many ? `${failed === 1 ? "1 file" : `${failed.toLocaleString("en")} files`} did not come: ` : "";
  say(at("wrong"), first && !open ? `${where}${first.error}` : "");
}

/** " · 20 s left", once the speed is known. */
function left(row, sent, total) {
  const seconds = (performance.now() - row.began) / 1000;
  const came = sent - row.before;
  if (!row.began || seconds < 1 || came <= 0) return "";
  if (sent >= total) return " · finishing";
  const rest = Math.ceil(((total - sent) / came) * seconds);
  if (rest < 60) return ` · ${rest} s left`;
  return rest < 3600 ? ` · ${Math.ceil(rest / 60)} min left` : ` · ${(rest / 3600).toFixed(1)} h left`;
}

/** What a screen reader hears: not each percent, but when files begin and have come. */
function summary(sending) {
  const items = sending.items;
  if (!items.length) return "";
  const files = items.length === 1 ? "1 file" : `${items.length.toLocaleString("en")} files`;
  if (sending.isSettled) return `${files} uploaded`;
  return sending.active ? `Uploading ${files}` : "";
}

function named(row) {
  return row.label || "Files";
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function icon(name) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}" /></svg>`;
}
