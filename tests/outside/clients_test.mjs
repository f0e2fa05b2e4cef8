// Published clients against a gateway over three stores of ours.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Actions, BlobHashSymbol, createUploadAuth } from "blossom-client-sdk";
import { BlossomClient } from "nostr-tools/nipb7";
import { PlainKeySigner } from "nostr-tools/signer";
import { assertGone, download, holds, kSizes, remove, roundTrip, upload } from "./round_trip.mjs";
import { Person, freshBody, sha256 } from "./tokens.mjs";
import { World } from "./world.mjs";

const { downloadBlob, hasBlob, listBlobs, mirrorBlob, multiServerUpload, uploadBlob } = Actions;

const kMebibyte = 1024 * 1024;

let world;
let stores;
let gateway;

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    gateway = await world.gateway(stores, { quorum_reply: "all", max_upload_size: 8 * kMebibyte });
});
after(() => world.close());

// The gateway under another of its names.
function at(name) {
    const url = new URL(gateway);
    url.hostname = name;
    return url.origin;
}

// A PUT without any client's library, for what the libraries hide.
function put(body, headers, to = gateway) {
    return fetch(`${to}/upload`, { method: "PUT", body, headers });
}

for (const name of ["127.0.0.1", "localhost"]) {
    for (const bytes of kSizes) {
        test(`blossom-client-sdk moves a blob of ${bytes} bytes there, back and away at ${name}`, () =>
            roundTrip(at(name), stores, bytes));
    }
}

test("blossom-client-sdk may sign before it asks", async () => {
    const person = new Person();
    const { body, hash } = freshBody(5000);
    const onAuth = (_server, blob) => createUploadAuth(person.sign, blob);
    const descriptor = await uploadBlob(gateway, new Blob([body]), { auth: true, onAuth });
    assert.equal(descriptor.sha256, hash);
    assert.equal(descriptor.type, "application/octet-stream");
    assert(descriptor.url.endsWith(`/${hash}.bin`), descriptor.url);
});

test("blossom-client-sdk's token for two blobs serves both", async () => {
    const person = new Person();
    const blobs = [freshBody(100), freshBody(400 * 1024)];
    const token = await createUploadAuth(
        person.sign,
        blobs.map(({ hash }) => hash),
    );
    for (const { body, hash } of blobs) {
        const descriptor = await uploadBlob(gateway, new Blob([body]), { auth: token });
        assert.equal(descriptor.sha256, hash);
    }
});

test("blossom-client-sdk's upload to several servers knows the gateway as one", async () => {
    const person = new Person();
    const { body, hash } = freshBody(70_000);
    const failures = [];
    const results = await multiServerUpload([gateway], new Blob([body]), {
        onAuth: (_server, blob) => createUploadAuth(person.sign, blob),
        onError: (_server, _hash, _blob, error) => failures.push(error),
    });
    assert.deepEqual(failures, []);
    assert.equal(results.get(gateway).sha256, hash);
});

test("blossom-client-sdk lists what somebody uploaded, each blob once, newest first", async () => {
    const person = new Person();
    const onAuth = (_server, blob) => createUploadAuth(person.sign, blob);
    const uploaded = [];
    for (const bytes of [10, 300_000, 4000]) {
        const { body, hash } = freshBody(bytes);
        await uploadBlob(gateway, new Blob([body], { type: "image/png" }), { auth: true, onAuth });
        uploaded.push({ hash, bytes });
    }
    const list = await listBlobs(gateway, person.pubkey);
    assert.deepEqual(new Set(list.map((blob) => blob.sha256)), new Set(uploaded.map((blob) => blob.hash)));
    for (const { hash, bytes } of uploaded) {
        const blob = list.find((one) => one.sha256 === hash);
        assert.equal(blob.size, bytes);
        assert.equal(blob.type, "image/png");
        assert.equal(blob.nip94.filter(([name]) => name === "url").length, stores.length);
    }
    const times = list.map((blob) => blob.uploaded);
    assert.deepEqual(times, times.toSorted((a, b) => b - a));

    const signed = await listBlobs(gateway, person.pubkey, {
        auth: true,
        onAuth: () => person.event("list"),
    });
    assert.deepEqual(signed, list);
    const paged = [];
    for await (const page of Actions.iterateBlobs(gateway, person.pubkey, { limit: 1 })) paged.push(...page);
    assert.deepEqual(paged, list);
    await assert.rejects(listBlobs(gateway, "nobody"), /public key/);
});

test("blossom-client-sdk mirrors a blob that one of the stores has", async () => {
    const person = new Person();
    const { body, hash } = freshBody(300_000);
    const onAuth = (_server, blob) => createUploadAuth(person.sign, blob);
    const there = await uploadBlob(stores[0], new Blob([body], { type: "image/png" }), { auth: true, onAuth });
    const descriptor = await mirrorBlob(gateway, there, { auth: true, onAuth });
    assert.equal(descriptor.sha256, hash);
    assert.equal(descriptor.type, "image/png");
    for (const store of stores) assert(await holds(store, hash), store);
});

