"use strict";
/* Bokeh's figures: embedded once, then their data and colours are set. */
const Charts = (() => {
  const LIGHT = { ink: "#1b2733", soft: "#d5dbe1", run: "#8a949e", design: "#0072b2",
    chosen: "#d55e00", rest: "#9ec9e2", share: "#b9c2ca", line1: "#1b2733", line2: "#00795a" };
  const DARK = { ink: "#e6ebf0", soft: "#3a444e", run: "#8a949e", design: "#56b4e9",
    chosen: "#e8893b", rest: "#2f6f96", share: "#55606b", line1: "#e6ebf0", line2: "#4fc3a1" };
  const FILLS = { chosen: "chosen", rest: "rest", before: "run", after: "design", bill: "design",
    burden: "run", share: "share", mark: "ink" };
  const made = {}, waiting = {}, seen = new Set();

  /* Put every figure into its place; those out of sight wait for their data until they are seen. */
  async function embed() {
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const { chart } = target.dataset;
        if (!isIntersecting) { seen.delete(chart); continue; }
        seen.add(chart);
        flush(chart);
      }
    });
    for (const place of document.querySelectorAll("[data-chart]")) {
      const name = place.dataset.chart;
      const item = JSON.parse(document.getElementById(`chart-${name}`).textContent);
      await Bokeh.embed.embed_item(item, place.id);
      const found = Bokeh.documents[Bokeh.documents.length - 1];
      made[name] = { doc: found, figure: found.roots()[0] };
      watch.observe(place);
    }
  }

  /* Colours of the light or dark page. */
  function paint(dark) {
    const colours = dark ? DARK : LIGHT;
    for (const { doc, figure } of Object.values(made)) {
      for (const [name, colour] of Object.entries(FILLS)) {
        const one = doc.get_model_by_name(name);
        if (one && one.glyph) {
          one.glyph.fill_color = { value: colours[colour] };
          one.glyph.line_color = name === "mark" ? { value: dark ? "#14191f" : "#ffffff" } : null;
        }
      }
      for (const name of ["line1", "line2"]) {
        const line = doc.get_model_by_name(name);
        if (line) line.glyph.line_color = { value: colours[name] };
      }
      doc.get_model_by_name("zero").line_color = colours.ink;
      for (const axis of [...figure.below, ...figure.left]) {
        for (const part of ["axis_label_text_color", "major_label_text_color", "axis_line_color",
          "major_tick_line_color"]) axis[part] = colours.ink;
      }
      for (const grid of figure.center) if ("grid_line_color" in grid) grid.setv(
        { grid_line_color: grid.grid_line_color === null ? null : colours.soft });
    }
  }

  /* Data of a figure: {source: columns}, names along its range, [start, end] of its x and y. */
  function show(name, sources, { factors = null, x = null, y = null }) {
    waiting[name] = { sources, factors, x, y };
    if (seen.has(name)) flush(name);
  }

  /* [start, end] that hold values and zero, with some room. */
  function around(...columns) {
    const values = columns.flatMap((one) => Array.from(one)).filter(Number.isFinite);
    const low = Math.min(0, ...values), high = Math.max(0, ...values);
    const room = 0.06 * (high - low) || 1;
    return [low < 0 ? low - room : 0, high > 0 || low === 0 ? high + room : 0];
  }

  function flush(name) {
    const next = waiting[name], one = made[name];
    if (!next || !one) return;
    delete waiting[name];
    const { x_range: xs, y_range: ys } = one.figure;
    if (next.factors) {
      const across = ys.type === "FactorRange", names = across ? ys : xs;
      if (names.factors.join("\n") !== next.factors.join("\n")) names.factors = next.factors;
      if (across) one.figure.height = 90 + 30 * next.factors.length;
    }
    for (const [range, ends] of [[xs, next.x], [ys, next.y]]) {
      if (ends) range.setv({ start: ends[0], end: ends[1] });
    }
    for (const [source, columns] of Object.entries(next.sources)) {
      one.doc.get_model_by_name(source).data = columns;
    }
  }

  return { embed, paint, show, around };
})();
