// The Go original's configuration and the fields its users read, with no change on their side.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { World, kBinFolder } from "./world.mjs";

const kConfig = fileURLToPath(new URL("../settings/seed002.yaml", import.meta.url));
const kUrls = ["https://blossom1.example.com", "https://blossom2.example.com"];
const kCounts = [
    "uploads_success",
    "uploads_failure",
    "downloads",
    "mirrors_success",
    "mirrors_failure",
    "deletes_success",
    "deletes_failure",
    "lists_success",
    "lists_failure",
];

let world;
let gateway;

before(async () => {
    world = await World.make();
    const link = join(kBinFolder, "blossom_espelhator");
    const args = ["-config", kConfig, "--listen", "127.0.0.1:0"];
    gateway = await world.start(link, args, { STATE_DIRECTORY: world.folder });
});
after(() => world.close());

function assertCount(value, what) {
    assert(Number.isInteger(value) && value >= 0, `${what} is ${JSON.stringify(value)}`);
}

test("/health has the original's fields", async () => {
    const response = await fetch(`${gateway}/health`);
    const health = await response.json();
    assert.match(response.headers.get("content-type"), /^application\/json/);
    // The upstreams do not exist: sooner or later the probes say so.
    assert.equal(response.status, health.healthy ? 200 : 503);
    assert.equal(typeof health.healthy, "boolean");
    assertCount(health.healthy_count, "healthy_count");
    assert.equal(health.healthy, health.healthy_count >= 2);
    assert.equal(health.min_upload_servers, 2);
    assertCount(health.memory.bytes, "memory.bytes");
    assert(health.memory.bytes > 0);
    assert.equal(health.memory.max, 536870912);
    assert.equal(health.memory.healthy, true);
    assertCount(health.goroutines.count, "goroutines.count");
    assert(health.goroutines.count > 0);
    assert.equal(health.goroutines.max, 1000);
    assert.equal(health.goroutines.healthy, true);
    assert.deepEqual(Object.keys(health.servers), kUrls);
    for (const url of kUrls) {
        assert.equal(typeof health.servers[url].healthy, "boolean");
        assertCount(health.servers[url].consecutive_failures, "consecutive_failures");
    }
});

test("/stats has the original's fields", async () => {
    const response = await fetch(`${gateway}/stats`);
    const stats = await response.json();
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(stats.servers), kUrls);
    for (const url of kUrls) {
        const server = stats.servers[url];
        assert.equal(server.url, url);
        for (const name of kCounts) assertCount(server[name], name);
        assertCount(server.consecutive_failures, "consecutive_failures");
        assert.equal(typeof server.is_healthy, "boolean");
        for (const name of ["last_failure_time", "last_success_time"]) {
            // Absent until there was one.
            if (name in server) assert.match(server[name], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        }
    }
    for (const name of kCounts) assertCount(stats.totals[name], name);
    assertCount(stats.memory.bytes, "memory.bytes");
    assert.equal(stats.memory.max, 536870912);
    assertCount(stats.goroutines.count, "goroutines.count");
    assert.equal(stats.goroutines.max, 1000);
    assertCount(stats.healthy_count, "healthy_count");
    assert.equal(stats.total_servers, 2);
});

test("the page and the other addresses of the original answer", async () => {
    const home = await fetch(`${gateway}/`);
    assert.equal(home.status, 200);
    assert.match(home.headers.get("content-type"), /^text\/html/);
    assert.equal((await fetch(`${gateway}/live`)).status, 200);
    const metrics = await fetch(`${gateway}/metrics`);
    assert.equal(metrics.status, 200);
    assert.match(await metrics.text(), /^# TYPE /m);
});

test("a blob that no upstream could be asked for is not called missing", async () => {
    const response = await fetch(`${gateway}/${"a".repeat(64)}`);
    assert([502, 504].includes(response.status), `status ${response.status}`);
    assert.notEqual(response.headers.get("x-reason") ?? "", "");
    assert.notEqual(response.headers.get("retry-after"), null);
    await response.arrayBuffer();
});
