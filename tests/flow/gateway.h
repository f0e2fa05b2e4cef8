// A Gateway is the real program in a process of its own, before FakeServers: what flow tests
// talk to.
//
// Threads: one.
#pragma once

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/sha256.h"
#include "base/text.h"
#include "support/fake_server.h"
#include "support/process.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"
#include "support/token.h"

namespace espalier::test {

inline std::string sha256_hex(std::string_view bytes) {
    return base::to_hex(base::Sha256::of(bytes));
}

// Bytes that compress badly and differ with `seed`.
inline std::string some_bytes(std::size_t size, std::uint32_t seed = 1) {
    std::string bytes(size, '\0');
    std::uint32_t state = seed * 2654435761U + 1;
    for (char& c : bytes) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return bytes;
}

class Gateway {
public:
    struct Options {
        int quorum = 2;
        std::string server_keys;  // more lines under "server:", indented by two
        // More lines for each upstream, indented by four; "" or nothing: none.
        std::vector<std::string> upstream_keys = {};
        int open_files = 0;  // its limit; 0: ours
        // Off, so that servers are asked nothing but what a test wants.
        bool capability_probe = false;
        bool repairs = false;
    };

    Gateway(const std::vector<std::string>& upstreams, const Options& options) {
        configure(upstreams, options);
        std::filesystem::create_directory(folder_ / "spool");
        argv_ = {ESPALIER_BINARY, "-config", config(), "-v"};
        if (options.open_files > 0) {
            const auto limited = base::text("ulimit -n ", options.open_files, " && exec \"$@\"");
            argv_.insert(argv_.begin(), {"sh", "-c", limited, "sh"});
        }
        start();
    }

    // Ends the program by this signal and starts it again, on another port, with the same ledger.
    void restart(int signal = SIGTERM) {
        stop(signal);
        start();
    }
    void stop(int signal = SIGTERM) {
        process_->signal(signal);
        ESPALIER_CHECK(process_->wait_exit());
    }
    void start() {
        process_ = std::make_unique<Process>(Process::Options{.argv = argv_});
        const auto line = process_->wait_for_line("listening on ");
        if (!line) std::fputs(process_->output().c_str(), stderr);
        ESPALIER_CHECK(line);
        const auto number = base::parse_number(line->substr(line->rfind(':') + 1));
        port_ = static_cast<std::uint16_t>(number.value_or(0));
    }

    // Writes the configuration; the running program does not look at it by itself.
    void configure(const std::vector<std::string>& upstreams, const Options& options) const {
        std::string yaml = "upstream_servers:\n";
        for (std::size_t i = 0; i < upstreams.size(); ++i) {
            yaml += base::text("  - url: \"", upstreams[i], "\"\n");
            if (i < options.upstream_keys.size()) yaml += options.upstream_keys[i];
        }
        yaml += "server:\n  listen_addr: \"127.0.0.1:0\"\n";
        yaml += base::text("  min_upload_servers: ", options.quorum, "\n");
        yaml += base::text("  spool_dir: ", (folder_ / "spool").string(), "\n");
        yaml += base::text("  ledger_path: ", ledger_path(), "\n");
        // Sanitizers' own memory counts as ours.
        yaml += "  max_memory_bytes: 64GiB\n";
        yaml +=
            base::text("  capability_probe: ", options.capability_probe ? "true" : "false", "\n");
        if (!options.repairs) yaml += "  repair_interval: 0s\n";
        yaml += options.server_keys;
        folder_.write("config.yaml", yaml);
    }
    std::string config() const { return (folder_ / "config.yaml").string(); }

    std::uint16_t port() const { return port_; }
    std::string url() const { return base::text("http://127.0.0.1:", port_); }
    std::string ledger_path() const { return (folder_ / "ledger.db").string(); }
    std::size_t spool_files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder_ / "spool"),
                          std::filesystem::directory_iterator{}));
    }
    Process& process() { return *process_; }
    std::string log() const { return process_->output(); }

    Response request(std::string_view method, std::string_view target,
                     const base::Headers& headers = {}, std::string_view body = {}) const {
        return http_request(port_, method, target, headers, body);
    }
    // PUT /upload with a good token for the body.
    Response put(std::string_view body, base::Headers headers = {}) const {
        if (!headers.has("Authorization"))
            headers.add("Authorization", token({.xs = {sha256_hex(body)}}));
        return request("PUT", "/upload", headers, body);
    }
    // The value of a metric, by its whole name with labels; 0 when it is not there.
    std::uint64_t metric(const std::string& name) const {
        const auto text = request("GET", "/metrics").body;
        const auto at = text.find("\n" + name + " ");
        if (at == std::string::npos) return 0;
        const auto begin = at + name.size() + 2;
        const auto end = text.find_first_of(".\n", begin);
        return base::parse_number(std::string_view(text).substr(begin, end - begin)).value_or(0);
    }
    Response get(const std::string& hash) const { return request("GET", "/" + hash); }
    Response remove(const std::string& hash) const {
        return request("DELETE", "/" + hash,
                       {{"Authorization", token({.verb = "delete", .xs = {hash}})}});
    }

private:
    TempDir folder_;
    std::vector<std::string> argv_;
    std::unique_ptr<Process> process_;
    std::uint16_t port_ = 0;
};

// Three well-behaved servers and the gateway before them.
struct World {
    explicit World(const Gateway::Options& options = {})
        : gateway({one.url(), two.url(), three.url()}, options) {}

    std::vector<FakeServer*> servers() { return {&one, &two, &three}; }
    bool wait_for(const std::function<bool()>& holds) { return one.wait_for(holds); }
    bool everywhere(const std::string& hash) {
        return one.has_blob(hash) && two.has_blob(hash) && three.has_blob(hash);
    }
    // Whether a server has seen the whole body of an upload, or stored anything.
    bool anything_stored() {
        for (FakeServer* server : servers())
            if (server->complete_uploads() != 0 || server->blobs() != 0) return true;
        return false;
    }
    // Whether nothing is under way any more at any server.
    bool all_quiet() {
        for (FakeServer* server : servers())
            for (const Seen& seen : server->seen())
                if (seen.method == "PUT" && !seen.gone && !seen.answer_complete) return false;
        return true;
    }
    std::size_t requests(std::string_view method, std::string_view prefix = "") {
        return one.count(method, prefix) + two.count(method, prefix) + three.count(method, prefix);
    }

    FakeServer one, two, three;
    Gateway gateway;
};

}  // namespace espalier::test