test("every address in the descriptor gives the same bytes", async () => {
    const { body } = freshBody(200_000);
    const descriptor = await upload(gateway, new Person(), new Blob([body], { type: "video/mp4" }));
    const urls = descriptor.nip94.filter(([key]) => key === "url").map(([, url]) => url);
    assert.equal(urls.length, 3);
    for (const url of urls) {
        const response = await fetch(url);
        assert(Buffer.from(await response.arrayBuffer()).equals(body));
        assert.equal(response.headers.get("content-type"), "video/mp4");
    }
});

test("a blob is found under its hash with any extension", async () => {
    const { body, hash } = freshBody(3000);
    await upload(gateway, new Person(), new Blob([body], { type: "image/png" }));
    for (const ending of ["", ".png", ".mp4", ".tar.gz"]) {
        const response = await fetch(`${gateway}/${hash}${ending}`);
        assert(Buffer.from(await response.arrayBuffer()).equals(body), `with "${ending}"`);
        assert.equal(response.headers.get("content-type"), "image/png");
    }
});

test("a part of a blob comes through the redirect", async () => {
    const { body, hash } = freshBody(3000);
    await upload(gateway, new Person(), new Blob([body]));
    const response = await fetch(`${gateway}/${hash}`, { headers: { Range: "bytes=1000-1999" } });
    assert.equal(response.status, 206);
    assert(Buffer.from(await response.arrayBuffer()).equals(body.subarray(1000, 2000)));
});

test("a new blob is 201, a known one 200", async () => {
    const person = new Person();
    const { body, hash } = freshBody(9000);
    const headers = { Authorization: person.header("upload", { x: hash }) };
    assert.equal((await put(body, headers)).status, 201);
    assert.equal((await put(body, headers)).status, 200);
});

test("a body of unknown length is taken", async () => {
    const person = new Person();
    const { body, hash } = freshBody(300_000);
    const response = await fetch(`${gateway}/upload`, {
        method: "PUT",
        body: new Blob([body]).stream(),
        duplex: "half",
        headers: { Authorization: person.header("upload", { x: hash }) },
    });
    assert.equal(response.status, 201);
    assert.equal((await response.json()).size, body.length);
    for (const url of stores) assert(await holds(url, hash));
});

test("blossom-client-sdk learns that a blob is too large before it has sent it", async () => {
    const person = new Person();
    const { body, hash } = freshBody(9 * kMebibyte);
    await assert.rejects(upload(gateway, person, new Blob([body])), (error) => {
        assert.equal(error.status, 413);
        assert.equal(error.code, "too_large");
        assert.match(error.message, /larger/);
        return true;
    });
    await assertGone(gateway, hash);
});

for (const bytes of [1000, kMebibyte]) {
    test(`a blob of ${bytes} bytes with a wrong X-SHA-256 reaches no store`, async () => {
        const person = new Person();
        const { body, hash } = freshBody(bytes);
        const promised = freshBody(10).hash;
        const blob = new Blob([body]);
        blob[BlobHashSymbol] = promised;
        await assert.rejects(upload(gateway, person, blob), (error) => {
            assert.equal(error.status, 409);
            assert.equal(error.code, "conflict");
            return true;
        });
        for (const wanted of [hash, promised]) {
            await assertGone(gateway, wanted);
            for (const url of stores) assert(!(await holds(url, wanted)));
        }
    });
}

test("a token for the gateway and its upstreams by name is good, one for a stranger is not", async () => {
    const person = new Person();
    const { body, hash } = freshBody(2000);
    const sent = (servers, base) =>
        uploadBlob(base, new Blob([body]), {
            onAuth: () => createUploadAuth(person.sign, hash, { servers }),
        });
    await assert.rejects(sent(["https://elsewhere.example"], gateway), { status: 401 });
    // The stores go by 127.0.0.1: none of them may see a token for localhost alone.
    await assert.rejects(sent([at("localhost")], at("localhost")), (error) => {
        assert.equal(error.status, 401);
        assert.match(error.message, /127\.0\.0\.1/);
        return true;
    });
    for (const url of stores) assert(!(await holds(url, hash)));
    const descriptor = await sent([at("localhost"), gateway], at("localhost"));
    assert.equal(descriptor.sha256, hash);
});

test("nobody deletes what someone else uploaded", async () => {
    const { body, hash } = freshBody(2000);
    const owner = new Person();
    await upload(gateway, owner, new Blob([body]));
    await assert.rejects(remove(gateway, new Person(), hash), (error) => {
        assert([401, 403, 404].includes(error.status), `status ${error.status}`);
        return true;
    });
    assert.equal(await hasBlob(gateway, hash), true);
    assert((await download(gateway, stores, hash)).body.equals(body));
    await remove(gateway, owner, hash);
    await assertGone(gateway, hash);
});

