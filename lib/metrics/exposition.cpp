#include "metrics/exposition.h"

#include <limits>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace espalier::metrics {

struct Exposition::Families {
    std::vector<prometheus::MetricFamily> in_order;
    std::map<std::string, std::size_t, std::less<>> by_name;

    prometheus::MetricFamily& get(std::string_view name, std::string_view help,
                                  prometheus::MetricType type) {
        const auto known = by_name.find(name);
        if (known != by_name.end()) return in_order[known->second];
        by_name.emplace(name, in_order.size());
        auto& family = in_order.emplace_back();
        family.name = name;
        family.help = help;
        family.type = type;
        return family;
    }
};

Exposition::Exposition() : families_(std::make_unique<Families>()) {}
Exposition::~Exposition() = default;

void Exposition::add(bool is_counter, std::string_view name, std::string_view help, double value,
                     std::initializer_list<Label> labels) {
    const auto type = is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    auto& metric = families_->get(name, help, type).metric.emplace_back();
    for (const auto& label : labels)
        metric.label.push_back({std::string(label.name), std::string(label.value)});
    is_counter ? metric.counter.value = value : metric.gauge.value = value;
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value,
                         std::initializer_list<Label> labels) {
    add(true, name, help, static_cast<double>(value), labels);
}

void Exposition::counter(std::string_view name, std::string_view help, double value,
                         std::initializer_list<Label> labels) {
    add(true, name, help, value, labels);
}

void Exposition::gauge(std::string_view name, std::string_view help, double value,
                       std::initializer_list<Label> labels) {
    add(false, name, help, value, labels);
}

void Exposition::histogram(std::string_view name, std::string_view help,
                           std::span<const double> bounds, std::span<const std::uint64_t> counts,
                           double sum, std::initializer_list<Label> labels) {
    auto& metric =
        families_->get(name, help, prometheus::MetricType::Histogram).metric.emplace_back();
    for (const auto& label : labels)
        metric.label.push_back({std::string(label.name), std::string(label.value)});
    auto& histogram = metric.histogram;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        histogram.sample_count += counts[i];
        const auto bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
        histogram.bucket.push_back(
            {.cumulative_count = histogram.sample_count, .upper_bound = bound});
    }
    histogram.sample_sum = sum;
}

std::string Exposition::text() const {
    return prometheus::TextSerializer().Serialize(families_->in_order);
}

std::string Metrics::text() const {
    Exposition exposition;
    for (const auto& source : sources_) source(exposition);
    return exposition.text();
}

}  // namespace espalier::metrics
