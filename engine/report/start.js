"use strict"
// Draws each figure from the JSON beside it, and other data into it where a choice is made; on paper each is as wide
// as the page.
for (const panel of document.querySelectorAll(".charts .panel")) {
  const place = panel.querySelector(".chart")
  const { figure, choices } = JSON.parse(document.getElementById(place.dataset.figure).textContent)
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false })
  const choice = panel.querySelector("select")
  if (choice) choice.onchange = () => Plotly.update(place, ...choices[choice.value])
}
const resize = (width) =>
  document.querySelectorAll(".chart").forEach((place) => Plotly.relayout(place, { width, autosize: width === null }))
addEventListener("beforeprint", () => resize(680))
addEventListener("afterprint", () => resize(null))
