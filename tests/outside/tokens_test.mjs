// Tokens made with nostr-tools, broken in one way each, and what the gateway says to them
// (BUD-11; sheet A.13).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { npubEncode } from "nostr-tools/nip19";
import { holds } from "./round_trip.mjs";
import { Person, freshBody, headerOf, kAuthKind, unixNow } from "./tokens.mjs";
import { World } from "./world.mjs";

const kBodyBytes = 1000;

let world;
let stores;
let gateway;

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    // Every copy is there when the reply is.
    gateway = await world.gateway(stores, { quorum_reply: "all" });
});
after(() => world.close());

function put(body, headers, to = gateway) {
    return fetch(`${to}/upload`, { method: "PUT", body, headers });
}

async function assertRefused(response, status) {
    const reason = response.headers.get("x-reason") ?? "";
    assert.equal(response.status, status, `X-Reason: ${reason}`);
    assert.notEqual(reason, "");
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.equal(response.headers.get("www-authenticate"), null);
    if (response.status === 401) assert.equal(response.headers.get("x-upstream-results"), null);
    assert.match((await response.json()).message, /\S/);
}

async function assertNowhere(hash) {
    for (const url of stores) assert(!(await holds(url, hash)), `${url} has it`);
}

// A signed event's JSON with something done to it.
function broken(person, hash, change) {
    const event = JSON.parse(JSON.stringify(person.event("upload", { x: hash })));
    return headerOf(change(event));
}

function flipped(hex) {
    return hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");
}

// What is wrong → the Authorization header and the status that follows.
const kBroken = {
    "no token": () => [undefined, 401],
    "another scheme": () => ["Bearer abcdef", 401],
    "an empty token": () => ["Nostr ", 401],
    "malformed base64": () => ["Nostr !!!not*base64!!!", 401],
    "base64 of no JSON": () => [headerOf("nothing like an event"), 401],
    "a JSON array": () => [headerOf("[]"), 401],
    "a JSON key that appears twice": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify(event).replace(/^\{/, `{"kind":${kAuthKind},`)),
        401,
    ],
    "a number where a string belongs": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify({ ...event, content: 7 })),
        401,
    ],
    "a wrong id": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify({ ...event, id: flipped(event.id) })),
        401,
    ],
    "a wrong signature": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify({ ...event, sig: flipped(event.sig) })),
        401,
    ],
    "someone else's key": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify({ ...event, pubkey: new Person().pubkey })),
        401,
    ],
    "tags that changed after it was signed": (person, hash) => [
        broken(person, hash, (event) => JSON.stringify({ ...event, tags: [...event.tags, ["x", hash]] })),
        401,
    ],
    "a wrong kind": (person, hash) => [person.header("upload", { x: hash, kind: 27235 }), 401],
    "an expiration in the past": (person, hash) => [
        person.header("upload", { x: hash, created: unixNow() - 900, expires: unixNow() - 300 }),
        401,
    ],
    "no expiration": (person, hash) => [person.header("upload", { x: hash, expires: null }), 401],
    "an expiration that is no number": (person, hash) => [
        person.header("upload", { x: hash, expires: "tomorrow" }),
        401,
    ],
    "a creation in the future": (person, hash) => [
        person.header("upload", { x: hash, created: unixNow() + 600, expires: unixNow() + 1200 }),
        401,
    ],
    "another verb": (person, hash) => [person.header("delete", { x: hash }), 403],
    "a server tag of a stranger": (person, hash) => [
        person.header("upload", { x: hash, servers: ["elsewhere.example"] }),
        401,
    ],
    "the hash of another blob": (person) => [person.header("upload", { x: freshBody(5).hash }), 403],
    "20 KiB of tags": (person, hash) => [
        person.header("upload", { x: [hash, ...Array(300).fill(freshBody(5).hash)] }),
        [401, 431],
    ],
};

