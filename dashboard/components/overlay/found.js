
// One picture with what was found in it, and a legend whose entries show and hide their class.
const element = (kind, name, text = "") => {
  const node = document.createElement(kind)
  node.className = name
  node.textContent = text
  return node
}

const entry = (each, colors, hidden, redraw) => {
  const button = element("button", "entry")
  button.type = "button"
  button.setAttribute("aria-pressed", String(!hidden.has(each.place)))
  const dot = element("span", "dot")
  dot.style.background = each.clear ? "transparent" : colors[each.place % colors.length]
  button.append(dot, element("span", "word", each.label), element("span", "figure", each.figure))
  button.disabled = each.clear
  button.onclick = () => {
    if (!hidden.delete(each.place)) hidden.add(each.place)
    button.setAttribute("aria-pressed", String(!hidden.has(each.place)))
    redraw()
  }
  return button
}

export default function ({ parentElement, data }) {
  const view = parentElement.querySelector(".found")
  const colors = palette(view)
  const content = JSON.stringify([data, colors])
  if (view.dataset.content === content) return
  view.dataset.content = content
  const hidden = new Set()
  const picture = element("span", "picture")
  const image = Object.assign(document.createElement("img"), { src: data.src, alt: data.alt })
  if (data.sharp) image.style.imageRendering = "pixelated"
  const redraw = () => picture.replaceChildren(image, ...(data.found ? [overlay(data.found, colors, hidden, true)] : []))
  redraw()
  const legend = element("div", "legend")
  legend.setAttribute("role", "group")
  legend.setAttribute("aria-label", "Classes; press one to hide or show it")
  legend.append(...data.legend.map((each) => entry(each, colors, hidden, redraw)))
  view.replaceChildren(picture, legend)
}
