// The dashboard in a real browser, before a gateway over three stores: what it shows, that it
// changes by itself, and what can be done with it.
//
// With ESPALIER_SCREENSHOTS=FOLDER the pictures of web/docs are taken there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { npubEncode } from "nostr-tools/nip19";
import { openBrowser } from "./chromium.mjs";
import { holds } from "./round_trip.mjs";
import { Person, freshBody, sha256 } from "./tokens.mjs";
import { World } from "./world.mjs";

const kToken = "a-token-for-the-operator";
const kPageBytesMax = 150 * 1024;
const kPictures = process.env.ESPALIER_SCREENSHOTS;
const kDesk = { width: 1280, height: 900 };
const kPhone = { width: 390, height: 844 };
const kAxe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let world;
let stores;
let gateway;
let context;
const person = new Person();

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    gateway = await world.gateway(stores, {
        quorum_reply: "all",
        max_memory_bytes: "64GiB", // sanitizers' memory counts as ours
        admin: { token: kToken },
    });
    context = await openBrowser(world.path("chromium"), { viewport: kDesk });
    await context.exposeFunction("signForTest", (draft) => person.sign(draft));
});
after(async () => {
    await context?.close();
    await world.close();
});

// A page that fails the test on any complaint of the browser, and knows what it asked for.
async function open(url = gateway, { signer = false, viewport = kDesk, colorScheme = "light", block } = {}) {
    const page = await context.newPage();
    page.complaints = [];
    page.asked = [];
    page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("request", (request) => page.asked.push(request.url()));
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    if (block) await page.route(block, (route) => route.abort());
    if (signer)
        await page.addInitScript((pubkey) => {
            window.nostr = { getPublicKey: async () => pubkey, signEvent: (draft) => window.signForTest(draft) };
        }, person.pubkey);
    await page.goto(url);
    await page.waitForSelector("body[data-ready=yes]");
    return page;
}

async function put(body, to = gateway, type = "image/png") {
    const hash = sha256(body);
    const headers = { Authorization: person.header("upload", { x: hash }), "Content-Type": type };
    const answer = await fetch(`${to}/upload`, { method: "PUT", body, headers });
    return { status: answer.status, hash };
}

function host(url) {
    return new URL(url).host;
}

async function assertFits(page) {
    const [scroll, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert(scroll <= width, `${page.url()}: ${scroll} > ${width}`);
}

async function assertUsable(page) {
    // Through the browser's own channel: the page's policy would not let it in.
    await page.evaluate(kAxe);
    const { violations } = await page.evaluate(() => window.axe.run());
    const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact));
    assert.deepEqual(bad.map((one) => `${page.url()}: ${one.id}: ${one.nodes[0].html}`), []);
}

test("it opens without a complaint, asks nobody else, and weighs less than 150 KB", async () => {
    const page = await open();
    let weight = 0;
    for (const url of new Set(page.asked)) {
        assert.equal(new URL(url).origin, gateway, url);
        if (url.endsWith("/events")) continue;
        weight += (await (await fetch(url)).arrayBuffer()).byteLength;
    }
    assert(weight < kPageBytesMax, `${weight} bytes`);
    assert.equal(await page.textContent("#state-word"), "All well");
    assert.equal(await page.textContent("#connection"), "live");
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("its policy lets nothing in from elsewhere", async () => {
    const answer = await fetch(gateway);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*|http/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    const page = await open();
    const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "window.injected = true";
        document.body.append(script);
        return window.injected === true;
    });
    assert.equal(ran, false);
    await page.close();
});

test("the overview, the limits, the five totals and a card per server are there", async () => {
    const page = await open();
    const text = await page.innerText("main");
    for (const part of ["Healthy servers", "3 of 3", "an upload needs 2", "Memory", "Threads", "within"])
        assert(text.includes(part), part);
    for (const total of ["Uploads", "Downloads", "Mirrors", "Deletes", "Lists"]) assert(text.includes(total), total);
    const cards = await page.locator(".server").evaluateAll((all) => all.map((one) => one.dataset.host));
    assert.deepEqual(cards, stores.map(host));
    for (const card of await page.locator(".server").all()) {
        assert.match(await card.innerText(), /healthy/);
        assert.match(await card.innerText(), /Probed\s+.* ago/);
    }
    await page.close();
});

