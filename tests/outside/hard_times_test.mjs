// A published client while one store is slow and another one dies, and where nobody makes media or
// somebody wants to be paid.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Actions, createUploadAuth } from "blossom-client-sdk";
import { download, holds, remove, upload } from "./round_trip.mjs";
import { Person, freshBody } from "./tokens.mjs";
import { World } from "./world.mjs";

const { hasBlob, listBlobs, mirrorBlob, multiServerMediaUpload, multiServerUpload, uploadBlob } = Actions;

let world;

before(async () => {
    world = await World.make();
});
after(() => world.close());

function at(url, name) {
    const other = new URL(url);
    other.hostname = name;
    return other.origin;
}

function signer(person) {
    return (_server, blob, type) =>
        createUploadAuth(person.sign, blob, { type: type === "media" ? "media" : "upload" });
}

for (const name of ["localhost", "127.0.0.1"]) {
    test(`everything goes on at ${name} while one store is slow and one dies`, async () => {
        const good = await world.store();
        const dying = await world.store();
        const slow = await world.store({ uploadRate: 256 * 1024 });
        const gateway = at(await world.gateway([good, dying, slow], { timeout: "5s", max_retries: 0 }), name);
        const person = new Person();
        const onAuth = signer(person);
        const kept = [];
        for (let round = 0; round < 10; ++round) {
            if (round === 5) await world.kill(dying);
            const { body, hash } = freshBody(100_000 + round);
            const blob = new Blob([body], { type: "image/png" });
            assert.equal((await upload(gateway, person, blob)).sha256, hash);
            assert.equal(await hasBlob(gateway, hash), true);
            assert((await download(gateway, [good, dying, slow], hash)).body.equals(body));

            const several = freshBody(50_000);
            const failures = [];
            const results = await multiServerUpload([gateway], new Blob([several.body]), {
                onAuth,
                onError: (_server, _hash, _blob, error) => failures.push(error),
            });
            assert.deepEqual(failures, []);
            assert.equal(results.get(gateway).sha256, several.hash);

            const elsewhere = freshBody(20_000);
            await uploadBlob(good, new Blob([elsewhere.body]), { auth: true, onAuth });
            const there = { url: `${good}/${elsewhere.hash}`, sha256: elsewhere.hash };
            assert.equal((await mirrorBlob(gateway, there, { auth: true, onAuth })).sha256, elsewhere.hash);
            kept.push(hash);
        }
        const listed = (await listBlobs(gateway, person.pubkey)).map((blob) => blob.sha256);
        for (const hash of kept) assert(listed.includes(hash), hash);
        // The dead one may still have it: the client is told, and the others have deleted it.
        await assert.rejects(remove(gateway, person, kept[0]), (error) => {
            assert.equal(error.status, 502);
            assert.match(error.message, /copies may remain/);
            return true;
        });
        for (const store of [good, slow]) assert(!(await holds(store, kept[0])));
    });
}

test("blossom-client-sdk goes on with an upload where nobody makes media", async () => {
    const stores = await world.stores(3);
    const gateway = await world.gateway(stores, { quorum_reply: "all" });
    const person = new Person();
    const { body, hash } = freshBody(70_000);
    const results = await multiServerMediaUpload([gateway], new Blob([body], { type: "image/png" }), {
        onAuth: signer(person),
        mediaUploadFallback: true,
    });
    assert.equal(results.get(gateway).sha256, hash);
    for (const store of stores) assert(await holds(store, hash), store);
});

test("blossom-client-sdk gets the one copy that a server made", async () => {
    const fakes = await Promise.all(["plain", "route96"].map((profile) => world.fake(profile)));
    const gateway = await world.gateway(fakes);
    const { body, hash } = freshBody(70_000);
    const results = await multiServerMediaUpload([gateway], new Blob([body], { type: "image/png" }), {
        onAuth: signer(new Person()),
    });
    const descriptor = results.get(gateway);
    assert.notEqual(descriptor.sha256, hash);
    assert(await holds(fakes[1], descriptor.sha256));
    const copy = await download(gateway, fakes, descriptor.sha256);
    assert.equal(copy.body.length, descriptor.size);
});

test("blossom-client-sdk is asked for a payment, and pays the server that wants it", async () => {
    const fakes = await Promise.all(["plain", "paying"].map((profile) => world.fake(profile)));
    const gateway = await world.gateway(fakes);
    const onAuth = signer(new Person());
    const { body, hash } = freshBody(1_500_000);
    await assert.rejects(uploadBlob(gateway, new Blob([body]), { onAuth }), { status: 402 });
    // It pays only for what it has signed before it asks.
    let asked = 0;
    const descriptor = await uploadBlob(gateway, new Blob([body]), {
        auth: true,
        onAuth,
        onPaymentRequired: async (_server, _hash, _blob, headers) => {
            asked += 1;
            assert.notEqual(headers.get("x-cashu") ?? "", "");
            return { "X-Cashu": "cashuBproof" };
        },
    });
    assert.equal(asked, 1);
    assert.equal(descriptor.sha256, hash);
    for (const fake of fakes) assert(await holds(fake, hash), fake);
});
