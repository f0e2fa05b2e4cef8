// One body to several servers: nobody waits for anyone slower than the quorum.
#include <filesystem>

#include <doctest/doctest.h>

#include "support/profiles.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;
using fleet::Decision;
using fleet::OutcomeKind;

namespace {

// Waits until the outcome of server `i` is no longer pending.
fleet::Outcome outcome_of(Sender& sender, std::size_t i) {
    return sender
        .wait_for(
            [i](const auto& status) { return status.outcomes[i].kind != OutcomeKind::pending; })
        .outcomes[i];
}

bool is_met(const fanout::UploadStatus& status) {
    return status.verdict.decision == Decision::met;
}

std::uint64_t received(World& world, std::size_t i) {
    const auto seen = world.server(i).seen();
    return seen.empty() ? 0 : seen.front().body_bytes_received;
}

bool was_cut(World& world, std::size_t i) {
    const auto seen = world.server(i).seen();
    return !seen.empty() && seen.front().gone;
}

// Pours all in pieces of which it is a multiple, never much further than `servers` have read: what
// lies in pipes and socket buffers would hide for megabytes who lags.
void pour_in_step(World& world, Sender& sender, const std::vector<std::size_t>& servers,
                  std::size_t piece) {
    constexpr std::size_t kStep = 64UL * 1024;
    const auto size = sender.body().size();
    for (std::size_t sent = 0; sent < size;) {
        const auto step_end = std::min(sent + std::max(piece, kStep), size);
        for (; sent < step_end; sent += piece) REQUIRE(sender.pour(sent, sent + piece));
        sender->announce();
        for (const std::size_t i : servers)
            REQUIRE(world.wait_for([&] { return received(world, i) + 1 >= sent; }));
    }
}

}  // namespace