for (const [what, make] of Object.entries(kBroken)) {
    for (const promised of [true, false]) {
        const how = promised ? "with" : "without";
        test(`an upload ${how} X-SHA-256 is refused for ${what}`, async () => {
            const { body, hash } = freshBody(kBodyBytes);
            const [authorization, expected] = make(new Person(), hash);
            const headers = {};
            if (authorization !== undefined) headers.Authorization = authorization;
            if (promised) headers["X-SHA-256"] = hash;
            const response = await put(body, headers);
            const statuses = [expected].flat();
            await assertRefused(response, statuses.find((s) => s === response.status) ?? statuses[0]);
            await assertNowhere(hash);
        });
    }
}

test("no upstream hears of a broken token, and all hear of a good one", async () => {
    const other = await World.make();
    const fakes = await Promise.all([1, 2, 3].map(() => other.fake("plain")));
    // Without its own questions: every request here is a client's.
    const to = await other.gateway(fakes, { quorum_reply: "all", capability_probe: false });
    const person = new Person();
    for (const make of Object.values(kBroken)) {
        for (const promised of [true, false]) {
            const { body, hash } = freshBody(kBodyBytes);
            const [authorization] = make(person, hash);
            const headers = promised ? { "X-SHA-256": hash } : {};
            if (authorization !== undefined) headers.Authorization = authorization;
            await (await put(body, headers, to)).arrayBuffer();
        }
    }
    const { body, hash } = freshBody(kBodyBytes);
    const good = await put(body, { Authorization: person.header("upload", { x: hash }) }, to);
    assert.equal(good.status, 201);
    await other.close();
    for (const log of other.fakeLogs()) {
        const uploads = log.filter((line) => line.includes(" /upload "));
        assert.deepEqual(uploads, [`PUT /upload 201 ${kBodyBytes}`]);
        assert(log.every((line) => line.startsWith("HEAD ") || line.startsWith("PUT ")));
    }
});

test("a large body whose hash is not in the token is refused at its end", async () => {
    const { body, hash } = freshBody(2 * 1024 * 1024);
    const token = new Person().header("upload", { x: freshBody(5).hash });
    await assertRefused(await put(body, { Authorization: token }), 403);
    await assertNowhere(hash);
});

for (const bytes of [0, 1, kBodyBytes, 2 * 1024 * 1024]) {
    test(`a body of ${bytes} bytes that is not the one promised is a conflict`, async () => {
        const { body, hash } = freshBody(bytes);
        const promised = freshBody(5).hash;
        const token = new Person().header("upload", { x: [hash, promised] });
        const response = await put(body, { Authorization: token, "X-SHA-256": promised });
        await assertRefused(response, 409);
        await assertNowhere(hash);
        await assertNowhere(promised);
    });
}

test("an X-SHA-256 that is no hash is a bad request", async () => {
    const { body, hash } = freshBody(kBodyBytes);
    for (const value of ["abc", hash.toUpperCase().replace(/\d/g, "A"), hash + "00"]) {
        const headers = { Authorization: new Person().header("upload", { x: hash }), "X-SHA-256": value };
        await assertRefused(await put(body, headers), 400);
    }
});

test("HEAD /upload refuses as PUT does, in its headers", async () => {
    const { hash } = freshBody(kBodyBytes);
    const person = new Person();
    const ask = (authorization) =>
        fetch(`${gateway}/upload`, {
            method: "HEAD",
            headers: {
                "X-SHA-256": hash,
                "X-Content-Length": String(kBodyBytes),
                ...(authorization ? { Authorization: authorization } : {}),
            },
        });
    const expected = [
        [undefined, 401],
        ["Nostr !!!", 401],
        [person.header("delete", { x: hash }), 403],
        [person.header("upload", { x: freshBody(5).hash }), 403],
        [person.header("upload", { x: hash }), 200],
    ];
    for (const [authorization, status] of expected) {
        const response = await ask(authorization);
        assert.equal(response.status, status);
        assert.equal(await response.text(), "");
        if (status !== 200) assert.notEqual(response.headers.get("x-reason") ?? "", "");
    }
});

