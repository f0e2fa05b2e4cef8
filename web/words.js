// Numbers, times and states as words.

export function bytes(count) {
    if (count === null || count === undefined) return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (count >= 1024 && unit < units.length - 1) {
        count /= 1024;
        unit += 1;
    }
    return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

export function number(count) {
    return count.toLocaleString("en");
}

export function milliseconds(ms) {
    if (ms === null || ms === undefined) return "–";
    return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function duration(seconds) {
    const parts = [
        [86_400, "d"],
        [3_600, "h"],
        [60, "min"],
        [1, "s"],
    ];
    const first = parts.findIndex(([size]) => seconds >= size);
    if (first < 0) return "0 s";
    const [size, unit] = parts[first];
    const whole = Math.floor(seconds / size);
    const rest = parts[first + 1];
    const more = rest ? Math.floor((seconds - whole * size) / rest[0]) : 0;
    return more > 0 ? `${whole} ${unit} ${more} ${rest[1]}` : `${whole} ${unit}`;
}

export function percent(ratio) {
    return ratio === null || ratio === undefined ? "–" : `${(ratio * 100).toFixed(ratio === 1 ? 0 : 1)} %`;
}

export function time(unixSeconds) {
    return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB");
}

export function date(unixSeconds) {
    return new Date(unixSeconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

export const kStates = {
    ok: ["All well", "ok"],
    degraded: ["Degraded", "warn"],
    reads_only: ["Reads only", "bad"],
    down: ["Down", "bad"],
    over_limit: ["Over its limit", "bad"],
    draining: ["Shutting down", "warn"],
};

export const kServerStates = { healthy: "ok", suspect: "warn", paused: "warn", unhealthy: "bad" };

// The colour of what a server made of an operation.
export function toneOf(leg) {
    if (leg.kind === "ok") return "ok";
    if (leg.kind === "pending") return "wait";
    if (leg.kind === "upstream_fault") return "bad";
    if (leg.kind === "cancelled") return "wait";
    return "warn";
}
