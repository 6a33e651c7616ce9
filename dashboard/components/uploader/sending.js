// What is sent, and how far it is. Lives as long as the page in the browser does, whatever Streamlit draws meanwhile.

const PATH = "/upload";
const MARK = { "x-requested-with": "forelight" };
const AT_ONCE = 4;
const ASK_ABOVE = 4 * 2 ** 20;
const LOOSE_FILES = 8;
const JUNK = /\/(\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)/; // what systems put into folders by themselves
const BROKE_OFF = "The connection broke off.";

/** The files of one uploader, in rows; a folder, or many files at once, are one row. `drawn` is called on each change. */
class Sending {
  constructor(name) {
    this.name = name;
    this.rows = [];
    this.round = null;
    this.active = 0;
    this.drawn = () => {};
    this.told = () => {};
    this.restore();
  }

  get items() {
    return this.rows.flatMap((row) => row.items);
  }

  get isSettled() {
    return this.items.every((item) => item.state === "done");
  }

  /** Same files, same token: who gets it again need not look again. */
  get token() {
    let hash = 0x811c9dc5;
    for (const letter of this.ids.join(",")) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
    return this.ids.length ? `${this.ids.length}-${hash.toString(16)}` : "";
  }

  get ids() {
    return this.isSettled ? this.items.map((item) => item.id) : [];
  }

  /** Takes files, [name, File] each, and begins to send them. */
  add(named, most) {
    const items = named
      .filter(([name]) => !JUNK.test(name))
      .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
      .map(([name, file]) => ({ name, file, size: file.size, sent: 0, state: "waiting", error: "" }));
    for (const item of items) {
      if (item.size > most) Object.assign(item, { state: "failed", error: `One file may have ${size(most)}.` });
    }
    for (const [label, several] of grouped(items)) this.rows.push({ label, items: several, began: 0, before: 0 });
    this.go();
    return items.length;
  }

  /** Sends what waits, some files at a time. */
  go() {
    for (const row of this.rows) {
      for (const item of row.items) {
        if (this.active >= AT_ONCE) return this.changed();
        if (item.state !== "waiting") continue;
        if (!row.began) Object.assign(row, { began: performance.now(), before: sentOf(row) });
        this.active += 1;
        item.state = "sending";
        this.send(item).then(() => {
          this.active -= 1;
          this.go();
        });
      }
    }
    this.changed();
  }

  async send(item) {
    const error = (item.size > ASK_ABOVE && (await whyNot(item.size))) || (item.gone ? "" : await this.post(item));
    if (item.gone) {
      if (item.id) forget(item.id);
    } else if (error) {
      Object.assign(item, { state: "failed", sent: 0, error });
    } else {
      Object.assign(item, { state: "done", sent: item.size });
    }
  }

  /** "" when the file is there; else why it is not. */
  post(item) {
    return new Promise((answer) => {
      const request = new XMLHttpRequest();
      item.request = request;
      request.open("POST", `${PATH}?name=${encodeURIComponent(item.name)}`);
      for (const [name, value] of Object.entries(MARK)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        item.sent = event.loaded;
        this.soon();
      };
      request.onload = () => {
        const told = parsed(request.responseText);
        item.id = told.id;
        answer(request.status === 200 && told.id ? "" : told.error || `The server answered ${request.status}.`);
      };
      request.onerror = async () => answer((await whyNot(item.size)) || BROKE_OFF);
      request.onabort = () => answer(BROKE_OFF);
      request.send(item.file);
    });
  }

  /** Takes a row away, on the server too; what is on its way is broken off. */
  remove(row) {
    this.rows = this.rows.filter((each) => each !== row);
    drop(row.items);
    this.changed();
  }

  /** Begins anew, where the server has deleted all that was whole. */
  reset() {
    if (!this.isSettled) drop(this.items);
    this.rows = [];
    this.save();
  }

  retry(row) {
    for (const item of row.items) {
      if (item.state === "failed" && item.file) Object.assign(item, { state: "waiting", error: "" });
    }
    row.began = 0;
    this.go();
  }

