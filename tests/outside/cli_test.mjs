// The manual page and the shells' completions, as their readers read them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { kEspalier } from "./world.mjs";

const run = promisify(execFile);
let folder;

before(async () => (folder = await mkdtemp(join(tmpdir(), "espalier-cli-"))));
after(() => rm(folder, { recursive: true, force: true }));

async function espalier(...args) {
    return (await run(kEspalier, args)).stdout;
}

async function written(name, text) {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
}

// The commands that --help lists.
async function commands() {
    const help = await espalier("--help");
    const names = help.split("Subcommands:\n")[1].match(/^ {2}\S+/gm);
    return names.map((name) => name.trim());
}

// Their options, as "--config".
async function optionsOf(command) {
    const help = await espalier(command, "--help");
    const lines = help.matchAll(/^ {2}(?:-\w,)?(--[a-z-]+)/gm);
    return [...lines].map(([, name]) => name).filter((name) => name !== "--help");
}

test("the manual page is good man(7), and has every command and option", async () => {
    const page = await written("espalier.1", await espalier("manual"));
    const lint = await run("mandoc", ["-T", "lint", "-W", "warning", page]).catch((error) => error);
    // It has no date of its own: it is written when it is asked for.
    assert.deepEqual(lint.stdout.split("\n").filter((line) => line !== "" && !line.includes("missing date")), []);
    const { stdout } = await run("mandoc", ["-T", "utf8", page]);
    const text = stdout.replace(/.\x08/g, "");
    for (const command of await commands()) {
        assert(text.includes(`espalier ${command}`), command);
        for (const option of await optionsOf(command)) assert(text.includes(option), `${command} ${option}`);
    }
});

// What bash offers when Tab is pressed at the end of these words.
async function offered(...words) {
    const script = await written("completion.bash", await espalier("completion", "bash"));
    const list = words.map((word) => `'${word}'`).join(" ");
    const ask = `. '${script}'; COMP_WORDS=(espalier ${list}); COMP_CWORD=${words.length}; _espalier; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run("bash", ["-c", ask]);
    return stdout.split("\n").filter((word) => word !== "");
}

test("bash completes commands, then the options of the one that was typed", async () => {
    const all = await offered("");
    for (const command of await commands()) assert(all.includes(command), command);
    assert.deepEqual(await offered("he"), ["healthcheck"]);
    for (const command of await commands()) {
        const options = await offered(command, "--");
        for (const option of await optionsOf(command)) assert(options.includes(option), `${command} ${option}`);
    }
    assert.deepEqual(await offered("repair", "--dry"), ["--dry-run"]);
});

test("what zsh and fish get names every command, and another shell is refused by name", async () => {
    for (const shell of ["zsh", "fish"]) {
        const script = await espalier("completion", shell);
        for (const command of await commands()) assert(script.includes(command), `${shell} ${command}`);
    }
    await assert.rejects(run(kEspalier, ["completion", "tcsh"]), (error) => {
        assert.match(error.stderr, /`tcsh`/);
        return error.code === 1;
    });
});
