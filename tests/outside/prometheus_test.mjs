// Prometheus' own checks of what we ship and say, and a real Prometheus that scrapes a gateway.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { upload } from "./round_trip.mjs";
import { Person, freshBody } from "./tokens.mjs";
import { World, freePort } from "./world.mjs";

const kConfig = fileURLToPath(new URL("../../config", import.meta.url));

let world;
let gateway;

before(async () => {
    world = await World.make();
    gateway = await world.gateway(await world.stores(3));
});
after(() => world.close());

// What promtool says; rejects when it finds anything wrong.
function promtool(args, input = "") {
    return new Promise((resolve, reject) => {
        const child = execFile("promtool", args, { cwd: kConfig }, (error, stdout, stderr) =>
            error ? reject(new Error(`promtool ${args.join(" ")}:\n${stdout}${stderr}`)) : resolve(stdout + stderr),
        );
        child.stdin.end(input);
    });
}

async function metrics() {
    return (await fetch(`${gateway}/metrics`)).text();
}

// Asks Prometheus until the answer is `wanted`, or its process has ended.
async function answer(prometheus, url, query, wanted) {
    for (let said = "nothing"; ; await sleep(100)) {
        assert.equal(prometheus.exitCode, null, `prometheus ended; before, it said ${said}`);
        const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
        if (response === null || response.status !== 200) continue;
        const { data } = await response.json();
        said = data.result.map(({ value }) => value[1]).join(" ");
        if (said === wanted) return;
    }
}

test("promtool finds nothing wrong with our metrics, our configuration and our alerts", async () => {
    await promtool(["check", "metrics"], await metrics());
    await promtool(["check", "config", "prometheus.yml", "monitoring/prometheus.yml"]);
    await promtool(["check", "rules", "alerts.yml"]);
    await promtool(["test", "rules", "alerts_test.yml"]);
});

test("every metric that an alert or the Grafana dashboard looks at is there", async () => {
    // So that there is a blob with a copy.
    await upload(gateway, new Person(), new Blob([freshBody(1000).body]));
    let said = "";
    while (!said.includes("\nblossom_gw_replicas{")) said = await metrics();
    const names = new Set();
    for (const file of ["alerts.yml", "grafana.json"]) {
        const text = await readFile(`${kConfig}/${file}`, "utf8");
        for (const name of text.match(/blossom_gw_[a-z_]+/g)) names.add(name);
    }
    // Nobody's clock is known yet.
    names.delete("blossom_gw_upstream_clock_skew_seconds");
    assert(names.size >= 25);
    for (const name of names) assert(said.includes(`\n${name}`), `${name} is not in /metrics`);
});

test("Prometheus understands every question of the Grafana dashboard", async () => {
    const { panels } = JSON.parse(await readFile(`${kConfig}/grafana.json`, "utf8"));
    const expressions = panels.flatMap((panel) => panel.targets ?? []).map((target) => target.expr);
    assert(expressions.length >= 25);
    const rules = expressions.map(
        (text, i) => `      - record: r${i}\n        expr: ${JSON.stringify(text.replaceAll("$__rate_interval", "1m"))}\n`,
    );
    const file = world.path("rules.yml");
    await writeFile(file, `groups:\n  - name: grafana\n    rules:\n${rules.join("")}`);
    await promtool(["check", "rules", file]);
});

test("a Prometheus that scrapes the gateway says how many uploads there were", async () => {
    const config = world.path("prometheus.yml");
    const target = new URL(gateway).host;
    await writeFile(
        config,
        `scrape_configs:\n  - job_name: espalier\n    scrape_interval: 200ms\n    scrape_timeout: 200ms\n` +
            `    static_configs:\n      - targets: ["${target}"]\n`,
    );
    // Somebody else may take the port meanwhile: then it is another one's turn.
    for (let tries = 0; ; ++tries) {
        const port = await freePort();
        const prometheus = spawn("prometheus", [
            `--config.file=${config}`,
            `--storage.tsdb.path=${world.path("prometheus")}`,
            `--web.listen-address=127.0.0.1:${port}`,
        ]);
        const ended = once(prometheus, "close");
        prometheus.stderr.resume();
        prometheus.stdout.resume();
        try {
            const url = `http://127.0.0.1:${port}`;
            await answer(prometheus, url, 'up{job="espalier"}', "1");
            const before = Number((await metrics()).match(/uploads_quorum_total\{result="met"\} (\d+)/)?.[1] ?? 0);
            const person = new Person();
            for (let i = 0; i < 3; ++i) await upload(gateway, person, new Blob([freshBody(1000 + i).body]));
            await answer(prometheus, url, 'blossom_gw_uploads_quorum_total{result="met"}', String(before + 3));
            return;
        } catch (error) {
            if (prometheus.exitCode === null || tries === 3) throw error;
        } finally {
            prometheus.kill("SIGTERM");
            await ended;
        }
    }
});