  /** Goes on without those of the row that could not be sent. */
  leaveOut(row) {
    row.items = row.items.filter((item) => item.state !== "failed");
    this.rows = this.rows.filter((each) => each.items.length);
    this.changed();
  }

  /** The server no longer has these: what came with an earlier page is let go, the rest can be sent again. */
  lost(ids) {
    const gone = new Set(ids);
    const found = this.items.filter((item) => gone.has(item.id));
    if (!found.length) return;
    for (const item of found) Object.assign(item, { state: "failed", error: "The server no longer has it.", id: "" });
    for (const row of this.rows) row.items = row.items.filter((item) => item.state !== "failed" || item.file);
    this.rows = this.rows.filter((row) => row.items.length);
    this.changed();
  }

  /** Draws a few times a second, however many files come. */
  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = null;
      this.save();
      this.drawn();
    }, 150);
  }

  changed() {
    this.soon();
    this.told();
  }

  /** The page may be loaded again: what has come by then is not sent a second time. */
  save() {
    const done = this.rows.map(({ label, items }) => ({
      label,
      items: items.filter((item) => item.state === "done").map(({ id, name, size }) => ({ id, name, size })),
    }));
    try {
      sessionStorage.setItem(this.key, JSON.stringify(done.filter((row) => row.items.length)));
    } catch {
      // full or switched off: only a reload forgets then
    }
  }

  restore() {
    try {
      for (const { label, items } of JSON.parse(sessionStorage.getItem(this.key) || "[]")) {
        const found = items.map((item) => ({ ...item, sent: item.size, state: "done", error: "" }));
        this.rows.push({ label, items: found, began: 0, before: 0 });
      }
    } catch {
      this.rows = [];
    }
  }

  get key() {
    return `forelight-uploads-${this.name}`;
  }
}

/** [label, items] for each row: files of one folder together, many loose ones together, few by themselves. */
function grouped(items) {
  const folders = new Map();
  for (const item of items) {
    const folder = item.name.includes("/") ? item.name.split("/")[0] : "";
    if (!folders.has(folder)) folders.set(folder, []);
    folders.get(folder).push(item);
  }
  return [...folders].flatMap(([folder, several]) => {
    if (folder) return [[folder, several]];
    return several.length > LOOSE_FILES ? [["", several]] : several.map((item) => [item.name, [item]]);
  });
}

function sentOf(row) {
  return row.items.reduce((sum, item) => sum + Math.min(item.sent, item.size), 0);
}

/** Breaks off what is on its way, and deletes what has come, one after the other: it may be thousands. */
async function drop(items) {
  for (const item of items) {
    item.gone = true;
    if (item.state !== "done") item.request?.abort();
  }
  for (const item of items) if (item.state === "done") await forget(item.id);
}

async function forget(id) {
  try {
    await fetch(`${PATH}/${id}`, { method: "DELETE", headers: MARK });
  } catch {
    // the server deletes it after a day
  }
}

/** Why a file of that size may not come just now, or "". */
async function whyNot(octets) {
  try {
    const answer = await fetch(`${PATH}?size=${octets}`, { headers: MARK });
    return answer.ok ? "" : (await answer.json()).error || BROKE_OFF;
  } catch {
    return BROKE_OFF;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** All [path, File] of what was dropped, folders too. */
async function dropContents(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => [file.name, file]);
  return (await Promise.all(entries.map((entry) => within(entry, "")))).flat();
}

async function within(entry, folder) {
  if (entry.isFile) return [[folder + entry.name, await new Promise((found, failed) => entry.file(found, failed))]];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((read, failed) => reader.readEntries(read, failed)); // a hundred at a time
    if (!some.length) return found;
    for (const each of some) found.push(...(await within(each, `${folder}${entry.name}/`)));
  }
}

function size(octets) {
  if (octets < 1000) return `${octets} B`;
  const power = Math.min(Math.floor(Math.log10(octets) / 3), 4);
  const value = octets / 1000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${"kMGT"[power - 1]}B`;
}
