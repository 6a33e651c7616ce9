// Sends files to the server as they are, a few at a time, and tells the page their numbers when all have arrived.
const AT_ONCE = 4
const MOST_SHOWN = 12
const states = new WeakMap()

const size = (octets) => {
  const power = octets < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(octets) / 3))
  const value = octets / 1000 ** power
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${["B", "kB", "MB", "GB", "TB"][power]}`
}

const left = (state) => {
  const seconds = (performance.now() - state.began) / 1000
  const sent = state.items.reduce((sum, item) => sum + item.sent, 0)
  const all = state.items.reduce((sum, item) => sum + item.file.size, 0)
  if (seconds < 1 || sent === 0 || sent >= all) return ""
  const rest = Math.round(((all - sent) * seconds) / sent)
  return rest < 60 ? `, ${rest} s left` : `, ${Math.round(rest / 60)} min left`
}

const element = (kind, className, text) => Object.assign(document.createElement(kind), { className, textContent: text ?? "" })

// Files that were dropped, those in folders too, by their paths.
const dropped = async (transfer) => {
  const found = []
  const walk = async (entry, path) => {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail))
      found.push({ file, name: path + file.name })
    } else {
      const reader = entry.createReader()
      for (;;) {
        const entries = await new Promise((done, fail) => reader.readEntries(done, fail))
        if (entries.length === 0) return
        for (const each of entries) await walk(each, `${path}${entry.name}/`)
      }
    }
  }
  for (const entry of [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)) await walk(entry, "")
  return found
}

const show = (state) => {
  const { root, items } = state
  const arrived = items.filter((item) => item.id).length
  const sum = root.querySelector(".sum")
  sum.hidden = items.length === 0
  if (items.length > 0) {
    const octets = items.reduce((total, item) => total + item.file.size, 0)
    const sent = items.reduce((total, item) => total + item.sent, 0)
    sum.textContent = `${arrived} of ${items.length} ${items.length === 1 ? "file" : "files"} · ${size(sent)} of ${size(octets)}${left(state)}`
    if (items.length > MOST_SHOWN) sum.append(Object.assign(document.createElement("progress"), { max: octets || 1, value: sent }))
  }
  const wanted = items.length > MOST_SHOWN ? items.filter((item) => item.fault).slice(0, MOST_SHOWN) : items
  const list = root.querySelector(".list")
  list.replaceChildren(...wanted.map((item) => row(state, item)))
}

const row = (state, item) => {
  const line = document.createElement("li")
  line.append(element("span", "name", item.name), element("span", "far", far(item)))
  const button = element("button", "button small", item.fault ? "Try again" : "Remove")
  button.type = "button"
  button.setAttribute("aria-label", `${button.textContent} ${item.name}`)
  button.onclick = () => (item.fault ? again(state, item) : remove(state, item))
  line.append(button)
  if (item.fault) {
    const away = element("button", "button small quiet", "Leave out")
    away.type = "button"
    away.setAttribute("aria-label", `Leave out ${item.name}`)
    away.onclick = () => remove(state, item)
    const fault = element("span", "fault", `${item.fault} `)
    fault.append(away)
    line.append(fault)
  } else {
    const bar = Object.assign(document.createElement("progress"), { max: item.file.size || 1, value: item.sent })
    bar.setAttribute("aria-label", `${item.name} sent`)
    line.append(bar)
  }
  return line
}

const far = (item) => (item.id ? size(item.file.size) : `${size(item.sent)} of ${size(item.file.size)}`)

const add = (state, files) => {
  if (files.length === 0) return
  if (state.items.length === 0) state.began = performance.now()
  state.items.push(...files.map(({ file, name }) => ({ file, name, sent: 0, id: "", fault: "", request: null })))
  next(state)
}

const remove = (state, item) => {
  item.request?.abort()
  if (item.id) fetch(`${state.path}/${item.id}`, { method: "DELETE", headers: { "x-requested-with": "forelight" } })
  state.items = state.items.filter((each) => each !== item)
  next(state)
}

const again = (state, item) => {
  Object.assign(item, { fault: "", sent: 0, request: null })
  next(state)
}

// Starts what can be started; hands all over when nothing is on its way and nothing failed.
const next = (state) => {
  const under = state.items.filter((item) => item.request && !item.id && !item.fault).length
  const waiting = state.items.filter((item) => !item.request && !item.id && !item.fault)
  for (const item of waiting.slice(0, Math.max(0, AT_ONCE - under))) send(state, item)
  show(state)
  if (state.items.length > 0 && state.items.every((item) => item.id) && !state.done) {
    state.done = true
    state.setStateValue("files", state.items.map((item) => item.id))
  }
}

const send = (state, item) => {
  const request = new XMLHttpRequest()
  item.request = request
  const failed = (why) => {
    item.fault = why
    next(state)
  }
  request.upload.onprogress = (event) => {
    item.sent = event.loaded
    const now = performance.now()
    if (now - state.drawn > 150) {
      state.drawn = now
      show(state)
    }
  }
  request.onload = () => {
    if (request.status !== 200) return failed(request.responseText || "The server did not take it.")
    item.id = JSON.parse(request.responseText).id
    item.sent = item.file.size
    next(state)
  }
  request.onerror = () => failed("It broke off on its way.")
  request.open("POST", `${state.path}/?name=${encodeURIComponent(item.name)}`)
  request.setRequestHeader("x-requested-with", "forelight")
  request.setRequestHeader("content-type", "application/octet-stream")
  request.send(item.file)
}

export default function ({ parentElement, setStateValue, data }) {
  const zone = parentElement.querySelector(".zone")
  let state = states.get(zone)
  if (state === undefined) {
    state = { root: parentElement, items: [], began: 0, drawn: 0, done: false }
    states.set(zone, state)
    for (const input of zone.querySelectorAll("input")) {
      input.onchange = () => {
        add(state, [...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })))
        input.value = ""
      }
    }
    for (const label of zone.querySelectorAll("label")) {
      label.onkeydown = (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault()
          label.click()
        }
      }
    }
    let depth = 0
    const over = (by) => {
      depth = Math.max(0, depth + by)
      zone.classList.toggle("over", depth > 0)
    }
    zone.ondragenter = (event) => (event.preventDefault(), over(1))
    zone.ondragover = (event) => event.preventDefault()
    zone.ondragleave = () => over(-1)
    zone.ondrop = async (event) => {
      event.preventDefault()
      over(-depth)
      add(state, await dropped(event.dataTransfer))
    }
  }
  Object.assign(state, { setStateValue, path: data.path })
  zone.querySelector(".needs").textContent = data.needs
  zone.querySelector("label[for=folder]").hidden = !data.pictures
  zone.querySelector("#files").setAttribute("aria-label", `Files. ${data.needs}`)
  if (data.accept) zone.querySelector("#files").accept = data.accept
}