test("an upload shows itself without reloading, with a cell for each server and why on click", async () => {
    const page = await open();
    const { status, hash } = await put(freshBody(50_000).body);
    assert.equal(status, 201);
    const row = page.locator("#operation-rows tr", { hasText: hash.slice(0, 8) });
    await row.waitFor();
    const cells = row.locator("td button.cell.ok:visible");
    await page.waitForFunction((prefix) => {
        const line = [...document.querySelectorAll("#operation-rows tr")].find((one) => one.textContent.includes(prefix));
        return line.querySelectorAll("button.cell.ok").length === 4;
    }, hash.slice(0, 8));
    assert.deepEqual(await cells.allInnerTexts(), [await cells.first().innerText(), "201", "201", "201"]);
    await row.locator("button.cell").nth(1).press("Enter");
    const why = page.locator("#operation-rows tr.why");
    await why.waitFor();
    for (const store of stores) assert((await why.innerText()).includes(`${host(store)} 201`));
    await page.waitForFunction(() => document.querySelector("#totals .card b").textContent !== "0");
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("a refused upload says what the client was told, and is counted by its reason", async () => {
    const ourStores = await world.stores(1);
    const own = await world.gateway(ourStores, { min_upload_servers: 1 });
    const page = await open(own);
    const body = freshBody(1000).body;
    const stranger = { Authorization: person.header("upload", { x: freshBody(1).hash }) };
    const answer = await fetch(`${own}/upload`, { method: "PUT", body, headers: stranger });
    assert.equal(answer.status, 403);
    const row = page.locator("#operation-rows tr", { hasText: "403" });
    await row.waitFor();
    await row.locator("button.cell").first().click();
    assert.match(await page.locator("tr.why").innerText(), /The client was told: /);
    await page.waitForFunction(() => document.querySelector("#refusals").textContent.includes("x"));
    await page.close();
});

test("a killed server turns amber at its first fault and red with the reason when it is unhealthy", async () => {
    const own = await world.stores(3);
    const watched = await world.gateway(own, { max_failures: 4, probe_interval_after_fault: "1s", probe_interval: "1s" });
    const page = await open(watched);
    const badge = page.locator(`.server[data-host="${host(own[1])}"] .badge`).first();
    assert.equal(await badge.innerText(), "healthy");
    const seen = badge.evaluate(
        (node) =>
            new Promise((resolve) => {
                const seen = [node.className];
                const look = () => {
                    if (seen.at(-1) !== node.className) seen.push(node.className);
                    if (node.textContent === "unhealthy") resolve(seen);
                };
                new MutationObserver(look).observe(node, { attributes: true, childList: true, subtree: true });
            }),
    );
    await world.kill(own[1]);
    assert.deepEqual(await seen, ["badge ok", "badge warn", "badge bad"]);
    const reason = page.locator(`.server[data-host="${host(own[1])}"] .reason`);
    assert.match(await reason.innerText(), /probe: .*(refused|connect)/i);
    assert.equal(await reason.getAttribute("class"), "reason bad");
    await page.waitForFunction(() => document.querySelector("#state-word").textContent === "Degraded");
    assert.match(await page.innerText("#state-sentence"), /is unhealthy/);
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("without a Nostr extension the page says how to get one", async () => {
    const page = await open();
    assert.match(await page.innerText("#no-signer"), /NIP-07/);
    assert.equal(await page.locator("#drop").isVisible(), false);
    await page.close();
});

test("a dropped file is uploaded, listed with its copies, and deleted", async () => {
    const page = await open(gateway, { signer: true });
    await page.waitForSelector("#drop:visible");
    const { body, hash } = freshBody(700_000);
    const dropped = await page.evaluateHandle((base64) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        return transfer;
    }, body.toString("base64"));
    await page.dispatchEvent("#drop", "drop", { dataTransfer: dropped });
    const progress = page.locator('[data-file="dropped.png"]');
    await progress.locator("a", { hasText: "open" }).waitFor();
    for (const store of stores) {
        await progress.locator("li", { hasText: `${host(store)}: stored` }).waitFor();
        assert(await holds(store, hash));
    }
    await page.click("#show-files");
    const row = page.locator("#file-rows tr", { hasText: hash.slice(0, 8) });
    await row.waitFor();
    assert.match(await row.innerText(), /image\/png/);
    assert.match(await row.innerText(), /3 of 3/);
    await row.locator("button").click();
    assert.equal(await row.locator("button").innerText(), "Really delete?");
    await row.locator("button").click();
    await row.waitFor({ state: "detached" });
    for (const store of stores) assert(!(await holds(store, hash)));
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("while a slow server still gets its bytes, the page shows how far it is", async () => {
    const own = [...(await world.stores(2)), await world.store({ uploadRate: 1_000_000 })];
    const page = await open(await world.gateway(own), { signer: true });
    await page.waitForSelector("#drop:visible");
    const buffer = freshBody(6_000_000).body;
    await page.setInputFiles("#choose", { name: "slow.bin", mimeType: "application/x-thing", buffer });
    const progress = page.locator('[data-file="slow.bin"]');
    await progress.locator("li.wait", { hasText: new RegExp(`${host(own[2])}: [1-9]\\d* %`) }).waitFor();
    for (const fast of own.slice(0, 2)) await progress.locator("li.ok", { hasText: `${host(fast)}: stored` }).waitFor();
    await progress.locator("li.ok", { hasText: `${host(own[2])}: stored` }).waitFor();
    await page.close();
});

test("the gateway's refusal of an upload reaches the page with each server's reason", async () => {
    const own = await world.gateway(stores, { max_upload_size: "1KiB" });
    const page = await open(own, { signer: true });
    await page.waitForSelector("#drop:visible");
    await page.setInputFiles("#choose", { name: "big.bin", mimeType: "application/x-thing", buffer: freshBody(5000).body });
    await page.locator('[data-file="big.bin"]', { hasText: /failed: .*large/ }).waitFor();
    await page.close();
});

test("a blob is found with live questions to all servers", async () => {
    const page = await open();
    const { hash } = await put(freshBody(2000).body);
    const removed = await fetch(`${stores[2]}/${hash}`, {
        method: "DELETE",
        headers: { Authorization: person.header("delete", { x: hash }) },
    });
    assert(removed.ok);
    await page.fill("#where-hash", `${gateway}/${hash}.png`);
    await page.press("#where-hash", "Enter");
    await page.locator("#where-note", { hasText: "2 of 3 servers have it." }).waitFor();
    const lines = await page.locator("#where-rows tr").allInnerTexts();
    assert.match(lines[0], /has it/);
    assert.match(lines[0], /image\/png/);
    assert.match(lines[2], /does not have it/);
    await page.fill("#where-hash", "nonsense");
    await page.press("#where-hash", "Enter");
    await page.locator("#where-note", { hasText: "no SHA-256" }).waitFor();
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("where events do not come through, the page asks", async () => {
    const page = await open(gateway, { block: "**/events" });
    assert.equal(await page.textContent("#connection"), "asked every 5 s");
    const { hash } = await put(freshBody(3000).body);
    await page.locator("#operation-rows tr", { hasText: hash.slice(0, 8) }).waitFor();
    await page.close();
});

test("the public sees no alternative address, whole key, whole hash or token", async () => {
    const hidden = await world.store();
    const upstream = { url: "http://public.example", connect_to: host(hidden) };
    const own = await world.gateway([upstream], { min_upload_servers: 1, admin: { token: kToken } });
    const { status, hash } = await put(freshBody(4000).body, own);
    assert.equal(status, 201);
    const page = await open(own);
    await page.locator("#operation-rows tr", { hasText: hash.slice(0, 8) }).waitFor();
    const stream = await fetch(`${own}/events`);
    const reader = stream.body.getReader();
    const first = Buffer.from((await reader.read()).value).toString();
    await reader.cancel();
    const stats = await (await fetch(`${own}/stats`)).text();
    for (const text of [await page.content(), first, stats]) {
        assert(text.includes("public.example"));
        for (const secret of [host(hidden), person.pubkey, npubEncode(person.pubkey), hash, kToken])
            assert(!text.includes(secret), secret);
    }
    await page.close();
});

test("with admin.token the operator sees whole hashes and keys, and starts repairs", async () => {
    const { hash } = await put(freshBody(5000).body);
    const refused = await fetch(`${gateway}/admin`, { headers: { Authorization: "Bearer wrong-wrong-wrong-wrong" } });
    assert.equal(refused.status, 401);
    const page = await open();
    await page.click("details summary");
    await page.fill("#admin-token", kToken);
    await page.press("#admin-token", "Enter");
    await page.waitForSelector("#admin-details:visible");
    assert((await page.innerText("#admin-servers")).includes(stores[0]));
    assert.match(await page.innerText("#admin-uploaders"), new RegExp(`${person.pubkey}: .* uploads`));
    const row = page.locator("#operation-rows tr", { hasText: hash.slice(0, 8) });
    await row.locator("button.cell").first().click();
    await page.locator("tr.why", { hasText: hash }).waitFor();
    assert((await page.innerText("tr.why")).includes(person.pubkey));
    await page.click("#repair-now");
    await page.locator("#admin-note", { hasText: "being brought" }).waitFor();
    assert.deepEqual(page.complaints, []);
    await page.close();
});

test("the documentation is there, fits a phone, is usable by everybody, and leads back", async () => {
    const page = await context.newPage();
    await page.setViewportSize(kPhone);
    for (const path of ["configuration", "operations", "security", "questions"]) {
        await page.goto(`${gateway}/docs/${path}`);
        await assertFits(page);
        await assertUsable(page);
    }
    await page.goto(`${gateway}/docs`);
    const links = await page.locator("main a").evaluateAll((all) => all.map((one) => one.href));
    for (const link of links.filter((one) => one.startsWith(gateway)))
        assert.equal((await fetch(link)).status, 200, link);
    assert(links.length > 3);
    await page.click('a[href="/"]');
    await page.waitForSelector("body[data-ready=yes]");
    await page.close();
});

// Something to see, for the checks of looks below.
async function fillWithLife(at) {
    for (const size of [40_000, 900_000, 2_000]) await put(freshBody(size).body, at);
    const { hash } = await put(freshBody(10_000).body, at, "video/mp4");
    await fetch(`${at}/${hash}`, { redirect: "manual" });
    await fetch(`${at}/list/${person.pubkey}`);
    const headers = { Authorization: person.header("delete", { x: hash }) };
    await fetch(`${at}/${hash}`, { method: "DELETE", headers });
}

// For the pictures: servers with names, and five minutes of life.
let pictured;
async function livedIn() {
    if (!kPictures) return gateway;
    if (pictured) return pictured;
    const named = stores.map((url, i) => ({ url: `http://blossom${i + 1}.example.com`, connect_to: host(url) }));
    pictured = await world.gateway(named, { quorum_reply: "all" });
    for (let told = 0; told < 60; told = (await (await fetch(`${pictured}/stats`)).json()).timeline.length) {
        await fillWithLife(pictured);
        await sleep(200 + 1500 * Math.random());
    }
    return pictured;
}

const kLooks = [
    { name: "light", viewport: kDesk, colorScheme: "light" },
    { name: "dark", viewport: kDesk, colorScheme: "dark" },
    { name: "phone", viewport: kPhone, colorScheme: "light" },
];
for (const { name, ...look } of kLooks) {
    test(`it is usable by everybody, and fits (${name})`, async () => {
        const at = await livedIn();
        await fillWithLife(at);
        const page = await open(at, { signer: true, ...look });
        await page.waitForSelector("#drop:visible");
        await page.waitForFunction(() => document.querySelectorAll("#operation-rows tr").length >= 4);
        await assertFits(page);
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(ground, look.colorScheme === "dark" ? "rgb(20, 23, 20)" : "rgb(250, 249, 246)");
        await assertUsable(page);
        assert.deepEqual(page.complaints, []);
        if (kPictures) {
            const clip = { x: 0, y: 0, width: look.viewport.width, height: look.viewport === kPhone ? 1600 : 1900 };
            await page.screenshot({ path: join(kPictures, `dashboard-${name}.png`), fullPage: true, clip });
        }
        await page.close();
    });
}
