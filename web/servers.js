// A card per server, in the order of the configuration's priorities.
import { byId, el, fillList, keep, setClass, setText } from "./dom.js";
import { bytes, duration, kServerStates, milliseconds, number, percent } from "./words.js";

const kModes = { ro: "read-only", source: "source only", drain: "draining" };

function badges(server) {
    const all = Object.entries(server.capabilities)
        .filter(([, one]) => one.offered !== "unknown")
        .map(([name, one]) => ({
            text: `${one.offered === "yes" ? "" : "no "}${name.replaceAll("_", " ")}`,
            tone: one.offered === "yes" ? "ok" : "wait",
            why: one.source === "config" ? "as configured" : "found out by asking",
        }));
    if (kModes[server.mode]) all.unshift({ text: kModes[server.mode], tone: "warn", why: "as configured" });
    return all;
}

function rows(server) {
    const list = [
        ["Probed", server.last_probe_seconds_ago === undefined ? "not yet" : `${duration(server.last_probe_seconds_ago)} ago`],
        ["Lookups p50 / p95", `${milliseconds(server.lookup_ms.count ? server.lookup_ms.p50 : null)} / ${milliseconds(server.lookup_ms.count ? server.lookup_ms.p95 : null)}`],
        ["Uploads p50 / p95", `${milliseconds(server.upload_ms.count ? server.upload_ms.p50 : null)} / ${milliseconds(server.upload_ms.count ? server.upload_ms.p95 : null)}`],
        ["Success 5 min / 1 h", `${percent(server.success_ratio_5m)} / ${percent(server.success_ratio_1h)}`],
        ["In flight", `${server.in_flight} of ${server.in_flight_max}`],
        ["Sent / received", `${bytes(server.bytes_up)} / ${bytes(server.bytes_down)}`],
        ["Uploads", `${number(server.uploads_success)} done, ${number(server.uploads_failure)} failed`],
        ["Failures in a row", number(server.consecutive_failures)],
    ];
    const failures = Object.entries(server.failures);
    if (failures.length) list.push(["Failures", failures.map(([kind, count]) => `${kind.replaceAll("_", " ")} × ${number(count)}`).join(", ")]);
    if (server.quota) list.push(["Quota used", `${bytes(server.quota.used)} of ${bytes(server.quota.bytes)}`]);
    if (server.clock_skew_seconds) list.push(["Its clock is ahead by", `${server.clock_skew_seconds} s`]);
    return list;
}

function lastError(server) {
    if (!server.last_error) return "";
    const op = server.last_error_op ? `${server.last_error_op}: ` : "";
    const when = server.last_failure_time ? ` (${server.last_failure_time.slice(11, 19)} UTC)` : "";
    return `${op}${server.last_error}${when}`;
}

function make(server) {
    return el(
        "article",
        { class: "card server", "data-host": server.host },
        el("div", { class: "row" }, el("h3", {}, server.host), el("span", { class: "badge" })),
        el("p", { class: "reason" }),
        el("dl"),
        el("ul", { class: "badges", "aria-label": "What it offers" }),
    );
}

function update(card, server) {
    const [head, reason, list, offers] = card.children;
    const tone = kServerStates[server.state] ?? "wait";
    setText(head.children[1], server.state);
    setClass(head.children[1], `badge ${tone}`);
    const error = lastError(server);
    setText(reason, error && tone === "ok" ? `Last error: ${error}` : error);
    setClass(reason, error ? `reason ${tone === "ok" ? "wait" : tone}` : "reason hidden");
    fillList(list, rows(server));
    keep(
        offers,
        badges(server),
        (badge) => badge.text,
        () => el("li"),
        (item, badge) => {
            setText(item, badge.text);
            setClass(item, `badge ${badge.tone}`);
            item.title = badge.why;
        },
    );
}

export function orderOf(now) {
    return Object.values(now.servers).sort((a, b) => a.priority - b.priority);
}

export function showServers(now) {
    keep(byId("server-cards"), orderOf(now), (server) => server.url, make, update);
}
