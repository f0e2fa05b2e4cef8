#include "upload.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "auth.h"
#include "base/text.h"
#include "client.h"
#include "progress.h"
#include "protocol/descriptor.h"

namespace espalier::command {
namespace {

using nlohmann::json;

void complain(std::string_view what, std::string_view why) {
    std::cerr << "espalier upload: " << what << ": " << why << '\n';
}

std::string text_of(const json& value) {
    if (value.is_string()) return base::one_line(value.get_ref<const std::string&>(), 300);
    return value.is_number_integer() ? std::to_string(value.get<std::int64_t>()) : "";
}

// A gateway says in an error's body what each of its servers has answered.
void print_refusals(const std::string& body) {
    const auto said = json::parse(body, nullptr, false);
    if (!said.is_object() || !said.contains("upstreams") || !said["upstreams"].is_array()) return;
    for (const auto& one : said["upstreams"]) {
        if (!one.is_object()) continue;
        std::cerr << "  " << text_of(one.value("host", json())) << "  "
                  << text_of(one.value("status", json())) << "  "
                  << text_of(one.value("reason", json())) << '\n';
    }
}

bool print_descriptor(const std::string& path, const HashedFile& file,
                      const engine::Response& response) {
    const auto descriptor = protocol::parse_descriptor(response.body);
    if (!descriptor) {
        complain(path, base::text(response.status, ", but ", descriptor.error().reason));
        return false;
    }
    if (descriptor->sha256 != file.hash) {
        complain(path, "the server speaks of another blob: " + descriptor->sha256.hex());
        return false;
    }
    std::cout << descriptor->url << '\n';
    for (const auto& mirror : descriptor->mirrors)
        std::cout << "  " << mirror.status << "  " << mirror.url << '\n';
    std::cout << std::flush;
    return true;
}

bool send(engine::Engine& engine, const protocol::SecretKey& key, const engine::Url& server,
          const std::string& path) {
    const auto file = hash_file(path);
    if (!file) {
        complain(path, file.error().reason);
        return false;
    }
    Progress progress(std::filesystem::path(path).filename().string(), file->size,
                      ::isatty(STDERR_FILENO) == 1, std::cerr);
    const auto answer = put_file(engine, key, {.path = path, .file = *file, .server = server},
                                 [&](std::uint64_t sent) { progress.show(sent); });
    progress.finish();
    if (!answer) {
        complain(path, answer.error().reason);
        return false;
    }
    if (answer->status >= 200 && answer->status < 300)
        return print_descriptor(path, *file, *answer);
    complain(path, base::text(answer->status, ' ', reason_of(*answer)));
    print_refusals(answer->body);
    return false;
}

}  // namespace

std::string reason_of(const engine::Response& response) {
    constexpr std::size_t kReasonMax = 300;
    const auto header = response.headers.value("X-Reason");
    if (!header.empty()) return base::one_line(header, kReasonMax);
    const auto said = json::parse(response.body, nullptr, false);
    if (said.is_object() && said.contains("message")) return text_of(said["message"]);
    return base::one_line(response.body, kReasonMax);
}

int run_upload(const UploadOptions& options) {
    const auto key = secret_key(options.secret);
    if (!key) {
        complain("no key", key.error().reason);
        return EXIT_FAILURE;
    }
    const auto server = engine::Url::parse(options.server);
    if (!server) {
        complain(options.server, server.error().reason);
        return EXIT_FAILURE;
    }
    engine::Engine engine({});
    bool all = true;
    for (const auto& path : options.files) all = send(engine, *key, *server, path) && all;
    return all && std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace espalier::command
