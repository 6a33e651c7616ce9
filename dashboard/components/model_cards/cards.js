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
    label.append(figure)
  }
  label.append(part("span", "mark", ""))
  return label
}

export default function ({ parentElement, data, key, setStateValue }) {
  const field = parentElement.querySelector("fieldset")
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
  }
  mark(data.chosen)
}
