// The dashboard: wires what the gateway says to the parts of the page.
import { showTimeline, startCharts } from "./charts.js";
import { byId, setClass, setText } from "./dom.js";
import { countServers, startFiles } from "./files.js";
import { watch } from "./live.js";
import { forgetOperations, showOperations } from "./operations.js";
import { showFigures, showOverview } from "./overview.js";
import { showServers } from "./servers.js";
import { startTools } from "./tools.js";

const kConnections = {
    live: ["live", "ok"],
    polling: ["asked every 5 s", "wait"],
    lost: ["no answer from the gateway", "bad"],
};

let uptime = 0;

function show(now) {
    if (now.uptime_seconds < uptime) forgetOperations();
    uptime = now.uptime_seconds;
    showOverview(now);
    showServers(now);
    showTimeline(now);
    showFigures(now);
    showOperations(now);
    countServers(now);
    document.body.dataset.ready = "yes";
}

function showConnection(how) {
    const [text, tone] = kConnections[how];
    setText(byId("connection"), text);
    setClass(byId("connection"), `badge ${tone}`);
}

startCharts();
watch(show, showConnection);
startTools();
startFiles();
