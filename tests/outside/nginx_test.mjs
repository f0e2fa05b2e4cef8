// nginx in front of the gateway, with the site that we ship.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Person, freshBody } from "./tokens.mjs";
import { World, freePort } from "./world.mjs";

const kBody = 16 * 1024 * 1024;

let world;
let gateway;
let nginx;
let site;
let folder;

// Without TLS, on a port of its own, before our gateway.
async function ours(port) {
    const shipped = await readFile(new URL("../../config/nginx.conf", import.meta.url), "utf8");
    const changed = shipped
        .replace(/ *listen \[::\].*\n/, "")
        .replace("listen 443 ssl;", `listen 127.0.0.1:${port};`)
        .replace(/ *ssl_.*\n/g, "")
        .replace("http://127.0.0.1:8080", gateway)
        .replace("client_max_body_size 2g", "client_max_body_size 32m");
    assert(changed.includes(gateway) && changed.includes("32m"));
    const kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((name) => `${name}_temp_path ${folder}/${name};`)
        .join(" ");
    return (
        `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;\n` +
        `events {} http { access_log off; ${kept}\n${changed}}\n`
    );
}

before(async () => {
    world = await World.make();
    gateway = await world.gateway(await world.stores(3), { trusted_proxies: ["127.0.0.1"] });
    folder = world.path("nginx");
    await mkdir(folder);
    // Somebody else may take the port meanwhile: then it is another one's turn.
    for (let tries = 0; tries < 4 && !site; ++tries) {
        const port = await freePort();
        await writeFile(`${folder}/nginx.conf`, await ours(port));
        nginx = spawn("nginx", ["-p", folder, "-c", `${folder}/nginx.conf`], { stdio: ["ignore", "ignore", "inherit"] });
        while (nginx.exitCode === null && !site) {
            const answer = await fetch(`http://127.0.0.1:${port}/live`).catch(() => null);
            if (answer?.status === 200) site = `http://127.0.0.1:${port}`;
            else await sleep(50);
        }
    }
    assert(site, "nginx did not start");
});
after(async () => {
    if (nginx?.exitCode === null) {
        nginx.kill("SIGTERM");
        await once(nginx, "close");
    }
    await world.close();
});

// A PUT whose body the caller writes; its answer comes from `answered`.
function put(headers) {
    const sending = request(`${site}/upload`, { method: "PUT", headers });
    const answered = once(sending, "response").then(async ([response]) => {
        let text = "";
        for await (const piece of response) text += piece;
        return { response, text };
    });
    return { sending, answered };
}

async function underWay() {
    return Number((await (await fetch(`${gateway}/metrics`)).text()).match(/\nblossom_gw_transfers (\d+)/)[1]);
}

test("an upload streams through, and nothing of it is stored on the way", async () => {
    const { body, hash } = freshBody(kBody);
    const { sending, answered } = put({
        Authorization: new Person().header("upload", { x: hash }),
        "Content-Length": kBody,
        "Content-Type": "image/png",
    });
    sending.write(body.subarray(0, kBody / 2));
    // The stores are being sent what is not whole yet.
    while ((await underWay()) < 3) await sleep(20);
    assert.deepEqual(await readdir(`${folder}/client_body`), []);
    sending.end(body.subarray(kBody / 2));
    const { response, text } = await answered;
    assert.equal(response.statusCode, 201);
    assert.equal(JSON.parse(text).sha256, hash);
    assert.equal(response.headers["access-control-allow-origin"], "*");
    const got = await fetch(`${site}/${hash}`, { redirect: "manual" });
    assert.equal(got.status, 307);
    assert.equal(got.headers.get("access-control-allow-origin"), "*");
});

test("what nginx refuses by itself can be read by pages from anywhere", async () => {
    const { sending, answered } = put({ "Content-Length": 33 * 1024 * 1024 });
    sending.on("error", () => {});
    sending.flushHeaders();
    const { response } = await answered;
    assert.equal(response.statusCode, 413);
    assert.equal(response.headers["access-control-allow-origin"], "*");
    sending.destroy();
});
