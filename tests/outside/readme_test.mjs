// The README's commands, run as they stand there, one after the other, in a copy of the project.
//
// What would build again, test the tests or need a container engine is left out, by name. The
// programs are those under test; the gateway listens on a port of its own.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { World, kBinFolder, kEspalier } from "./world.mjs";

const run = promisify(execFile);
const kRoot = fileURLToPath(new URL("../..", import.meta.url));
const kLeftOut = [
    [/^scripts\/(demo|test)\b/, "run by themselves"],
    [/^scripts\/setup$/, "needs root"],
    [/^cmake /, "the programs under test stand for these"],
    [/^sudo /, "changes the machine"],
    [/^docker-compose /, "needs a container engine"],
];

let world;
let folder;
let stores;
let environment;

before(async () => {
    world = await World.make();
    stores = await world.stores(3);
    folder = world.path("copy");
    await mkdir(folder);
    for (const part of ["README.md", "config", "scripts", "web/espalier.png"])
        await cp(join(kRoot, part), join(folder, part), { recursive: true });
    await mkdir(join(folder, "build/release/bin"), { recursive: true });
    await symlink(kEspalier, join(folder, "build/release/bin/espalier"));
    await symlink(join(kBinFolder, "blossom_espelhator"), join(folder, "build/release/bin/blossom_espelhator"));
    await copyFile(join(folder, "web/espalier.png"), join(folder, "picture.png"));
    environment = { ...process.env, PATH: `${folder}/build/release/bin:${process.env.PATH}` };
});
after(() => world.close());

// The lines of the ```bash blocks, without comments.
async function commands() {
    const text = await readFile(join(folder, "README.md"), "utf8");
    const blocks = [...text.matchAll(/^```bash\n([\s\S]*?)^```/gm)].map(([, block]) => block);
    return blocks.flatMap((block) =>
        block
            .replaceAll("\\\n", " ")
            .split("\n")
            .map((line) => line.replace(/\s+#.*$/, "").trim())
            .filter((line) => line !== ""),
    );
}

// "name your servers in it"
async function nameServers() {
    const list = stores.map((url) => `  - url: "${url}"\n`).join("");
    const ledger = join(folder, "ledger.db");
    await writeFile(
        join(folder, "config/config.yaml"),
        `upstream_servers:\n${list}server:\n  listen_addr: "127.0.0.1:0"\n  ledger_path: "${ledger}"\n` +
            `  max_memory_bytes: 64GiB\n`,
    );
}

// Starts what serves until it is told; its address.
async function serve(command) {
    const child = spawn("bash", ["-c", `exec ${command}`], { cwd: folder, env: environment });
    let said = "";
    child.stderr.on("data", (piece) => (said = (said + piece).slice(-4000)));
    const [line] = await Promise.race([
        once(child.stdout, "data"),
        once(child, "close").then(() => assert.fail(`${command} ended: ${said}`)),
    ]);
    const address = String(line).match(/listening on (http:\S+)/)[1];
    return { child, address };
}

test("every command of the README does what it says", async () => {
    const all = await commands();
    const used = new Set();
    let served;
    let script = "set -euo pipefail\n";
    let ran = 0;
    try {
        for (const command of all) {
            const rule = kLeftOut.find(([pattern]) => pattern.test(command));
            if (rule) {
                used.add(rule);
                continue;
            }
            if (/^build\/release\/bin\/espalier$/.test(command)) {
                served = await serve(command);
                assert.equal((await fetch(`${served.address}/health`)).status, 200);
                continue;
            }
            // What was exported before is still there.
            const here = command.replaceAll("http://127.0.0.1:8080", served?.address ?? "");
            if (here.startsWith("export ")) script += `${here}\n`;
            await run("bash", ["-c", here.startsWith("export ") ? script : script + here], {
                cwd: folder,
                env: environment,
            }).catch((error) => assert.fail(`${command}\n${error.stdout}${error.stderr}`));
            if (command.startsWith("cp config/config.example.yaml")) await nameServers();
            ran += 1;
        }
    } finally {
        served?.child.kill("SIGTERM");
        if (served) await once(served.child, "close");
    }
    assert(ran >= 4, `${ran} commands ran`);
    assert(served, "nothing served");
    assert.equal(used.size, kLeftOut.length, "a rule for what is left out is not needed any more");
});

test("the README's links lead somewhere", async () => {
    const text = await readFile(join(kRoot, "README.md"), "utf8");
    const links = [...text.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link).filter((link) => !link.startsWith("http"));
    assert(links.length > 4);
    for (const link of links) await readFile(join(kRoot, link));
});

test("the reference of the configuration is what the program says now", async () => {
    const { stdout } = await run(kEspalier, ["check", "--reference"]);
    const file = await readFile(join(kRoot, "web/docs/configuration.md"), "utf8");
    assert.equal(file, stdout, "espalier check --reference > web/docs/configuration.md");
});
