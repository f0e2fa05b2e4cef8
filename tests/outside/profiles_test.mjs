// Published clients against a gateway over servers as people run them, quirks included (the
// profiles of tests/support/profiles.h).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Actions } from "blossom-client-sdk";
import { BlossomClient } from "nostr-tools/nipb7";
import { PlainKeySigner } from "nostr-tools/signer";
import { holds, kSizes, roundTrip, upload } from "./round_trip.mjs";
import { Person, freshBody, sha256 } from "./tokens.mjs";
import { World } from "./world.mjs";

const kProfiles = ["reference6", "reference4", "khatru", "route96", "nostrcheck"];

let world;

before(async () => {
    world = await World.make();
});
after(() => world.close());

async function mixOf(profiles, server) {
    const fakes = await Promise.all(profiles.map((name) => world.fake(name)));
    return { fakes, gateway: await world.gateway(fakes, { quorum_reply: "all", ...server }) };
}

for (const name of kProfiles) {
    test(`blossom-client-sdk works over ${name} alone`, async (t) => {
        const { fakes, gateway } = await mixOf([name], { min_upload_servers: 1 });
        for (const bytes of kSizes) {
            await t.test(`${bytes} bytes`, () => roundTrip(gateway, fakes, bytes));
        }
    });
}

test("blossom-client-sdk works over all of them together", async (t) => {
    const { fakes, gateway } = await mixOf(kProfiles, { min_upload_servers: 5 });
    for (const bytes of kSizes) {
        await t.test(`${bytes} bytes`, () => roundTrip(gateway, fakes, bytes));
    }
});

test("in proxy mode blobs come whole from all of them, and from each", async () => {
    const person = new Person();
    const fakes = await Promise.all(kProfiles.map((name) => world.fake(name)));
    const all = await world.gateway(fakes, { quorum_reply: "all", min_upload_servers: 5, upstream_mode: "proxy" });
    const each = await Promise.all(
        fakes.map((url) => world.gateway([url], { min_upload_servers: 1, upstream_mode: "proxy" })),
    );
    for (const bytes of kSizes) {
        const { body, hash } = freshBody(bytes);
        await upload(all, person, new Blob([body], { type: "video/mp4" }));
        for (const gateway of [all, ...each]) {
            const response = await Actions.downloadBlob(gateway, hash);
            assert(!response.redirected);
            assert(Buffer.from(await response.arrayBuffer()).equals(body));
            if (bytes < 10) continue;
            const part = await fetch(`${gateway}/${hash}`, { headers: { Range: "bytes=5-9" } });
            assert.equal(part.status, 206);
            assert(Buffer.from(await part.arrayBuffer()).equals(body.subarray(5, 10)));
        }
    }
});

test("nostr-tools' own client works over all of them together", async () => {
    const { fakes, gateway } = await mixOf(kProfiles, { min_upload_servers: 3 });
    const person = new Person();
    const client = new BlossomClient(gateway, new PlainKeySigner(person.secret));
    for (const bytes of kSizes) {
        const { body, hash } = freshBody(bytes);
        const descriptor = await client.uploadBlob(new Blob([body]), "image/webp");
        assert.equal(descriptor.size, bytes);
        assert.equal(descriptor.type, "image/webp");
        for (const url of fakes) assert(await holds(url, hash), `${url} has no copy`);
        assert.equal(sha256(Buffer.from(await client.download(hash))), hash);
        await client.delete(hash);
        await assert.rejects(client.download(hash), /404/);
    }
});

test("an upload that is answered at the quorum can be read at once", async () => {
    const { fakes, gateway } = await mixOf(kProfiles, { quorum_reply: "early", quorum_linger: "0ms" });
    const person = new Person();
    for (const bytes of kSizes) {
        const { body, hash } = freshBody(bytes);
        await upload(gateway, person, new Blob([body]));
        const response = await Actions.downloadBlob(gateway, hash);
        assert(fakes.includes(new URL(response.url).origin));
        assert(Buffer.from(await response.arrayBuffer()).equals(body));
    }
});
