// Keys, tokens and bodies for the tests, all made with published packages.
import { createHash, randomBytes } from "node:crypto";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";

export const kAuthKind = 24242;

export function unixNow() {
    return Math.floor(Date.now() / 1000);
}

export function sha256(bytes) {
    return createHash("sha256").update(bytes).digest("hex");
}

// Bytes that nobody uploaded before, and their hash.
export function freshBody(bytes) {
    const body = randomBytes(bytes);
    return { body, hash: sha256(body) };
}

// Someone with a key pair; `sign` is the signer that blossom-client-sdk asks for.
export class Person {
    secret = generateSecretKey();
    pubkey = getPublicKey(this.secret);
    sign = (draft) => finalizeEvent(draft, this.secret);

    // A valid event of the verb, changed by `changes` before it is signed.
    event(verb, { x = [], servers = [], created = unixNow(), expires = unixNow() + 600, ...changes } = {}) {
        const tags = [["t", verb]];
        if (expires !== null) tags.push(["expiration", String(expires)]);
        for (const hash of [x].flat()) tags.push(["x", hash]);
        for (const server of servers) tags.push(["server", server]);
        return this.sign({ kind: kAuthKind, created_at: created, tags, content: "", ...changes });
    }

    header(verb, options) {
        return headerOf(JSON.stringify(this.event(verb, options)));
    }
}

export function headerOf(json) {
    return "Nostr " + Buffer.from(json).toString("base64");
}
