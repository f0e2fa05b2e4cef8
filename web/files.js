// Uploading by drop, with how far each server is, and "My files".
import { byId, el, fillMeter, keep, meter, setClass, setText } from "./dom.js";
import * as nostr from "./nostr.js";
import { onOperation } from "./operations.js";
import { bytes, date, toneOf } from "./words.js";

let serverCount = 0;

// A line of the list of uploads: the file, how much is sent, and a badge for each server.
class Progress {
    constructor(file) {
        this.text = el("span", {}, "being read");
        this.bar = meter();
        this.servers = el("ul", { class: "badges" });
        const name = el("div", { class: "row" }, el("strong", {}, file.name), el("span", { class: "faint" }, bytes(file.size)), this.text);
        this.box = el("div", { class: "card", "data-file": file.name }, name, this.bar, this.servers);
        byId("uploads").prepend(this.box);
    }

    say(text, part) {
        setText(this.text, text);
        if (part !== undefined) fillMeter(this.bar, part, text);
    }

    showServers(legs) {
        keep(this.servers, legs, (leg) => leg.host, () => el("li"), (item, leg) => {
            setText(item, `${leg.host}: ${leg.text}`);
            setClass(item, `badge ${leg.tone}`);
        });
    }
}

function legText(leg, size) {
    if (leg.kind === "ok") return "stored";
    if (leg.kind !== "pending") return leg.reason || leg.status;
    return leg.fed === undefined || !size ? "under way" : `${Math.floor((leg.fed / size) * 100)} %`;
}

// The gateway's own account of the upload, as it goes on.
function follow(progress, hash) {
    return onOperation((operation) => {
        if (operation.what !== "upload" || !operation.hash.startsWith(hash.slice(0, 8))) return;
        progress.showServers(
            operation.servers.map((leg) => ({ host: leg.host, text: legText(leg, operation.size), tone: toneOf(leg) })),
        );
    });
}

function showFault(progress, fault) {
    progress.say(`failed: ${fault.message}`, 0);
    const legs = (fault.upstreams ?? []).map((one) => ({
        host: one.host,
        text: one.reason === "ok" ? "stored" : `${one.status} ${one.reason}`,
        tone: one.reason === "ok" ? "ok" : "bad",
    }));
    if (legs.length) progress.showServers(legs);
}

async function send(file) {
    const progress = new Progress(file);
    try {
        const hash = await nostr.sha256(file);
        progress.say("waiting for the signature");
        follow(progress, hash);
        const descriptor = await nostr.upload(file, hash, (part) => progress.say(part < 1 ? "being sent" : "being stored", part));
        progress.say("stored", 1);
        progress.text.after(el("a", { href: descriptor.url, rel: "noopener noreferrer" }, "open"));
        if (!byId("my-files").hidden) await showFiles();
    } catch (fault) {
        showFault(progress, fault.message ? fault : { message: String(fault) });
    }
}

function copiesOf(blob) {
    const urls = (blob.nip94 ?? []).filter(([name]) => name === "url" || name === "fallback").map(([, url]) => url);
    return [...new Set(urls)].map((url) => new URL(url).host);
}

async function removeFile(blob, button) {
    if (button.dataset.sure !== "yes") {
        button.dataset.sure = "yes";
        button.textContent = "Really delete?";
        return;
    }
    button.disabled = true;
    try {
        await nostr.remove(blob.sha256);
        await showFiles();
    } catch (fault) {
        setText(byId("files-note"), fault.message ?? String(fault));
        button.disabled = false;
    }
}

function makeFile(blob) {
    const button = el("button", { class: "plain", type: "button", "aria-label": `Delete ${blob.sha256.slice(0, 8)}` }, "Delete");
    button.addEventListener("click", () => removeFile(blob, button));
    const link = el("a", { href: blob.url, rel: "noopener noreferrer" }, `${blob.sha256.slice(0, 8)}…`);
    return el(
        "tr",
        {},
        el("td", { class: "hash" }, link),
        el("td", {}, blob.type),
        el("td", { class: "number" }, bytes(blob.size)),
        el("td", {}, date(blob.uploaded)),
        el("td"),
        el("td", {}, button),
    );
}

function updateFile(row, blob) {
    const hosts = copiesOf(blob);
    setText(row.children[4], `${hosts.length} of ${serverCount}`);
    row.children[4].title = hosts.join(", ");
}

async function showFiles() {
    const note = byId("files-note");
    setText(note, "Asking all servers …");
    try {
        const { blobs } = await nostr.list();
        byId("my-files").hidden = false;
        keep(byId("file-rows"), blobs, (blob) => blob.sha256, makeFile, updateFile);
        setText(note, blobs.length === 0 ? "No server lists a file of yours." : `${blobs.length} files, newest first.`);
    } catch (fault) {
        setText(note, fault.message ?? String(fault));
    }
}

function begin() {
    const drop = byId("drop");
    const choose = byId("choose");
    byId("files").hidden = false;
    byId("no-signer").hidden = true;
    const over = (on) => (event) => {
        event.preventDefault();
        drop.classList.toggle("over", on);
    };
    drop.addEventListener("dragover", over(true));
    drop.addEventListener("dragleave", over(false));
    drop.addEventListener("drop", (event) => {
        over(false)(event);
        for (const file of event.dataTransfer.files) send(file);
    });
    choose.addEventListener("change", () => {
        for (const file of choose.files) send(file);
        choose.value = "";
    });
    byId("show-files").addEventListener("click", showFiles);
}

export function startFiles() {
    if (!nostr.canHash()) {
        setText(byId("no-signer"), "Browsers hash files on https:// pages and on localhost only: open this page there to upload.");
        return;
    }
    // Extensions may take a moment to show themselves.
    let tries = 0;
    const look = () => {
        if (nostr.hasSigner()) begin();
        else if (++tries < 10) setTimeout(look, 300);
    };
    look();
}

export function countServers(now) {
    serverCount = now.total_servers;
}
