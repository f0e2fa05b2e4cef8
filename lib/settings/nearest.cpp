#include "settings/nearest.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace espalier::settings {
namespace {

// Names of keys are short; longer words are nobody's typing error.
constexpr std::size_t kLengthMax = 64;

std::string folded(std::string_view name) {
    std::string out = base::ascii_lower(name.substr(0, kLengthMax));
    std::ranges::replace(out, '-', '_');
    return out;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::string x = folded(a);
    const std::string y = folded(b);
    // rows[i][j]: the distance between the first i of x and the first j of y.
    std::vector<std::vector<std::size_t>> rows(x.size() + 1,
                                               std::vector<std::size_t>(y.size() + 1));
    for (std::size_t j = 0; j <= y.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= x.size(); ++i) {
        rows[i][0] = i;
        for (std::size_t j = 1; j <= y.size(); ++j) {
            const std::size_t replaced = rows[i - 1][j - 1] + (x[i - 1] == y[j - 1] ? 0 : 1);
            rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1];
            if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[x.size()][y.size()];
}

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> names) {
    std::optional<std::string> best;
    std::size_t best_distance = 0;
    for (const auto& candidate : names) {
        const std::size_t distance = edit_distance(name, candidate);
        const bool close = distance <= std::max<std::size_t>(1, candidate.size() / 3);
        if (!close || (best && distance >= best_distance)) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

}  // namespace espalier::settings
