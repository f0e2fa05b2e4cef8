// `espalier missing` and `espalier repair` over real servers, and the Go original's scripts.
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "flow/gateway.h"
#include "flow/store.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

struct Run {
    int status = -1;
    std::string output;
};

// Three servers, and a configuration that names them.
struct Site {
    Site() {
        std::string yaml = "upstream_servers:\n";
        for (const FakeServer* server : {&one, &two, &three})
            yaml += base::text("  - url: \"", server->url(), "\"\n");
        config = folder.write("config.yaml", yaml);
        // Whose words count: a list shows what somebody has uploaded.
        secret = test_key().nsec();
    }

    Run run(const std::vector<std::string>& words, bool with_key = true, bool only_stdout = false) {
        std::vector<std::string> argv{ESPALIER_BINARY};
        if (only_stdout) argv.insert(argv.begin(), {"sh", "-c", "exec \"$@\" 2>/dev/null", "sh"});
        argv.insert(argv.end(), words.begin(), words.end());
        Process process({.argv = argv, .env = {{"ESPALIER_NSEC", with_key ? secret : ""}}});
        const auto status = process.wait_exit();
        return {.status = status.value_or(-1), .output = process.output()};
    }
    // `check --live` of this configuration.
    Run check_live(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"check", "--live", "--config", config});
        return run(more);
    }
    Run run_json(std::vector<std::string> words) {
        words.insert(words.end(), {"--config", config, "--json"});
        // Progress would come in between.
        return run(words, true, true);
    }
    std::string put(FakeServer& server, const std::string& bytes) const {
        return server.put_blob(bytes, "text/plain", test_pubkey());
    }
    bool everywhere(const std::string& hash) const {
        return one.has_blob(hash) && two.has_blob(hash) && three.has_blob(hash);
    }

    FakeServer one, two, three;
    TempDir folder;
    std::string config, secret;
};

// A script of ours, signing with `secret`; "": with no key.
Run run_script(const std::string& name, const std::vector<std::string>& words,
               const std::string& secret, const TempDir& folder) {
    std::vector<std::string> argv{base::text(ESPALIER_SCRIPTS, '/', name)};
    argv.insert(argv.end(), words.begin(), words.end());
    Process process({.argv = argv,
                     .env = {{"ESPALIER", ESPALIER_BINARY},
                             {"ESPALIER_NSEC", ""},
                             {"NOSTR_SECRET_KEY", secret}},
                     .cwd = folder.path().string()});
    const auto status = process.wait_exit();
    return {.status = status.value_or(-1), .output = process.output()};
}

std::string text_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("missing says which server lacks which blob, and where a copy is") {
    Site site;
    const auto first = site.put(site.one, "first");
    const auto second = site.put(site.two, "second");
    site.put(site.one, "second");
    site.put(site.three, "second");
    // There, but on no list of this user's.
    site.three.put_blob("first", "text/plain", test_pubkey(2));
    const auto result = site.run_json({"missing", test_pubkey()});
    CHECK(result.status == 0);
    const auto found = Json::parse(result.output, nullptr, false);
    CHECK(found[site.one.url()].empty());
    CHECK(found[site.three.url()].empty());
    REQUIRE(found[site.two.url()].size() == 1);
    CHECK(found[site.two.url()][0]["hash"] == first);
    CHECK(found[site.two.url()][0]["source"] == base::text(site.one.url(), "/", first, ".txt"));
}

TEST_CASE("missing writes a file per server, which repair takes for one of them") {
    Site site;
    const auto hash = site.put(site.one, "first");
    const auto output = (site.folder.path() / "lists").string();
    CHECK(site.run({"missing", test_pubkey(), "--config", site.config, "-o", output}).status == 0);
    const auto name = base::text("127.0.0.1_", site.two.port());
    const auto url = base::text(site.one.url(), "/", hash, ".txt");
    const auto list = std::filesystem::path(output) / name;
    CHECK(text_of(list) == base::text(hash, ' ', url, ' ', url, '\n'));
    const auto result = site.run({"repair", "--server", site.two.url(), "--list", list.string()});
    CHECK(result.status == 0);
    CHECK(site.two.has_blob(hash));
    CHECK_FALSE(site.three.has_blob(hash));
}

