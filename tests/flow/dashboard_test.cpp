// What operators see of the running gateway: events, operations, the search for a blob, /admin,
// and the log.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kToken = "a-token-for-the-operator";
const std::string kAdminKey = "  admin.token: a-token-for-the-operator\n";

Json parsed(const std::string& text) {
    return Json::parse(text, nullptr, false);
}

// An open dashboard.
class Watcher {
public:
    explicit Watcher(const Gateway& gateway) : client_(gateway.port()) {
        client_.send_head("GET", "/events");
        head = client_.read_head().value_or(MessageHead{});
    }
    // The next event's JSON; null when none comes.
    Json next() {
        for (auto line = client_.read_line(); line; line = client_.read_line())
            if (line->starts_with("data: ")) return parsed(line->substr(6));
        return nullptr;
    }
    // Whether an event comes for which this holds.
    bool sees(const std::function<bool(const Json&)>& holds) {
        for (auto event = next(); event.is_object(); event = next())
            if (holds(event)) return true;
        return false;
    }
    MessageHead head;

private:
    RawClient client_;
};

// The operation on this blob in a snapshot, or null.
Json operation_on(const Json& snapshot, const std::string& hash) {
    for (const auto& one : snapshot["operations"])
        if (one["hash"] == hash.substr(0, 8) + "...") return one;
    return nullptr;
}

Response as_operator(const Gateway& gateway, std::string_view method, std::string_view path,
                     std::string_view token = kToken) {
    return gateway.request(method, path, {{"Authorization", base::text("Bearer ", token)}});
}

// The lines of the log with this in them.
std::vector<std::string> lines_with(const Gateway& gateway, std::string_view part) {
    std::vector<std::string> lines;
    const auto log = gateway.log();
    for (const auto line : base::split(log, '\n'))
        if (line.find(part) != std::string_view::npos) lines.emplace_back(line);
    return lines;
}

}  // namespace

TEST_CASE("an open dashboard is told of an upload, and of what the slow server makes of it") {
    World world;
    world.three.edit([](Script& script) { script.stall_upload_at = 10; });
    Watcher watcher(world.gateway);
    CHECK(watcher.head.headers.value("Content-Type") == "text/event-stream");
    CHECK(watcher.head.headers.value("X-Accel-Buffering") == "no");
    CHECK(watcher.next()["totals"].is_object());
    const auto body = some_bytes(16'000'000);
    const auto hash = sha256_hex(body);
    REQUIRE(world.gateway.put(body).status == 201);
    const auto answered = [&](const Json& event) {
        const auto one = operation_on(event, hash);
        return one.is_object() && one["status"] == 201;
    };
    Json seen;
    REQUIRE(watcher.sees([&](const Json& event) {
        if (answered(event)) seen = operation_on(event, hash);
        return answered(event);
    }));
    CHECK(seen["over"] == false);
    CHECK(seen["size"] == 16'000'000);
    CHECK(seen["what"] == "upload");
    CHECK(seen["servers"][0]["status"] == "201");
    CHECK(seen["servers"][2]["kind"] == "pending");
    CHECK(seen["servers"][2]["fed"] < 16'000'000);
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(watcher.sees([&](const Json& event) {
        const auto one = operation_on(event, hash);
        return one.is_object() && one["over"] == true && one["servers"][2]["status"] == "201";
    }));
}

TEST_CASE("fifty open dashboards hold no worker, and one thread in all") {
    World world;
    const auto threads = [&] {
        return parsed(world.gateway.request("GET", "/stats").body)["threads"]["count"].get<int>();
    };
    std::vector<std::unique_ptr<Watcher>> watchers;
    watchers.push_back(std::make_unique<Watcher>(world.gateway));
    const int before = threads();
    while (watchers.size() < 50) watchers.push_back(std::make_unique<Watcher>(world.gateway));
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_parked") == 50; }));
    // The one that answers this.
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_workers_busy") == 1; }));
    // A worker or two may have come for the requests themselves.
    CHECK(threads() <= before + 3);
    for (const auto& watcher : watchers) {
        CHECK(watcher->next().is_object());
        CHECK(watcher->next().is_object());
    }
    watchers.clear();
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_parked") == 0; }));
}

