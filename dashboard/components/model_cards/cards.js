// Radio cards: real radio buttons, so arrow keys and screen readers work. Text is set as text, never as HTML.
const part = (kind, name, text) => {
  const node = document.createElement(kind)
  node.className = name
  node.textContent = text
  return node
}

const build = (card, group, choose) => {
  const label = document.createElement("label")
  const input = Object.assign(document.createElement("input"), { type: "radio", name: group, value: card.id })
  input.setAttribute("aria-label", `${card.title}: ${card.task}`)
  input.onchange = () => choose(card.id)
  label.append(input, part("span", "task", card.task), part("span", "title", card.title))
  if (card.line) label.append(part("span", "line", card.line))
  if (card.figure) {
    const figure = part("span", "figure", "")
    figure.append(part("b", "", card.figure), part("span", "", card.measure))
    figure.title = card.meaning
    label.append(figure)
  }
  label.append(part("span", "mark", ""))
  return label
}

const ROOM_BELOW = 420

// A visitor who clicked a card goes on below the cards: where that is not on the screen, it comes there.
const showBelow = (field) => {
  const page = field.getRootNode().host?.closest("[data-testid=stMain]") ?? field.closest("[data-testid=stMain]")
  const hidden = field.getBoundingClientRect().bottom + ROOM_BELOW - window.innerHeight
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  if (page && hidden > 0) page.scrollBy({ top: hidden, behavior: calm ? "auto" : "smooth" })
}

// Leaves the cards that hold every word that is searched for.
const narrow = (parent, searched) => {
  const words = searched.toLowerCase().split(/\s+/)
  const labels = [...parent.querySelectorAll("label")]
  labels.forEach((label) => (label.hidden = !words.every((word) => label.textContent.toLowerCase().includes(word))))
  parent.querySelector(".none").hidden = labels.some((label) => !label.hidden)
}

export default function ({ parentElement, data, key, setStateValue }) {
  const field = parentElement.querySelector("fieldset")
  const search = parentElement.querySelector(".search")
  field.classList.toggle("brief", data.brief)
  field.classList.toggle("many", data.many)
  search.hidden = !data.search
  search.placeholder = data.search
  search.setAttribute("aria-label", data.search)
  search.oninput = () => narrow(parentElement, search.value)
  field.onclick = (event) => {
    if (event.detail && event.target.matches("input")) showBelow(field) // an arrow key's click has no detail
  }
  const mark = (chosen) =>
    field.querySelectorAll("label").forEach((label) => {
      const input = label.querySelector("input")
      input.checked = input.value === chosen
      label.classList.toggle("chosen", input.checked)
    })
  const choose = (id) => {
    mark(id)
    setStateValue("chosen", id)
  }
  const content = JSON.stringify(data.cards)
  if (field.dataset.content !== content) {
    field.dataset.content = content
    field.querySelectorAll("label").forEach((label) => label.remove())
    data.cards.forEach((card) => field.append(build(card, `models-${key ?? ""}`, choose)))
    field.querySelector("legend").textContent = data.label
    narrow(parentElement, search.value)
  }
  mark(data.chosen)
}
