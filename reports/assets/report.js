// Makes the page's time charts zoom and its tables sort. Without it the page holds the same charts
// as pictures and the same tables. Nothing here reads a clock or the network.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("live-data").textContent);
  const darkTheme = matchMedia("(prefers-color-scheme: dark)");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- numbers as people read them; the same rules as in the rest of the report ----

  function scaled(value, units) {
    const fitting = units.filter(([factor]) => Math.abs(value) >= factor * 0.9995);
    const [factor, unit] = fitting.length ? fitting[fitting.length - 1] : units[0];
    const inUnit = value / factor;
    const size = Math.abs(inUnit);
    const digits = size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2;
    return [inUnit.toFixed(digits), unit];
  }
  const METRIC = [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"], [1e12, "T"]];
  const BINARY = [[1, "B"], [1024, "KiB"], [1024 ** 2, "MiB"], [1024 ** 3, "GiB"], [1024 ** 4, "TiB"]];
  const TIME = [[1, "ns"], [1e3, "us"], [1e6, "ms"], [1e9, "s"], [60e9, "min"], [3600e9, "h"]];
  const units = (ns, minutesFrom, hoursFrom) => TIME.slice(0, Math.abs(ns) < minutesFrom ? 4 : Math.abs(ns) < hoursFrom ? 5 : 6);
  const FORMATS = {
    per_second: (value) => scaled(value, METRIC).join(" ") + "/s",
    count: (value) => scaled(value, METRIC).join(" ").trim(),
    bytes: (value) => scaled(value, BINARY).join(" "),
    bytes_per_second: (value) => scaled(value, BINARY).join(" ") + "/s",
    nanoseconds: (value) => scaled(value, units(value, 600e9, Infinity)).join(" "),
    milliseconds: (value) => (value === 0 ? "0 s" : scaled(value * 1e6, units(value * 1e6, 120e9, 7200e9)).join(" ")),
    share: (value) => (value * 100).toFixed(1) + " %",
  };
  const shortened = (text) => text.replace(/(\.\d*?)0+( |$)/, "$1$2").replace(/\.( |$)/, "$1");

  function jobTime(seconds) {
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    const end = data.span_s[1];
    if (end <= 120) return shortened(seconds.toFixed(3)) + " s";
    if (end <= 7200) return Math.floor(seconds / 60) + ":" + two(seconds % 60);
    return Math.floor(seconds / 3600) + ":" + two((seconds / 60) % 60);
  }

  // ---- charts: one zoom and one cursor for all ----

  let plots = [];
  let shown = data.span_s;

  function show([from, to]) {
    const [first, last] = data.span_s;
    const least = (last - first) / 1000;
    from = Math.max(first, from);
    to = Math.min(last, to);
    if (to - from < least) return;
    shown = [from, to];
    for (const plot of plots) plot.setScale("x", { min: from, max: to });
  }

  const views = {
    whole: () => data.span_s,
    measured: () => data.measured_s || data.span_s,
    in: () => scaledView(0.5),
    out: () => scaledView(2),
  };
  function scaledView(factor) {
    const middle = (shown[0] + shown[1]) / 2;
    const half = ((shown[1] - shown[0]) / 2) * factor;
    return [middle - half, middle + half];
  }

  function zoomToSelection(plot) {
    const { left, width } = plot.select;
    if (width < 3) return;
    show([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  // Calls `draw(left, right, fill, ink, name)` for warm-up and faults, as far as they can be seen.
  function eachMark(plot, draw) {
    const { ctx, bbox } = plot;
    const mark = (from, to, fill, ink, name) => {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right >= bbox.left && left <= bbox.left + bbox.width) draw(left, right, css(fill), css(ink), name);
    };
    ctx.save();
    if (data.warm_up_end_s !== null) mark(data.span_s[0], data.warm_up_end_s, "--shade", "--faint", "warm-up");
    for (const fault of data.faults) mark(fault.from_s, fault.to_s, "--fault", "--fault-ink", fault.name);
    ctx.restore();
  }

  // Behind the lines: warm-up and faults, and what this chart alone shades.
  function shadeMarks(plot, chart) {
    const { ctx, bbox } = plot;
    const shade = (left, right, fill) => {
      ctx.fillStyle = fill;
      ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    };
    eachMark(plot, shade);
    ctx.save();
    const bandColor = chart.band_colors[darkTheme.matches ? 1 : 0];
    for (const [from, to] of chart.bands_s) {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right >= bbox.left && left <= bbox.left + bbox.width) shade(left, right, bandColor);
    }
    ctx.restore();
  }

  // Over the lines; a name that has no room is left out, its area is not.
  function nameMarks(plot) {
    const { ctx, bbox } = plot;
    const gap = 4 * devicePixelRatio;
    let free = bbox.left;
    eachMark(plot, (left, right, fill, ink, name) => {
      ctx.fillStyle = ink;
      ctx.font = 11 * devicePixelRatio + "px system-ui, sans-serif";
      ctx.textAlign = "left";
      ctx.textBaseline = "top";
      const width = ctx.measureText(name).width;
      const begin = left + width + 2 * gap < right ? left + gap : right + gap;
      if (begin < free || begin + width > bbox.left + bbox.width) return;
      ctx.fillText(name, begin, bbox.top + gap);
      free = begin + width + gap;
    });
  }

  // Steps that a clock has, in milliseconds.
  const CLOCK = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];

  // Powers of two, so that ticks fall on round numbers of KiB, MiB and GiB.
  const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);

  function options(chart, width) {
    const format = FORMATS[chart.unit];
    const axis = { stroke: css("--ink"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), width: 1 }, font: "11px system-ui, sans-serif" };
    const decades = (plot, ticks) => ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? tick : null));
    const steps = { milliseconds: CLOCK, bytes: POWERS, bytes_per_second: POWERS }[chart.unit];
    const stepped = steps ? { incrs: steps } : {};
    const valueAxis = chart.logarithmic ? { grid: { ...axis.grid, filter: decades }, ticks: { ...axis.ticks, filter: decades }, filter: decades } : stepped;
    const least = chart.unit === "share" ? 1 : 0;
    const linear = (plot, min, max) => [0, Math.max(least, max) * 1.12 || 1];
    const series = chart.series.map((it) => ({
      label: it.name,
      stroke: it.colors[darkTheme.matches ? 1 : 0],
      width: it.width,
      spanGaps: it.bridged,
      points: { show: false },
      value: (plot, value) => (value === null || value === undefined ? "–" : format(value)),
    }));
    // The ends of ranges are lines that nobody sees, and what is between them is shaded.
    const end = { label: "", class: "range", stroke: "transparent", points: { show: false } };
    const ends = chart.ranges.flatMap(() => [end, end]);
    const bands = chart.ranges.map((it, at) => {
      const low = 1 + series.length + 2 * at;
      return { series: [low + 1, low], fill: it.colors[darkTheme.matches ? 1 : 0] + "2e" };
    });
    return {
      title: chart.title,
      width,
      height: chart.height,
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        sync: { key: "job-time", filters: { pub: (type) => type !== "mousedown" && type !== "mouseup" } },
        bind: { dblclick: () => () => { show(data.span_s); return null; } },
      },
      scales: {
        x: { time: false },
        y: chart.logarithmic ? { distr: 3 } : { range: linear },
      },
      axes: [
        { ...axis, size: 34, values: (plot, ticks) => ticks.map(jobTime) },
        { ...axis, ...valueAxis, size: 66, values: (plot, ticks) => ticks.map((tick) => (tick === null ? "" : shortened(format(tick)))) },
      ],
      series: [{ label: "job time", value: (plot, value) => (value === null || value === undefined ? "–" : jobTime(value)) }, ...series, ...ends],
      bands,
      hooks: { drawClear: [(plot) => shadeMarks(plot, chart)], draw: [nameMarks], setSelect: [zoomToSelection] },
    };
  }

  function drawCharts() {
    for (const plot of plots) plot.destroy();
    plots = [];
    for (const chart of data.charts) {
      const figure = document.querySelector(`figure[data-chart="${chart.replaces}"]`);
      if (!figure) continue;
      figure.classList.add("is-live");
      const host = figure.querySelector(".live");
      const ranges = chart.ranges.flatMap((it) => [it.low, it.high]);
      const values = [chart.times_s, ...chart.series.map((it) => it.values), ...ranges];
      plots.push(new uPlot(options(chart, host.clientWidth), values, host));
    }
    show(shown);
  }

  function followWidth() {
    for (const plot of plots) {
      const width = plot.root.parentElement.clientWidth;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
    }
  }

  if (data.charts.length > 0) {
    drawCharts();
    const controls = document.querySelector(".controls");
    controls.hidden = false;
    controls.addEventListener("click", (event) => {
      const view = event.target.dataset.show;
      if (view) show(views[view]());
    });
    addEventListener("resize", followWidth);
    darkTheme.addEventListener("change", drawCharts);
  }

  // ---- tables ----

  function sortValue(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  }

  // What has no number comes last, whichever way round.
  function compare(one, other, column, way) {
    const [a, b] = [sortValue(one, column), sortValue(other, column)];
    if (a !== null && b !== null) return way * (a - b);
    if (a !== null || b !== null) return a === null ? 1 : -1;
    return way * one.cells[column].textContent.localeCompare(other.cells[column].textContent, "en", { numeric: true });
  }

  function sort(table, header) {
    const body = table.tBodies[0];
    const column = header.cellIndex;
    const rows = [...body.rows];
    const isNumeric = rows.some((row) => sortValue(row, column) !== null);
    const before = header.getAttribute("aria-sort");
    const first = isNumeric ? "descending" : "ascending";
    const second = isNumeric ? "ascending" : "descending";
    const order = before === first ? second : first;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    rows.sort((one, other) => compare(one, other, column, order === "ascending" ? 1 : -1));
    body.append(...rows);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const header of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      button.title = "sort by " + header.textContent;
      button.addEventListener("click", () => sort(table, header));
      header.replaceChildren(button);
    }
  }
})();
