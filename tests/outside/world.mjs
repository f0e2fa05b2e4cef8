// A World is the processes that one test file talks to: stores, fake servers and gateways,
// each on a port of its own choice, with all their files in one temporary folder.
//
// Every program says "listening on http://…" once it serves, and is ended by its process id;
// close() fails when one of them ended early or not with 0, as under a sanitizer's complaint.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const kEspalier = process.env.ESPALIER;
export const kBinFolder = process.env.ESPALIER_BIN;
assert(kEspalier && kBinFolder, "start these tests with tests/outside/run");

const kComplaintBytesMax = 64 * 1024;

// What is still running when this process ends, however it ends.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
process.on("SIGTERM", () => process.exit(1));
process.on("SIGINT", () => process.exit(1));

class Program {
    constructor(command, args, environment) {
        this.name = [command, ...args].join(" ");
        this.output = "";
        this.child = spawn(command, args, {
            env: { ...process.env, ...environment },
            stdio: ["pipe", "pipe", "pipe"],
        });
        running.add(this.child);
        this.ended = once(this.child, "close").finally(() => running.delete(this.child));
        this.child.stderr.on("data", (piece) => this.remember(piece));
    }

    remember(piece) {
        this.output = (this.output + piece).slice(-kComplaintBytesMax);
    }

    // The address it prints; rejects with all it said when it ends instead.
    async address() {
        const lines = createInterface({ input: this.child.stdout });
        const said = new Promise((resolve) => {
            lines.on("line", (line) => {
                this.remember(line + "\n");
                const found = line.match(/^listening on (http:\/\/\S+)$/);
                if (found) resolve(found[1]);
            });
        });
        const ended = this.ended.then(([code, signal]) => {
            throw new Error(`${this.name} ended with ${code ?? signal}:\n${this.output}`);
        });
        ended.catch(() => {});
        return Promise.race([said, ended]);
    }

    async end() {
        const early = this.child.exitCode !== null || this.child.signalCode !== null;
        if (!early) this.child.kill("SIGTERM");
        const [code, signal] = await this.ended;
        const how = `${this.name} ended ${early ? "early " : ""}with ${code ?? signal}`;
        assert(!early && code === 0, `${how}:\n${this.output}`);
    }
}

// {a: 1, b: {c: "x"}} as YAML, one key a line.
function yaml(object, indent) {
    return Object.entries(object)
        .map(([key, value]) =>
            value !== null && typeof value === "object" && !Array.isArray(value)
                ? `${indent}${key}:\n${yaml(value, indent + "  ")}`
                : `${indent}${key}: ${JSON.stringify(value)}\n`,
        )
        .join("");
}

// For a program that cannot choose one by itself; somebody else may take it meanwhile.
export async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

export class World {
    static async make() {
        const world = new World();
        world.folder = await mkdtemp(join(tmpdir(), "espalier-outside-"));
        return world;
    }

    programs = [];
    names = 0;

    async start(command, args, environment = {}) {
        const program = new Program(command, args, environment);
        this.programs.push(program);
        program.url = await program.address();
        return program.url;
    }

    // As if the power of the program at this address had gone.
    async kill(url) {
        const program = this.programs.find((one) => one.url === url);
        this.programs.splice(this.programs.indexOf(program), 1);
        program.child.kill("SIGKILL");
        await program.ended;
    }

    // A path in the World's folder that nobody else has.
    path(name) {
        return join(this.folder, `${++this.names}-${name}`);
    }

    // An `espalier store` that wants a token for every write; its address. `uploadRate`: bytes a
    // second.
    store({ uploadRate = 0 } = {}) {
        const listen = ["--listen", "127.0.0.1:0"];
        const flags = ["--any-server-tag", "--require-auth", "--upload-rate", String(uploadRate)];
        return this.start(kEspalier, ["store", this.path("store"), ...listen, ...flags]);
    }

    stores(count) {
        return Promise.all(Array.from({ length: count }, () => this.store()));
    }

    // A scripted server with the quirks of one that people run; its address.
    fake(profile) {
        const flags = ["--profile", profile, "--port", "0", "--log"];
        return this.start(join(kBinFolder, "fake_blossom"), flags);
    }

    // What each fake server was asked, as "METHOD PATH STATUS BODY_BYTES". Requires: close().
    fakeLogs() {
        return this.programs
            .filter((program) => program.name.includes("fake_blossom"))
            .map((program) => program.output.split("\n").filter((line) => /^[A-Z]+ \//.test(line)));
    }

    // A gateway over these upstreams, each a URL or an object of its keys; `server` are keys under
    // `server:`. Its address.
    async gateway(upstreams, server = {}) {
        const config = this.path("gateway.yaml");
        const list = upstreams
            .map((one) => (typeof one === "string" ? { url: one } : one))
            .map((one) => `  -\n${yaml(one, "    ")}`)
            .join("");
        const keys = { listen_addr: "127.0.0.1:0", ledger_path: this.path("ledger.db"), ...server };
        await writeFile(config, `upstream_servers:\n${list}server:\n${yaml(keys, "  ")}`);
        return this.start(kEspalier, ["serve", "--config", config]);
    }

    // Gateways first: they talk to the others.
    async close() {
        const results = [];
        for (const program of this.programs.reverse()) {
            results.push(await program.end().catch((error) => error));
        }
        await rm(this.folder, { recursive: true, force: true });
        for (const error of results) if (error) throw error;
    }
}