TEST_CASE("a refused operation is remembered with each server's reason") {
    World world;
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.upload_bytes_max = 10; });
    const auto body = some_bytes(1000);
    CHECK(world.gateway.put(body).status == 413);
    const auto one =
        operation_on(parsed(world.gateway.request("GET", "/stats").body), sha256_hex(body));
    REQUIRE(one.is_object());
    CHECK(one["status"] == 413);
    CHECK(one["over"] == true);
    REQUIRE(one["servers"].size() == 3);
    for (const auto& leg : one["servers"]) {
        CHECK(leg["status"] == "413");
        CHECK(leg["kind"] == "client_fault");
        CHECK_FALSE(leg["reason"].get<std::string>().empty());
    }
}

TEST_CASE("deletes, lists, mirrors and reports are operations, too") {
    World world;
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    REQUIRE(world.gateway.put(body).status == 201);
    REQUIRE(world.gateway.remove(hash).status == 204);
    world.gateway.request("GET", "/list/" + std::string(64, 'a'));
    world.gateway.request("PUT", "/report", {}, "{}");
    world.gateway.request("PUT", "/mirror", {}, "{}");
    std::vector<std::string> whats;
    const auto stats = parsed(world.gateway.request("GET", "/stats").body);
    for (const auto& one : stats["operations"]) whats.push_back(one["what"]);
    CHECK(whats == std::vector<std::string>{"upload", "delete", "list", "report", "mirror"});
}

TEST_CASE("/where asks every server now, whatever the map says") {
    World world;
    const auto hash = world.one.put_blob("here", "text/plain");
    world.two.stop();
    const auto response = world.gateway.request("GET", "/where/" + hash);
    CHECK(response.status == 200);
    CHECK(response.header("Cache-Control") == "no-store");
    const auto servers = parsed(response.body)["servers"];
    REQUIRE(servers.size() == 3);
    CHECK(servers[0]["has"] == true);
    CHECK(servers[0]["size"] == 4);
    CHECK(servers[0]["type"] == "text/plain");
    CHECK(servers[1]["has"].is_null());
    CHECK(servers[1]["status"] == "refused");
    CHECK(servers[2]["has"] == false);
    world.one.drop_blob(hash);
    CHECK(parsed(world.gateway.request("GET", "/where/" + hash).body)["servers"][0]["has"] ==
          false);
    const auto bad = world.gateway.request("GET", "/where/nonsense");
    CHECK(bad.status == 400);
    CHECK(bad.header("X-Reason").find("64") != std::string_view::npos);
}

TEST_CASE("/admin is there with the token only, and not at all without one") {
    World open;
    CHECK(as_operator(open.gateway, "GET", "/admin").status == 404);
    CHECK(as_operator(open.gateway, "GET", "/admin", "").status == 404);

    World world({.server_keys = kAdminKey});
    CHECK(world.gateway.request("GET", "/admin").status == 401);
    CHECK(as_operator(world.gateway, "GET", "/admin", "").status == 401);
    CHECK(as_operator(world.gateway, "GET", "/admin", "a-token-for-the-operatoR").status == 401);
    CHECK(as_operator(world.gateway, "POST", "/admin").status == 405);
    CHECK(as_operator(world.gateway, "GET", "/admin/nothing").status == 404);
    const auto body = some_bytes(100);
    REQUIRE(world.gateway.put(body).status == 201);
    const auto response = as_operator(world.gateway, "GET", "/admin");
    CHECK(response.status == 200);
    CHECK(response.header("Cache-Control") == "no-store");
    const auto details = parsed(response.body);
    CHECK(details["operations"].back()["hash"] == sha256_hex(body));
    CHECK(details["operations"].back()["pubkey"].get<std::string>().size() == 64);
    CHECK(details["upstreams"].size() == 3);
    REQUIRE(details["uploaders"].size() == 1);
    CHECK(details["uploaders"][0]["bytes"] == 100);
    CHECK(details["uploaders"][0]["pubkey"] == details["operations"].back()["pubkey"]);
    // Repairs are off here.
    CHECK(as_operator(world.gateway, "POST", "/admin/repair").status == 409);
    CHECK(world.gateway.log().find(kToken) == std::string::npos);
}

