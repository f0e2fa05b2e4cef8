#include "missing.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "configured.h"
#include "survey.h"

namespace espalier::command {
namespace {

void print_text(const Survey& found) {
    for (const auto& destination : found.destinations) {
        std::cout << "## " << destination.name() << '\n';
        if (destination.missing.empty()) std::cout << "  (none)\n";
        for (const auto& copy : destination.missing)
            std::cout << "  " << copy.hash.hex() << ' ' << copy.source << '\n';
        std::cout << '\n';
    }
}

void print_json(const Survey& found) {
    auto all = nlohmann::ordered_json::object();
    for (const auto& destination : found.destinations) {
        auto& list = all[destination.name()] = nlohmann::ordered_json::array();
        for (const auto& copy : destination.missing)
            list.push_back(
                {{"hash", copy.hash.hex()}, {"source", copy.source}, {"inferred", copy.source}});
    }
    std::cout << all.dump(2) << '\n';
}

// "example.com_8080": a server's name as a file's.
std::string file_name(const engine::Url& url) {
    auto name = url.authority();
    std::ranges::replace(name, ':', '_');
    return name;
}

bool write_files(const Survey& found, const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    for (const auto& [server, missing] : found.destinations) {
        std::ofstream file(folder / file_name(server.url));
        for (const auto& copy : missing)
            file << copy.hash.hex() << ' ' << copy.source << ' ' << copy.source << '\n';
        if (!file.flush()) {
            std::cerr << "espalier missing: cannot write to " << folder.string() << '\n';
            return false;
        }
    }
    return true;
}

}  // namespace

int run_missing(const MissingOptions& options) {
    auto asked = read_configured(options.config, options.pubkey, options.secret);
    if (!asked) {
        std::cerr << "espalier missing: " << asked.error().reason << '\n';
        return EXIT_FAILURE;
    }
    Desk desk(std::move(asked->upstreams));
    const auto found = survey(desk, asked->pubkey, asked->key ? &*asked->key : nullptr);
    for (const auto& warning : found.warnings) std::cerr << "warning: " << warning << '\n';
    if (found.warnings.size() == desk.fleet.size()) {
        std::cerr << "espalier missing: no server could be listed\n";
        return EXIT_FAILURE;
    }
    if (!options.output_folder.empty())
        return write_files(found, options.output_folder) ? EXIT_SUCCESS : EXIT_FAILURE;
    options.json ? print_json(found) : print_text(found);
    std::cout << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace espalier::command
