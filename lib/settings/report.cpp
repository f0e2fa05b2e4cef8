#include "settings/report.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::settings {

void Report::problem(int line, std::string_view key, std::string_view what) {
    problems_.push_back(entry(line, key, what));
}

void Report::problem_elsewhere(std::string_view place, std::string_view what) {
    problems_.push_back({.line = 0, .text = base::text(place, ": ", what)});
}

void Report::warning(int line, std::string_view key, std::string_view what) {
    warnings_.push_back(entry(line, key, what));
}

Report::Entry Report::entry(int line, std::string_view key, std::string_view what) const {
    const auto place = key.empty() ? std::string() : base::text(key, ": ");
    return {.line = line, .text = base::text(file_, ":", line, ": ", place, what)};
}

std::vector<std::string> Report::texts(std::vector<Entry> entries) {
    std::ranges::stable_sort(entries, {}, &Entry::line);
    std::vector<std::string> out;
    out.reserve(entries.size());
    for (auto& entry : entries) out.push_back(std::move(entry.text));
    return out;
}

}  // namespace espalier::settings