test("deleting what is not there is 404", async () => {
    await assert.rejects(remove(gateway, new Person(), freshBody(50).hash), { status: 404 });
});

for (const bytes of kSizes) {
    test(`nostr-tools' own client moves a blob of ${bytes} bytes there, back and away`, async () => {
        const person = new Person();
        const client = new BlossomClient(gateway, new PlainKeySigner(person.secret));
        const { body, hash } = freshBody(bytes);
        const descriptor = await client.uploadBlob(new Blob([body]), "audio/mpeg");
        assert.equal(descriptor.sha256, hash);
        assert.equal(descriptor.type, "audio/mpeg");
        assert.equal(descriptor.size, bytes);
        await client.check(hash);
        assert.equal(sha256(Buffer.from(await client.download(hash))), hash);
        await client.delete(hash);
        await assert.rejects(client.check(hash), /404/);
        await assert.rejects(client.download(hash), /404/);
        await client.uploadBlob(new Blob([body]), "audio/mpeg");
        await client.check(hash);
        await client.delete(hash);
    });
}

test("twenty uploads at once all arrive everywhere", async () => {
    const person = new Person();
    const blobs = Array.from({ length: 20 }, (_, i) => freshBody(1 + i * 20_000));
    const descriptors = await Promise.all(
        blobs.map(({ body }) => upload(gateway, person, new Blob([body]))),
    );
    for (const [i, { hash, body }] of blobs.entries()) {
        assert.equal(descriptors[i].sha256, hash);
        const response = await downloadBlob(gateway, hash);
        assert(Buffer.from(await response.arrayBuffer()).equals(body));
        for (const url of stores) assert(await holds(url, hash));
    }
});

test("/stats tells what the clients did", async () => {
    const counted = await world.gateway(stores, { quorum_reply: "all" });
    const person = new Person();
    const { body, hash } = freshBody(1000);
    await upload(counted, person, new Blob([body]));
    await download(counted, stores, hash);
    await download(counted, stores, hash);
    await remove(counted, person, hash);
    const stats = await (await fetch(`${counted}/stats`)).json();
    const { uploads_success, uploads_failure, downloads, deletes_success, deletes_failure } = stats.totals;
    assert.deepEqual([uploads_success, uploads_failure], [3, 0]);
    assert.equal(downloads, 2);
    assert.deepEqual([deletes_success, deletes_failure], [3, 0]);
    assert.deepEqual(Object.keys(stats.servers), stores);
    for (const url of stores) {
        assert.match(stats.servers[url].last_success_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        assert.equal(stats.servers[url].last_failure_time, undefined);
    }
});

test("no log line of a gateway holds a token", async () => {
    const other = await World.make();
    const talkative = await other.gateway(stores, { log: { level: "debug" } });
    const person = new Person();
    const { body, hash } = freshBody(1000);
    const event = person.event("upload", { x: hash });
    const tokens = ["base64", "base64url"].map((as) => Buffer.from(JSON.stringify(event)).toString(as));
    for (const token of tokens) {
        await (await put(body, { Authorization: `Nostr ${token}` }, talkative)).text();
    }
    const broken = tokens[0].slice(0, -8);
    assert.equal((await put(body, { Authorization: `Nostr ${broken}` }, talkative)).status, 401);
    await other.close();
    const log = other.programs.map((program) => program.output).join("");
    assert.match(log, /upload/);
    for (const secret of [event.sig, event.id, tokens[0].slice(0, 40), tokens[1].slice(0, 40)]) {
        assert(!log.includes(secret), "the log holds a part of a token");
    }
});

test("with one of three stores gone, clients go on uploading and downloading", async () => {
    const other = await World.make();
    const places = await other.stores(3);
    const to = await other.gateway(places);
    const person = new Person();
    const old = freshBody(2000);
    await upload(to, person, new Blob([old.body]));
    await other.programs[1].end();
    const gone = places[1];
    const here = places.filter((url) => url !== gone);
    const fresh = freshBody(700_000);
    const descriptor = await upload(to, person, new Blob([fresh.body]));
    const urls = descriptor.nip94.filter(([key]) => key === "url").map(([, url]) => new URL(url).origin);
    assert.deepEqual(urls.sort(), here.sort());
    assert((await download(to, here, fresh.hash)).body.equals(fresh.body));
    // The store that is gone may be given once more; the next try gets another one.
    const tries = [1, 2].map(() => download(to, places, old.hash).catch(() => null));
    const copies = (await Promise.all(tries)).filter((copy) => copy?.body.equals(old.body));
    assert(copies.length > 0);
    await assert.rejects(remove(to, person, fresh.hash), { status: 502 });
    await assert.rejects(other.close(), /ended early with 0/);
});
