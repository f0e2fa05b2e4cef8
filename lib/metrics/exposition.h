// Metrics in Prometheus' text format. Rooms do not know Prometheus: main registers a source
// per room, a function that adds the room's present figures to an Exposition.
//
// Label values come from closed sets (configured hosts, operations, routes, codes): never a
// hash, a pubkey, a path or a client's address.
//
// Threads: add_source() before the first text(); text() from any.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::metrics {

struct Label {
    std::string_view name;
    std::string_view value;
};

// One scrape's samples. A family's samples may be added in any order.
class Exposition {
public:
    Exposition();
    ~Exposition();

    // `name` ends in _total; the value never falls while the process lives.
    void counter(std::string_view name, std::string_view help, std::uint64_t value,
                 std::initializer_list<Label> labels = {});
    void counter(std::string_view name, std::string_view help, double value,
                 std::initializer_list<Label> labels = {});
    void gauge(std::string_view name, std::string_view help, double value,
               std::initializer_list<Label> labels = {});
    // `bounds`: upper ends of the buckets, in the metric's unit; `counts`: one more than bounds,
    // not cumulative.
    void histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                   std::span<const std::uint64_t> counts, double sum,
                   std::initializer_list<Label> labels = {});
    std::string text() const;

private:
    struct Families;
    void add(bool is_counter, std::string_view name, std::string_view help, double value,
             std::initializer_list<Label> labels);
    std::unique_ptr<Families> families_;
};

class Metrics {
public:
    using Source = std::function<void(Exposition&)>;
    void add_source(Source source) { sources_.push_back(std::move(source)); }
    std::string text() const;

private:
    std::vector<Source> sources_;
};

}  // namespace espalier::metrics