TEST_CASE("a body arrives at every server with all that was promised of it") {
    World world;
    Sender sender(world, {.body = make_bytes(300'000), .left_out = {}});
    const auto status = sender.send();
    CHECK(status.verdict.decision == Decision::met);
    CHECK(status.verdict.status == 201);
    CHECK(status.met_at);
    CHECK(status.uploaded);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK((world.server(i).blob(sender.hex()) == sender.body()));
        const auto seen = world.server(i).seen().front();
        CHECK(seen.method == "PUT");
        CHECK(seen.path == "/upload");
        CHECK(seen.content_length == 300'000);
        CHECK(seen.headers.value("X-SHA-256") == sender.hex());
        CHECK(seen.headers.value("Content-Type") == "text/plain");
        CHECK(seen.headers.value("X-Leg") == std::to_string(i));
        CHECK_FALSE(seen.headers.has("Expect"));
        CHECK_FALSE(seen.headers.has("Transfer-Encoding"));
        CHECK(world.snapshot(i).bytes_up == 300'000);
        CHECK(world.snapshot(i).tallies[0].success == 1);
    }
    CHECK(sender->size() == 300'000);
    CHECK(sender->spilled_bytes() == 0);
}

TEST_CASE("without a promise no X-SHA-256 is made up before the hash is known") {
    World world;
    Sender streamed(world, {.body = make_bytes(300'000), .promise_hash = false, .left_out = {}});
    REQUIRE(streamed.pour(0, 100'000));
    CHECK(world.wait_for([&] { return received(world, 0) > 0; }));
    REQUIRE(streamed.pour(100'000, 300'000));
    streamed.release();
    CHECK(streamed.wait_for_all().verdict.status == 201);
    CHECK_FALSE(world.server(0).seen().front().headers.has("X-SHA-256"));
    world.server(0).forget_seen();
    Sender verified(world,
                    {.body = "short", .verify_first = true, .promise_hash = false, .left_out = {}});
    CHECK(verified.send().verdict.status == 201);
    for (const auto& seen : world.server(0).seen())
        if (seen.method == "PUT") CHECK(seen.headers.value("X-SHA-256") == verified.hex());
}

TEST_CASE("a blob that all servers know is 200, with one new copy 201") {
    World world;
    const auto body = make_bytes(1000);
    for (const auto& server : world.servers) server->put_blob(body);
    Sender known(world, {.body = body, .verify_first = true, .left_out = {}});
    CHECK(known.send().verdict.status == 200);
    world.server(1).drop_blob(known.hex());
    Sender again(world, {.body = body, .verify_first = true, .left_out = {}});
    CHECK(again.send().verdict.status == 201);
}

TEST_CASE("a replica is listed once a HEAD has found it") {
    World world;
    Sender sender(world, {.body = "a blob", .verify_first = true, .left_out = {}});
    sender.send();
    for (fleet::UpstreamId id = 0; id < 3; ++id)
        CHECK(world.wait_for([&] { return world.lists(sender.hash(), id); }));
    const auto entry = world.map.find(sender.hash(), base::Steady::now());
    CHECK(entry->facts.size == 6);
    CHECK(entry->facts.type == "text/plain");
}

TEST_CASE("a server that reads nothing does not delay the others") {
    World world({.window = 1 << 20});
    world.server(2).edit([](Script& script) { script.stall_upload_at = 100'000; });
    Sender sender(world, {.body = make_bytes(6 << 20), .left_out = {}});
    REQUIRE(sender.pour_all());
    sender.release();
    const auto status = sender.wait_for(is_met);
    CHECK(status.verdict.status == 201);
    CHECK(status.outcomes[2].kind == OutcomeKind::pending);
    CHECK(world.server(0).has_blob(sender.hex()));
    CHECK(world.server(1).has_blob(sender.hex()));
    CHECK(sender->spilled_bytes() > 0);
    CHECK(std::filesystem::is_empty(world.folder.path()));
    world.server(2).edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(outcome_of(sender, 2).kind == OutcomeKind::ok);
    CHECK((world.server(2).blob(sender.hex()) == sender.body()));
}

TEST_CASE("a client is not read further ahead than the quorum has come") {
    World world({.window = 1 << 20});
    for (const std::size_t i : {1U, 2U})
        world.server(i).edit([](Script& script) { script.stall_upload_at = 100'000; });
    Sender sender(world, {.body = make_bytes(32 << 20), .left_out = {}});
    // Two of three stall and the quorum is two: reading stops a window after them.
    std::size_t taken = 0;
    for (int quiet = 0; quiet < 100 && taken < sender.body().size();) {
        sender->worker_bell().clear();
        const auto room = sender->room(sender.body().size() - taken);
        if (room.empty()) {
            if (!sender->worker_bell().wait(base::Deadline::after(base::Milliseconds{5}))) ++quiet;
            continue;
        }
        quiet = 0;
        std::memcpy(room.data(), sender.body().data() + taken, room.size());
        sender->commit(room.size());
        taken += room.size();
    }
    CHECK(taken < 16 << 20);
    for (const std::size_t i : {1U, 2U})
        world.server(i).edit([](Script& script) { script.stall_upload_at.reset(); });
    REQUIRE(sender.pour(taken, sender.body().size()));
    sender.release();
    CHECK(sender.wait_for_all().verdict.acknowledged == 3);
}

TEST_CASE("a laggard that finds no room on disk is cut and given to the ledger's care") {
    World world({.disk = 0, .window = 512 << 10});
    world.server(2).edit([](Script& script) { script.stall_upload_at = 1000; });
    Sender sender(world, {.body = make_bytes(8 << 20), .left_out = {}});
    pour_in_step(world, sender, {0, 1}, 256 << 10);
    const auto laggard = outcome_of(sender, 2);
    CHECK(laggard.kind == OutcomeKind::cancelled);
    CHECK(laggard.reason.find("too far behind") != std::string::npos);
    sender.release();
    CHECK(sender.wait_for_all().verdict.status == 201);
    world.server(2).edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.wait_for([&] { return was_cut(world, 2); }));
    CHECK(world.server(2).blobs() == 0);
    CHECK(world.server(2).complete_uploads() == 0);
    CHECK(world.snapshot(2).healthy);
    CHECK_FALSE(world.snapshot(2).suspect);
}

TEST_CASE("an upload goes on when memory is used up by a single block") {
    World world({.memory = 256 << 10, .window = 8 << 20});
    Sender sender(world, {.body = make_bytes(3 << 20), .left_out = {}});
    REQUIRE(sender.pour_all());
    sender.release();
    CHECK(sender.wait_for_all().verdict.acknowledged == 3);
}

TEST_CASE("a refusal before the body's end decides its leg at once") {
    World world;
    world.server(1).edit([](Script& script) { script.upload_bytes_max = 1000; });
    Sender sender(world, {.body = make_bytes(4 << 20), .left_out = {}});
    REQUIRE(sender.pour(0, 10'000));
    CHECK(outcome_of(sender, 1).status == 413);
    CHECK(sender->status().verdict.decision == Decision::open);
    REQUIRE(sender.pour(10'000, sender.body().size()));
    sender.release();
    const auto status = sender.wait_for_all();
    CHECK(status.verdict.status == 201);
    CHECK(status.verdict.acknowledged == 2);
    CHECK(world.snapshot(1).healthy);
}

TEST_CASE("early refusals that cost the quorum are known while the client still sends") {
    World world;
    for (const std::size_t i : {0U, 1U})
        world.server(i).edit([](Script& script) { script.upload_bytes_max = 1000; });
    Sender sender(world, {.body = make_bytes(4 << 20), .left_out = {}});
    REQUIRE(sender.pour(0, 10'000));
    const auto status = sender.wait_for(
        [](const auto& now) { return now.verdict.decision == Decision::impossible; });
    CHECK(status.verdict.status == 413);
    CHECK(world.wait_for([&] { return received(world, 2) > 0; }));
    sender->drop();
    CHECK(world.wait_for([&] { return was_cut(world, 2); }));
    CHECK(world.server(2).blobs() == 0);
}

TEST_CASE("a server that knows the blob is done before the body, the others get all of it") {
    World world;
    const auto body = make_bytes(3 << 20);
    auto known = reference6();
    known.auth.required.clear();
    world.server(0).set_script(known);
    world.server(0).put_blob(body);
    Sender sender(world, {.body = body, .left_out = {}});
    REQUIRE(sender.pour(0, 100'000));
    CHECK(world.wait_for([&] { return received(world, 1) >= 99'999; }));
    // Whether it counts is known when the body has turned out to be the one it knows.
    CHECK(sender->status().outcomes[0].kind == OutcomeKind::pending);
    REQUIRE(sender.pour(100'000, body.size()));
    sender.release();
    const auto status = sender.wait_for_all();
    CHECK(status.verdict.acknowledged == 3);
    CHECK(status.outcomes[0].status == 200);
    CHECK((world.server(1).blob(sender.hex()) == body));
    CHECK((world.server(2).blob(sender.hex()) == body));
}

TEST_CASE("an acknowledgement that names other bytes does not count") {
    World world;
    world.server(1).edit([](Script& script) { script.wrong_sha256 = true; });
    world.server(2).edit([](Script& script) {
        script.hook = [](const Seen&) {
            return Answer{
                .status = 200, .headers = {}, .body = "thanks", .raw = {}, .head_length = {}};
        };
    });
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    const auto status = sender.send();
    CHECK(status.outcomes[0].kind == OutcomeKind::ok);
    CHECK(status.outcomes[1].kind == OutcomeKind::upstream_fault);
    CHECK(status.outcomes[2].kind == OutcomeKind::upstream_fault);
    CHECK(status.verdict.decision == Decision::impossible);
    CHECK(status.verdict.status == 502);
    CHECK(world.snapshot(1).consecutive_failures == 1);
}

TEST_CASE("a descriptor with a wrong size or type still counts") {
    World world;
    world.server(0).edit([](Script& script) { script.descriptor_size = 0; });
    world.server(1).edit([](Script& script) { script.descriptor_type = "image/x-guess"; });
    Sender sender(world,
                  {.body = make_bytes(1000), .quorum = 3, .verify_first = true, .left_out = {}});
    CHECK(sender.send().verdict.status == 201);
}

TEST_CASE("a connection cut under way is that server's fault alone") {
    World world;
    world.server(0).edit([](Script& script) { script.cut_upload = CutAt{.bytes = 50'000}; });
    Sender sender(world, {.body = make_bytes(4 << 20), .left_out = {}});
    const auto status = sender.send();
    CHECK(status.verdict.status == 201);
    CHECK(status.verdict.acknowledged == 2);
    CHECK(status.outcomes[0].kind == OutcomeKind::upstream_fault);
    CHECK(status.outcomes[0].word() == "reset");
    CHECK(world.snapshot(0).suspect);
}

TEST_CASE("servers that cannot be connected to make it 503 when nobody else is left") {
    World world;
    for (const auto& server : world.servers) server->stop();
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    const auto status = sender.send();
    CHECK(status.verdict.status == 503);
    for (const auto& outcome : status.outcomes) CHECK(outcome.word() == "refused");
}

TEST_CASE("servers left out take part in the verdict with what they would have said") {
    World world;
    std::vector<fleet::Outcome> left_out{
        fleet::left_out(1, OutcomeKind::out_of_scope, 401, "not named"),
        fleet::left_out(2, OutcomeKind::out_of_scope, 401, "not named")};
    Sender sender(
        world, {.body = make_bytes(1000), .verify_first = true, .left_out = std::move(left_out)});
    const auto status = sender.send();
    CHECK(status.verdict.status == 401);
    CHECK(status.outcomes.size() == 3);
    CHECK(world.server(1).seen().empty());
    CHECK(world.server(2).seen().empty());
}

TEST_CASE("a late arrival leaves the ledger") {
    World world;
    world.server(2).edit([](Script& script) { script.on(Op::upload).before_answer.hold = true; });
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    sender.pour_all();
    sender.release();
    CHECK(is_met(sender.wait_for(is_met)));
    const auto url = world.fleet->at(2).url.text();
    REQUIRE(world.ledger->add_missing(sender.hash(), {url}, 1));
    sender->entered_in_ledger();
    CHECK(world.ledger->missing_count() == 1);
    world.server(2).edit([](Script& script) { script.on(Op::upload).before_answer.hold = false; });
    CHECK(outcome_of(sender, 2).kind == OutcomeKind::ok);
    CHECK(world.wait_for([&] { return world.ledger->missing_count() == 0; }));
}

TEST_CASE("an arrival while the row was being written leaves the ledger as well") {
    World world;
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    CHECK(sender.send().verdict.acknowledged == 3);
    REQUIRE(world.ledger->add_missing(sender.hash(), {world.fleet->at(2).url.text()}, 1));
    sender->entered_in_ledger();
    CHECK(world.wait_for([&] { return world.ledger->missing_count() == 0; }));
}

TEST_CASE("a server that fails late stays in the ledger") {
    World world;
    world.server(2).edit([](Script& script) { script.on(Op::upload).before_answer.hold = true; });
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    sender.pour_all();
    sender.release();
    sender.wait_for(is_met);
    REQUIRE(world.ledger->add_missing(sender.hash(), {world.fleet->at(2).url.text()}, 1));
    sender->entered_in_ledger();
    world.server(2).stop();
    CHECK(outcome_of(sender, 2).kind == OutcomeKind::upstream_fault);
    world.flush_mover();
    CHECK(world.ledger->missing_count() == 1);
}

TEST_CASE("every exchange that began is counted as ended") {
    World world;
    world.server(1).edit([](Script& script) { script.on(Op::upload).status = 500; });
    world.server(2).edit([](Script& script) { script.cut_upload = CutAt{.bytes = 10}; });
    Sender sent(world, {.body = make_bytes(300'000), .left_out = {}});
    sent.send();
    Sender dropped(world, {.body = make_bytes(300'000, 2), .left_out = {}});
    dropped.pour(0, 100'000);
    dropped->drop();
    dropped.wait_for_all();
    CHECK(world.wait_for([&] { return world.mover.jobs() == 0; }));
    for (std::size_t i = 0; i < 3; ++i) CHECK(world.snapshot(i).in_flight == 0);
}

TEST_CASE("an upload in small pieces goes on when no memory is left, and loses nobody") {
    for (const std::uint64_t disk : {std::uint64_t{0}, std::uint64_t{1} << 40U}) {
        World world({.memory = 0, .disk = disk});
        Sender sender(world, {.body = make_bytes(2 << 20), .left_out = {}});
        pour_in_step(world, sender, {0, 1, 2}, 8192);
        sender.release();
        CHECK(sender.wait_for_all().verdict.acknowledged == 3);
        CHECK(world.memory.used() == 0);
    }
}

TEST_CASE("without memory and disk only the laggard is lost") {
    World world({.memory = 0, .disk = 0});
    world.server(2).edit([](Script& script) {
        script.stall_upload_at = 1000;
        script.receive_buffer = 16 * 1024;
    });
    Sender sender(world, {.body = make_bytes(16 << 20), .left_out = {}});
    pour_in_step(world, sender, {0, 1}, 256 << 10);
    sender.release();
    const auto status = sender.wait_for_all();
    CHECK(status.verdict.status == 201);
    CHECK(status.verdict.acknowledged == 2);
    CHECK(status.outcomes[2].kind == OutcomeKind::cancelled);
}

TEST_CASE("when no memory is left a laggard's bytes go to the disk, and nobody waits for it") {
    World world({.memory = 1 << 20});
    world.server(2).edit([](Script& script) { script.stall_upload_at = 1000; });
    Sender sender(world, {.body = make_bytes(6 << 20), .left_out = {}});
    REQUIRE(sender.pour_all());
    sender.release();
    CHECK(sender.wait_for(is_met).verdict.status == 201);
    CHECK(sender->spilled_bytes() > 0);
    world.server(2).edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(sender.wait_for_all().verdict.acknowledged == 3);
    CHECK((world.server(2).blob(sender.hex()) == sender.body()));
}

TEST_CASE("servers that know the blob leave the pace to nobody") {
    World world;
    const auto body = make_bytes(6 << 20);
    for (const std::size_t i : {0U, 1U}) {
        world.server(i).edit([](Script& script) { script.early_known = true; });
        world.server(i).put_blob(body);
    }
    world.server(2).edit([](Script& script) { script.stall_upload_at = 1000; });
    Sender sender(world, {.body = body, .left_out = {}});
    REQUIRE(sender.pour(0, 100'000));
    CHECK(world.wait_for([&] {
        return world.server(0).seen().size() + world.server(1).seen().size() == 2 &&
               received(world, 2) > 0;
    }));
    // The third one takes nothing, and the client is read all the same.
    REQUIRE(sender.pour(100'000, body.size()));
    sender.release();
    CHECK(sender.wait_for(is_met).verdict.status == 200);
}

TEST_CASE("who has the blob already counts for the quorum from the beginning") {
    World world;
    world.server(2).edit([](Script& script) { script.on(Op::upload).before_answer.hold = true; });
    const auto holder = [](fleet::UpstreamId id) {
        auto outcome = fleet::left_out(id, OutcomeKind::ok, 200, {});
        outcome.sent = true;
        return outcome;
    };
    Sender sender(
        world,
        {.body = make_bytes(1000), .verify_first = true, .left_out = {holder(0), holder(1)}});
    CHECK(sender->status().met_at);
    REQUIRE(sender.pour_all());
    sender.release();
    CHECK(is_met(sender->status()));
    world.server(2).edit([](Script& script) { script.ops.clear(); });
    CHECK(sender.wait_for_all().verdict.status == 201);
}

TEST_CASE("the end of a slow client's time is no fault of the servers") {
    World world({.max_failures = 1});
    Sender sender(
        world, {.body = make_bytes(1 << 20), .left_out = {}, .patience = base::Milliseconds{300}});
    REQUIRE(sender.pour(0, 500'000));
    const auto status = sender.wait_for_all();
    for (const auto& outcome : status.outcomes) CHECK(outcome.kind == OutcomeKind::cancelled);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(world.snapshot(i).healthy);
        CHECK_FALSE(world.snapshot(i).suspect);
    }
}

TEST_CASE("a straggler that refuses in the end is not missing any more") {
    World world;
    world.server(2).edit([](Script& script) {
        script.on(Op::upload) = {.status = 403};
        script.on(Op::upload).before_answer.hold = true;
    });
    Sender sender(world, {.body = make_bytes(1000), .verify_first = true, .left_out = {}});
    REQUIRE(sender.pour_all());
    sender.release();
    CHECK(is_met(sender.wait_for(is_met)));
    REQUIRE(world.ledger->add_missing(sender.hash(), {world.fleet->at(2).url.text()}, 1));
    sender->entered_in_ledger();
    CHECK(world.ledger->missing_count() == 1);
    world.server(2).edit([](Script& script) { script.on(Op::upload).before_answer.hold = false; });
    CHECK(outcome_of(sender, 2).status == 403);
    CHECK(world.wait_for([&] { return world.ledger->missing_count() == 0; }));
}
