// What the gateway says of itself, as it changes: server-sent events, or asked for every few
// seconds where those do not come through.

const kPollEvery = 5_000;
const kSilenceMax = 10_000;

// onSnapshot(snapshot) gets all figures; of operations and timeline what is new.
// onConnection("live" | "polling" | "lost").
export function watch(onSnapshot, onConnection) {
    let heard = 0;
    let polling = null;

    const take = (text, how) => {
        heard = Date.now();
        onSnapshot(JSON.parse(text));
        onConnection(how);
    };
    const poll = async () => {
        try {
            const answer = await fetch("/stats", { cache: "no-store" });
            take(await answer.text(), "polling");
        } catch {
            onConnection("lost");
        }
    };
    const stopPolling = () => {
        clearInterval(polling);
        polling = null;
    };
    const startPolling = () => {
        if (polling) return;
        polling = setInterval(poll, kPollEvery);
        poll();
    };
    let events = null;
    const listen = () => {
        events = new EventSource("/events");
        events.onmessage = (event) => {
            stopPolling();
            take(event.data, "live");
        };
        // The browser tries again by itself, unless it was refused.
        events.onerror = () => startPolling();
    };
    listen();
    // A proxy that keeps the events back says nothing at all.
    setInterval(() => {
        if (Date.now() - heard > kSilenceMax) startPolling();
        if (polling && events.readyState === EventSource.CLOSED) listen();
    }, kPollEvery);
}
