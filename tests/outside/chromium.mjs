// Debian's Chromium, driven from here; it asks nobody but us.
import { chromium } from "playwright-core";

const kFlags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

// A browser context whose profile lies in this folder; `options` as for playwright.
export function openBrowser(folder, options = {}) {
    return chromium.launchPersistentContext(folder, {
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: kFlags,
        ...options,
    });
}