TEST_CASE("repair brings every blob everywhere, by mirror where that works") {
    Site site;
    const auto first = site.put(site.one, "first");
    const auto second = site.put(site.two, some_bytes(100'000));
    site.three.edit([](Script& script) { script.on(Op::mirror).status = 404; });
    const auto dry = site.run({"repair", "--config", site.config, "--dry-run"});
    CHECK(dry.status == 0);
    CHECK(dry.output.find("would bring " + first) != std::string::npos);
    CHECK_FALSE(site.everywhere(first));

    const auto result = site.run_json({"repair"});
    CHECK(result.status == 0);
    CHECK(site.everywhere(first));
    CHECK(site.everywhere(second));
    const auto totals = Json::parse(result.output, nullptr, false);
    CHECK(totals[site.one.url()]["mirrored"] == 1);
    CHECK(totals[site.two.url()]["mirrored"] == 1);
    CHECK(totals[site.three.url()]["uploaded"] == 2);

    // Run again, it has nothing to do.
    for (FakeServer* server : {&site.one, &site.two, &site.three}) server->forget_seen();
    CHECK(site.run({"repair", "--config", site.config}).status == 0);
    for (FakeServer* server : {&site.one, &site.two, &site.three}) CHECK(server->count("PUT") == 0);
}

TEST_CASE("repair says what it could not bring, and why") {
    Site site;
    const auto hash = site.put(site.one, "first");
    site.one.edit([](Script& script) { script.wrong_byte = 2; });
    site.two.edit([](Script& script) { script.on(Op::mirror).status = 403; });
    site.three.edit([](Script& script) { script.on(Op::mirror).status = 500; });
    const auto log = (site.folder.path() / "errors.log").string();
    const auto result = site.run({"repair", "--config", site.config, "--error-log", log});
    CHECK(result.status == 1);
    CHECK(result.output.find("another hash") != std::string::npos);
    CHECK(result.output.find("403") != std::string::npos);
    CHECK_FALSE(site.two.has_blob(hash));
    CHECK(site.two.complete_uploads() == 0);
    CHECK(text_of(log).find(hash) != std::string::npos);
}

TEST_CASE("without a key, a list or a server that answers, the commands say so") {
    Site site;
    const auto nobody = site.run({"missing", "--config", site.config}, false);
    CHECK(nobody.status == 1);
    const auto no_key = site.run({"repair", test_pubkey(), "--config", site.config}, false);
    CHECK(no_key.status == 1);
    CHECK(no_key.output.find("secret key") != std::string::npos);
    const auto no_list = site.run({"repair", "--server", site.one.url()});
    CHECK(no_list.output.find("--list") != std::string::npos);
    const auto bad = site.folder.write("bad", "abc\n");
    const auto bad_list = site.run({"repair", "--server", site.one.url(), "--list", bad});
    CHECK(bad_list.status == 1);
    CHECK(bad_list.output.find("bad:1") != std::string::npos);
    for (FakeServer* server : {&site.one, &site.two, &site.three}) server->stop();
    const auto dead = site.run({"missing", test_pubkey(), "--config", site.config});
    CHECK(dead.status == 1);
    CHECK(dead.output.find("no server could be listed") != std::string::npos);
}

TEST_CASE("the Go original's scripts for this do the same") {
    Site site;
    const auto hash = site.put(site.one, "first");
    const auto run = [&](const std::string& name, const std::vector<std::string>& words) {
        return run_script(name, words, site.secret, site.folder);
    };
    const auto shown = run("list_missing_blobs.sh", {test_pubkey(), site.config});
    CHECK(shown.status == 0);
    CHECK(shown.output.find(base::text("## ", site.two.url(), "\n  ", hash, ' ')) !=
          std::string::npos);
    CHECK(run("list_missing_blobs.sh", {test_pubkey(), site.config, "-o", "lists"}).status == 0);
    const auto list = base::text("lists/127.0.0.1_", site.two.port());
    CHECK(run("equalize_server.sh", {site.two.url(), list, "--dry-run"}).status == 0);
    CHECK_FALSE(site.two.has_blob(hash));
    CHECK(run("equalize_server.sh", {site.two.url(), list}).status == 0);
    CHECK(site.two.has_blob(hash));
    CHECK(text_of(site.folder / "errors.log").empty());
    CHECK(text_of(site.folder / "debug_errors.log").find("1 mirrored") != std::string::npos);
    CHECK(run("equalize_server.sh", {site.two.url()}).status == 1);
}

TEST_CASE("the scripts for single requests upload, mirror and list, in hex or npub") {
    const Store here, there;
    const TempDir folder;
    const auto secret = test_key().nsec();
    const auto run = [&](const std::string& name, const std::vector<std::string>& words) {
        return run_script(name, words, secret, folder);
    };
    const auto hash = sha256_hex("a letter");
    const auto file = folder.write("letter \"one\".txt", "a letter");
    const auto uploaded = run("upload_file.sh", {file, here.url()});
    CHECK(uploaded.status == 0);
    const auto descriptor = Json::parse(uploaded.output, nullptr, false);
    CHECK(descriptor["sha256"] == hash);
    CHECK(descriptor["type"] == "text/plain");

    const std::string source = descriptor["url"];
    const auto mirrored = run("mirror_hash.sh", {source, there.url() + "/"});
    CHECK(mirrored.status == 0);
    CHECK(Json::parse(mirrored.output, nullptr, false)["sha256"] == hash);
    for (const auto& user : {test_pubkey(), test_key().public_key().npub()}) {
        const auto listed = Json::parse(run("list_pubkey.sh", {user, there.url()}).output);
        REQUIRE(listed.size() == 1);
        CHECK(listed[0]["sha256"] == hash);
    }
}

TEST_CASE("the scripts for single requests say what is wrong, and fail") {
    const Store store;
    const TempDir folder;
    const auto file = folder.write("letter.txt", "a letter");
    const auto run = [&](const std::string& name, const std::vector<std::string>& words) {
        return run_script(name, words, "", folder);
    };
    const auto unsigned_put = run("upload_file.sh", {file, store.url()});
    CHECK(unsigned_put.status == 1);
    CHECK(unsigned_put.output.find("espalier auth") != std::string::npos);
    const auto nameless = run("mirror_hash.sh", {"http://example.com/picture.png", store.url()});
    CHECK(nameless.status == 1);
    CHECK(nameless.output.find("no hash") != std::string::npos);
    CHECK(run("list_pubkey.sh", {"npub1nobody", store.url()}).status == 1);
    CHECK(run("list_pubkey.sh", {}).status == 1);
    CHECK(run("list_pubkey.sh", {test_pubkey(), store.url()}).output == "[]\n");
    const auto secret = test_key().nsec();
    const auto hash = sha256_hex("a letter");
    const auto missing = base::text(store.url(), '/', hash);
    const auto failed = run_script("mirror_hash.sh", {missing, store.url()}, secret, folder);
    CHECK(failed.status == 1);
    CHECK(failed.output.find("HTTP 502") != std::string::npos);
}

TEST_CASE("gen_auth_header.sh names the verb and the blob that the request is about") {
    const TempDir folder;
    const auto hash = sha256_hex("a letter");
    const auto url = [](const std::string& path) { return "http://one.example" + path; };
    const auto file = folder.write("letter.txt", "a letter");
    const auto mirror = folder.write("mirror.json", R"({"url":"http://x.example/)" + hash + "\"}");
    struct Case {
        std::vector<std::string> words;
        const char* verb;
        bool names_blob;
    };
    for (const auto& [words, verb, names_blob] :
         std::vector<Case>{{{"PUT", url("/upload"), file}, "upload", true},
                           {{"HEAD", url("/upload")}, "upload", false},
                           {{"PUT", url("/mirror"), mirror}, "upload", true},
                           {{"--hash", hash, "PUT", url("/mirror")}, "upload", true},
                           {{"GET", url("/list/" + test_pubkey())}, "list", false},
                           {{"DELETE", url("/" + hash + ".txt")}, "delete", true},
                           {{"PUT", url("/media"), file}, "media", true},
                           {{"GET", url("/" + hash)}, "get", false}}) {
        const auto run = run_script("gen_auth_header.sh", words, test_key().nsec(), folder);
        CAPTURE(run.output);
        REQUIRE(run.output.starts_with("Authorization: Nostr "));
        const auto bytes = base::from_base64(run.output.substr(21, run.output.find('\n') - 21));
        const auto event = Json::parse(*bytes, nullptr, false);
        const auto& tags = event["tags"];
        CHECK(tags[0] == Json{"t", verb});
        CHECK((tags.back() == Json{"x", hash}) == names_blob);
    }
}

TEST_CASE("check --live asks every server, and says what it offers") {
    Site site;
    site.two.edit([](Script& script) {
        script.allow_origin = false;
        script.on(Op::head).status = 200;
        script.on(Op::mirror).status = 405;
    });
    const auto text = site.check_live();
    CHECK(text.status == 0);
    for (const auto& shown : {site.one.url(), std::string("reachable         yes, "),
                              std::string("CORS              no: browsers cannot be sent there"),
                              std::string("200: it says yes to every blob"),
                              std::string("standard base64; server tags name its host")})
        CHECK(text.output.find(shown) != std::string::npos);
    const auto json = Json::parse(site.check_live({"--json"}).output, nullptr, false);
    REQUIRE(json.size() == 3);
    CHECK(json[0]["url"] == site.one.url());
    CHECK(json[0]["cors"] == true);
    CHECK(json[0]["unknown_blob_status"] == 404);
    CHECK(json[0]["says_yes_to_every_blob"] == false);
    CHECK(json[0]["capabilities"]["mirror"]["offered"] == "yes");
    CHECK(json[1]["cors"] == false);
    CHECK(json[1]["says_yes_to_every_blob"] == true);
    CHECK(json[1]["capabilities"]["mirror"]["offered"] == "no");
}

TEST_CASE("healthcheck ends well exactly when the gateway is well") {
    World world({.server_keys = "  max_failures: 1\n  probe_interval: 100ms\n"});
    const auto ask = [](const std::string& url) {
        Process process({.argv = {ESPALIER_BINARY, "healthcheck", url}});
        const auto status = process.wait_exit();
        return Run{.status = status.value_or(-1), .output = process.output()};
    };
    CHECK(ask(world.gateway.url()).status == 0);
    world.one.stop();
    world.two.stop();
    CHECK(world.wait_for([&] { return world.gateway.request("GET", "/health").status == 503; }));
    const auto ill = ask(world.gateway.url());
    CHECK(ill.status == 1);
    CHECK(ill.output.find("answered 503: too few healthy servers") != std::string::npos);
    CHECK(ask(world.one.url()).status == 1);
    CHECK(ask("nonsense://").status == 1);
}

TEST_CASE("check --live fails when a server cannot be reached, and still tells of the others") {
    Site site;
    site.three.stop();
    const auto found = site.check_live({"--json"});
    CHECK(found.status == 1);
    const auto json = Json::parse(found.output, nullptr, false);
    REQUIRE(json.size() == 3);
    CHECK(json[0]["reachable"] == true);
    CHECK(json[2]["reachable"] == false);
    CHECK_FALSE(json[2]["error"].get<std::string>().empty());
    CHECK(site.check_live().output.find("reachable         no: ") != std::string::npos);
}

}  // namespace espalier::test
