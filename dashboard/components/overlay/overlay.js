// What was found in a picture, to be laid over it: a mask in the classes' colours, boxes with their names.
const SVG = "http://www.w3.org/2000/svg"
const UNKNOWN = 255
const painted = new Map()

const shape = (kind, attributes, text = "") => {
  const node = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.textContent = text
  return node
}

const palette = (element) =>
  getComputedStyle(element).getPropertyValue("--st-chart-categorical-colors").split(/,(?![^(]*\))/).map((c) => c.trim())

const rgb = (color) => {
  const one = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d")
  one.fillStyle = color
  one.fillRect(0, 0, 1, 1)
  return one.getImageData(0, 0, 1, 1).data
}

const loaded = (source) =>
  new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = reject
    image.src = source
  })

// The mask's grey values are places among the classes; each becomes its class's colour, or nothing.
const paint = async (source, colors, clear) => {
  const key = JSON.stringify([source, colors, [...clear]])
  if (painted.has(key)) return painted.get(key)
  const image = await loaded(source)
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height })
  const context = canvas.getContext("2d")
  context.drawImage(image, 0, 0)
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height)
  const shades = colors.map(rgb)
  for (let place = 0; place < pixels.data.length; place += 4) {
    const value = pixels.data[place]
    const shade = shades[value % shades.length]
    pixels.data.set([shade[0], shade[1], shade[2], value === UNKNOWN || clear.has(value) ? 0 : 150], place)
  }
  context.putImageData(pixels, 0, 0)
  if (painted.size > 200) painted.clear()
  painted.set(key, canvas.toDataURL())
  return painted.get(key)
}

const boxes = (found, colors, hidden, named) => {
  const unit = Math.max(found.width, found.height) / 30
  return found.boxes.filter((box) => !hidden.has(box.place)).flatMap((box) => {
    const color = colors[box.place % colors.length]
    const outline = shape("rect", {
      x: box.x, y: box.y, width: box.width, height: box.height, fill: "none", stroke: color, "stroke-width": 2.5,
      "vector-effect": "non-scaling-stroke", rx: unit / 8,
    })
    if (!named) return [outline]
    const top = box.y > unit * 1.1 ? box.y - unit * 0.25 : box.y + unit
    const text = shape("text", {
      x: box.x + unit / 6, y: top, fill: color, "font-size": unit, "font-weight": 700, "paint-order": "stroke",
      stroke: "white", "stroke-width": unit / 5, "font-family": "sans-serif",
    }, box.name)
    return [outline, text]
  })
}

// An SVG with the picture's own pixels as its units: it lies over an image that is shown whole.
const overlay = (found, colors, hidden = new Set(), named = false) => {
  const layer = shape("svg", { viewBox: `0 0 ${found.width} ${found.height}`, class: "overlay", "aria-hidden": "true" })
  if (found.mask) {
    const [left, top, right, bottom] = found.frame
    const mask = shape("image", {
      x: left, y: top, width: right - left, height: bottom - top, preserveAspectRatio: "none", style: "image-rendering:pixelated",
    })
    layer.append(mask)
    const clear = new Set([...hidden, ...(found.background < 0 ? [] : [found.background])])
    paint(found.mask, colors, clear).then((source) => mask.setAttribute("href", source)).catch(() => mask.remove())
  }
  if (found.boxes) layer.append(...boxes(found, colors, hidden, named))
  return layer
}
