// How long a fresh browser needs to show the dashboard with its figures, beside an empty page of
// the same server: node first_paint.mjs GATEWAY ROUNDS, called by scripts/bench.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBrowser } from "./chromium.mjs";

const [gateway, rounds] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "espalier-paint-"));
const context = await openBrowser(folder);
const median = (all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];

// Milliseconds from the request to the first paint, and until the figures stand there.
async function load(url, ready) {
    const page = await context.newPage();
    const client = await context.newCDPSession(page);
    await client.send("Network.setCacheDisabled", { cacheDisabled: true });
    await page.addInitScript(() => {
        new MutationObserver((_, observer) => {
            if (!document.body?.dataset.ready) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => (window.shownAt = performance.now())));
        }).observe(document, { attributes: true, childList: true, subtree: true });
    });
    await page.goto(url);
    if (ready) await page.waitForFunction(() => window.shownAt !== undefined);
    const times = await page.evaluate(() => ({
        paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now(),
        shown: window.shownAt ?? 0,
    }));
    await page.close();
    return times;
}

const [paints, shows, plain] = [[], [], []];
await load(`${gateway}/`, true);
for (let i = 0; i < Number(rounds); ++i) {
    const dashboard = await load(`${gateway}/`, true);
    paints.push(dashboard.paint);
    shows.push(dashboard.shown);
    plain.push((await load(`${gateway}/live`, false)).paint);
}
console.log(
    `the dashboard: first paint after ${Math.round(median(paints))} ms, with figures after ` +
        `${Math.round(median(shows))} ms; /live in the same browser: ${Math.round(median(plain))} ms`,
);
await context.close();
await rm(folder, { recursive: true, force: true });
