#include "repair.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "auth.h"
#include "base/text.h"
#include "client.h"
#include "configured.h"
#include "progress.h"
#include "protocol/descriptor.h"
#include "protocol/mirror_request.h"
#include "protocol/token.h"
#include "store_fetch.h"
#include "survey.h"
#include "upload.h"

namespace espalier::command {
namespace {

using base::Result;

constexpr base::Seconds kMirrorPatience{600};
constexpr std::int64_t kTokenLifetime = 900;

std::unexpected<base::Error> failure(std::string reason) {
    return base::fail(base::ErrorKind::invalid, std::move(reason));
}

// What became of one copy, or of all copies of a server.
struct Tally {
    std::size_t mirrored = 0, uploaded = 0, skipped = 0;
    std::vector<std::pair<MissingCopy, std::string>> failed;  // and why
};

// A file that is gone when this is.
class ScratchFile {
public:
    static Result<ScratchFile> make() {
        auto path = (std::filesystem::temp_directory_path() / "espalier-XXXXXX").string();
        const int fd = ::mkstemp(path.data());
        if (fd < 0) return failure("no temporary file can be made");
        ::close(fd);
        return ScratchFile(std::move(path));
    }
    ScratchFile(ScratchFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    const std::string& path() const { return path_; }

private:
    explicit ScratchFile(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

class FileSink : public store::FetchSink {
public:
    explicit FileSink(const std::string& path) : file_(path, std::ios::binary) {}
    Result<void> begin(const store::FetchedHead&) override { return {}; }
    Result<void> append(std::span<const std::byte> bytes) override {
        file_.write(reinterpret_cast<const char*>(bytes.data()),
                    static_cast<std::streamsize>(bytes.size()));
        return file_ ? Result<void>() : failure("the temporary file cannot be written");
    }
    bool close() { return static_cast<bool>(file_.flush()); }

private:
    std::ofstream file_;
};

class Repairer {
public:
    Repairer(Desk& desk, const protocol::SecretKey& key) : desk_(desk), key_(key) {}

    Tally bring_all(const Destination& to) {
        Tally tally;
        Progress progress(to.server.host(), to.missing.size(), ::isatty(STDERR_FILENO) == 1,
                          std::cerr, Unit::blobs);
        std::size_t done = 0;
        for (const auto& copy : to.missing) {
            bring(to.server, copy, tally);
            progress.show(++done);
        }
        if (done > 0) progress.finish();
        for (const auto& [copy, why] : tally.failed)
            std::cerr << to.server.host() << ": " << copy.hash.hex() << ": " << why << '\n';
        return tally;
    }

private:
    void bring(const fleet::Upstream& to, const MissingCopy& copy, Tally& tally) {
        if (has_blob(desk_, to, copy.hash)) {
            ++tally.skipped;
            return;
        }
        const auto mirrored = mirror(to, copy);
        if (mirrored) {
            ++tally.mirrored;
            return;
        }
        const auto carried = carry(to, copy);
        if (carried)
            ++tally.uploaded;
        else
            tally.failed.emplace_back(
                copy, base::text(mirrored.error().reason, "; ", carried.error().reason));
    }

    Result<void> mirror(const fleet::Upstream& to, const MissingCopy& copy) {
        auto request =
            fanout::request_to(to, "PUT", "/mirror", base::Deadline::after(kMirrorPatience));
        const auto now = desk_.clock.unix_now();
        request.headers.add("Authorization",
                            mint_token(key_, protocol::Verb::upload, {copy.hash}, {}, now,
                                       now + kTokenLifetime, "Mirror with espalier"));
        request.headers.add("Content-Type", "application/json");
        request.headers.add("X-SHA-256", copy.hash.hex());
        request.body = protocol::mirror_request(copy.source);
        request.stall_timeout = kMirrorPatience;
        return accepted("mirror", ask(desk_.engine, std::move(request)), copy.hash);
    }

    // Through this machine: fetched, checked, uploaded.
    Result<void> carry(const fleet::Upstream& to, const MissingCopy& copy) {
        const auto scratch = ScratchFile::make();
        if (!scratch) return std::unexpected(scratch.error());
        FileSink sink(scratch->path());
        // The servers are the operator's own choice, private ones too.
        const auto fetch = make_fetcher(desk_.engine, {.public_addresses_only = false});
        const auto fetched = fetch(copy.source, sink, base::Deadline::after(kMirrorPatience));
        if (!fetched) return failure(base::text("fetch: ", fetched.error().reason));
        if (!sink.close()) return failure("the temporary file cannot be written");
        const auto file = hash_file(scratch->path());
        if (!file) return std::unexpected(file.error());
        if (file->hash != copy.hash)
            return failure(
                base::text("fetch: the source sent bytes of another hash, ", file->hash.hex()));
        return accepted(
            "upload",
            put_file(desk_.engine, key_, {.path = scratch->path(), .file = *file, .server = to.url},
                     [](std::uint64_t) {}),
            copy.hash);
    }

    static Result<void> accepted(const char* what, const Result<engine::Response>& answer,
                                 const protocol::BlobHash& hash) {
        if (!answer) return failure(base::text(what, ": ", answer.error().reason));
        if (answer->status < 200 || answer->status >= 300)
            return failure(base::text(what, ": ", answer->status, ' ', reason_of(*answer)));
        const auto descriptor = protocol::parse_descriptor(answer->body);
        if (!descriptor || descriptor->sha256 != hash)
            return failure(base::text(what, ": the server speaks of another blob"));
        return {};
    }

    Desk& desk_;
    const protocol::SecretKey& key_;
};

// The file of `espalier missing --output-dir`.
Result<std::vector<MissingCopy>> read_list(const std::string& path) {
    std::ifstream file(path);
    if (!file) return failure(base::text("cannot read ", path));
    std::vector<MissingCopy> copies;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        std::istringstream words(line);
        std::string hash;
        MissingCopy copy;
        if (!(words >> hash)) continue;
        const auto parsed = protocol::BlobHash::parse(hash);
        if (!parsed || !(words >> copy.source))
            return failure(
                base::text(path, ':', number, ": a line is a hash and the URL of a copy"));
        copy.hash = *parsed;
        copies.push_back(std::move(copy));
    }
    return copies;
}

// What is to be done, and with which servers at hand.
struct Work {
    std::vector<Destination> destinations;
    std::unique_ptr<Desk> desk;
    std::optional<protocol::SecretKey> key;
};

Result<Work> work_for_one(const RepairOptions& options) {
    if (options.list.empty()) return failure("--server needs --list, what to bring there");
    const auto url = engine::Url::parse(options.server);
    if (!url) return failure(base::text(options.server, ": ", url.error().reason));
    auto copies = read_list(options.list);
    if (!copies) return std::unexpected(copies.error());
    Work work;
    const fleet::Upstream server{.id = 0, .url = *url};
    work.desk = std::make_unique<Desk>(std::vector{server});
    work.destinations.push_back({.server = server, .missing = std::move(*copies)});
    if (!options.dry_run) {
        auto key = secret_key(options.secret);
        if (!key) return std::unexpected(key.error());
        work.key = std::move(*key);
    }
    return work;
}

Result<Work> work_for_all(const RepairOptions& options) {
    auto asked = read_configured(options.config, options.pubkey, options.secret);
    if (!asked) return std::unexpected(asked.error());
    if (!asked->key && !options.dry_run) return std::unexpected(secret_key("").error());
    Work work;
    work.desk = std::make_unique<Desk>(std::move(asked->upstreams));
    work.key = std::move(asked->key);
    auto found = survey(*work.desk, asked->pubkey, work.key ? &*work.key : nullptr);
    for (const auto& warning : found.warnings) std::cerr << "warning: " << warning << '\n';
    if (found.warnings.size() == work.desk->fleet.size())
        return failure("no server could be listed");
    work.destinations = std::move(found.destinations);
    return work;
}

nlohmann::ordered_json json_of(const Tally& tally) {
    nlohmann::ordered_json json{{"mirrored", tally.mirrored},
                                {"uploaded", tally.uploaded},
                                {"skipped", tally.skipped},
                                {"failed", nlohmann::json::array()}};
    for (const auto& [copy, why] : tally.failed)
        json["failed"].push_back({{"hash", copy.hash.hex()}, {"reason", why}});
    return json;
}

void show_plan(const Work& work) {
    for (const auto& destination : work.destinations)
        for (const auto& copy : destination.missing)
            std::cout << "would bring " << copy.hash.hex() << " to " << destination.name()
                      << " from " << copy.source << '\n';
}

int carry_out(const RepairOptions& options, const Work& work) {
    Repairer repairer(*work.desk, *work.key);
    std::ofstream errors;
    if (!options.error_log.empty()) errors.open(options.error_log);
    auto totals = nlohmann::ordered_json::object();
    bool all = true;
    for (const auto& destination : work.destinations) {
        const auto tally = repairer.bring_all(destination);
        all = all && tally.failed.empty();
        for (const auto& [copy, why] : tally.failed) errors << copy.source << '\n';
        totals[destination.name()] = json_of(tally);
        if (!options.json)
            std::cout << destination.name() << ": " << tally.mirrored << " mirrored, "
                      << tally.uploaded << " uploaded, " << tally.skipped << " there already, "
                      << tally.failed.size() << " failed\n";
    }
    if (options.json) std::cout << totals.dump(2) << '\n';
    return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int run_repair(const RepairOptions& options) {
    const auto work = options.server.empty() ? work_for_all(options) : work_for_one(options);
    if (!work) {
        std::cerr << "espalier repair: " << work.error().reason << '\n';
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    if (options.dry_run)
        show_plan(*work);
    else
        status = carry_out(options, *work);
    std::cout << std::flush;
    return std::cout ? status : EXIT_FAILURE;
}

}  // namespace espalier::command
