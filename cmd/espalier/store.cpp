#include "store.h"

#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "open_files.h"
#include "signals.h"
#include "store/store.h"
#include "store_fetch.h"

namespace espalier::command {
namespace {

constexpr base::Milliseconds kShutdownGrace{8'000};

int failed(std::string_view what, const base::Error& error) {
    const auto line = base::text("espalier store: ", what, ": ", error.reason, "\n");
    std::fputs(line.c_str(), stderr);
    return 1;
}

store::Options store_options(const StoreCommandOptions& options, engine::Engine& engine) {
    store::Options out;
    out.folder = options.folder;
    out.listen = options.listen;
    out.require_auth = options.require_auth;
    out.auth.allowed = options.allowed;
    out.auth.accept_server_tags = options.accept_any_server_tag ? protocol::AcceptServerTags::any
                                                                : protocol::AcceptServerTags::own;
    out.max_upload_bytes = options.max_upload_bytes;
    out.upload_rate_max = options.upload_rate_max;
    out.workers = options.workers;
    out.base_url = options.base_url;
    if (options.mirror) {
        out.fetch = make_fetcher(engine, {.public_addresses_only = !options.mirror_private});
    }
    return out;
}

// ":8080" listens on every address of this host.
std::string url_of(std::string_view listen, std::uint16_t port) {
    const auto host = listen.substr(0, listen.rfind(':'));
    return base::text("http://", host.empty() ? "localhost" : host, ":", port);
}

void announce(const StoreCommandOptions& options, const store::Store& serving) {
    const auto ports = serving.ports();
    for (std::size_t i = 0; i < ports.size() && i < options.listen.size(); ++i) {
        std::puts(base::text("listening on ", url_of(options.listen[i], ports[i])).c_str());
    }
    std::fflush(stdout);
}

}  // namespace

int run_store(const StoreCommandOptions& options) {
    block_ending_signals();
    raise_file_limit();
    const base::SystemClock clock;
    base::Log log({});
    std::error_code fault;
    std::filesystem::create_directories(options.folder, fault);  // open() says what is wrong
    engine::Engine engine({});
    auto opened = store::Store::open(store_options(options, engine), log, clock);
    if (!opened) return failed(options.folder, opened.error());
    auto& serving = **opened;
    if (auto started = serving.start(); !started) return failed("cannot listen", started.error());
    announce(options, serving);
    wait_for_ending_signal();
    log.info("stopping");
    // Mirrors under way end now, uploads may finish.
    engine.shut_down();
    serving.stop(base::Deadline::after(kShutdownGrace));
    return 0;
}

}  // namespace espalier::command
