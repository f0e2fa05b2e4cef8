// A Report collects everything that is wrong with a file, so that one run tells all of it.
//
// Lines read "file:line: key: what is wrong".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace espalier::settings {

class Report {
public:
    explicit Report(std::string file) : file_(std::move(file)) {}

    void problem(int line, std::string_view key, std::string_view what);
    // A problem outside of the file.
    void problem_elsewhere(std::string_view place, std::string_view what);
    void warning(int line, std::string_view key, std::string_view what);

    bool has_problems() const { return !problems_.empty(); }
    // In the order of their lines.
    std::vector<std::string> problems() const { return texts(problems_); }
    std::vector<std::string> warnings() const { return texts(warnings_); }

private:
    struct Entry {
        int line = 0;
        std::string text;
    };
    Entry entry(int line, std::string_view key, std::string_view what) const;
    static std::vector<std::string> texts(std::vector<Entry> entries);

    std::string file_;
    std::vector<Entry> problems_;
    std::vector<Entry> warnings_;
};

}  // namespace espalier::settings
