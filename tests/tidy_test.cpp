// The rooms keep to their ranks, foreign headers stay where their row names them, and every
// header opens with its contract. The tables are those of lib/README.md.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const std::map<std::string, int> kRanks{
    {"base", 0},    {"protocol", 1},  {"engine", 1},  {"http", 1},    {"sqlite", 1},
    {"spool", 2},   {"fleet", 2},     {"ledger", 2},  {"fanout", 3},  {"store", 3},
    {"metrics", 4}, {"dashboard", 5}, {"gateway", 6}, {"settings", 7}};
// By the first part of the header's name; "" = every room.
const std::map<std::string, std::string> kForeign{{"openssl", "base"},
                                                  {"spdlog", "base"},
                                                  {"secp256k1.h", "protocol"},
                                                  {"secp256k1_extrakeys.h", "protocol"},
                                                  {"secp256k1_schnorrsig.h", "protocol"},
                                                  {"curl", "engine"},
                                                  {"httplib.h", "http"},
                                                  {"sqlite3.h", "sqlite"},
                                                  {"prometheus", "metrics"},
                                                  {"yaml-cpp", "settings"},
                                                  {"nlohmann", ""}};
const Names kSystem{"arpa",   "linux",     "net",      "netinet",  "sys",      "fcntl.h", "netdb.h",
                    "poll.h", "pthread.h", "signal.h", "stdlib.h", "string.h", "unistd.h"};

std::string until(const std::string& text, char end) {
    return text.substr(0, text.find(end));
}

std::string why_not_ours(const std::string& room, const std::string& header) {
    const auto target = until(header, '/');
    if (!kRanks.contains(target)) return "is in no room";
    return target == room || kRanks.at(target) < kRanks.at(room) ? "" : "is not of a lower rank";
}

std::string why_not_foreign(const std::string& room, bool in_header, const std::string& header) {
    const auto first = until(header, '/');
    if (header.find_first_of("./") == std::string::npos || kSystem.contains(first)) return "";
    const auto row = kForeign.find(first);
    if (row == kForeign.end()) return "is not in the table of foreign headers";
    if (!row->second.empty() && row->second != room) return "belongs to lib/" + row->second;
    return in_header ? "is foreign, and this is a header" : "";
}

// What is wrong with one file of a room; "name: reason" each.
std::vector<std::string> faults_of(const std::string& room, const std::string& name,
                                   std::istream& text) {
    std::vector<std::string> faults;
    const bool in_header = name.ends_with(".h");
    bool contract = false, opened = !in_header;
    for (std::string line; std::getline(text, line);) {
        if (!opened && line.starts_with("//")) contract = true;
        if (!opened && line == "#pragma once") opened = true;
        if (!line.starts_with("#include ") || line.size() < 12) continue;
        const auto header = until(line.substr(10), line[9] == '<' ? '>' : '"');
        const auto why =
            line[9] == '<' ? why_not_foreign(room, in_header, header) : why_not_ours(room, header);
        if (!why.empty()) faults.push_back(name + ": " + header + " " + why);
    }
    if (!opened || (in_header && !contract))
        faults.push_back(name + ": no contract above #pragma once");
    return faults;
}

std::size_t faults_in(const std::string& room, const std::string& name, const std::string& text) {
    std::istringstream stream(text);
    return faults_of(room, name, stream).size();
}

}  // namespace

TEST_CASE("the rooms keep to their ranks, their foreign headers and their contracts") {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(ESPALIER_SOURCE_DIR "/lib")) {
        const auto path = fs::relative(entry.path(), ESPALIER_SOURCE_DIR "/lib");
        if (path.extension() != ".h" && path.extension() != ".cpp") continue;
        const auto room = path.begin()->string();
        REQUIRE_MESSAGE(kRanks.contains(room), room, " is not in the rank table");
        std::ifstream text(entry.path());
        for (const auto& fault : faults_of(room, path, text)) FAIL_CHECK(fault);
        ++files;
    }
    CHECK(files > 100);
}

TEST_CASE("each kind of disorder is seen") {
    CHECK(faults_in("fleet", "a.cpp", "#include \"gateway/gateway.h\"\n") == 1);  // upwards
    CHECK(faults_in("http", "a.cpp", "#include \"engine/url.h\"\n") == 1);        // an equal
    CHECK(faults_in("store", "a.cpp", "#include <sqlite3.h>\n") == 1);            // another room's
    CHECK(faults_in("base", "a.cpp", "#include <boost/asio.hpp>\n") == 1);        // nobody's
    CHECK(faults_in("store", "a.h", "// A.\n#pragma once\n#include <nlohmann/json.hpp>\n") == 1);
    CHECK(faults_in("base", "a.h", "#pragma once\n// Too late.\n") == 1);
    CHECK(faults_in("store", "a.cpp",
                    "#include <vector>\n#include <sys/stat.h>\n#include \"http/reply.h\"\n") == 0);
}
