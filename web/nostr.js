// Signing with the browser's Nostr extension (NIP-07), and what is asked of the gateway with it:
// uploads, lists and deletes (BUD-02, BUD-11, BUD-12).

const kAuthKind = 24242;
const kLifetime = 600; // seconds

export function hasSigner() {
    return typeof window.nostr === "object" && window.nostr !== null;
}

export function canHash() {
    return Boolean(globalThis.crypto?.subtle);
}

export function publicKey() {
    return window.nostr.getPublicKey();
}

export async function sha256(file) {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// An Authorization header. Without server tags: it has to be good at every server behind.
async function token(verb, hash, content) {
    const now = Math.floor(Date.now() / 1000);
    const tags = [
        ["t", verb],
        ["expiration", String(now + kLifetime)],
    ];
    if (hash) tags.push(["x", hash]);
    const event = await window.nostr.signEvent({ kind: kAuthKind, created_at: now, tags, content });
    const utf8 = new TextEncoder().encode(JSON.stringify(event));
    return "Nostr " + btoa(String.fromCharCode(...utf8));
}

// What went wrong, in the gateway's words: {message, upstreams}.
function faultOf(text, status) {
    try {
        return JSON.parse(text);
    } catch {
        return { message: `The gateway answered ${status}`, upstreams: [] };
    }
}

// Resolves to the descriptor, or rejects with a fault. onSent(part from 0 to 1).
export async function upload(file, hash, onSent) {
    const authorization = await token("upload", hash, `Upload ${file.name}`);
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("PUT", "/upload");
        request.setRequestHeader("Authorization", authorization);
        request.setRequestHeader("X-SHA-256", hash);
        request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
        request.upload.onprogress = (event) => onSent(event.loaded / event.total);
        request.onload = () =>
            request.status < 300
                ? resolve(JSON.parse(request.responseText))
                : reject(faultOf(request.responseText, request.status));
        request.onerror = () => reject({ message: "The connection broke off", upstreams: [] });
        request.send(file);
    });
}

export async function list() {
    const headers = { Authorization: await token("list", null, "List my files") };
    const answer = await fetch(`/list/${await publicKey()}`, { headers });
    if (!answer.ok) throw faultOf(await answer.text(), answer.status);
    return { blobs: await answer.json(), results: answer.headers.get("X-Upstream-Results") };
}

export async function remove(hash) {
    const headers = { Authorization: await token("delete", hash, "Delete a file") };
    const answer = await fetch(`/${hash}`, { method: "DELETE", headers });
    if (!answer.ok) throw faultOf(await answer.text(), answer.status);
}
