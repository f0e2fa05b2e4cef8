#include "progress.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "base/text.h"

namespace espalier::command {
namespace {

constexpr base::Milliseconds kBetweenDraws{100};
constexpr std::size_t kColumns = 79;
constexpr std::size_t kBarMin = 10, kBarMax = 40;

int percent_of(std::uint64_t done, std::uint64_t total) {
    if (total == 0) return 100;
    const auto share = static_cast<double>(done) / static_cast<double>(total);
    return static_cast<int>(std::min(share, 1.0) * 100);
}

std::string amount(std::uint64_t count, Unit unit) {
    return unit == Unit::bytes ? human_bytes(count) : std::to_string(count);
}

std::string right(std::uint64_t number, std::size_t width) {
    auto text = std::to_string(number);
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) return base::text(bytes, " B");
    // In tenths, so that no rounding of floating point shows.
    std::size_t unit = 0;
    std::uint64_t whole = bytes;
    std::uint64_t rest = 0;
    for (unit = 0; unit < kUnits.size(); ++unit) {
        rest = whole % 1024;
        whole /= 1024;
        if (whole < 1024) break;
    }
    return base::text(whole, '.', rest * 10 / 1024, ' ', kUnits[std::min(unit, kUnits.size() - 1)]);
}

std::string progress_bar(std::string_view name, const Progressed& progressed,
                         base::Milliseconds elapsed, std::size_t columns) {
    const auto [done, total, unit] = progressed;
    const auto percent = percent_of(done, total);
    auto tail = base::text(' ', right(static_cast<std::uint64_t>(percent), 3), " %  ",
                           amount(done, unit), " of ", amount(total, unit));
    if (unit == Unit::bytes && elapsed.count() > 0) {
        const auto rate = static_cast<double>(done) * 1000 / static_cast<double>(elapsed.count());
        tail += base::text("  ", human_bytes(static_cast<std::uint64_t>(rate)), "/s");
    }
    const auto taken = name.size() + tail.size() + 3;
    const auto room = columns > taken ? columns - taken : 0;
    const auto width = std::clamp(room, kBarMin, kBarMax);
    const auto filled = width * static_cast<std::size_t>(percent) / 100;
    return base::text(name, " [", std::string(filled, '#'), std::string(width - filled, ' '), ']',
                      tail);
}

Progress::Progress(std::string name, std::uint64_t total, bool terminal, std::ostream& out,
                   Unit unit)
    : name_(std::move(name)),
      total_(total),
      unit_(unit),
      terminal_(terminal),
      out_(out),
      begun_(base::Steady::now()),
      drawn_(begun_ - kBetweenDraws) {}

void Progress::show(std::uint64_t done) {
    done_ = std::max(done_, done);
    const auto now = base::Steady::now();
    if (terminal_) {
        if (now - drawn_ >= kBetweenDraws) draw(done_, now);
        return;
    }
    const int quarters = percent_of(done_, total_) / 25;
    if (quarters <= quarters_) return;
    quarters_ = quarters;
    out_ << name_ << ": " << quarters * 25 << " % of " << amount(total_, unit_)
         << (unit_ == Unit::bytes ? " sent\n" : " blobs\n") << std::flush;
}

void Progress::finish() {
    if (std::exchange(finished_, true) || !terminal_) return;
    draw(done_, base::Steady::now());
    out_ << '\n' << std::flush;
}

void Progress::draw(std::uint64_t done, base::Steady::time_point now) {
    drawn_ = now;
    const auto elapsed = std::chrono::duration_cast<base::Milliseconds>(now - begun_);
    // What an earlier, longer bar has left is wiped.
    out_ << '\r' << progress_bar(name_, {done, total_, unit_}, elapsed, kColumns) << "\x1b[K"
         << std::flush;
}

}  // namespace espalier::command
