// A real browser: what a page of another origin gets to see of the gateway's answers.
//
// Chromium drops an answer whose CORS headers are missing, and shows "network error" when a
// server closes too early on a body that is still being sent.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { openBrowser } from "./chromium.mjs";
import { holds } from "./round_trip.mjs";
import { Person, freshBody, sha256 } from "./tokens.mjs";
import { World } from "./world.mjs";

const kMebibyte = 1024 * 1024;
const kModules = fileURLToPath(new URL("node_modules/", import.meta.url));
// Where the page finds the published client and what it imports.
const kImports = {
    "blossom-client-sdk": "/modules/blossom-client-sdk/lib/index.js",
    "@noble/hashes/utils": "/modules/@noble/hashes/esm/utils.js",
    "@noble/hashes/sha2": "/modules/@noble/hashes/esm/sha2.js",
    "@noble/hashes/crypto": "/modules/@noble/hashes/esm/crypto.js",
};
const kPage = `<!doctype html><meta charset="utf-8"><title>A page of another origin</title>
<script type="importmap">${JSON.stringify({ imports: kImports })}</script>`;

let world;
let stores;
let gateway; // takes 1 MiB at most
let roomy; // takes everything
let site;
let context;
let page;

// The page's own origin: the page, and the published packages as modules.
async function answerFromSite(request, response) {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://site").pathname));
    if (!path.startsWith("/modules/")) {
        response.setHeader("Content-Type", "text/html");
        return response.end(kPage);
    }
    try {
        response.setHeader("Content-Type", "text/javascript");
        response.end(await readFile(join(kModules, path.slice("/modules/".length))));
    } catch {
        response.writeHead(404).end();
    }
}

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    gateway = await world.gateway(stores, { quorum_reply: "all", max_upload_size: kMebibyte });
    roomy = await world.gateway(stores, { quorum_reply: "all" });
    site = createServer(answerFromSite).listen(0, "127.0.0.1");
    await once(site, "listening");
    context = await openBrowser(world.path("chromium"));
    page = await context.newPage();
    await page.goto(`http://127.0.0.1:${site.address().port}/`);
});
after(async () => {
    await context?.close();
    site?.closeAllConnections();
    site?.close();
    await world.close();
});

