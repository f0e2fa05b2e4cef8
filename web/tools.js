// "Where is this blob?", client settings, and what only the operator sees.
import { byId, copy, el, keep, setClass, setText } from "./dom.js";
import { takeOperations } from "./operations.js";
import { bytes, duration, milliseconds, number } from "./words.js";

async function find(event) {
    event.preventDefault();
    const hash = byId("where-hash").value.trim().toLowerCase().match(/[0-9a-f]{64}/)?.[0];
    const note = byId("where-note");
    byId("where-rows").replaceChildren();
    byId("where-table").hidden = true;
    if (!hash) return setText(note, "That is no SHA-256: 64 hexadecimal digits, alone or in a URL.");
    setText(note, "Asking all servers …");
    try {
        const answer = await fetch(`/where/${hash}`, { cache: "no-store" });
        const found = await answer.json();
        if (!answer.ok) return setText(note, found.message);
        showFound(found, note);
    } catch (error) {
        setText(note, String(error));
    }
}

function showFound(found, note) {
    const holders = found.servers.filter((one) => one.has);
    setText(note, `${holders.length} of ${found.servers.length} servers have it.`);
    byId("where-table").hidden = false;
    keep(
        byId("where-rows"),
        found.servers,
        (one) => one.host,
        (one) => el("tr", {}, el("td", {}, one.host), el("td", {}, el("span")), el("td"), el("td"), el("td")),
        (row, one) => {
            const word = one.has === null ? "did not say" : one.has ? "has it" : "does not have it";
            setText(row.children[1].firstElementChild, word);
            setClass(row.children[1].firstElementChild, `badge ${one.has === null ? "bad" : one.has ? "ok" : "wait"}`);
            setText(row.children[2], `${one.status}, ${milliseconds(one.ms)}`);
            setText(row.children[3], one.has ? bytes(one.size) : "–");
            setText(row.children[4], one.has ? one.type : one.reason);
        },
    );
}

async function showSettings() {
    const origin = location.origin;
    for (const node of document.querySelectorAll(".origin")) node.textContent = origin;
    setText(byId("setting-url"), origin);
    const event = { kind: 10063, content: "", tags: [["server", origin]] };
    setText(byId("setting-list"), JSON.stringify(event));
    try {
        const info = await (await fetch("/info")).json();
        setText(byId("setting-tags"), JSON.stringify(info.server_tags.map((tag) => ["server", tag])));
    } catch {
        setText(byId("setting-tags"), "[]");
    }
    for (const button of document.querySelectorAll("button[data-copy]"))
        button.addEventListener("click", () => copy(byId(button.dataset.copy).textContent, button));
}

let token = "";

async function ask(path, method = "GET") {
    const answer = await fetch(path, { method, headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(answer.status === 404 ? "No admin.token is configured." : body.message);
    return body;
}

async function showDetails() {
    const details = await ask("/admin");
    takeOperations(details.operations);
    byId("admin-details").hidden = false;
    keep(
        byId("admin-servers"),
        details.upstreams,
        (one) => one.url,
        (one) => el("li", {}, one.connect_to ? `${one.url} is reached at ${one.connect_to}` : one.url),
        () => {},
    );
    keep(
        byId("admin-uploaders"),
        details.uploaders,
        (one) => one.pubkey,
        () => el("li"),
        (item, one) => setText(item, `${one.pubkey}: ${bytes(one.bytes)} in ${number(one.uploads)} uploads`),
    );
    const now = Date.now() / 1000;
    keep(
        byId("admin-missing"),
        details.missing_copies,
        (one) => one.hash + one.server,
        (one) => el("li", {}, el("code", {}, one.hash), ` at ${one.server}, for ${duration(now - one.since)}`),
        () => {},
    );
    setText(byId("admin-note"), `${details.missing_copies.length} missing copies are shown.`);
}

async function unlock(event) {
    event.preventDefault();
    token = byId("admin-token").value;
    await guarded(showDetails);
}

async function guarded(action) {
    try {
        await action();
    } catch (error) {
        setText(byId("admin-note"), error.message);
    }
}

export function startTools() {
    byId("where-form").addEventListener("submit", find);
    byId("admin-form").addEventListener("submit", unlock);
    byId("repair-now").addEventListener("click", () =>
        guarded(async () => {
            setText(byId("admin-note"), (await ask("/admin/repair", "POST")).message);
        }),
    );
    showSettings();
    setInterval(() => token && !byId("admin-details").hidden && guarded(showDetails), 5_000);
}
