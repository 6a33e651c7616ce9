// Tiles of pictures; a click tells the row. Text is set as text, never as HTML.
const part = (kind, name, text = "") => {
  const node = document.createElement(kind)
  node.className = name
  node.textContent = text
  return node
}

const picture = (tile, colors) => {
  if (tile.failed) return part("span", "broken", "no picture")
  const image = Object.assign(document.createElement("img"), { src: tile.src, alt: "", loading: "lazy" })
  image.onerror = () => image.replaceWith(part("span", "broken", "no picture"))
  if (!tile.found) return image
  const whole = part("span", "picture")
  whole.append(image, overlay(tile.found, colors))
  return whole
}

const build = (tile, colors, open) => {
  const button = part("button", "")
  const color = tile.color < 0 ? "gray" : colors[tile.color % colors.length]
  const text = part("span", "text")
  const name = part("span", "name")
  if (tile.color >= 0) name.append(Object.assign(part("span", "dot"), { style: `background:${color}` }))
  name.append(part("b", "", tile.label))
  text.append(name)
  if (tile.confidence !== null) {
    name.append(part("span", "sure", tile.confidence.toFixed(2)))
    const bar = part("span", "bar")
    bar.append(Object.assign(part("i", ""), { style: `width:${100 * tile.confidence}%;background:${color}` }))
    text.append(bar)
  }
  if (tile.truth) text.append(part("span", tile.right ? "truth" : "truth wrong", `${tile.right ? "✓" : "✗"} ${tile.truth}`))
  button.type = "button"
  button.append(part("span", "unseen", `Row ${tile.row}: `), picture(tile, colors), text)
  button.onclick = () => open(tile.row)
  return button
}

export default function ({ parentElement, data, setTriggerValue }) {
  const tiles = parentElement.querySelector(".tiles")
  const colors = palette(tiles)
  const content = JSON.stringify([data.tiles, colors])
  if (tiles.dataset.content === content) return
  tiles.dataset.content = content
  tiles.replaceChildren(
    ...data.tiles.map((tile) => {
      const item = part("div", "")
      item.setAttribute("role", "listitem")
      item.style.display = "grid"
      item.append(build(tile, colors, (row) => setTriggerValue("open", row)))
      return item
    }),
  )
}
