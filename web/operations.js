// The last hundred operations, newest first, with a cell for each server: what it answered, and on
// click why.
import { byId, el, keep, setClass, setText } from "./dom.js";
import { orderOf } from "./servers.js";
import { bytes, milliseconds, time, toneOf } from "./words.js";

const kKept = 100;
const operations = new Map(); // by id
const open = new Set(); // ids whose reasons are shown
const listeners = new Set();
let hosts = [];

// Calls listener(operation) for each that is new or has changed.
export function onOperation(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

function shortened(text) {
    return text.length > 11 ? `${text.slice(0, 8)}…` : text.replace("...", "…");
}

function answerOf(operation) {
    if (operation.status === 0) return "under way";
    return `${operation.status} in ${milliseconds(operation.ms)}`;
}

function wordOf(leg, size) {
    if (leg.fed !== undefined && size) return `${Math.floor((leg.fed / size) * 100)} %`;
    return leg.kind === "pending" ? "…" : leg.status;
}

function sentenceOf(leg) {
    const took = leg.sent && leg.kind !== "pending" ? `, ${milliseconds(leg.ms)}` : "";
    const why = leg.reason ? `: ${leg.reason}` : "";
    return `${leg.host} ${leg.kind === "pending" ? "is still at it" : leg.status}${took}${why}`;
}

function makeCell(operation) {
    return el("td", {}, el("button", { class: "cell", type: "button", onclick: () => toggle(operation.id) }));
}

function updateCell(cell, leg, operation) {
    const button = cell.firstElementChild;
    button.hidden = !leg;
    if (!leg) return;
    setText(button, wordOf(leg, operation.size));
    setClass(button, `cell ${toneOf(leg)}`);
    button.title = sentenceOf(leg);
    button.setAttribute("aria-label", sentenceOf(leg));
    button.setAttribute("aria-expanded", open.has(operation.id));
}

function makeRow(row) {
    if (row.why) return el("tr", { class: "why" }, el("td", {}, el("ul")));
    return el("tr", {}, el("td"), el("td"), el("td", { class: "hash" }), el("td", { class: "number" }), el("td", { class: "hash" }), el("td"));
}

function updateWhy(line, operation) {
    line.firstElementChild.colSpan = 6 + hosts.length;
    const sentences = operation.servers.map(sentenceOf);
    if (operation.reason) sentences.unshift(`The client was told: ${operation.reason}`);
    if (operation.request) sentences.push(`Request ${operation.request}, ${operation.hash}, by ${operation.pubkey}`);
    if (sentences.length === 0) sentences.push("No server was asked.");
    keep(line.firstElementChild.firstElementChild, sentences, (s) => s, (s) => el("li", {}, s), () => {});
}

function updateRow(line, row) {
    const { operation } = row;
    if (row.why) return updateWhy(line, operation);
    setText(line.children[0], time(operation.time));
    setText(line.children[1], operation.what);
    setText(line.children[2], shortened(operation.hash));
    setText(line.children[3], bytes(operation.size));
    setText(line.children[4], shortened(operation.pubkey));
    const answer = line.children[5];
    if (!answer.firstElementChild) answer.append(el("button", { class: "cell", type: "button", onclick: () => toggle(operation.id) }));
    setText(answer.firstElementChild, answerOf(operation));
    const failed = operation.status >= 400;
    setClass(answer.firstElementChild, `cell ${operation.status === 0 ? "wait" : failed ? "bad" : "ok"}`);
    answer.firstElementChild.setAttribute("aria-expanded", open.has(operation.id));
    while (line.children.length > 6 + hosts.length) line.lastElementChild.remove();
    while (line.children.length < 6 + hosts.length) line.append(makeCell(operation));
    hosts.forEach((host, i) =>
        updateCell(line.children[6 + i], operation.servers.find((leg) => leg.host === host), operation),
    );
}

function render() {
    const newest = [...operations.values()].sort((a, b) => b.id - a.id);
    const rows = newest.flatMap((operation) =>
        open.has(operation.id) ? [{ operation }, { operation, why: true }] : [{ operation }],
    );
    keep(byId("operation-rows"), rows, (row) => `${row.operation.id}${row.why ? "-why" : ""}`, makeRow, updateRow);
    byId("no-operations").hidden = newest.length > 0;
}

function toggle(id) {
    if (!open.delete(id)) open.add(id);
    render();
}

function showHosts(now) {
    hosts = orderOf(now).map((server) => server.host);
    const head = byId("operation-head");
    const names = ["Time", "What", "Blob", "Size", "Key", "Answer", ...hosts];
    keep(head, names, (name) => name, (name) => el("th", { scope: "col", class: name === "Size" ? "number" : "" }, name), () => {});
}

// Puts these in the place of what was known of them. `whole` hashes and keys are kept.
export function takeOperations(list) {
    for (const one of list) {
        const before = operations.get(one.id);
        const known = before?.request && !one.request ? { hash: before.hash, pubkey: before.pubkey, request: before.request } : {};
        operations.set(one.id, { ...one, ...known });
        for (const listener of listeners) listener(one);
    }
    const ids = [...operations.keys()].sort((a, b) => b - a);
    for (const id of ids.slice(kKept)) {
        operations.delete(id);
        open.delete(id);
    }
}

// A gateway that was started anew counts from one again.
export function forgetOperations() {
    operations.clear();
    open.clear();
}

export function showOperations(now) {
    showHosts(now);
    takeOperations(now.operations);
    render();
}
