"""Numbers in, plotly figures and their words out. No pages here, no queries."""
