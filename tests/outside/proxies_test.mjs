// nginx, Caddy and haproxy in front of the gateway, with the samples that we ship.
//
// ESPALIER_PROXIED_MIB=1024: the size of the upload that streams through each, in MiB.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holds } from "./round_trip.mjs";
import { Person } from "./tokens.mjs";
import { World, freePort } from "./world.mjs";

const kMebibyte = 1024 * 1024;
const kPieces = Number(process.env.ESPALIER_PROXIED_MIB ?? 16);
const kLimit = 2048 * kMebibyte; // as shipped

let world;
let stores;
let gateway;

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    gateway = await world.gateway(stores, { trusted_proxies: ["127.0.0.1"], quorum_reply: "all" });
});
after(() => world.close());

function shipped(name) {
    return readFile(new URL(`../../config/${name}`, import.meta.url), "utf8");
}

// Each without TLS, on a port of its own; `text`: the configuration, `args`: how it is run.
const kProxies = [
    {
        name: "nginx",
        async text(folder, port, to) {
            const site = (await shipped("nginx.conf"))
                .replace(/ *listen \[::\].*\n/, "")
                .replace("listen 443 ssl;", `listen 127.0.0.1:${port};`)
                .replace(/ *ssl_.*\n/g, "")
                .replace("http://127.0.0.1:8080", to);
            const kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map((name) => `${name}_temp_path ${folder}/${name};`)
                .join(" ");
            return (
                `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;\n` +
                `events {} http { access_log off; ${kept}\n${site}}\n`
            );
        },
        args: (folder, config) => ["-p", folder, "-c", config],
        // What it has stored of bodies on their way.
        stored: (folder) => readdir(`${folder}/client_body`),
    },
    {
        name: "caddy",
        text: async (folder, port, to) =>
            `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${folder}\n}\n` +
            (await shipped("Caddyfile"))
                .replace("blossom.example.com {", `http://127.0.0.1:${port} {\n\tbind 127.0.0.1`)
                .replace("127.0.0.1:8080", new URL(to).host),
        args: (folder, config) => ["run", "--config", config, "--adapter", "caddyfile"],
    },
    {
        name: "haproxy",
        text: async (folder, port, to) =>
            (await shipped("haproxy.cfg"))
                // Only root may become somebody else.
                .replace(process.getuid() === 0 ? "" : /^ *(user|group|chroot) .*\n/gm, "")
                .replace(/bind :443 .*/, `bind 127.0.0.1:${port}`)
                .replace("X-Forwarded-Proto https", "X-Forwarded-Proto http")
                .replace("127.0.0.1:8080", new URL(to).host),
        args: (folder, config) => ["-db", "-f", config],
    },
];

// Runs `use(site, folder)` while the proxy stands in front of `to`.
async function withProxy(proxy, to, use) {
    const folder = world.path(proxy.name);
    await mkdir(folder);
    let child;
    let site;
    try {
        // Somebody else may take the port meanwhile: then it is another one's turn.
        for (let tries = 0; tries < 4 && !site; ++tries) {
            const port = await freePort();
            const text = await proxy.text(folder, port, to);
            assert(text.includes(new URL(to).host) && text.includes(`:${port}`), text);
            await writeFile(`${folder}/config`, text);
            child = spawn(proxy.name, proxy.args(folder, `${folder}/config`), {
                stdio: ["ignore", "ignore", "pipe"],
                env: { ...process.env, HOME: folder },
            });
            child.complaint = "";
            child.stderr.on("data", (piece) => (child.complaint = (child.complaint + piece).slice(-4000)));
            while (child.exitCode === null && !site) {
                const answer = await fetch(`http://127.0.0.1:${port}/live`).catch(() => null);
                if (answer) site = `http://127.0.0.1:${port}`;
                else await sleep(50);
            }
        }
        assert(site, `${proxy.name} did not start: ${child.complaint}`);
        await use(site, folder);
    } finally {
        if (child?.exitCode === null) {
            child.kill("SIGTERM");
            await once(child, "close");
        }
    }
}

