// The life of a blob as blossom-client-sdk lives it: asked for, uploaded, checked, downloaded,
// deleted, and uploaded once more.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Actions, createDeleteAuth, createUploadAuth } from "blossom-client-sdk";
import { Person, freshBody, sha256, unixNow } from "./tokens.mjs";

const { deleteBlob, downloadBlob, hasBlob, uploadBlob } = Actions;

export const kSizes = [0, 1, 32 * 1024, 3 * 1024 * 1024];

// Whether the server at `url` itself can give the blob's bytes.
export async function holds(url, hash) {
    const response = await fetch(`${url}/${hash}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    return response.status === 200 && sha256(bytes) === hash;
}

// The SDK's own flow: HEAD without a token, 401, sign, PUT. Each token has words of its own,
// since the same words in the same second are the same event, and some servers take each once.
export async function upload(gateway, person, blob) {
    let signed = 0;
    const descriptor = await uploadBlob(gateway, blob, {
        onAuth: (_server, hash, type) => {
            signed += 1;
            return createUploadAuth(person.sign, hash, { type, message: randomUUID() });
        },
    });
    assert.equal(signed, 1, "a token was asked for once");
    return descriptor;
}

export function remove(gateway, person, hash) {
    return deleteBlob(gateway, hash, {
        onAuth: (_server, blob) => createDeleteAuth(person.sign, blob, { message: randomUUID() }),
    });
}

// The bytes, through the redirect to one of the upstreams.
export async function download(gateway, upstreams, hash) {
    const response = await downloadBlob(gateway, hash);
    assert(response.redirected, "the gateway sends readers on");
    assert(upstreams.includes(new URL(response.url).origin), `${response.url} is not an upstream's`);
    return { response, body: Buffer.from(await response.arrayBuffer()) };
}

export async function assertGone(gateway, hash) {
    assert.equal(await hasBlob(gateway, hash), false);
    await assert.rejects(downloadBlob(gateway, hash), (error) => {
        assert.equal(error.status, 404);
        assert.notEqual(error.response.headers.get("x-reason") ?? "", "");
        return true;
    });
}

function assertDescriptor(descriptor, { hash, bytes, type, upstreams }) {
    assert.equal(descriptor.sha256, hash);
    assert.equal(descriptor.size, bytes);
    assert.equal(descriptor.type, type);
    assert(Number.isInteger(descriptor.uploaded));
    assert(Math.abs(descriptor.uploaded - unixNow()) < 600);
    assert(descriptor.url.endsWith(`/${hash}.png`), descriptor.url);
    const tags = (name) => descriptor.nip94.filter(([key]) => key === name).map(([, value]) => value);
    assert.deepEqual(tags("x"), [hash]);
    assert.deepEqual(tags("m"), [type]);
    assert.deepEqual(tags("size"), [String(bytes)]);
    const places = upstreams.map((url) => `${url}/${hash}.png`);
    assert.deepEqual(tags("url").sort(), places.sort());
    assert.equal(tags("url").includes(descriptor.url), true);
    assert.deepEqual(tags("fallback").sort(), places.filter((url) => url !== descriptor.url).sort());
}

// Requires: a gateway that waits for all upstreams.
export async function roundTrip(gateway, upstreams, bytes) {
    const person = new Person();
    const { body, hash } = freshBody(bytes);
    const blob = new Blob([body], { type: "image/png" });
    // An empty body is the same for everyone: an earlier test may have left it.
    if (bytes > 1) await assertGone(gateway, hash);

    const descriptor = await upload(gateway, person, blob);
    assertDescriptor(descriptor, { hash, bytes, type: "image/png", upstreams });
    assert.equal(await hasBlob(gateway, hash), true);
    const copy = await download(gateway, upstreams, hash);
    assert(copy.body.equals(body));
    assert.equal(copy.response.headers.get("access-control-allow-origin"), "*");
    for (const url of upstreams) assert(await holds(url, hash), `${url} has no copy`);

    assert.equal(await remove(gateway, person, hash), true);
    await assertGone(gateway, hash);
    for (const url of upstreams) assert(!(await holds(url, hash)), `${url} kept its copy`);

    // The "no" that was just remembered must not outlive a new upload.
    await upload(gateway, person, blob);
    assert.equal(await hasBlob(gateway, hash), true);
    assert((await download(gateway, upstreams, hash)).body.equals(body));
    await remove(gateway, person, hash);
    await assertGone(gateway, hash);
}
