// The first things to see: how it is in a word and a sentence, its limits, the five totals.
import { byId, el, fillList, fillMeter, keep, meter, setClass, setText } from "./dom.js";
import { bytes, duration, kStates, number } from "./words.js";

const kTotals = ["uploads", "downloads", "mirrors", "deletes", "lists"];

function showState(now) {
    const [word, tone] = kStates[now.state] ?? [now.state, "wait"];
    setClass(byId("state"), `state ${tone}`);
    setText(byId("state-word"), word);
    setText(byId("state-sentence"), now.state_in_words);
    document.title = `${word} · Espalier`;
}

function limits(now) {
    const memory = `${bytes(now.memory.bytes)} of ${bytes(now.memory.max)}`;
    const threads = `${now.threads.count} of ${number(now.threads.max)}`;
    return [
        {
            name: "Healthy servers",
            text: `${now.healthy_count} of ${now.total_servers}`,
            note: `an upload needs ${now.min_upload_servers}`,
            part: now.total_servers ? now.healthy_count / now.total_servers : 0,
            over: now.healthy_count < now.min_upload_servers,
        },
        {
            name: "Memory",
            text: memory,
            note: now.memory.bytes < now.memory.max ? "within its limit" : "at its limit",
            part: now.memory.bytes / now.memory.max,
            over: now.memory.bytes >= now.memory.max,
        },
        {
            name: "Threads",
            text: threads,
            note: now.threads.count < now.threads.max ? "within their limit" : "at their limit",
            part: now.threads.count / now.threads.max,
            over: now.threads.count >= now.threads.max,
        },
    ];
}

function makeLimit(limit) {
    return el("div", { class: "card tile" }, el("span", {}, limit.name), el("b"), el("span", { class: "faint" }), meter());
}

function updateLimit(card, limit) {
    const [, text, note, bar] = card.children;
    setText(text, limit.text);
    setText(note, limit.note);
    fillMeter(bar, limit.part, `${limit.name}: ${limit.text}`, limit.over);
}

function totals(now) {
    return kTotals.map((name) => ({
        name,
        done: now.totals[`${name}_success`] ?? now.totals[name],
        failed: now.totals[`${name}_failure`],
    }));
}

function makeTotal(total) {
    const name = total.name[0].toUpperCase() + total.name.slice(1);
    return el("div", { class: "card tile" }, el("span", {}, name), el("b"), el("span", { class: "faint" }));
}

function updateTotal(card, total) {
    setText(card.children[1], number(total.done));
    setText(card.children[2], total.failed === undefined ? "sent to servers" : `${number(total.failed)} failed`);
}

export function showOverview(now) {
    showState(now);
    keep(byId("limits"), limits(now), (limit) => limit.name, makeLimit, updateLimit);
    keep(byId("totals"), totals(now), (total) => total.name, makeTotal, updateTotal);
    setText(
        byId("about"),
        `Version ${now.version}, up for ${duration(now.uptime_seconds)}, ` +
            `${number(now.requests)} requests; downloads by ${now.mode}.`,
    );
}

function showCopies(now) {
    const counts = now.replication.blobs_by_copies;
    const most = Math.max(1, ...counts);
    const rows = counts
        .map((count, copies) => ({ count, copies, part: count / most }))
        .slice(1)
        .reverse();
    keep(
        byId("copies"),
        rows,
        (row) => row.copies,
        (row) => el("li", {}, el("span", {}, row.copies === 1 ? "1 copy" : `${row.copies} copies`), meter(), el("span")),
        (line, row) => {
            fillMeter(line.children[1], row.part, `${row.count} blobs with ${row.copies} copies`);
            setText(line.children[2], number(row.count));
        },
    );
}

function showRepairs(now) {
    const { repairs, missing_copies: missing, oldest_missing_seconds: oldest, tombstones } = now.replication;
    const brought = repairs.mirrored + repairs.uploaded + repairs.there_already;
    fillList(byId("repairs"), [
        ["Copies to be brought", number(missing)],
        ["The oldest waits for", oldest === undefined ? "–" : duration(oldest)],
        ["Being brought now", number(repairs.running)],
        ["Brought", `${number(brought)} (${number(repairs.mirrored)} mirrored)`],
        ["Attempts failed", number(repairs.failed + repairs.unauthorized)],
        ["Needless or hopeless", number(repairs.needless + repairs.hopeless + repairs.deleted)],
        ["Deletes remembered", number(tombstones)],
    ]);
}

function showReads(now) {
    const { reads } = now;
    const asked = reads.map_hits + reads.map_misses;
    fillList(byId("reads"), [
        ["Blobs on the map", number(reads.map_entries)],
        ["Found on the map", asked ? `${number(reads.map_hits)} of ${number(asked)}` : "–"],
        ["Redirects", number(reads.redirects)],
        ["Fetched for clients", `${number(reads.proxied)} (${bytes(reads.proxied_bytes)})`],
        ["Another server went on", number(reads.failovers)],
        ["Lookups shared", number(reads.coalesced)],
        ["Not found", `${number(reads.not_found)} (${number(reads.negative_hits)} from memory)`],
    ]);
}

function showRefusals(now) {
    const reasons = Object.entries(now.auth_refusals).sort((a, b) => b[1] - a[1]);
    const rows = reasons.map(([reason, count]) => [reason.replaceAll("_", " "), number(count)]);
    if (now.rate_limited > 0) rows.push(["over a rate", number(now.rate_limited)]);
    fillList(byId("refusals"), rows.length ? rows : [["None so far", ""]]);
}

export function showFigures(now) {
    showCopies(now);
    showRepairs(now);
    showReads(now);
    showRefusals(now);
}
