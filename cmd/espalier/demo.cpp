#include "demo.h"

#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client.h"
#include "open_files.h"
#include "progress.h"
#include "protocol/descriptor.h"
#include "service.h"
#include "signals.h"
#include "store/store.h"
#include "store_fetch.h"
#include "upload.h"

namespace espalier::command {
namespace {

namespace fs = std::filesystem;
using base::Deadline;
using base::Result;

constexpr int kStores = 3;
constexpr base::Milliseconds kPatience{30'000};

std::unexpected<base::Error> differs(std::string reason) {
    return base::fail(base::ErrorKind::internal, std::move(reason));
}

std::string address(std::uint16_t port) {
    return base::text("http://127.0.0.1:", port);
}

// The folder with everything the demo writes.
class Folder {
public:
    static Result<std::unique_ptr<Folder>> make(const std::string& chosen) {
        std::error_code fault;
        if (chosen.empty()) {
            auto name = (fs::temp_directory_path(fault) / "espalier-demo-XXXXXX").string();
            if (fault || ::mkdtemp(name.data()) == nullptr)
                return base::fail(base::ErrorKind::storage, "cannot make a folder " + name);
            return std::make_unique<Folder>(name, true);
        }
        fs::create_directories(chosen, fault);
        if (fault)
            return base::fail(base::ErrorKind::storage, base::text(chosen, ": ", fault.message()));
        return std::make_unique<Folder>(fs::absolute(chosen), false);
    }
    Folder(fs::path path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
    ~Folder() {
        std::error_code ignored;
        if (temporary_) fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string at(std::string_view name) const { return (path_ / name).string(); }
    const fs::path& path() const { return path_; }

private:
    const fs::path path_;
    const bool temporary_;
};

// The servers, in the order of construction; destroyed in reverse.
class World {
public:
    World(const Folder& folder, std::uint64_t files_max)
        : folder_(folder),
          files_max_(files_max),
          log_({.level = base::Level::warning, .path = folder.at("demo.log")}),
          engine_({}) {}
    ~World() {
        if (gateway_) gateway_->stop();
        engine_.shut_down();
        for (const auto& one : stores_) one->stop(Deadline::after(kPatience));
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Result<void> start() {
        for (int i = 0; i < kStores; ++i) {
            if (auto started = add_store(i); !started) return started;
        }
        auto opened = Service::open(settings(), files_max_, log_);
        if (!opened) return std::unexpected(opened.error());
        gateway_ = std::move(*opened);
        return gateway_->start();
    }

    // The demo's own, as a client.
    engine::Engine& engine() { return engine_; }
    std::string gateway() const { return address(gateway_->ports().front()); }
    std::string store(int i) const {
        return address(stores_[static_cast<std::size_t>(i)]->ports().front());
    }
    std::string store_folder(int i) const { return folder_.at(base::text("store-", i + 1)); }

private:
    Result<void> add_store(int i) {
        store::Options options;
        options.folder = store_folder(i);
        options.require_auth = true;
        options.fetch = make_fetcher(engine_, {});
        auto opened = store::Store::open(std::move(options), log_, clock_);
        if (!opened) return std::unexpected(opened.error());
        stores_.push_back(std::move(*opened));
        return stores_.back()->start();
    }

    settings::Settings settings() const {
        settings::Settings settings;
        for (int i = 0; i < kStores; ++i) settings.upstreams.push_back({.url = store(i)});
        settings.listen_addr = {"127.0.0.1:0"};
        // All three copies are to be shown, so all three are waited for.
        settings.quorum_reply = settings::QuorumReply::all;
        settings.spool_dir = folder_.path();
        settings.ledger_path = folder_.at("espalier.db");
        return settings;
    }

    const Folder& folder_;
    const std::uint64_t files_max_;
    const base::SystemClock clock_;
    base::Log log_;
    engine::Engine engine_;
    std::vector<std::unique_ptr<store::Store>> stores_;
    std::unique_ptr<Service> gateway_;
};

// Hashes what is downloaded.
class HashingSink : public store::FetchSink {
public:
    Result<void> begin(const store::FetchedHead&) override { return {}; }
    Result<void> append(std::span<const std::byte> bytes) override {
        hash_.update(bytes);
        size_ += bytes.size();
        return {};
    }
    HashedFile finish() { return {.hash = protocol::BlobHash(hash_.finish()), .size = size_}; }

private:
    base::Sha256 hash_;
    std::uint64_t size_ = 0;
};

// The steps of the show. Each prints what it does and checks it.
class Show {
public:
    Show(World& world, std::string path, HashedFile file)
        : world_(world), path_(std::move(path)), file_(file) {}

    Result<void> run() {
        introduce();
        for (const auto step : {&Show::upload, &Show::find_copies, &Show::ask_for_it,
                                &Show::download, &Show::visit_pages}) {
            if (auto done = (this->*step)(); !done) return done;
        }
        return {};
    }

private:
    void introduce() const {
        std::cout << "Three stores and a gateway are up in this process:\n";
        for (int i = 0; i < kStores; ++i)
            std::cout << "  store " << i + 1 << "   " << world_.store(i) << "  in "
                      << world_.store_folder(i) << '\n';
        std::cout << "  gateway   " << world_.gateway() << '\n' << std::flush;
    }

    Result<void> upload() {
        const auto key = protocol::SecretKey::generate();
        std::cout << "\nUpload: PUT /upload of " << path_ << " (" << file_.size
                  << " bytes), signed by " << key.public_key().npub() << '\n';
        const auto server = engine::Url::parse(world_.gateway());
        if (!server) return std::unexpected(server.error());
        Progress progress("  " + fs::path(path_).filename().string(), file_.size,
                          ::isatty(STDOUT_FILENO) == 1, std::cout);
        const auto answer =
            put_file(world_.engine(), key, {.path = path_, .file = file_, .server = *server},
                     [&](std::uint64_t sent) { progress.show(sent); });
        progress.finish();
        if (!answer) return std::unexpected(answer.error());
        std::cout << "  " << answer->status << "  " << answer->headers.value("X-Upstream-Results")
                  << '\n';
        // 200: an earlier demo has left it in this folder.
        if (answer->status != 201 && answer->status != 200)
            return differs(
                base::text("the upload was answered ", answer->status, ' ', reason_of(*answer)));
        return read_descriptor(answer->body);
    }

    Result<void> read_descriptor(const std::string& body) {
        const auto descriptor = protocol::parse_descriptor(body);
        if (!descriptor) return std::unexpected(descriptor.error());
        std::cout << "  url " << descriptor->url << '\n';
        if (descriptor->sha256 != file_.hash || descriptor->size != file_.size)
            return differs("the descriptor speaks of another blob");
        name_ = descriptor->url.substr(descriptor->url.rfind('/'));
        return {};
    }

    Result<void> find_copies() {
        std::cout << "\nCopies on the disk, each read and hashed again:\n";
        const auto hex = file_.hash.hex();
        for (int i = 0; i < kStores; ++i) {
            const auto path = fs::path(world_.store_folder(i)) / hex.substr(0, 2) / hex;
            const auto copy = hash_file(path);
            if (!copy) return std::unexpected(copy.error());
            std::cout << "  " << path.string() << '\n';
            if (auto same = expect_same(*copy, "the copy"); !same) return same;
        }
        return {};
    }

    Result<void> ask_for_it() {
        std::cout << "\nDownload: GET " << name_ << " from the gateway\n";
        const auto answer = get(name_);
        if (!answer) return std::unexpected(answer.error());
        const auto target = answer->headers.value("Location");
        std::cout << "  " << answer->status << "  Location: " << target << '\n';
        if (answer->status != 307) return differs("that is no 307");
        if (!target.ends_with(name_)) return differs("the Location is not the blob's");
        return {};
    }

    Result<void> download() {
        HashingSink sink;
        const auto fetch = make_fetcher(world_.engine(), {.public_addresses_only = false});
        const auto fetched = fetch(world_.gateway() + name_, sink, Deadline::after(kPatience));
        if (!fetched) return fetched;
        std::cout << "  followed\n";
        return expect_same(sink.finish(), "the download");
    }

    Result<void> visit_pages() {
        std::cout << "\nThe gateway's own pages:\n";
        for (const std::string_view path : {"/", "/health", "/stats", "/metrics"}) {
            const auto answer = get(path);
            if (!answer) return std::unexpected(answer.error());
            std::cout << "  " << answer->status << "  " << world_.gateway() << path << '\n';
            if (answer->status != 200)
                return differs(base::text(path, " was answered ", answer->status));
        }
        return {};
    }

    Result<engine::Response> get(std::string_view path) {
        auto url = engine::Url::parse(base::text(world_.gateway(), path));
        if (!url) return std::unexpected(url.error());
        engine::TransferRequest request;
        request.url = std::move(*url);
        request.body_bytes_max = std::size_t{1024} * 1024;
        request.deadline = Deadline::after(kPatience);
        return ask(world_.engine(), std::move(request));
    }

    Result<void> expect_same(const HashedFile& got, std::string_view what) const {
        const bool same = got.hash == file_.hash && got.size == file_.size;
        std::cout << "    " << got.size << " bytes, sha256 " << got.hash.hex()
                  << (same ? ", right\n" : ", WRONG\n") << std::flush;
        if (!same) return differs(base::text(what, " is not what was uploaded"));
        return {};
    }

    World& world_;
    const std::string path_;
    const HashedFile file_;
    std::string name_;  // "/<sha256>.<ext>"
};

// web/espalier.png of the source tree: under the working directory, or three folders above the
// program (build/release/bin).
std::string picture() {
    constexpr auto kPicture = "web/espalier.png";
    std::error_code fault;
    if (fs::exists(kPicture, fault)) return kPicture;
    const auto program = fs::read_symlink("/proc/self/exe", fault);
    const auto beside = program.parent_path() / "../../.." / kPicture;
    return fs::exists(beside, fault) ? fs::weakly_canonical(beside, fault).string() : kPicture;
}

// Prints everything but the last line.
Result<void> show(const DemoOptions& options, const Folder& folder) {
    const auto path = options.file.empty() ? picture() : options.file;
    const auto file = hash_file(path);
    if (!file) return std::unexpected(file.error());
    World world(folder, raise_file_limit());
    if (auto started = world.start(); !started) return started;
    if (auto shown = Show(world, path, *file).run(); !shown) return shown;
    if (options.once) return {};
    std::cout << "\nIt works, and stays up until Ctrl-C: the dashboard is at " << world.gateway()
              << "/\n"
              << std::flush;
    wait_for_ending_signal();
    return {};
}

int fail_with(const base::Error& error) {
    std::cout << std::flush;
    std::cerr << "espalier demo: FAILED: " << error.reason << '\n';
    return EXIT_FAILURE;
}

}  // namespace

int run_demo(const DemoOptions& options) {
    block_ending_signals();
    auto folder = Folder::make(options.folder);
    if (!folder) return fail_with(folder.error());
    if (const auto shown = show(options, **folder); !shown) return fail_with(shown.error());
    std::cout << (options.once ? "\nespalier demo: succeeded: one upload, three copies, one "
                                 "redirect, every sha256 the same\n"
                               : "\nespalier demo: stopped\n")
              << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace espalier::command