TEST_CASE("the operator can have missing copies brought before their turn") {
    World world({.server_keys = kAdminKey + "  repair_interval: 1h\n",
                 .upstream_keys = {"", "", "    auth: none\n"},
                 .repairs = true});
    world.three.edit(
        [](Script& script) { script.refuse_upload = Refusal{.at = 0, .status = 503}; });
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    REQUIRE(world.gateway.put(body).status == 201);
    CHECK(world.wait_for([&] {
        return parsed(as_operator(world.gateway, "GET", "/admin").body)["missing_copies"].size() ==
               1;
    }));
    world.three.edit([](Script& script) { script.refuse_upload.reset(); });
    CHECK(as_operator(world.gateway, "POST", "/admin/repair").status == 202);
    CHECK(world.wait_for([&] { return world.three.has_blob(hash); }));
}

TEST_CASE("every request has one line in the log, with its id and what became of it") {
    World world;
    const auto body = some_bytes(1000);
    const auto put = world.gateway.put(body);
    const auto id = std::string(put.header("X-Request-Id"));
    CHECK(world.wait_for([&] { return !lines_with(world.gateway, "request=" + id).empty(); }));
    const auto lines = lines_with(world.gateway, "request=" + id);
    REQUIRE(lines.size() == 1);
    for (const auto* part : {" answered ", " client=127.0.0.1 ", " method=PUT ", " path=/upload ",
                             " status=201 ", " ms=", " results=\"127.0.0.1:"})
        CHECK_MESSAGE(lines[0].find(part) != std::string::npos, part, " in ", lines[0]);

    const auto refused = world.gateway.request("PUT", "/upload", {}, body);
    const auto refused_id = base::text("request=", refused.header("X-Request-Id"));
    CHECK(world.wait_for([&] { return lines_with(world.gateway, refused_id).size() == 2; }));
    CHECK(lines_with(world.gateway, refused_id).back().find("reason=") != std::string::npos);
}

TEST_CASE("what reactors answer is logged with log.instant only, and counted in any case") {
    for (const bool instant : {false, true}) {
        CAPTURE(instant);
        World world({.server_keys = instant ? "  log.instant: true\n" : ""});
        const auto live = world.gateway.request("GET", "/live");
        const auto id = base::text("request=", live.header("X-Request-Id"));
        const auto later = world.gateway.request("GET", "/health");
        CHECK(world.wait_for([&] {
            const auto after = base::text("request=", later.header("X-Request-Id"));
            return lines_with(world.gateway, after).size() == 1;
        }));
        CHECK(lines_with(world.gateway, id).size() == (instant ? 1 : 0));
        const auto name = R"(blossom_gw_requests_total{method="GET",route="/live",code="200"})";
        CHECK(world.gateway.metric(name) == 1);
    }
}

TEST_CASE("no token, key or query reaches the log") {
    World world({.server_keys = kAdminKey});
    const auto body = some_bytes(1000);
    const auto secret = token({.xs = {sha256_hex(body)}});
    world.gateway.put(body, {{"Authorization", secret}});
    world.gateway.request("GET", "/stats?token=very-secret",
                          {{"Authorization", "Bearer hush-hush"}});
    world.gateway.request("PUT", "/upload", {{"Authorization", secret + "x"}}, body);
    world.gateway.stop();
    const auto log = world.gateway.log();
    for (const auto& hidden : {secret.substr(6), std::string("very-secret"),
                               std::string("hush-hush"), std::string(kToken)})
        CHECK(log.find(hidden) == std::string::npos);
}

TEST_CASE("pages come with their policy, are kept by their etag, and leave at most 304 behind") {
    World world;
    const auto page = world.gateway.request("GET", "/");
    CHECK(page.status == 200);
    CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.header("Content-Security-Policy").find("default-src 'none'") == 0);
    CHECK(page.header("Access-Control-Allow-Origin") == "*");
    const auto again =
        world.gateway.request("GET", "/", {{"If-None-Match", std::string(page.header("ETag"))}});
    CHECK(again.status == 304);
    CHECK(world.gateway.request("HEAD", "/").status == 200);
    CHECK(world.gateway.request("GET", "/assets/nothing.js").status == 404);
    CHECK(world.gateway.request("GET", "/docs").status == 200);
    CHECK(world.gateway.request("DELETE", "/docs").status == 405);
    CHECK(http_request(world.gateway.port(), "HEAD", "/events").header("Content-Type") ==
          "text/event-stream");
}

}  // namespace espalier::test