test("DELETE wants a delete token for this very blob", async () => {
    const { body, hash } = freshBody(kBodyBytes);
    const person = new Person();
    const stored = await put(body, { Authorization: person.header("upload", { x: hash }) });
    assert.equal(stored.status, 201);
    const ask = (authorization) =>
        fetch(`${gateway}/${hash}`, {
            method: "DELETE",
            headers: authorization ? { Authorization: authorization } : {},
        });
    await assertRefused(await ask(undefined), 401);
    await assertRefused(await ask(person.header("upload", { x: hash })), 403);
    await assertRefused(await ask(person.header("delete")), 403);
    await assertRefused(await ask(person.header("delete", { x: freshBody(5).hash })), 403);
    const old = { x: hash, created: unixNow() - 900, expires: unixNow() - 300 };
    await assertRefused(await ask(person.header("delete", old)), 401);
    for (const url of stores) assert(await holds(url, hash));
    // Several x tags delete the one blob in the path and no other.
    const other = freshBody(kBodyBytes);
    const kept = await put(other.body, { Authorization: person.header("upload", { x: other.hash }) });
    assert.equal(kept.status, 201);
    assert.equal((await ask(person.header("delete", { x: [other.hash, hash] }))).status, 204);
    await assertNowhere(hash);
    assert.equal((await fetch(`${gateway}/${other.hash}`)).status, 200);
});

test("a token is read in each of the four spellings of base64", async () => {
    const person = new Person();
    // Content with bytes whose base64 has + and / in it.
    const content = "ÿ?>>~~ïÿÿ>>??";
    for (const spelling of ["base64", "base64url"]) {
        for (const padded of [true, false]) {
            const { body, hash } = freshBody(kBodyBytes);
            const json = JSON.stringify(person.event("upload", { x: hash, content }));
            let token = Buffer.from(json).toString(spelling).replace(/=+$/, "");
            if (padded) token = token.padEnd(Math.ceil(token.length / 4) * 4, "=");
            const response = await put(body, { Authorization: `nostr ${token}` });
            assert.equal(response.status, 201, `${spelling}, padded: ${padded}`);
            for (const url of stores) assert(await holds(url, hash));
        }
    }
});

test("an allowlist, in hex or as npub, keeps everyone else out", async () => {
    const [first, second, stranger] = [new Person(), new Person(), new Person()];
    const guarded = await world.gateway(stores, {
        allowed_pubkeys: [first.pubkey, npubEncode(second.pubkey)],
    });
    for (const person of [first, second]) {
        const { body, hash } = freshBody(kBodyBytes);
        const headers = { Authorization: person.header("upload", { x: hash }) };
        assert.equal((await put(body, headers, guarded)).status, 201);
    }
    const { body, hash } = freshBody(kBodyBytes);
    const headers = { Authorization: stranger.header("upload", { x: hash }) };
    await assertRefused(await put(body, headers, guarded), 403);
    await assertNowhere(hash);
});

test("an allowlist entry that is no key keeps the gateway from starting", async () => {
    const other = await World.make();
    await assert.rejects(other.gateway(stores, { allowed_pubkeys: ["npub1nonsense"] }), /allowed_pubkeys/);
    await assert.rejects(other.close(), /ended early/);
});

test("with auth.writes: forward the upstreams decide", async () => {
    const open = await world.gateway(stores, { auth: { writes: "forward" } });
    const person = new Person();
    const { body, hash } = freshBody(kBodyBytes);
    const refused = await put(body, {}, open);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("x-upstream-results"), /=401/);
    const wrongVerb = { Authorization: person.header("delete", { x: hash }) };
    const forbidden = await put(body, wrongVerb, open);
    assert.equal(forbidden.status, 403);
    assert.match(forbidden.headers.get("x-upstream-results"), /=403/);
    await assertNowhere(hash);
    const good = { Authorization: person.header("upload", { x: hash }) };
    assert.equal((await put(body, good, open)).status, 201);
});
