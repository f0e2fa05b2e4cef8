// What the dashboard is told, and what the public is not.
#include "dashboard/snapshot.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace espalier;
using dashboard::Operation;
using dashboard::Viewer;
using Json = nlohmann::json;

namespace {

const std::string kHash(64, 'a');
const std::string kKey(64, 'b');

Operation upload() {
    Operation one{.id = 7,
                  .version = 9,
                  .begun = 1000,
                  .what = "upload",
                  .request_id = "0123456789abcdef",
                  .hash = kHash,
                  .pubkey = kKey,
                  .size = 200};
    one.status = 502;
    one.reason = "refused " + kKey;
    one.took = base::Milliseconds{12};
    one.legs = {{.host = "up0.example",
                 .outcome = {.kind = fleet::OutcomeKind::client_fault,
                             .status = 403,
                             .reason = "<b>" + kKey + "</b> is not welcome",
                             .elapsed = base::Milliseconds{5}}},
                {.host = "up1.example", .outcome = {.reason = {}}, .fed = 100}};
    return one;
}

Json shown(Viewer viewer) {
    return Json::parse(operations_json({upload()}, viewer), nullptr, false).at(0);
}

}  // namespace

TEST_CASE("an operation says who, what and why, with a leg for each server") {
    const auto one = shown(Viewer::anyone);
    CHECK(one["what"] == "upload");
    CHECK(one["size"] == 200);
    CHECK(one["status"] == 502);
    CHECK(one["ms"] == 12);
    CHECK(one["over"] == false);
    CHECK(one["servers"][0]["host"] == "up0.example");
    CHECK(one["servers"][0]["status"] == "403");
    CHECK(one["servers"][0]["kind"] == "client_fault");
    CHECK(one["servers"][0]["ms"] == 5);
    CHECK_FALSE(one["servers"][0].contains("fed"));
    CHECK(one["servers"][1]["kind"] == "pending");
    CHECK(one["servers"][1]["fed"] == 100);
}

TEST_CASE("the public sees neither whole hashes and keys, in whatever words, nor request ids") {
    const auto text = shown(Viewer::anyone).dump();
    CHECK(text.find(kHash) == std::string::npos);
    CHECK(text.find(kKey) == std::string::npos);
    CHECK(text.find("0123456789abcdef") == std::string::npos);
    CHECK(shown(Viewer::anyone)["hash"] == "aaaaaaaa...");
    CHECK(shown(Viewer::anyone)["servers"][0]["reason"] == "<b>bbbbbbbb...</b> is not welcome");
}

TEST_CASE("the operator sees them") {
    const auto one = shown(Viewer::admin);
    CHECK(one["hash"] == kHash);
    CHECK(one["pubkey"] == kKey);
    CHECK(one["request"] == "0123456789abcdef");
}

TEST_CASE("a snapshot is /stats with the operations and the timeline, on one line or many") {
    const metrics::Condition condition{.upstreams = {}, .vitals = {}, .version = "1"};
    const std::vector<dashboard::Sample> samples{{.at = 1005, .requests = 2.04, .lookup_p50 = 7}};
    for (const int indent : {-1, 2}) {
        const auto text = dashboard::snapshot_json(condition, {upload()}, samples, indent);
        CHECK((text.find('\n') == std::string::npos) == (indent < 0));
        const auto json = Json::parse(text, nullptr, false);
        REQUIRE(json.is_object());
        CHECK(json["version"] == "1");
        CHECK(json["operations"].size() == 1);
        CHECK(json["timeline"] == Json{{1005, 2.0, 0.0, 0.0, 7.0, nullptr, nullptr, nullptr}});
    }
    CHECK(Json::parse(dashboard::snapshot_json(condition, {}, {}, -1), nullptr, false)["timeline"]
              .empty());
}
