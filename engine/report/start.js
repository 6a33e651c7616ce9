"use strict"
// Draws each figure from the JSON beside it; on paper each is as wide as the page.
for (const place of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent)
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false })
}
const resize = (width) =>
  document.querySelectorAll(".chart").forEach((place) => Plotly.relayout(place, { width, autosize: width === null }))
addEventListener("beforeprint", () => resize(680))
addEventListener("afterprint", () => resize(null))