// A PUT whose body the caller writes; its answer comes from `answered`.
function put(site, headers) {
    const sending = request(`${site}/upload`, { method: "PUT", headers });
    sending.on("error", () => {});
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

for (const proxy of kProxies) {
    test(`${proxy.name}: an upload of ${kPieces} MiB streams through, nothing of it is stored on the way`, () =>
        withProxy(proxy, gateway, async (site, folder) => {
            // The same random MiB again and again.
            const piece = randomBytes(kMebibyte);
            const digest = createHash("sha256");
            for (let i = 0; i < kPieces; ++i) digest.update(piece);
            const hash = digest.digest("hex");
            const { sending, answered } = put(site, {
                Authorization: new Person().header("upload", { x: hash }),
                "Content-Length": kPieces * kMebibyte,
                "Content-Type": "image/png",
            });
            const write = async () => sending.write(piece) || (await once(sending, "drain"));
            for (let i = 0; i < kPieces / 2; ++i) await write();
            // The stores are being sent what is not whole yet.
            while ((await underWay()) < 3) await sleep(20);
            for (let i = kPieces / 2; i < kPieces; ++i) {
                await write();
                if (proxy.stored) assert.deepEqual(await proxy.stored(folder), []);
            }
            sending.end();
            const { response, text } = await answered;
            assert.equal(response.statusCode, 201, text);
            assert.equal(JSON.parse(text).sha256, hash);
            assert.equal(response.headers["access-control-allow-origin"], "*");
            for (const store of stores) assert(await holds(store, hash));
            const got = await fetch(`${site}/${hash}`, { redirect: "manual" });
            assert.equal(got.status, 307);
            assert.equal(got.headers.get("access-control-allow-origin"), "*");
        }));

    test(`${proxy.name}: the dashboard's events come through at once`, () =>
        withProxy(proxy, gateway, async (site) => {
            const answer = await fetch(`${site}/events`);
            assert.equal(answer.headers.get("content-type"), "text/event-stream");
            const reader = answer.body.getReader();
            // The second one comes while the stream stays open.
            let text = "";
            while ((text.match(/^data: /gm) ?? []).length < 2) text += Buffer.from((await reader.read()).value);
            await reader.cancel();
        }));

    test(`${proxy.name}: a refusal before the body's end reaches the client, with CORS`, () =>
        withProxy(proxy, gateway, async (site) => {
            const { sending, answered } = put(site, { "Content-Length": kLimit + 1 });
            // As browsers do: it goes on sending until it is told. (Caddy passes nothing on before.)
            let told = false;
            const going = answered.finally(() => (told = true));
            const piece = Buffer.alloc(kMebibyte / 4);
            while (!told && !sending.destroyed) {
                if (!sending.write(piece)) await Promise.race([once(sending, "drain").catch(() => {}), going]);
            }
            const { response } = await answered;
            assert.equal(response.statusCode, 413);
            assert.equal(response.headers["access-control-allow-origin"], "*");
            // nginx has a limit of its own.
            assert.equal("x-request-id" in response.headers, proxy.name !== "nginx");
            assert.match(response.headers["x-reason"], /larger/);
            sending.destroy();
        }));

    test(`${proxy.name}: a client cannot say what the gateway is called`, () =>
        withProxy(proxy, gateway, async (site) => {
            const lie = { "X-Forwarded-Host": "evil.example" };
            const { url } = await (await fetch(`${site}/info`, { headers: lie })).json();
            assert.equal(new URL(url).host, new URL(site).host);
        }));

    test(`${proxy.name}: what it says when the gateway does not answer can be read by pages from anywhere`, async () => {
        const nobody = `http://127.0.0.1:${await freePort()}`;
        await withProxy(proxy, nobody, async (site) => {
            const answer = await fetch(`${site}/upload`);
            assert.match(String(answer.status), /50[23]/);
            assert.equal(answer.headers.get("access-control-allow-origin"), "*");
        });
    });
}