// What the page sees of one fetch. The body is `bytes` zeros, or `body` in base64; the `error`
// is the browser's when it shows the page nothing.
function fetchInPage(request) {
    return page.evaluate(async ({ url, method, headers, bytes, body }) => {
        const options = { method, headers, cache: "no-store" };
        if (bytes !== undefined) options.body = new Blob([new Uint8Array(bytes)]);
        if (body !== undefined) {
            options.body = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
        }
        try {
            const response = await fetch(url, options);
            const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
            return {
                status: response.status,
                type: response.type,
                redirected: response.redirected,
                url: response.url,
                headers: Object.fromEntries(response.headers),
                text: await response.text(),
                hash: [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join(""),
            };
        } catch (error) {
            return { error: String(error) };
        }
    }, request);
}

function assertSeen(seen, status) {
    assert.equal(seen.error, undefined);
    assert.equal(seen.status, status, seen.headers["x-reason"]);
    assert.equal(seen.type, "cors");
    if (status >= 400) assert.notEqual(seen.headers["x-reason"] ?? "", "");
}

function put(options, to = gateway) {
    return fetchInPage({ url: `${to}/upload`, method: "PUT", headers: {}, ...options });
}

// Several times: whether the answer or the reset wins is a race that must not be lost once.
for (const turn of [1, 2, 3, 4, 5]) {
    test(`a page sees 413 and why, early in a body of 50 MiB (${turn})`, async () => {
        const Authorization = new Person().header("upload", { x: freshBody(1).hash });
        const seen = await put({ bytes: 50 * kMebibyte, headers: { Authorization } });
        assertSeen(seen, 413);
        assert.match(seen.headers["x-reason"], /large/);
        assert.match(JSON.parse(seen.text).message, /large/);
    });

    test(`a page sees 401 and why, early in a body of 50 MiB without a token (${turn})`, async () => {
        const seen = await put({ bytes: 50 * kMebibyte }, roomy);
        assertSeen(seen, 401);
        assert.match(seen.headers["x-reason"], /Authorization/);
    });
}

test("a page sees 403 early in a body of 50 MiB whose X-SHA-256 is not in the token", async () => {
    const Authorization = new Person().header("upload", { x: freshBody(1).hash });
    const headers = { Authorization, "X-SHA-256": freshBody(1).hash };
    assertSeen(await put({ bytes: 50 * kMebibyte, headers }, roomy), 403);
});

test("a page sees why a body of 50 MiB is refused early at a wrong path", async () => {
    for (const path of ["/nothing/here", "/health"]) {
        const seen = await fetchInPage({ url: roomy + path, method: "PUT", bytes: 50 * kMebibyte });
        assertSeen(seen, seen.status);
        assert([404, 405, 413].includes(seen.status), `status ${seen.status}`);
    }
});

test("a page uploads, checks, downloads and deletes with nothing but fetch", async () => {
    const person = new Person();
    const { body, hash } = freshBody(300_000);
    const url = `${gateway}/${hash}`;
    assertSeen(await fetchInPage({ url, method: "HEAD" }), 404);

    const headers = {
        Authorization: person.header("upload", { x: hash }),
        "Content-Type": "image/png",
        "X-SHA-256": hash,
    };
    const stored = await put({ body: body.toString("base64"), headers });
    assertSeen(stored, 201);
    assert.equal(JSON.parse(stored.text).sha256, hash);
    assert.match(stored.headers["x-upstream-results"], /=201/);

    const head = await fetchInPage({ url, method: "HEAD" });
    assertSeen(head, 200);
    assert.equal(head.headers["content-length"], String(body.length));
    assert.equal(head.headers["content-type"], "image/png");

    const got = await fetchInPage({ url, method: "GET" });
    assertSeen(got, 200);
    assert.equal(got.redirected, true);
    assert(stores.includes(new URL(got.url).origin), got.url);
    assert.equal(got.hash, hash);

    const part = await fetchInPage({ url, method: "GET", headers: { Range: "bytes=0-99" } });
    assertSeen(part, 206);
    assert.equal(part.headers["content-range"], `bytes 0-99/${body.length}`);

    const refused = await fetchInPage({ url, method: "DELETE" });
    assertSeen(refused, 401);
    const token = { Authorization: person.header("delete", { x: hash }) };
    assertSeen(await fetchInPage({ url, method: "DELETE", headers: token }), 204);
    assertSeen(await fetchInPage({ url, method: "GET" }), 404);
    for (const store of stores) assert(!(await holds(store, hash)));
});

test("blossom-client-sdk in the page moves a blob there, back and away", async () => {
    const person = new Person();
    await page.exposeFunction("sign", person.sign);
    const told = await page.evaluate(async (server) => {
        const { Actions, createDeleteAuth, createUploadAuth, getBlobSha256 } =
            await import("blossom-client-sdk");
        const bytes = crypto.getRandomValues(new Uint8Array(60_000));
        const blob = new Blob([bytes], { type: "image/webp" });
        const hash = await getBlobSha256(blob);
        const before = await Actions.hasBlob(server, hash);
        const descriptor = await Actions.uploadBlob(server, blob, {
            onAuth: (_server, sha256) => createUploadAuth(window.sign, sha256),
        });
        const there = await Actions.hasBlob(server, hash);
        const copy = await (await Actions.downloadBlob(server, hash)).blob();
        const same = (await getBlobSha256(copy)) === hash;
        const deleted = await Actions.deleteBlob(server, hash, {
            onAuth: (_server, sha256) => createDeleteAuth(window.sign, sha256),
        });
        const after = await Actions.hasBlob(server, hash);
        return { before, descriptor, there, same, deleted, after, hash };
    }, gateway);
    assert.equal(told.descriptor.sha256, told.hash);
    assert.equal(told.descriptor.type, "image/webp");
    const { before, there, same, deleted, after } = told;
    assert.deepEqual({ before, there, same, deleted, after }, {
        before: false,
        there: true,
        same: true,
        deleted: true,
        after: false,
    });
});

test("a page uploads 50 MiB", async () => {
    const hash = sha256(Buffer.alloc(50 * kMebibyte));
    const Authorization = new Person().header("upload", { x: hash });
    const seen = await put({ bytes: 50 * kMebibyte, headers: { Authorization } }, roomy);
    assertSeen(seen, 201);
    const descriptor = JSON.parse(seen.text);
    assert.equal(descriptor.sha256, hash);
    assert.equal(descriptor.size, 50 * kMebibyte);
    for (const store of stores) assert(await holds(store, hash));
});

test("a page may ask every path with OPTIONS", async () => {
    for (const path of ["/upload", `/${"a".repeat(64)}`, "/mirror", "/list/x", "/no/such", "/"]) {
        const seen = await fetchInPage({ url: gateway + path, method: "OPTIONS" });
        assertSeen(seen, 204);
        assert.match(seen.headers["access-control-allow-methods"], /DELETE/);
        assert.match(seen.headers["access-control-allow-headers"], /Authorization/);
    }
});

test("a page reads health, stats and every refusal", async () => {
    for (const path of ["/health", "/stats", "/live", "/ready", "/metrics", "/"]) {
        assertSeen(await fetchInPage({ url: gateway + path, method: "GET" }), 200);
    }
    assertSeen(await fetchInPage({ url: `${gateway}/nothing`, method: "GET" }), 404);
    assertSeen(await fetchInPage({ url: `${gateway}/health`, method: "DELETE" }), 405);
    assertSeen(await fetchInPage({ url: `${gateway}/${"A".repeat(64)}`, method: "GET" }), 400);
    const head = { url: `${gateway}/upload`, method: "HEAD", headers: { "X-SHA-256": "nonsense" } };
    assertSeen(await fetchInPage(head), 400);
    assertSeen(await fetchInPage({ url: `${gateway}/upload`, method: "POST", bytes: 10 }), 405);
});

test("an <img> shows a picture through the redirect", async () => {
    const png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const hash = sha256(Buffer.from(png, "base64"));
    const Authorization = new Person().header("upload", { x: hash });
    const headers = { Authorization, "Content-Type": "image/png" };
    assertSeen(await put({ body: png, headers }), 201);
    const size = await page.evaluate(async (url) => {
        const image = new Image();
        image.crossOrigin = "anonymous";
        image.src = url;
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
    }, `${gateway}/${hash}.png`);
    assert.deepEqual(size, [1, 1]);
});
