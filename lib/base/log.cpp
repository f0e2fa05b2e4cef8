#include "base/log.h"

#include <algorithm>

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace espalier::base {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warning:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

// JSON string content; enough for log values, which may hold bytes that clients chose.
void append_escaped(std::string& out, std::string_view in) {
    for (const char c : in) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte >= 0x7f) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
}

void append_quoted(std::string& out, std::string_view in) {
    out.push_back('"');
    append_escaped(out, in);
    out.push_back('"');
}

bool needs_quotes(std::string_view value) {
    return value.empty() || std::ranges::any_of(value, [](char c) {
               return c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f;
           });
}

std::string text_line(std::string_view message, std::span<const Field> fields) {
    std::string line;
    append_escaped(line, message);
    for (const auto& field : fields) {
        line.append(" ").append(field.key).append("=");
        needs_quotes(field.value) ? append_quoted(line, field.value)
                                  : static_cast<void>(line.append(field.value));
    }
    return line;
}

// The pattern opens the object with time and level.
std::string json_line(std::string_view message, std::span<const Field> fields) {
    std::string line = "\"message\":";
    append_quoted(line, message);
    for (const auto& field : fields) {
        line.push_back(',');
        append_quoted(line, field.key);
        line.push_back(':');
        field.is_number ? static_cast<void>(line.append(field.value))
                        : append_quoted(line, field.value);
    }
    line.push_back('}');
    return line;
}

spdlog::sink_ptr make_sink(const std::string& path) {
    if (path.empty()) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    return std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
}

}  // namespace

struct Log::Sink {
    explicit Sink(const Options& options)
        : pool(std::make_shared<spdlog::details::thread_pool>(options.queue_lines_max, 1)),
          logger(std::make_shared<spdlog::async_logger>(
              "espalier", make_sink(options.path), pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_level(spdlog_level(options.level));
        logger->flush_on(spdlog::level::info);
        logger->set_pattern(options.format == Format::json
                                ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v)"
                                : "%Y-%m-%dT%H:%M:%S.%e %-7l %v");
    }

    // The pool first: it writes what is queued and joins its thread, which uses the logger.
    ~Sink() { pool.reset(); }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(const Options& options)
    : level_(options.level), format_(options.format), sink_(std::make_unique<Sink>(options)) {}

Log::~Log() = default;

void Log::write(Level level, std::string_view message, std::span<const Field> fields) {
    if (!enabled(level)) return;
    const auto line =
        format_ == Format::json ? json_line(message, fields) : text_line(message, fields);
    sink_->logger->log(spdlog_level(level), spdlog::string_view_t(line));
}

}  // namespace espalier::base
