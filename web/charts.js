// The last fifteen minutes as two charts, drawn by uPlot (https://github.com/leeoniya/uPlot).
/* global uPlot */
import { byId } from "./dom.js";
import { bytes, milliseconds, time } from "./words.js";

const kSpan = 15 * 60;
const kHeight = 210;
const samples = new Map();
const charts = [];
let now = Date.now() / 1000; // by the gateway's clock, as soon as it is known

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Column 0 is the time, the others as /stats has them.
const kCharts = [
    {
        id: "throughput",
        columns: [2, 3],
        names: ["to the servers", "from the servers"],
        show: (value) => (value === null ? "–" : `${bytes(value)}/s`),
        sum: (last) => `Throughput: ${bytes(last[2])} a second to the servers, ${bytes(last[3])} from them.`,
    },
    {
        id: "latency",
        columns: [4, 5, 6, 7],
        names: ["lookup p50", "lookup p95", "upload p50", "upload p95"],
        show: milliseconds,
        sum: (last) => `Latency: lookups ${milliseconds(last[4])}, 95 % within ${milliseconds(last[5])}.`,
    },
];

function axis(extra) {
    return { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") }, ...extra };
}

function draw(chart) {
    const box = byId(chart.id);
    box.replaceChildren();
    const options = {
        width: box.clientWidth,
        height: kHeight,
        legend: { live: true },
        scales: { x: { time: true, range: () => [now - kSpan, now] }, y: { range: (_, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
        axes: [axis({ space: 90, values: (_, values) => values.map(time) }), axis({ size: 78, values: (_, values) => values.map(chart.show) })],
        series: [
            { value: (_, value) => (value ? time(value) : "–") },
            ...chart.names.map((label, i) => ({
                label,
                stroke: colour(`--series-${i + 1}`),
                width: 1.5,
                spanGaps: true,
                value: (_, value) => chart.show(value ?? null),
            })),
        ],
    };
    chart.plot = new uPlot(options, columnsOf(chart), box);
}

function columnsOf(chart) {
    const rows = [...samples.values()].sort((a, b) => a[0] - b[0]);
    return [0, ...chart.columns].map((column) => rows.map((row) => row[column]));
}

function redraw() {
    for (const chart of charts) draw(chart);
}

export function startCharts() {
    if (typeof uPlot === "undefined") return;
    charts.push(...kCharts);
    redraw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    let width = innerWidth;
    addEventListener("resize", () => {
        if (innerWidth !== width) redraw();
        width = innerWidth;
    });
}

export function showTimeline(snapshot) {
    if (snapshot.timeline.length === 0) return;
    now = snapshot.time;
    for (const row of snapshot.timeline) samples.set(row[0], row);
    for (const at of samples.keys()) if (at < now - kSpan) samples.delete(at);
    for (const chart of charts) {
        chart.plot.setData(columnsOf(chart));
        byId(chart.id).setAttribute("aria-label", chart.sum(snapshot.timeline.at(-1)));
    }
}
