// How far something has come, for a human: a bar that is redrawn on a terminal, a line per
// quarter anywhere else.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace espalier::command {

// "512 B", "87.3 KiB", "1.2 GiB".
std::string human_bytes(std::uint64_t bytes);
// What is counted.
enum class Unit : std::uint8_t { bytes, blobs };

// How far it has come.
struct Progressed {
    std::uint64_t done = 0, total = 0;
    Unit unit = Unit::bytes;
};

// "name [######          ]  40 %  12.3 MiB of 30.0 MiB  4.1 MiB/s", at most `columns` wide as
// long as the name fits.
std::string progress_bar(std::string_view name, const Progressed& progressed,
                         base::Milliseconds elapsed, std::size_t columns);

class Progress {
public:
    // `out` outlives the Progress. `terminal`: whether the bar may be redrawn in place.
    Progress(std::string name, std::uint64_t total, bool terminal, std::ostream& out,
             Unit unit = Unit::bytes);

    void show(std::uint64_t done);
    // The last state stays on the terminal, and the line ends. Harmless when repeated.
    void finish();

private:
    void draw(std::uint64_t done, base::Steady::time_point now);

    const std::string name_;
    const std::uint64_t total_;
    const Unit unit_;
    const bool terminal_;
    std::ostream& out_;
    const base::Steady::time_point begun_;
    base::Steady::time_point drawn_;
    std::uint64_t done_ = 0;
    int quarters_ = 0;  // told so far
    bool finished_ = false;
};

}  // namespace espalier::command
