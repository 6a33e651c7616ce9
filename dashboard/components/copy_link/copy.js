// Copies this page's address. Where the clipboard is closed (plain http), a selected field is copied instead.
const withField = (text) => {
  const field = Object.assign(document.createElement("textarea"), { value: text })
  field.style.cssText = "position:fixed;opacity:0"
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  return done
}

const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return withField(text)
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const button = parentElement.querySelector("button")
  const word = parentElement.querySelector(".word")
  word.setAttribute("aria-live", "polite")
  const rest = () => {
    button.classList.remove("done", "told")
    word.textContent = "Copy link"
  }
  button.onclick = async () => {
    const done = await copy(window.location.href)
    button.classList.toggle("done", done)
    button.classList.add("told")
    word.textContent = done ? "Copied" : "Press Ctrl+C in the address bar"
    window.setTimeout(rest, 1800)
    if (done && data.alone) setTriggerValue("copied", true)
  }
  rest()
}
